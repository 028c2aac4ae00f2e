#!/bin/sh
# Options alone are the server's, as in the public image.
case $1 in -* | "") set -- redis-server "$@" ;; esac
exec "$@"

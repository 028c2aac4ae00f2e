#!/bin/sh
exec gpg "$@"

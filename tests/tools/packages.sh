#!/usr/bin/env bash
# Install what the lock $1 names into the virtual environment $2: by uv, in seconds, else by pip, in a minute. uv reads
# none of pip's settings, so it is told the index and the certificates; with whatever else is set there, such as a
# proxy, it may fail where pip does not.
set -euo pipefail
lock=$1 environment=$2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

pip_install() {
  "$environment/bin/pip" install -q --disable-pip-version-check --require-hashes -r "$1"
}

# pip_setting NAME: what pip would take, from its variables before its files.
pip_setting() {
  "$environment/bin/pip" config list | sed -n "s/^[^=]*\.$1='\(.*\)'$/\1/p" | head -n 1
}

uv_install() {
  local index certificates
  index=${UV_DEFAULT_INDEX:-$(pip_setting index-url)}
  certificates=${SSL_CERT_FILE:-$(pip_setting cert)}
  [[ -z $index ]] || export UV_DEFAULT_INDEX=$index
  [[ -z $certificates ]] || export SSL_CERT_FILE=$certificates
  UV_SYSTEM_CERTS=1 UV_HTTP_CONNECT_TIMEOUT=5 UV_HTTP_RETRIES=1 \
    "$environment/bin/uv" pip install -q --require-hashes --python "$environment/bin/python" -r "$1"
}

if ! { [[ -x $environment/bin/uv ]] || pip_install "$here/uv.txt"; } || ! uv_install "$lock"; then
  echo "packages: not by uv, as said above; now by pip, which takes about a minute"
  pip_install "$lock"
fi

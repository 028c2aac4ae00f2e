# The programs in $bin, compiled once from Go modules at fixed versions, and what Debian has of the others.

# check: say in one line what the machine lacks. Everything else is fetched.
check() {
  local program missing=()
  [[ $(uname -sm) == "Linux x86_64" ]] || missing+=("Linux on x86_64, and this is $(uname -sm)")
  [[ $(id -u) == 0 ]] || missing+=("root's rights")
  for program in apt-get go curl "python${python}"; do
    command -v "$program" >/dev/null || missing+=("$program")
  done
  [[ $(python_prefix) != /usr ]] || missing+=("a Python $python that is not the system's")
  [[ ${#missing[@]} == 0 ]] && return
  printf -v program ', %s' "${missing[@]}"
  die "missing: ${program:2}"
}

# python_prefix: where its files are; the system's own are among all others.
python_prefix() { "python$python" -c 'import sys; print(sys.base_prefix)' 2>/dev/null || true; }

packages() {
  local package missing=()
  for package in containerd runc containernetworking-plugins iptables conntrack iproute2 mmdebstrap \
    docker-registry openssl; do
    dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
  done
  [[ ${#missing[@]} == 0 ]] && return
  say "installing ${missing[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# once NAME SUM COMMAND...: run the command unless it ended well before with the same sum, and say what it makes.
once() {
  local made=$bin/.$1 sum=$2 name=$1; shift 2
  [[ $(cat "$made" 2>/dev/null) == "$sum" ]] && return
  local began=$SECONDS
  say "$name: building"
  "$@"
  echo "$sum" >"$made"
  say "$name: built in $((SECONDS - began)) s"
}

# compile DIRECTORY LDFLAGS PACKAGE...: the commands of a Go module beside this file.
compile() {
  local dir=$1 flags="-s -w $2"; shift 2
  once "$dir" "$( (echo "$flags" "$@"; cat "$here/$dir"/*) | sha256sum)" \
    env -C "$here/$dir" CGO_ENABLED=0 go build -buildvcs=false -mod=readonly -trimpath -ldflags "$flags" -o "$bin/" "$@"
}

# install NAME PACKAGE@VERSION: a command of somebody else's Go module.
install() { once "$1" "$2" env GOBIN="$bin" CGO_ENABLED=0 go install -trimpath -ldflags "-s -w" "$2"; }

# alertmanager VERSION: from a copy, since the module lacks the pages that it embeds, and without them does not compile.
alertmanager() {
  local module=github.com/prometheus/alertmanager@v$1 version=github.com/prometheus/common/version copy page
  copy=$(mktemp -d)
  go mod download "$module"
  cp -rT --no-preserve=mode "$(go env GOMODCACHE)/$module" "$copy"
  for page in "$copy"/ui/app/dist/{elm,mantine}/index.html; do
    mkdir -p "${page%/*}"
    echo "This build has no pages." >"$page"
  done
  env -C "$copy" CGO_ENABLED=0 go build -buildvcs=false -trimpath -ldflags "-s -w -X $version.Version=$1" \
    -o "$bin/" ./cmd/alertmanager ./cmd/amtool
  rm -r "$copy"
}

build() {
  local version=k8s.io/component-base/version
  check
  mkdir -p "$bin" "$pki" "$run" "$log"
  packages
  compile node "-X $version.gitVersion=v1.34.4 -X $version.gitMajor=1 -X $version.gitMinor=34" . k8s.io/kubernetes/cmd/kubectl
  compile argocd "-X github.com/argoproj/argo-cd/v3/common.version=3.5.7" .
  compile prometheus "-X github.com/prometheus/common/version.Version=3.13.5" \
    github.com/prometheus/prometheus/cmd/prometheus github.com/prometheus/prometheus/cmd/promtool
  # Its module asks for this very version, and Go fetches it.
  GOTOOLCHAIN=go1.26.10 compile rollouts "" github.com/argoproj/argo-rollouts/cmd/rollouts-controller
  once alertmanager "0.35.0 $(declare -f alertmanager | sha256sum)" alertmanager 0.35.0
  compile addons "" .
  compile pause "" .
  install coredns github.com/coredns/coredns@v1.12.4
  install kustomize sigs.k8s.io/kustomize/kustomize/v5@v5.8.1
  install act github.com/nektos/act@v0.2.89
}

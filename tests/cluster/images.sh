# Images in the registry: stand-ins for public ones, which no package registry has. Each has the name and the tag of the
# public one. What has not changed is found in Docker's cache.

# provide IMAGE...: the last word of its path names the folder in images/ that it is built from.
provide() {
  local image path name
  once base "$(declare -f base_image | sha256sum)" base_image
  for image in "$@"; do
    path=${image#*.*/} name=${path##*/} name=${name%%:*}
    [[ $path == */* ]] || path=library/$path
    [[ -e $here/images/$name ]] || die "no stand-in for $image"
    say "image $image"
    context "$name" | docker build -q -t "$registry/$path" --build-arg "BASE=$registry/stand-in/base" \
      --build-arg "PYTHON=$registry/library/python:$python-slim" - >/dev/null
    docker push -q "$registry/$path" >/dev/null
  done
}

# base_image: the file system that each begins with. It has this machine's certificate authorities, so that pip reaches
# in a build what it reaches here.
base_image() {
  local packages=ca-certificates,git,gnupg,tini,redis-server,netbase,curl,openssl bundle=/etc/ssl/certs/ca-certificates.crt
  mmdebstrap --quiet --variant=minbase --include="$packages" \
    --customize-hook="copy-in $bundle ${bundle%/*}" \
    --customize-hook="printf '[global]\ncert = $bundle\n' >\"\$1/etc/pip.conf\"" bookworm - |
    docker import - "$registry/stand-in/base" >/dev/null
  docker push -q "$registry/stand-in/base" >/dev/null
}

# context NAME: a tar archive of the files that the Dockerfile takes. All may be read by all: under umask 077 the
# checkout's are its owner's alone.
context() {
  local files=(-C "$here/images/$1" .)
  case $1 in
    python) files+=(-C "$(python_prefix)" --exclude='site-packages/*' --exclude=__pycache__ bin lib include) ;;
    argocd) files+=(-C "$bin" argocd kustomize) ;;
    prometheus) files+=(-C "$bin" prometheus promtool) ;;
    alertmanager) files+=(-C "$bin" alertmanager amtool) ;;
    argo-rollouts) files+=(-C "$bin" rollouts-controller) ;;
    pause) files+=(-C "$bin" pause) ;;
    buildkit)
      files+=(-C "$bin" buildkitd buildctl --dereference -C "$engine_system" usr/sbin/runc lib64/ld-linux-x86-64.so.2
        lib/x86_64-linux-gnu/libc.so.6 lib/x86_64-linux-gnu/libseccomp.so.2) ;;
  esac
  tar -c --mode=a+rX "${files[@]}"
}

# images: what each pod has, Python's, with which Grafana's begins, what buildx runs as its builder, and what manifests and
# Dockerfiles name, but for our own.
images() {
  printf '%s\n' pause:test "python:$python-slim" moby/buildkit:buildx-stable-1
  grep -hoP '^ *-? *image: \K\S+:\S+' "$root"/install.yaml "$root"/manifest/*.yaml "$root"/manifest/components/*/*.yaml
  grep -hoP '^(ARG BASE=|FROM )\K[^$ ]+:\S+' "$root"/*/Dockerfile "$root"/manifest/grafana/Dockerfile \
    "$root"/manifest/components/*/Dockerfile
}

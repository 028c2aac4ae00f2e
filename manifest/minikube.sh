#!/usr/bin/env bash
# The steps that only Minikube needs; everything else works on any cluster.
#   manifest/minikube.sh up    start it, build both images, load them into it, install Argo CD, print the addresses
#   manifest/minikube.sh down  stop it; what is in it stays for the next `up`
# Safe to repeat. Works on the cluster of Minikube's current profile, whatever kubectl's current context is.
# Docker builds on this machine, not in the node: docs/decisions/0007-images-are-built-outside-the-node.md.
set -euo pipefail
cd "$(dirname "$0")/.."

refuse() { echo "minikube.sh: $*" >&2; exit 2; }

# What would fail after minutes is refused at once.
check() {
  local program version
  for program in minikube docker kubectl git; do
    command -v "$program" >/dev/null || refuse "$program not found: install it"
  done
  version=$(minikube version --short)
  # 1.33.0 is the first whose Kubernetes, 1.30, knows the `sleep` that api-deployment.yaml stops with.
  if [[ ! $version =~ ^v([0-9]+)\.([0-9]+)\. ]] || ((BASH_REMATCH[1] * 1000 + BASH_REMATCH[2] < 1033)); then
    refuse "Minikube $version is too old: install 1.33 or newer, and remove the old cluster by \`minikube delete\`"
  fi
  if [[ ${MINIKUBE_ACTIVE_DOCKERD:-} ]]; then
    refuse "in this shell Docker is the one in Minikube's node:" \
      "type \`eval \"\$(minikube docker-env --unset)\"\`, then \`make up\`"
  fi
  docker version >/dev/null 2>&1 || refuse "Docker does not answer: start it; \`docker version\` says what is wrong"
  docker buildx version >/dev/null 2>&1 ||
    refuse "Docker lacks buildx: install the package docker-buildx-plugin, in Debian and Ubuntu docker-buildx"
}

start() {
  local code=0
  minikube status >/dev/null 2>&1 || code=$?
  case $code in
    0) echo "Minikube: runs, profile $profile" ;;
    # No such profile: ExGuestNotFound in pkg/minikube/reason/exitcodes.go, Minikube 1.33 to 1.39.
    85) minikube start --driver docker --cpus 2 --memory 4g ;;
    # A profile that is there keeps its driver, runtime and size; other ones would be refused, or warned of.
    *) minikube start ;;
  esac || refuse "Minikube does not start; see above, and: minikube logs"
  local kubernetes
  kubernetes=$(kubectl --context "$profile" get nodes -o 'jsonpath={.items[0].status.nodeInfo.kubeletVersion}') ||
    refuse "kubectl does not reach Minikube's cluster: type \`minikube update-context\`, then \`make up\`"
  if [[ ! $kubernetes =~ ^v1\.([0-9]+)\. ]] || ((BASH_REMATCH[1] < 30)); then
    refuse "the cluster of profile $profile is Kubernetes $kubernetes, needed is 1.30 or newer:" \
      "\`minikube delete\` removes it and all that is in it, \`make up\` makes a new one"
  fi
}

# build NAME FOLDER: from Docker's cache a second build takes seconds, and ends in the same content.
build() {
  echo "Image $1: building"
  # Without provenance, which holds the time of the build: it would make other content each time, where Docker keeps
  # images in containerd's store.
  DOCKER_BUILDKIT=1 BUILDX_NO_DEFAULT_ATTESTATIONS=1 \
    docker build --load --tag "$1:local" --file "$2/Dockerfile" . || refuse "the image $1 is not built; see above"
}

# in_node NAME TAG: whether the node has this tag and `local`, as names of the same content.
in_node() {
  local images
  images=$(minikube image ls --format json) || refuse "Minikube does not list its images; see above"
  tr '{' '\n' <<<"$images" | grep -F "/$1:local\"" | grep -F "/$1:$2\"" >/dev/null
}

# load NAME: into the node, unless it is there. The second tag is made from the content: by it, the next run tells that
# nothing has changed. And `image load` ends with 0 even where it failed (DoLoadImages in
# pkg/minikube/machine/cache_images.go, Minikube 1.33 to 1.39), so the node is asked afterwards.
load() {
  local content
  content=$(docker image inspect --format '{{.Id}}' "$1:local")
  content=local-${content:7:12}
  if in_node "$1" "$content"; then
    echo "Image $1: Minikube has it"
    return
  fi
  echo "Image $1: loading into Minikube"
  docker tag "$1:local" "$1:$content"
  # By an archive: by name, Minikube up to 1.38 first removes what the node has, which pods may be running.
  docker save "$1:local" "$1:$content" >"$work/$1.tar"
  docker image rm "$1:$content" >/dev/null
  minikube image load "$work/$1.tar"
  in_node "$1" "$content" ||
    refuse "Minikube did not take the image $1: see above, and the space left by \`minikube ssh df /var\`"
  restart "$1"
}

# restart NAME: pods go on with what was loaded before under the same name, and nothing in Git has changed.
restart() {
  local deployment image
  while read -r deployment image; do
    [[ $image == "$1:local" ]] || continue
    echo "Image $1: restarting $deployment"
    kubectl --context "$profile" -n mlops rollout restart "deployment/$deployment" >/dev/null </dev/null
    kubectl --context "$profile" -n mlops rollout status --timeout 5m "deployment/$deployment" </dev/null ||
      refuse "$deployment does not become ready with its new image: kubectl --context $profile -n mlops get pods"
  done < <(kubectl --context "$profile" -n mlops get deployments \
    -o 'jsonpath={range .items[*]}{.metadata.name} {.spec.template.spec.containers[0].image}{"\n"}{end}')
}

up() {
  check
  profile=$(minikube profile | tr -d '[:space:]')
  start
  export KUBE_CONTEXT=$profile  # a profile's context has its name
  argocd/repository.sh  # what it refuses, it refuses before the minutes that the images take
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  # These images serve until the first publish; after it the manifest names those on Docker Hub.
  build taller6-fastapi-ml-api api
  build model-loadtester loadtester
  load taller6-fastapi-ml-api
  load model-loadtester
  NODE_IP=$(minikube ip) argocd/install.sh
  if [[ $(uname) != Linux ]]; then
    echo "Here Minikube's node is reached through a tunnel: minikube service -n mlops SERVICE --url"
    kubectl --context "$profile" -n mlops get services -o name
  fi
}

case ${1:-} in
  up) up ;;
  down) minikube stop ;;
  *) echo "usage: manifest/minikube.sh up|down" >&2; exit 2 ;;
esac

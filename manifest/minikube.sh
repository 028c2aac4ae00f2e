#!/usr/bin/env bash
# The steps that only Minikube needs; everything else works on any cluster.
#   manifest/minikube.sh up    start it, build both images into it, install Argo CD, print the addresses
#   manifest/minikube.sh down  stop it; what is in it stays for the next `up`
# Safe to repeat.
set -euo pipefail
cd "$(dirname "$0")/.."

for program in minikube docker kubectl git; do
  command -v "$program" >/dev/null || { echo "$program not found: install it" >&2; exit 2; }
done

up() {
  minikube status >/dev/null 2>&1 || minikube start --driver docker --cpus 2 --memory 4g
  argocd/repository.sh  # what it refuses, it refuses before the minutes that the images take
  # These images serve until the first publish; after it the manifest names those on Docker Hub.
  eval "$(minikube docker-env)"
  export DOCKER_BUILDKIT=1
  docker build --tag taller6-fastapi-ml-api:local --file api/Dockerfile .
  docker build --tag model-loadtester:local --file loadtester/Dockerfile .
  NODE_IP=$(minikube ip) argocd/install.sh
  if [[ $(uname) != Linux ]]; then
    echo "Here Minikube's node is reached through a tunnel: minikube service -n mlops SERVICE --url"
    kubectl -n mlops get services -o name
  fi
}

case ${1:-} in
  up) up ;;
  down) minikube stop ;;
  *) echo "usage: manifest/minikube.sh up|down" >&2; exit 2 ;;
esac

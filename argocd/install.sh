#!/usr/bin/env bash
# Install Argo CD into the cluster that kubectl speaks to, and let it deploy this repository's branch `develop`.
#   argocd/install.sh [REPOSITORY_URL]
# Without a URL, the one of the remote `origin`; that of SSH is turned into HTTPS, as Argo CD gets no key.
# Safe to repeat.
set -euo pipefail
cd "$(dirname "$0")/.."

url=${1:-$(git remote get-url origin 2>/dev/null || true)}
url=$(sed -E 's#^(ssh://)?git@([^:/]+)[:/]#https://\2/#' <<<"$url")
if [[ ! $url =~ ^https?://[^[:space:]\|]+$ ]]; then
  echo "repository URL: '$url' is not http(s)://...; give it as an argument, or set the remote origin" >&2
  exit 2
fi

echo "Argo CD: installing"
kubectl apply -f install.yaml >/dev/null
kubectl wait --for condition=established --timeout 60s >/dev/null \
  crd/applications.argoproj.io crd/appprojects.argoproj.io
if ! kubectl -n mlops get secret grafana-admin >/dev/null 2>&1; then
  kubectl -n mlops create secret generic grafana-admin \
    --from-literal=password="$(head -c 18 /dev/urandom | base64 | tr '+/' '-_')" >/dev/null
fi
for part in deployment/argocd-redis deployment/argocd-repo-server deployment/argocd-server \
  statefulset/argocd-application-controller; do
  kubectl -n argocd rollout status --timeout 10m "$part"
done
echo "Argo CD: deploys $url, branch develop, folder manifest"
for object in default-project project application; do
  # By the server: Argo CD has made `default` by itself, and a client-side apply would warn of it.
  sed "s|REPOSITORY_URL|$url|" "argocd/$object.yaml" | kubectl apply --server-side --force-conflicts -f -
done

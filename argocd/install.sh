#!/usr/bin/env bash
# Install Argo CD into the cluster of the context in KUBE_CONTEXT, else of kubectl's current one, and let it deploy this
# repository's branch `develop`.
#   argocd/install.sh [REPOSITORY_URL]
# Without a URL, the one of the remote `origin`; that of SSH is turned into HTTPS, as Argo CD gets no key. To read a
# private repository, Argo CD gets the token that is in GIT_TOKEN, and its user in GIT_USER where the host wants one.
# Safe to repeat, then without them.
set -euo pipefail
cd "$(dirname "$0")/.."
. argocd/repository.sh

echo "Argo CD: installing, context ${KUBE_CONTEXT:-$(kubectl config current-context 2>/dev/null || true)}"
kubectl apply -f install.yaml >/dev/null
# A component that brings kinds of its own: Argo CD may not install them, and looks once, when it starts, which there are.
if grep -q '^[^#]*components/progressive-delivery' manifest/kustomization.yaml; then
  echo "Argo Rollouts: installing, since manifest/kustomization.yaml names it"
  kubectl apply -f manifest/components/progressive-delivery/install.yaml >/dev/null
  kubectl -n argocd rollout restart statefulset/argocd-application-controller >/dev/null
  kubectl -n argocd rollout status --timeout 10m deployment/argo-rollouts
fi
kubectl wait --for condition=established --timeout 60s >/dev/null \
  crd/applications.argoproj.io crd/appprojects.argoproj.io
if ! kubectl -n mlops get secret grafana-admin >/dev/null 2>&1; then
  # This and the token below come by standard input: what a command line holds, every user of this machine may read.
  head -c 18 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n' |
    kubectl -n mlops create secret generic grafana-admin --from-file=password=/dev/stdin >/dev/null
fi
for part in deployment/argocd-redis deployment/argocd-repo-server deployment/argocd-server \
  statefulset/argocd-application-controller; do
  kubectl -n argocd rollout status --timeout 10m "$part"
done
if [[ $GIT_TOKEN ]]; then
  echo "Argo CD: reads a private repository; its Secret mlops-repository keeps the token"
  kubectl apply --server-side --force-conflicts -f - <<YAML
apiVersion: v1
kind: Secret
metadata:
  name: mlops-repository
  namespace: argocd
  labels: {argocd.argoproj.io/secret-type: repository}
data:
  type: $(base64_of git)
  url: $(base64_of "$url")
  username: $(base64_of "$GIT_USER")
  password: $(base64_of "$GIT_TOKEN")
YAML
fi
echo "Argo CD: deploys $url, branch develop, folder manifest"
for object in default-project project application; do
  # By the server: Argo CD has made `default` by itself, and a client-side apply would warn of it.
  sed "s|REPOSITORY_URL|$url|" "argocd/$object.yaml" | kubectl apply --server-side --force-conflicts -f -
done

typed="kubectl${KUBE_CONTEXT:+ --context $KUBE_CONTEXT}"  # as one types it
said=
deadline=$((SECONDS + 900))
while true; do
  now=$(kubectl -n argocd get application mlops -o \
    jsonpath='{.status.sync.status},{.status.health.status},{.status.operationState.phase} {.status.conditions[*].message}')
  if [[ $now != "$said" ]]; then
    said=$now
    echo "Argo CD: ${now% }"
  fi
  [[ $said != "Synced,Healthy,Succeeded "* ]] || break
  if ((SECONDS > deadline)); then
    kubectl -n argocd get application mlops -o jsonpath='{.status.conditions}{.status.operationState.message}' >&2
    echo "Argo CD: not healthy within 15 minutes; see above, and: $typed -n mlops get pods" >&2
    exit 1
  fi
  sleep 2
done

node=${NODE_IP:-$(kubectl get nodes -o jsonpath='{.items[0].status.addresses[?(@.type=="InternalIP")].address}')}
cat <<TEXT

API         http://$node:30800, documented at /docs
Locust      http://$node:30089
Prometheus  http://$node:30090
Grafana     http://$node:30300
Argo CD     https://127.0.0.1:8080, user admin, while this runs: $typed -n argocd port-forward svc/argocd-server 8080:443

Passwords of admin, in Argo CD and in Grafana:
  $typed -n argocd get secret argocd-initial-admin-secret -o jsonpath='{.data.password}' | base64 -d
  $typed -n mlops get secret grafana-admin -o jsonpath='{.data.password}' | base64 -d
TEXT

#!/usr/bin/env bash
# Find out which repository Argo CD is to deploy, and ask it for the branch `develop` as Argo CD will. install.sh reads
# this file for `url`, GIT_USER, GIT_TOKEN and `kubectl`; minikube.sh runs it, to refuse before it builds.
#   argocd/repository.sh [REPOSITORY_URL]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
remote=${1:-$(git remote get-url origin 2>/dev/null || true)}
export GIT_USER=${GIT_USER:-git} GIT_TOKEN=${GIT_TOKEN:-}

refuse() { echo "repository: $*" >&2; exit 2; }

# kubectl ...: of the context that is named, else of the current one.
kubectl() { command kubectl ${KUBE_CONTEXT:+--context "$KUBE_CONTEXT"} "$@"; }

# without_secret URL: for messages; a token may stand before the @, or in a query.
without_secret() { sed -E 's#//.*@#//#; s#\?.*##' <<<"$1"; }

# https_host HOST: under which name a host of SSH answers HTTPS. HOST may be a name that only ~/.ssh/config knows; the
# first ones take SSH at port 443.
https_host() {
  local host
  host=$(ssh -G -- "$1" 2>/dev/null | sed -n 's/^hostname //p' || true)
  case ${host:-$1} in
    ssh.github.com) echo github.com ;;
    altssh.gitlab.com) echo gitlab.com ;;
    altssh.bitbucket.org) echo bitbucket.org ;;
    *) echo "${host:-$1}" ;;
  esac
}

base64_of() { printf %s "$1" | base64 | tr -d '\n'; }

# kept KEY: what the Secret of an earlier installation holds.
kept() {
  kubectl --request-timeout 5s -n argocd get secret mlops-repository -o "jsonpath={.data.$1}" 2>/dev/null | base64 -d
}

# ask: with the token alone, whatever else this machine would get in by, and whatever it would ask instead of this URL.
ask() {
  export GIT_TERMINAL_PROMPT=0 GIT_ASKPASS='' LC_ALL=C
  if [[ $GIT_TOKEN ]]; then  # not by -c: what a command line holds, every user of this machine may read
    export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="http.$url.extraHeader"
    GIT_CONFIG_VALUE_0="Authorization: Basic $(base64_of "$GIT_USER:$GIT_TOKEN")"
    export GIT_CONFIG_VALUE_0
  fi
  exec git -c credential.helper= -c "url.$url.insteadOf=$url" -c http.followRedirects=false \
    -c http.lowSpeedLimit=1 -c http.lowSpeedTime=20 ls-remote --symref "$url" HEAD refs/heads/develop
}

web='^(https?)://(([^/]*)@)?([^/@]+)/(.+)$'
ssh='^ssh://([^/@]+@)?([^/:@]+)(:[0-9]+)?/(.+)$'
scp='^([^/:@]+@)?([^/:@]{2,}):/?([^/:].*)$'  # one letter before the colon is a drive of Windows
user='' url=''
if [[ $remote =~ $web ]]; then
  user=${BASH_REMATCH[3]}
  url=${BASH_REMATCH[1]}://${BASH_REMATCH[4]}/${BASH_REMATCH[5]}
elif [[ $remote =~ $ssh ]]; then  # its port is that of SSH
  url=https://$(https_host "${BASH_REMATCH[2]}")/${BASH_REMATCH[4]}
elif [[ $remote =~ $scp ]]; then
  url=https://$(https_host "${BASH_REMATCH[2]}")/${BASH_REMATCH[3]}
fi
# Other signs would have a meaning in YAML, or as a pattern of AppProject.
if [[ ! $url =~ ^https?://[A-Za-z0-9._-]+(:[0-9]+)?/[A-Za-z0-9._~/%+-]+$ ]]; then
  refuse "'$(without_secret "$remote")' does not say where Argo CD can ask over HTTPS:" \
    "give https://HOST/OWNER/NAME.git as the argument, or set the remote origin to it"
fi
if [[ $user == *:* ]]; then
  refuse "the URL of $url holds a password or a token, which Argo CD would show to all its readers: take it out by" \
    "\`git remote set-url origin $url\`, and put it into the variable GIT_TOKEN if the repository is private"
fi
if [[ $GIT_USER$GIT_TOKEN == *[[:space:]]* ]]; then
  refuse "GIT_USER or GIT_TOKEN has a blank or a line break in it"
fi
if [[ -z $GIT_TOKEN && $(kept url) == "$url" ]]; then
  GIT_USER=$(kept username) GIT_TOKEN=$(kept password)
fi

answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
ask >"$answer" 2>&1 &
asked=$!
deadline=$((SECONDS + 30))
# Git itself ends where nothing comes, but takes minutes where no connection comes about.
while kill -0 "$asked" 2>/dev/null; do
  if ((SECONDS > deadline)); then
    echo "fatal: no answer within 30 s" >"$answer"
    kill "$asked" 2>/dev/null || true
  fi
  sleep 0.1
done
status=0
wait "$asked" || status=$?
words=$(grep -m 1 ^fatal: "$answer" || tail -n 1 "$answer")
words=${words#fatal: }
as_default="\`gh repo edit --default-branch develop\` (or on the host, in the repository's settings)"
case $status/$words in
  0/*)
    grep -q $'\trefs/heads/develop$' "$answer" ||
      refuse "$url has no branch develop: make it by \`git push $url HEAD:refs/heads/develop\`," \
        "and the default branch by $as_default"
    default=$(awk '$1 == "ref:" && $3 == "HEAD" {sub("refs/heads/", "", $2); print $2}' "$answer")
    if [[ $default && $default != develop ]]; then
      echo "repository: the default branch is $default, so GitHub offers no 'Run workflow', and Dependabot does not" \
        "start: make develop the default by $as_default" >&2
    fi ;;
  */*'could not read Username'* | */*'Authentication failed'* | */*'error: 4'* | \
    */*'not found'* | */*'is this a git repository'*)
    if [[ $GIT_TOKEN ]]; then
      refuse "$url does not let GIT_TOKEN read it, or does not exist: give a token that is valid and may read it"
    fi
    refuse "$url does not exist or is private: for a private repository put a token that may read it into GIT_TOKEN" ;;
  */*'error: 30'*)
    refuse "$url has moved, and Argo CD does not follow: give the new URL (on GitLab it ends in .git)" ;;
  *) echo "repository: $url does not answer here, though it may answer the cluster: $words" >&2 ;;
esac

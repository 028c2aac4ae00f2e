# The node and its control plane: etcd, Kubernetes, containerd, DNS, and a registry beside them.

certificates() (
  [[ -f $pki/front-proxy.crt ]] && return
  cd "$pki"
  openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=test-cluster -keyout ca.key -out ca.crt
  openssl genrsa -out sa.key 2048
  openssl rsa -in sa.key -pubout -out sa.pub
  local names=DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local
  sign apiserver /CN=kube-apiserver "$names,DNS:localhost,IP:127.0.0.1,IP:$node_ip,IP:${service_cidr%.0/*}.1"
  sign kubelet /CN=system:node:minikube "DNS:minikube,IP:$node_ip,IP:127.0.0.1"
  sign admin /O=system:masters/CN=admin DNS:admin
  kubectl config set-cluster minikube --server=https://127.0.0.1:8443 --certificate-authority=ca.crt --embed-certs
  kubectl config set-credentials minikube --client-certificate=admin.crt --client-key=admin.key --embed-certs
  kubectl config set-context minikube --cluster=minikube --user=minikube
  kubectl config use-context minikube
  sign front-proxy /CN=front-proxy DNS:front-proxy  # the last, so that its presence tells that all are there
) &>"$log/certificates.log"

# sign NAME SUBJECT NAMES: a key and its certificate.
sign() {
  openssl req -newkey rsa:2048 -nodes -subj "$2" -keyout "$1.key" -out "$1.csr"
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 -out "$1.crt" \
    -extfile <(printf 'subjectAltName=%s\n' "$3")
}

configuration() {
  mkdir -p "$home/cni" "$home/kubelet" "$home/containerd"
  cat >"$home/cni/10-pods.conflist" <<CNI
{"cniVersion":"0.4.0","name":"pods","plugins":[
 {"type":"bridge","bridge":"cni0","isGateway":true,"ipMasq":true,"hairpinMode":true,
  "ipam":{"type":"host-local","ranges":[[{"subnet":"$pod_cidr"}]],"routes":[{"dst":"0.0.0.0/0"}]}},
 {"type":"portmap","capabilities":{"portMappings":true}}]}
CNI
  cat >"$home/containerd/config.toml" <<TOML
version = 2
root = "$home/containerd/root"
state = "$home/containerd/state"
[grpc]
  address = "$home/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$registry/library/pause:test"
  # Lowering oom_score_adj needs CAP_SYS_RESOURCE, which the machine withholds.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$home/cni"
  [plugins."io.containerd.grpc.v1.cri".registry.mirrors."*"]
    endpoint = ["http://$registry"]
TOML
  cat >"$home/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix://$home/containerd/containerd.sock
cgroupDriver: cgroupfs
failSwapOn: false
clusterDNS: [$dns_ip]
clusterDomain: cluster.local
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $pki/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $pki/kubelet.crt
tlsPrivateKeyFile: $pki/kubelet.key
resolvConf: $home/resolv.conf
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%}
syncFrequency: 10s
YAML
  : >"$home/resolv.conf"
  cat >"$home/Corefile" <<DNS
.:53 {
  bind $node_ip
  errors
  kubernetes cluster.local {
    kubeconfig $KUBECONFIG
  }
  cache 5
}
DNS
}

# containerd and kubelet live in a mount namespace of their own, without the cgroup v2 mount: the machine has
# cgroup v1 with an empty v2 hierarchy beside it, which runc would otherwise try to use and be refused.
node_namespace() { exec unshare --mount --propagation private "$here/cluster" node-processes "$home"; }

# cri_answers: containerd's CRI is past its start, which its socket and `ctr` do not tell: an empty gRPC request gets "OK".
cri_answers() {
  printf '\0\0\0\0\0' | curl -s --max-time 2 --http2-prior-knowledge --unix-socket "$home/containerd/containerd.sock" \
    -H 'content-type: application/grpc' -H 'te: trailers' --data-binary @- -o /dev/null -D - \
    http://localhost/runtime.v1.RuntimeService/Status | grep -q '^grpc-status: 0'
}

# Runs containerd and the kubelet, each again whenever it ends, until it is told to end itself; then the kubelet goes,
# and containerd stays for `down` to clear the pods with.
node_processes() {
  local containerd='' kubelet='' ended=''
  ! mountpoint -q /sys/fs/cgroup/unified || umount /sys/fs/cgroup/unified
  mount --make-rshared /
  ulimit -n 20000 2>/dev/null || true; ulimit -u 96365 2>/dev/null || true
  trap 'ended=1; [ -z "$kubelet" ] || kill "$kubelet" 2>/dev/null || true' TERM
  rm -f "$home/containerd/containerd.sock"
  while [ -z "$ended" ]; do
    if [ -z "$containerd" ] || ! kill -0 "$containerd" 2>/dev/null; then
      containerd --config "$home/containerd/config.toml" >>"$log/containerd.log" 2>&1 & containerd=$!
    fi
    until [ -n "$ended" ] || cri_answers; do kill -0 "$containerd" 2>/dev/null || break; sleep 0.2; done
    [ -z "$ended" ] || break
    kill -0 "$containerd" 2>/dev/null || { say "containerd ended; again"; sleep 1; continue; }
    "$bin/node" kubelet --config "$home/kubelet.yaml" --kubeconfig "$KUBECONFIG" --root-dir "$home/kubelet" \
      --hostname-override minikube --node-ip "$node_ip" --cert-dir "$pki" & kubelet=$!
    wait "$kubelet" || say "kubelet ended with $?"
    [ -n "$ended" ] || sleep 1
  done
  [ -z "$kubelet" ] || wait "$kubelet" || true
}

# A registry that answers for every image name: what was pushed under the same path is what a pod gets.
registry() {
  cat >"$home/registry.yml" <<YAML
version: 0.1
storage: {filesystem: {rootdirectory: $home/registry}, delete: {enabled: true}}
http: {addr: "$registry"}
YAML
  start registry docker-registry serve "$home/registry.yml"
  wait_for 20 registry curl -sf "http://$registry/v2/"
}

control_plane() {
  start etcd "$bin/node" etcd --data-dir "$home/etcd" --unsafe-no-fsync --log-level warn
  start apiserver "$bin/node" kube-apiserver --etcd-servers=http://127.0.0.1:2379 --secure-port=8443 \
    --bind-address=0.0.0.0 --advertise-address="$node_ip" --service-cluster-ip-range="$service_cidr" \
    --authorization-mode=RBAC --client-ca-file="$pki/ca.crt" \
    --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" \
    --service-account-issuer=https://kubernetes.default.svc.cluster.local \
    --service-account-key-file="$pki/sa.pub" --service-account-signing-key-file="$pki/sa.key" \
    --kubelet-client-certificate="$pki/admin.crt" --kubelet-client-key="$pki/admin.key" \
    --kubelet-certificate-authority="$pki/ca.crt" --allow-privileged=true --kubelet-preferred-address-types=InternalIP \
    --requestheader-client-ca-file="$pki/ca.crt" --requestheader-allowed-names=front-proxy \
    --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
    --requestheader-extra-headers-prefix=X-Remote-Extra- --enable-aggregator-routing=true \
    --proxy-client-cert-file="$pki/front-proxy.crt" --proxy-client-key-file="$pki/front-proxy.key"
  wait_for 90 apiserver kubectl get --raw /readyz
  start controller-manager "$bin/node" kube-controller-manager --kubeconfig="$KUBECONFIG" --leader-elect=false \
    --use-service-account-credentials --root-ca-file="$pki/ca.crt" --service-account-private-key-file="$pki/sa.key"
  start scheduler "$bin/node" kube-scheduler --kubeconfig="$KUBECONFIG" --leader-elect=false
}

node() {
  start kubelet "$here/cluster" node-namespace "$home"
  start proxy "$bin/node" kube-proxy --kubeconfig="$KUBECONFIG" --hostname-override=minikube --proxy-mode=iptables \
    --cluster-cidr="$pod_cidr" --conntrack-max-per-core=0 --nodeport-addresses=
  start dns "$bin/coredns" -conf "$home/Corefile"
  wait_for 60 kube-proxy curl -sf http://127.0.0.1:10256/healthz
  kubectl apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Service
metadata: {name: kube-dns, namespace: kube-system}
spec:
  clusterIP: $dns_ip
  ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: kube-dns, namespace: kube-system, labels: {kubernetes.io/service-name: kube-dns}}
addressType: IPv4
ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]
endpoints: [{addresses: [$node_ip]}]
YAML
  wait_for 60 node bash -c 'kubectl get node minikube -o jsonpath="{.status.conditions[?(@.type==\"Ready\")].status}" | grep True'
  wait_for 60 "service account" kubectl get serviceaccount default
}

# pids_of TEXT: containerd and its shims whose command line has the text.
pids_of() {
  local dir
  for dir in /proc/[0-9]*; do
    [[ $(cat "$dir/comm" 2>/dev/null) == containerd* ]] && grep -aqF "$1" "$dir/cmdline" 2>/dev/null && echo "${dir#/proc/}"
  done || true
}


# node_down: the kubelet first, or it would start again what ends here; then containerd, and shims that outlived it.
node_down() {
  local pid task tenths=200 ctr=(ctr --address "$home/containerd/containerd.sock" --namespace k8s.io)
  if alive kubelet; then
    pid=$(cat "$run/kubelet.pid")
    kill "$pid"
    while kill -0 "$pid" 2>/dev/null && ((tenths-- > 0)); do sleep 0.1; done
    for task in $("${ctr[@]}" tasks ls -q); do "${ctr[@]}" tasks kill --signal KILL "$task" || true; done >/dev/null 2>&1
    sleep 1
    for task in $("${ctr[@]}" containers ls -q); do
      "${ctr[@]}" tasks rm --force "$task" || true
      "${ctr[@]}" containers rm "$task" || true
    done >/dev/null 2>&1
    kill -- "-$pid" 2>/dev/null || true
    rm -f "$run/kubelet.pid"
  fi
  for pid in $(pids_of "$home/containerd/"); do kill -KILL "$pid" 2>/dev/null || true; done
}

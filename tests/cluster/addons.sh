# What a cluster of people has beside Kubernetes: network policies that are enforced, and metrics of pods.

network() {
  ip link show node0 >/dev/null 2>&1 ||
    { ip link add node0 type bridge; ip addr add "$node_ip/32" dev node0; ip link set node0 up; }
  sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.route_localnet=1 net.bridge.bridge-nf-call-iptables=1
  alive network-policies || rules off "$judging"  # or pods would wait for a judge that is gone
  rules on "$forwarding"
}

# The rules of the packet filter beside kube-proxy's own. An address of a service that kube-proxy has not, or no longer,
# translated is refused at once. Without this the packet would leave by the default route, and its conntrack entry would
# keep the connection from ever being translated. What was translated carries a pod's address here and is not touched.
# Then: a FORWARD policy of DROP, which Docker sets, must not cut the pods off.
forwarding="
filter -I FORWARD -d $service_cidr -j REJECT
filter -I OUTPUT -d $service_cidr -j REJECT
filter -A FORWARD -s $pod_cidr -j ACCEPT
filter -A FORWARD -d $pod_cidr -j ACCEPT"
# The first packet of each connection from or to a pod is judged by the network policies. What root on this machine
# sends to a pod is not, as the kubelet's probes are; nor is what a pod sends to the machine itself.
judging="
mangle -A POSTROUTING -s $pod_cidr -m conntrack --ctstate NEW -m owner ! --uid-owner 0 -j NFQUEUE --queue-num 100
mangle -A POSTROUTING ! -s $pod_cidr -d $pod_cidr -m conntrack --ctstate NEW -m owner ! --uid-owner 0 -j NFQUEUE --queue-num 100"

# rules on|off RULES: each once, or not at all.
rules() {
  local rule
  while read -ra rule; do
    [[ ${rule[*]} ]] || continue
    if [[ $1 == on ]]; then
      iptables -w -t "${rule[0]}" -C "${rule[@]:2}" 2>/dev/null || iptables -w -t "${rule[0]}" "${rule[@]:1}"
    else
      while iptables -w -t "${rule[0]}" -D "${rule[@]:2}" 2>/dev/null; do :; done
    fi
  done <<<"$2"
}

# addons: who judges, and the metrics server. It runs on this machine, as CoreDNS does; the API server reaches it by the
# service below.
addons() {
  rules on "$judging"
  start network-policies "$bin/addons" network-policies --kubeconfig "$KUBECONFIG" --hostname-override minikube
  start metrics-server "$bin/addons" metrics-server --kubeconfig "$KUBECONFIG" --secure-port 4443 --cert-dir "$home/metrics-server"
  kubectl apply -f - >/dev/null <<YAML
apiVersion: v1
kind: Service
metadata: {name: metrics-server, namespace: kube-system}
spec: {ports: [{name: https, port: 443, targetPort: 4443}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: metrics-server, namespace: kube-system, labels: {kubernetes.io/service-name: metrics-server}}
addressType: IPv4
ports: [{name: https, port: 4443, protocol: TCP}]
endpoints: [{addresses: [$node_ip]}]
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta1.metrics.k8s.io}
spec:
  service: {name: metrics-server, namespace: kube-system}
  group: metrics.k8s.io
  version: v1beta1
  insecureSkipTLSVerify: true
  groupPriorityMinimum: 100
  versionPriority: 100
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: system:aggregated-metrics-reader
  labels: {rbac.authorization.k8s.io/aggregate-to-view: "true", rbac.authorization.k8s.io/aggregate-to-edit: "true", rbac.authorization.k8s.io/aggregate-to-admin: "true"}
rules: [{apiGroups: [metrics.k8s.io], resources: [pods, nodes], verbs: [get, list, watch]}]
YAML
}


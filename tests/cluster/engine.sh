# A Docker Engine with buildx and Compose: Debian 13's, in a system of its own, whatever this machine is. The buildx of
# the workflow's own time comes from Go modules, and so does the BuildKit that it starts as a container.

engine=$home/engine engine_system=$home/engine-system engine_network=10.98
# The clients' socket, and the folder with their plugins and builders.
export DOCKER_HOST=unix://$engine/docker.sock DOCKER_CONFIG=$home/docker

engine() {
  local version=github.com/docker/buildx/version.Version=v0.38.2
  version+=" -X github.com/moby/buildkit/version.Version=v0.34.2"
  compile buildkit "-X $version" github.com/docker/buildx/cmd/buildx \
    github.com/moby/buildkit/cmd/buildkitd github.com/moby/buildkit/cmd/buildctl
  once engine "$(declare -f engine_install | sha256sum)" engine_install
  engine_clients
  mkdir -p "$engine"
  # On this machine's network, for its ports are published here. Images of docker.io are asked of the registry.
  cat >"$engine/daemon.json" <<JSON
{"hosts": ["$DOCKER_HOST"], "group": "root", "pidfile": "$engine/pid", "shutdown-timeout": 5,
 "data-root": "$engine/data", "exec-root": "$engine/exec", "registry-mirrors": ["http://$registry"],
 "bip": "$engine_network.0.1/24", "default-address-pools": [{"base": "$engine_network.0.0/16", "size": 24}]}
JSON
  start engine unshare --mount --propagation private "$here/cluster" engine-process "$home"
  wait_for 60 engine docker version
}

engine_install() {
  rm -rf "$engine_system"
  mmdebstrap --quiet --variant=minbase --include=docker.io,docker-cli,docker-compose,ca-certificates,iptables \
    trixie "$engine_system"
}

# Programs of Debian 13 run as well here, but for those that need a newer C library; these do not.
engine_clients() {
  ln -sf "$engine_system/usr/bin/docker" "$bin/docker"
  mkdir -p "$DOCKER_CONFIG/cli-plugins"
  ln -sf "$bin/buildx" "$DOCKER_CONFIG/cli-plugins/docker-buildx"
  ln -sf "$engine_system/usr/libexec/docker/cli-plugins/docker-compose" "$DOCKER_CONFIG/cli-plugins/docker-compose"
}

# Becomes dockerd, whose root is its own system and, at the same path as here, its own folder. Without the cgroup v2
# mount, as node_processes is.
engine_process() {
  local folder
  ! mountpoint -q /sys/fs/cgroup/unified || umount /sys/fs/cgroup/unified
  mount --bind "$engine_system" "$engine_system"  # runc changes the root of a container, which only a mount can be
  for folder in dev proc sys; do mount --rbind "/$folder" "$engine_system/$folder"; done
  for folder in run tmp; do mount -t tmpfs tmpfs "$engine_system/$folder"; done
  mkdir -p "$engine_system$engine"
  mount --bind "$engine" "$engine_system$engine"
  cp /etc/resolv.conf "$engine_system/etc/"
  rm -f "$engine/pid"
  cd "$engine_system"
  pivot_root . mnt
  umount -l /mnt
  mount --make-rshared /
  ulimit -n 20000 2>/dev/null || true
  exec dockerd --config-file "$engine/daemon.json"
}

# engine_reset: forget containers, volumes, images and caches, and what Docker has left in this machine's network.
engine_reset() {
  local link
  rm -rf "$engine" "$DOCKER_CONFIG"
  [[ -e $engine_system/usr/sbin/iptables ]] || return 0
  while read -r link; do ip link delete "$link"; done < <(
    ip -o -4 address | awk -v ours="^$engine_network\\\\." '$4 ~ ours {print $2}'
  )
  engine_rules filter FORWARD
  engine_rules nat PREROUTING OUTPUT POSTROUTING
}

# engine_rules TABLE CHAIN...: remove Docker's own chains, and what leads to them or names its networks.
engine_rules() {
  local own chain rule iptables=(chroot "$engine_system" iptables -w -t "$1"); shift
  mapfile -t own < <("${iptables[@]}" -S | sed -nE 's/^-N (DOCKER.*)/\1/p')
  for chain; do
    while read -ra rule; do "${iptables[@]}" -D "${rule[@]:1}"; done < <(
      "${iptables[@]}" -S "$chain" | grep -E -- "-j DOCKER| (docker0|br-[0-9a-f]{12}) | $engine_network\."
    )
  done
  for chain in "${own[@]}"; do "${iptables[@]}" -F "$chain"; done
  for chain in "${own[@]}"; do "${iptables[@]}" -X "$chain"; done
}

# Processes in the background, each with its number in $run/NAME.pid and its output in $log/NAME.log.

say() { printf '%s\n' "$*" >&2; }
die() { say "cluster: $*"; exit 1; }

# alive NAME: its process runs, and is ours: after a restart of the machine the number may be another's.
alive() { [[ -f $run/$1.pid ]] && grep -aqF "$home" "/proc/$(cat "$run/$1.pid")/cmdline" 2>/dev/null; }

# start NAME COMMAND...: unless it runs already. The command names $home, by which `alive` knows it.
start() {
  local name=$1; shift
  alive "$name" && return
  setsid "$@" >"$log/$name.log" 2>&1 </dev/null &
  echo $! >"$run/$name.pid"
}

# stop NAME: end a process and what it started; ten seconds for it to finish, then by force.
stop() {
  local pid tenths=100
  alive "$1" || { rm -f "$run/$1.pid"; return 0; }
  pid=$(cat "$run/$1.pid")
  kill "$pid" 2>/dev/null || true
  while kill -0 "$pid" 2>/dev/null && ((tenths-- > 0)); do sleep 0.1; done
  kill -KILL -- "-$pid" 2>/dev/null || true
  rm -f "$run/$1.pid"
}

# wait_for SECONDS WHAT COMMAND...: until the command succeeds.
wait_for() {
  local deadline=$((SECONDS + $1)) what=$2; shift 2
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || die "$what: not ready in time; see $log"
    sleep 0.5
  done
}

# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
#
# A redis-server for a suite: sourced; then start_redis, which reads lines of its configuration and
# sets `port` and `work`. It ends with the shell.

server=""

# A server that is told to go is followed by an empty one; one that cannot begin is not.
serve_redis() {
  local child
  trap 'kill "$child"; wait "$child"; exit 0' TERM
  while redis-server "$work/redis.conf" >>"$work/log" 2>&1 & child=$!; wait "$child"; do :; done
}

stop_redis() {
  if [ -n "$server" ] && kill "$server" 2>/dev/null; then
    wait "$server" || echo "redis-server ended with $?" >&2
  fi
  server=""
}

start_redis() {
  local settings
  settings=$(cat)
  work=$(mktemp -d)
  trap 'stop_redis; rm -rf "$work"' EXIT
  # A port may be taken between two looks: another one then.
  for attempt in 1 2 3 4 5; do
    port=$((20000 + (RANDOM % 10000)))
    printf '%s\n' "port $port" "bind 127.0.0.1" "dir $work" 'save ""' "$settings" >"$work/redis.conf"
    serve_redis &
    server=$!
    for _ in $(seq 100); do
      if grep -q "Ready to accept connections" "$work/log"; then return; fi
      kill -0 "$server" 2>/dev/null || break
      sleep 0.1
    done
    stop_redis
    [ "$attempt" -lt 5 ] || { cat "$work/log"; echo "0 passed, 1 failed"; exit 1; }
  done
}

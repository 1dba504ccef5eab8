# shellcheck shell=bash
# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
#
# What ./dev counts of tests: results of programs, scripts and checks into $passed and $failed.
# Whatever gives no result, or tests nothing, has failed. tools/counting_test shows it.

passed=0
failed=0

make_logs() { # a folder $logs that goes at the end
  logs=$(mktemp -d)
  trap 'rm -rf "$logs"' EXIT
}

# Runs `<command> <name>` for each name, one per core at a time; leaves its output in
# <log folder>/<name> and its exit code in <name>.status, which is all that counts.
in_parallel() { # in_parallel <log folder> <command> <name…>
  local folder=$1 command=$2 name
  shift 2
  mkdir -p "$folder"
  for name in "$@"; do
    while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do
      wait -n || continue # none left: it ended just now
    done
    { "$command" "$name" >"$folder/$name" 2>&1 && echo 0 || echo $?; } >"$folder/$name.status" &
  done
  wait
}

# Adds what one run reported. Exit code and counts must agree, and something must have been tested.
count() { # count <title> <log> <passed> <failed> <lines of the log to show>
  local status bad=$4
  status=$(cat "$2.status")
  if [ "$bad" = 0 ] && { [ "$status" != 0 ] || [ "$3" = 0 ]; }; then bad=1; fi
  passed=$((passed + $3))
  failed=$((failed + bad))
  [ "$bad" != 0 ] || return 0
  printf 'FAILED %s (exit code %s, %d passed, %d failed)\n' "$1" "$status" "$3" "$4"
  tail -n "$5" "$2"
  return 1
}

count_program() { # count_program <title> <log>: a program that prints doctest's closing line
  local line good=0 bad=0
  line=$(sed -n '/^\[doctest\] test cases:/p' "$2" | tail -n 1)
  if [[ $line =~ cases:\ *([0-9]+)\ \|\ *([0-9]+)\ passed\ \|\ *([0-9]+)\ failed ]]; then
    good=${BASH_REMATCH[2]} bad=${BASH_REMATCH[3]}
  fi
  if count "$1" "$2" "$good" "$bad" 60; then printf 'ok     %-28s %s\n' "$1" "${line#*cases: }"; fi
}

count_script() { # count_script <title> <log>: one whose last line is "N passed, N failed"
  local good=0 bad=0
  if [[ $(tail -n 1 "$2") =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
    good=${BASH_REMATCH[1]} bad=${BASH_REMATCH[2]}
  fi
  if count "$1" "$2" "$good" "$bad" 150; then sed -n '/^ok/p' "$2"; fi
}

count_check() { # count_check <title> <log>: a check that passes or fails as one test
  local good=0
  [ "$(cat "$2.status")" != 0 ] || good=1
  if count "$1" "$2" "$good" $((1 - good)) 60; then printf 'ok     %s\n' "$1"; fi
}

run_check() { # run_check <title> <command…>
  local log=$logs/check status=0 title=$1
  shift
  "$@" >"$log" 2>&1 || status=$?
  echo "$status" >"$log.status"
  count_check "$title" "$log"
}

must_count() { # must_count <what> <command…>: the command has to count something
  local before=$((passed + failed)) what=$1
  shift
  "$@"
  [ $((passed + failed)) -gt "$before" ] && return 0
  failed=$((failed + 1))
  printf 'FAILED %s: there are none\n' "$what"
}

print_count() { # the last line; fails if anything did
  printf '%d passed, %d failed\n' "$passed" "$failed"
  [ "$failed" = 0 ]
}

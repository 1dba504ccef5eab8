# shellcheck shell=bash
# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
#
# What ./dev counts of tests: results of programs, scripts and checks into $passed and $failed.
# Whatever gives no result, or tests nothing, has failed. A test case that passes again in another
# build or setting is a repeat and no further test. tools/counting_test shows it.

passed=0
failed=0
repeated=0
counting_repeats=0
steps=()
failures=()

make_logs() { # a folder $logs that goes at the end
  logs=$(mktemp -d)
  trap 'rm -rf "$logs"' EXIT
}

log_name() { echo "${1//\//_}"; }

# Runs `<command> <name>` for each name, $at_once (or one per core) at a time; leaves its output in
# <log folder>/<name> and its exit code in <name>.status, which is all that counts. A subshell: what
# else runs in the background is not counted and not waited for.
in_parallel() ( # in_parallel <log folder> <command> <name…>
  local folder=$1 command=$2 name log
  shift 2
  mkdir -p "$folder"
  for name in "$@"; do
    while [ "$(jobs -rp | wc -l)" -ge "${at_once:-$(nproc)}" ]; do
      wait -n || continue # none left: it ended just now
    done
    log=$folder/$(log_name "$name")
    { "$command" "$name" >"$log" 2>&1 && echo 0 || echo $?; } >"$log.status" &
  done
  wait
)

step() { # step <title> <command…>: says it, runs it, notes how long it took
  local title=$1 since=$SECONDS
  shift
  printf '\033[1m== %s\033[0m\n' "$title" >&2
  "$@" || step_failed "$title" "$1"
  steps+=("$(printf '%6d s  %s' "$((SECONDS - since))" "$title")")
}

# Tests that failed are counted already; a step that ends otherwise, such as a build, ends the run.
step_failed() {
  [[ $2 =~ ^(must_count|run_check|static_checks|gcc_changed|sanitized_tests|threaded_tests)$ && $failed -gt 0 ]] && return 0
  printf 'FAILED %s\n' "$1"
  failures+=("$1")
  failed=$((failed + 1))
  print_count
  exit 1
}

print_steps() { # how long each step took, the longest first
  printf 'time of the steps (%d s in all):\n' "$SECONDS"
  printf '%s\n' "${steps[@]}" | sort -rn
}

# Adds what one run reported. Exit code and counts must agree, and something must have been tested.
count() { # count <title> <log> <passed> <failed> <lines of the log to show>
  local status bad=$4
  status=$(cat "$2.status")
  if [ "$bad" = 0 ] && { [ "$status" != 0 ] || [ "$3" = 0 ]; }; then bad=1; fi
  if [ "$counting_repeats" = 1 ]; then repeated=$((repeated + $3)); else passed=$((passed + $3)); fi
  failed=$((failed + bad))
  [ "$bad" != 0 ] || return 0
  local title="$1 (exit code $status, $3 passed, $4 failed)"
  failures+=("$title" "$(sed -n '/^FAILED /s/^/  /p; /^TEST CASE:/s/^/  /p' "$2" | sort -u | head -n 20)")
  printf 'FAILED %s\n' "$title"
  # What the program under test logs hides what failed.
  grep -avE '^{"level":"(debug|info|warn)"' "$2" | tail -n "$5"
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
  local before=$((passed + failed + repeated)) what=$1
  shift
  "$@"
  [ $((passed + failed + repeated)) -gt "$before" ] && return 0
  failed=$((failed + 1))
  failures+=("$what: there are none")
  printf 'FAILED %s: there are none\n' "$what"
}

print_count() { # what failed by name, then the last line; fails if anything did
  if [ ${#failures[@]} -gt 0 ]; then
    echo 'what failed:'
    printf '%s\n' "${failures[@]}" | sed '/^$/d'
  fi
  [ "$repeated" = 0 ] || printf '%d test cases passed again in other builds and settings\n' "$repeated"
  printf '%d passed, %d failed\n' "$passed" "$failed"
  [ "$failed" = 0 ]
}

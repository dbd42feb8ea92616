#!/usr/bin/env bash
# Every fuzz target for a number of executions, as many at a time as there are cores, with what came
# of it.
#   tests/fuzz/long_run.sh                       100,000,000 each (days; goes on, see below)
#   tests/fuzz/long_run.sh EXECUTIONS            of each
#   tests/fuzz/long_run.sh EXECUTIONS TARGET...  of these (token_fuzz)
# Needs the preset fuzz built: cmake --preset fuzz && cmake --build --preset fuzz. Executions add up
# in build/fuzz/long_run/TARGET.done, so a run that was interrupted goes on where its last slice
# ended; what a target found stays beside it, and a target with a finding is not run again until
# the file is gone. Ends with 1 if there is a finding.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
build=$root/build/fuzz
out=$build/long_run
slice=2000000 # executions between two notes of how far it is
# Longer inputs cost much and reach nothing more: what is about long ones has seeds, which ctest runs.
bytes_max=512
# Where memory was allocated is not remembered: whoever replays a finding gets it told. What is freed
# waits in 8 MB, more than an input allocates.
export ASAN_OPTIONS=malloc_context_size=0:quarantine_size_mb=8

goal=${1:-100000000}
shift || true
targets=("$@")
if [ ${#targets[@]} = 0 ]; then
  mapfile -t targets < <(cd "$build/bin" && ls -- *_fuzz)
fi
mkdir -p "$out"

done_of() { cat "$out/$1.done" 2>/dev/null || echo 0; }

# Until the goal; false if something was found or could not be done.
run_target() {
  local name=$1 so_far runs ran
  mkdir -p "$build/corpus/$name"
  "$build/bin/${name}_replay" --write-seeds "$build/corpus/$name" >/dev/null || return 1
  so_far=$(done_of "$name")
  while [ "$so_far" -lt "$goal" ]; do
    runs=$((goal - so_far < slice ? goal - so_far : slice))
    if ! "$build/bin/$name" -runs="$runs" -max_len="$bytes_max" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 -reload=0 -entropic=0 \
      -artifact_prefix="$out/$name." "$build/corpus/$name" >"$out/$name.log" 2>&1; then
      echo "$name: found something after $so_far executions, see $out/$name.log" >&2
      return 1
    fi
    ran=$(sed -n 's/^stat::number_of_executed_units: *//p' "$out/$name.log")
    if [ -z "$ran" ]; then
      echo "$name: does not say what it did, see $out/$name.log" >&2
      return 1
    fi
    so_far=$((so_far + ran))
    echo "$so_far" >"$out/$name.done"
  done
}

has_finding() {
  local kind
  for kind in crash leak timeout oom; do
    if compgen -G "$out/$1.$kind-*" >/dev/null; then return 0; fi
  done
  return 1
}

# A line about it; false if there is a finding.
work_on() {
  local name=$1 failed=0
  if has_finding "$name"; then
    echo "$name: has a finding in $out" >&2
    return 1
  fi
  run_target "$name" || failed=1
  printf '%-22s %12d executions, corpus of %d, %s a second\n' "$name" "$(done_of "$name")" \
    "$(find "$build/corpus/$name" -type f | wc -l)" \
    "$(sed -n 's/^stat::average_exec_per_sec: *//p' "$out/$name.log" 2>/dev/null)"
  return $failed
}

failed=0
working=0
for name in "${targets[@]}"; do
  if [ "$working" -ge "$(nproc)" ]; then
    wait -n || failed=1
    working=$((working - 1))
  fi
  work_on "$name" &
  working=$((working + 1))
done
for (( ; working > 0; working -= 1)); do
  wait -n || failed=1
done
exit $failed

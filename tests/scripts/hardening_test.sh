#!/usr/bin/env bash
# hardening_test.sh PROGRAM... [--optimised]: what the linker and the compiler were asked for is in
# the programs. With --optimised also what only optimised builds have. Exit 1 names what is missing.
# hardening_test.sh --self-test FOLDER: a program without it is found.
set -euo pipefail

failures=0
missing() {
  echo "$1: $2"
  failures=$((failures + 1))
}

check() {
  local program=$1 optimised=$2 headers dynamic symbols
  headers=$(readelf -hlW "$program")
  dynamic=$(readelf -dW "$program")
  grep -q 'Type: *DYN' <<<"$headers" || missing "$program" "is not position independent"
  grep -q 'GNU_RELRO' <<<"$headers" || missing "$program" "has no read-only relocations"
  grep -Eq 'BIND_NOW|FLAGS_1.*NOW' <<<"$dynamic" || missing "$program" "binds functions late"
  grep -Eq 'GNU_STACK.* RW ' <<<"$headers" || missing "$program" "has an executable stack"
  if grep -Eq '(RPATH|RUNPATH)' <<<"$dynamic"; then
    missing "$program" "looks for libraries in a path of its own"
  fi
  if [ "$optimised" = yes ]; then
    symbols=$(readelf -sW --dyn-syms "$program")
    grep -q '__stack_chk_fail' <<<"$symbols" || missing "$program" "has no stack protector"
    grep -Eq '__[a-z]+_chk' <<<"$symbols" || missing "$program" "has no fortified functions"
  fi
}

self_test() {
  local folder=$1
  mkdir -p "$folder"
  echo 'int main() { return 0; }' >"$folder/soft.cc"
  g++ -no-pie -Wl,-z,norelro -Wl,-z,lazy -Wl,-z,execstack -o "$folder/soft" "$folder/soft.cc" 2>/dev/null
  local found
  found=$(check "$folder/soft" yes)
  for what in 'position independent' 'read-only relocations' 'late' 'executable stack' 'stack protector'; do
    grep -q "$what" <<<"$found" || { echo "not noticed: $what"; exit 1; }
  done
}

if [ "${1:-}" = --self-test ]; then
  self_test "$2"
  exit 0
fi
optimised=no
programs=()
for argument in "$@"; do
  if [ "$argument" = --optimised ]; then optimised=yes; else programs+=("$argument"); fi
done
[ "${#programs[@]}" -gt 0 ] || { echo "no program given"; exit 2; }
for program in "${programs[@]}"; do check "$program" "$optimised"; done
exit $((failures > 0))

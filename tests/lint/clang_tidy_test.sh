#!/usr/bin/env bash
# clang-tidy (.clang-tidy, version 14) over our sources, with the flags of the clang preset.
#   clang_tidy_test.sh ROOT             every .cc of the product folders
#   clang_tidy_test.sh ROOT --all       every .cc, tests and benches too
#   clang_tidy_test.sh ROOT --changed   of the product's those that differ from main
#   clang_tidy_test.sh ROOT FILE...     these
#   clang_tidy_test.sh --self-test      check that a violation is found
# A clean result is remembered by the hash of everything it depends on (checks, flags, preprocessed
# text with comments), so a second run only looks at what changed. Findings are never remembered.
set -euo pipefail

tidy_version=14
product_folders=(storage engine net config tools)

need_clang_tidy() {
  if ! clang-tidy-$tidy_version --version >/dev/null 2>&1 || ! command -v clang++ >/dev/null; then
    echo "clang-tidy-$tidy_version or clang++ is missing; tools/install-packages test installs it" >&2
    exit 2
  fi
}

# One file: prints findings and fails, or leaves a mark in the cache. Runs in parallel.
check_file() {
  local root=$1 file=$2 build=$1/build/tidy command key
  command=$(python3 - "$build/compile_commands.json" "$root/$file" <<'PY'
import json, shlex, sys
for entry in json.load(open(sys.argv[1])):
    if entry["file"] == sys.argv[2]:
        words = shlex.split(entry["command"])
        words = words[next(i for i, w in enumerate(words) if w.endswith("clang++")):]
        out = words.index("-o")
        del words[out:out + 2]
        words.remove("-c")
        print(shlex.join(words))
        break
PY
  )
  if [ -z "$command" ]; then
    echo "$file: not in compile_commands.json" >&2
    return 1
  fi
  key=$( (clang-tidy-$tidy_version --version; cat "$root/.clang-tidy"; echo "$command"
    cd "$build" && eval "$command -E -C") 2>/dev/null | sha256sum | cut -d' ' -f1)
  if [ -e "$build/clean/$key" ]; then
    return
  fi
  # --quiet still counts suppressed warnings on stderr; its own errors come on stdout.
  if ! clang-tidy-$tidy_version --quiet -p "$build" "$root/$file" 2>/dev/null; then
    echo "$file: clang-tidy found the above" >&2
    return 1
  fi
  touch "$build/clean/$key"
}

list_files() {
  local root=$1 mode=$2 base
  cd "$root"
  case $mode in
    product) find "${product_folders[@]}" -name '*.cc' | sort ;;
    --all) find "${product_folders[@]}" tests bench -name node_modules -prune -o -name '*.cc' -print | sort ;;
    --changed)
      base=$(git merge-base HEAD main 2>/dev/null || git rev-parse HEAD)
      { git diff --name-only --diff-filter=d "$base" -- "${product_folders[@]/%//*.cc}"
        git ls-files --others --exclude-standard -- "${product_folders[@]/%//*.cc}"; } | sort -u
      ;;
  esac
}

run() {
  local root=$1 files count
  shift
  need_clang_tidy
  if [ $# = 0 ] || [ "$1" = --all ] || [ "$1" = --changed ]; then
    mapfile -t files < <(list_files "$root" "${1:-product}")
  else
    files=("$@")
  fi
  count=${#files[@]}
  if [ "$count" = 0 ]; then
    echo "clang-tidy: no file to look at"
    return
  fi
  # Configured, never built: clang-tidy needs the flags of the clang preset, nothing else.
  (cd "$root" && cmake --preset clang -B "$root/build/tidy" >/dev/null)
  mkdir -p "$root/build/tidy/clean"
  if ! printf '%s\0' "${files[@]}" | xargs -0 -n1 -P"$(nproc)" "$0" --file "$root"; then
    echo "clang-tidy: findings in $count files looked at" >&2
    return 1
  fi
  echo "clang-tidy: $count files are clean"
}

self_test() {
  need_clang_tidy
  local here
  here=$(cd "$(dirname "$0")/../.." && pwd)
  dir=$(mktemp -d)
  trap 'rm -rf "$dir"' EXIT
  mkdir -p "$dir/build/tidy/clean" "$dir/engine"
  cp "$here/.clang-tidy" "$dir/"
  printf '[{"directory":"%s/build/tidy","command":"clang++ -std=c++20 -o a.o -c %s/engine/a.cc","file":"%s/engine/a.cc"}]\n' \
    "$dir" "$dir" "$dir" >"$dir/build/tidy/compile_commands.json"
  printf 'namespace tallyd {\nint Twice(int number) {\n  return number * 2;\n}\n}  // namespace tallyd\n' >"$dir/engine/a.cc"
  "$0" --file "$dir" engine/a.cc || { echo "a clean file was refused" >&2; return 1; }
  if [ -z "$(ls "$dir/build/tidy/clean")" ]; then
    echo "a clean result was not remembered" >&2
    return 1
  fi
  printf 'namespace tallyd {\nint twiceOf(int number) {\n  if (number > 0)\n    return 0;\n  return number * 2;\n}\n}  // namespace tallyd\n' >"$dir/engine/a.cc"
  if "$0" --file "$dir" engine/a.cc >/dev/null 2>&1; then
    echo "a file with findings was accepted" >&2
    return 1
  fi
}

case ${1:-} in
  --self-test) self_test ;;
  --file) check_file "$2" "$3" ;;
  *) run "$@" ;;
esac

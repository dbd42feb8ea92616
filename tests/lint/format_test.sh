#!/usr/bin/env bash
# Every C++ file looks as .clang-format says. Fails, not skips, without clang-format 14: other
# versions break lines differently.
#   format_test.sh ROOT        check the repository
#   format_test.sh --self-test check that a violation is found
set -euo pipefail

check() {
  local root=$1
  if ! clang-format-14 --version 2>/dev/null | grep -q 'version 14\.'; then
    echo "clang-format 14 is missing; tools/install-packages test installs it" >&2
    return 2
  fi
  (cd "$root" &&
    find storage engine net config tools bench tests -name node_modules -prune -o \
      \( -name '*.h' -o -name '*.cc' \) -print0 |
    xargs -0 --no-run-if-empty clang-format-14 --style=file --dry-run -Werror)
}

self_test() {
  local here
  here=$(cd "$(dirname "$0")/../.." && pwd)
  dir=$(mktemp -d)
  trap 'rm -rf "$dir"' EXIT
  mkdir "$dir"/{storage,engine,net,config,tools,bench,tests,empty}
  cp "$here/.clang-format" "$dir/"
  printf 'int main() {\n  return 0;\n}\n' >"$dir/engine/a.cc"
  check "$dir" || { echo "a well-formed file was refused" >&2; return 1; }
  printf 'int   main( ){return 0;}\n' >"$dir/engine/a.cc"
  if check "$dir" 2>/dev/null; then
    echo "a badly formed file was accepted" >&2
    return 1
  fi
  # Everything the check needs but clang-format.
  ln -s "$(command -v grep)" "$(command -v find)" "$(command -v xargs)" "$dir/empty/"
  printf 'int main() {\n  return 0;\n}\n' >"$dir/engine/a.cc"
  if PATH="$dir/empty" check "$dir" 2>/dev/null; then
    echo "a missing clang-format was accepted" >&2
    return 1
  fi
}

if [ "${1:-}" = --self-test ]; then
  self_test
else
  check "$1"
fi

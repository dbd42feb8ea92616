#!/usr/bin/env python3
"""clang-tidy (.clang-tidy, version 14) over our sources, with the flags of the clang preset.

  clang_tidy_test.py ROOT             every .cc of the product folders
  clang_tidy_test.py ROOT --all       every .cc, tests and benches too
  clang_tidy_test.py ROOT --changed   of the product's those that differ from main
  clang_tidy_test.py ROOT FILE...     these
  clang_tidy_test.py --self-test      check that violations are found, and where

Most of clang-tidy's time goes into the headers of Boost, RocksDB and Abseil, which each file reads
anew. So files of a folder are put one behind the other into one text and looked at together, with the
macros of all of them; what is found is printed with the place in its own file. A clean text is
remembered by the hash of everything it depends on (checks, flags, preprocessed text with comments),
so that a second run looks only at what changed. Findings are never remembered.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

TIDY = "clang-tidy-14"
PRODUCT_FOLDERS = ["storage", "engine", "net", "config", "tools"]
FILES_TOGETHER = 32
# Where the analyzer gives up on a function: a tenth of its default, at which it takes five times as
# long to look at ours.
ANALYZER = ["-Xclang", "-analyzer-config", "-Xclang", "max-nodes=20000"]


def need_programs():
    for program in (TIDY, "clang++"):
        if shutil.which(program) is None:
            sys.exit(f"{program} is missing; tools/install-packages test installs it")


def flags_by_file(build):
    """{absolute path: tuple of flags, the compiler first}, without input and output."""
    flags = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        del words[: next(i for i, word in enumerate(words) if word.endswith("clang++"))]
        output = words.index("-o")
        del words[output : output + 2]
        compiled = words.index("-c")
        del words[compiled : compiled + 2]
        # The product's own flags come first; tests compile some files again, broken on purpose.
        flags.setdefault(entry["file"], tuple(words))
    return flags


class Unit:
    """Files of one folder, as one text."""

    def __init__(self, build, number, files, flags):
        self.build = build
        self.files = files
        self.flags = list(flags)
        self.path = build / "together" / f"{number}.cc"
        self.begins = []  # the line each file begins at, from 1
        text = []
        line = 1
        for file in files:
            self.begins.append(line)
            content = file.read_text()
            content += "" if content.endswith("\n") else "\n"
            text.append(content)
            line += content.count("\n")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text("".join(text))

    def place(self, line):
        """The file and the line in it of a line of the whole."""
        at = max(i for i, begin in enumerate(self.begins) if begin <= line)
        return self.files[at], line - self.begins[at] + 1

    def in_own_files(self, output):
        def replace(match):
            file, line = self.place(int(match.group(1)))
            return f"{file}:{line}"

        return re.sub(re.escape(str(self.path)) + r":(\d+)", replace, output)

    def key(self, checks):
        preprocessed = subprocess.run(
            self.flags + ["-E", "-C", str(self.path)], cwd=self.build, capture_output=True, check=False
        ).stdout
        version = subprocess.run([TIDY, "--version"], capture_output=True, check=True).stdout
        digest = hashlib.sha256()
        for part in (version, checks, shlex.join(self.flags + ANALYZER).encode(), preprocessed):
            digest.update(hashlib.sha256(part).digest())
        return digest.hexdigest()

    def check(self, config):
        """What is found, "" if nothing."""
        mark = self.build / "clean" / self.key(config.read_bytes())
        if mark.exists():
            return ""
        # --quiet still counts suppressed warnings on stderr; its own errors come on stdout.
        run = subprocess.run(
            [TIDY, "--quiet", f"--config-file={config}", str(self.path), "--"]
            + self.flags[1:] + ANALYZER,
            cwd=self.build, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False,
        )
        if run.returncode != 0:
            return self.in_own_files(run.stdout) or f"{TIDY} ended with {run.returncode}\n"
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
        return ""


def flags_of_all(files, flags):
    """The flags of the first, and what macros the others are given besides."""
    together = list(flags[str(files[0])])
    for file in files:
        for word in flags[str(file)]:
            if word not in together:
                if not word.startswith("-D"):
                    sys.exit(f"{file}: {word} is not a flag of {files[0]}")
                together.append(word)
    return together


def groups_of(files):
    """Lists of files that are one text: of one folder, FILES_TOGETHER at most."""
    by_folder = {}
    for file in files:
        by_folder.setdefault(file.parent, []).append(file)
    for folder in by_folder.values():
        pieces = -(-len(folder) // FILES_TOGETHER)
        ends = [len(folder) * i // pieces for i in range(pieces + 1)]
        for begin, end in zip(ends, ends[1:]):
            yield folder[begin:end]


def units_of(build, files):
    flags = flags_by_file(build)
    missing = [str(file) for file in files if str(file) not in flags]
    if missing:
        sys.exit("not in compile_commands.json: " + ", ".join(missing))
    largest_first = lambda group: -sum(file.stat().st_size for file in group)
    groups = sorted(groups_of(files), key=largest_first)
    return [Unit(build, number, group, flags_of_all(group, flags))
            for number, group in enumerate(groups)]


def git_lines(root, *arguments):
    run = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    return run.stdout.split()


def files_of(root, mode):
    if mode == "--changed":
        base = (git_lines(root, "merge-base", "HEAD", "main") or ["HEAD"])[0]
        own = [f"{folder}/*.cc" for folder in PRODUCT_FOLDERS]
        names = git_lines(root, "diff", "--name-only", "--diff-filter=d", base, "--", *own)
        names += git_lines(root, "ls-files", "--others", "--exclude-standard", "--", *own)
        return sorted({root / name for name in names})
    folders = PRODUCT_FOLDERS + (["tests", "bench"] if mode == "--all" else [])
    found = (path for folder in folders for path in (root / folder).rglob("*.cc"))
    return sorted(path for path in found if "node_modules" not in path.parts)


def check(root, build, files):
    units = units_of(build, files)
    found = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as workers:
        for output in workers.map(lambda unit: unit.check(root / ".clang-tidy"), units):
            print(output, end="", flush=True)
            found += output != ""
    if found:
        print(f"clang-tidy: findings, {len(files)} files looked at", file=sys.stderr)
        return 1
    print(f"clang-tidy: {len(files)} files are clean")
    return 0


def run(root, arguments):
    need_programs()
    if arguments and not arguments[0].startswith("--"):
        files = [(root / name).resolve() for name in arguments]
    else:
        files = files_of(root, arguments[0] if arguments else "")
    if not files:
        print("clang-tidy: no file to look at")
        return 0
    # Configured, never built: clang-tidy needs the flags of the clang preset, nothing else.
    build = root / "build" / "tidy"
    subprocess.run(["cmake", "--preset", "clang", "-B", str(build)], cwd=root, check=True,
                   stdout=subprocess.DEVNULL)
    return check(root, build, files)


GOOD = "namespace tallyd {\nint Twice(int number) {\n  return number * 2;\n}\n}  // namespace tallyd\n"
BAD_NAME = "namespace tallyd {\nint thriceOf(int number) {\n  return number * 3;\n}\n}  // namespace tallyd\n"
BAD_PATH = ("namespace tallyd {\nint First(const int* numbers, int count) {\n"
            "  if (count == 0) numbers = nullptr;\n  return *numbers;\n}\n}  // namespace tallyd\n")


def self_test():
    need_programs()
    here = pathlib.Path(__file__).resolve().parents[2]
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory).resolve()
        build = root / "build" / "tidy"
        (root / "engine").mkdir()
        build.mkdir(parents=True)
        shutil.copy(here / ".clang-tidy", root)
        first, second = root / "engine" / "a.cc", root / "engine" / "b.cc"
        commands = [{"directory": str(build), "file": str(file),
                     "command": f"clang++ -std=c++20 -o x.o -c {file}"} for file in (first, second)]
        (build / "compile_commands.json").write_text(json.dumps(commands))

        def findings(text):
            first.write_text(GOOD)
            second.write_text(text)
            units = units_of(build, [first, second])
            if len(units) != 1:
                sys.exit("files of one folder were not looked at together")
            return units[0].check(root / ".clang-tidy")

        if findings(GOOD.replace("Twice", "Double")) != "":
            sys.exit("clean files were refused")
        if not list((build / "clean").iterdir()):
            sys.exit("a clean result was not remembered")
        for text, line, what in ((BAD_NAME, 2, "readability-identifier-naming"),
                                 (BAD_PATH, 4, "clang-analyzer-core.NullDereference")):
            for _ in range(2):  # a finding is not remembered
                output = findings(text)
                if f"{second}:{line}:" not in output or what not in output:
                    sys.exit(f"not found, or elsewhere than in line {line}: {what}\n{output}")
    return 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    return run(pathlib.Path(sys.argv[1]).resolve(), sys.argv[2:])


sys.exit(main())

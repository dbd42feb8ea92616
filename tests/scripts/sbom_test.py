"""tools/sbom against what the dynamic linker says it really loaded.

usage: sbom_test.py SOURCE_DIRECTORY BUILD_DIRECTORY
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

ROOT, BUILD = sys.argv[1], sys.argv[2]
SBOM = os.path.join(ROOT, "tools", "sbom")
TALLYD = os.path.join(BUILD, "bin", "tallyd")


def sbom(*arguments):
    return subprocess.run([SBOM, *arguments], capture_output=True, text=True)


def really_loaded():
    """Packages of the libraries that a process of tallyd initialised, as glibc's own trace has it."""
    trace = subprocess.run([TALLYD, "version"], capture_output=True, text=True,
                           env={**os.environ, "LD_DEBUG": "files"}).stderr
    paths = set(re.findall(r"calling init: (/\S+)", trace))
    packages = set()
    for path in paths:
        real = os.path.realpath(path)
        for candidate in (path, real, real.removeprefix("/usr")):
            found = subprocess.run(["dpkg-query", "--search", candidate],
                                   capture_output=True, text=True)
            if found.returncode == 0:
                packages.add(found.stdout.split(":")[0])
                break
        else:
            raise AssertionError(f"no package owns {path}")
    return packages


class SbomTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        done = sbom("--build", BUILD)
        assert done.returncode == 0, done.stderr
        cls.text = done.stdout
        cls.document = json.loads(done.stdout)
        cls.components = {part["name"]: part for part in cls.document["components"]}

    def test_is_cyclonedx(self):
        self.assertEqual(self.document["bomFormat"], "CycloneDX")
        self.assertEqual(self.document["specVersion"], "1.5")
        self.assertRegex(self.document["serialNumber"],
                         "^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
        refs = [part["bom-ref"] for part in self.document["components"]]
        self.assertEqual(len(refs), len(set(refs)))
        self.assertEqual(self.document["dependencies"][0]["dependsOn"], refs)

    def test_names_what_is_loaded(self):
        loaded = really_loaded()
        self.assertGreater(len(loaded), 10)
        for package in loaded:
            self.assertIn(package, self.components)
            self.assertIn("loaded", self.components[package]["properties"][0]["value"])

    def test_names_what_is_compiled_in(self):
        for package in ("libboost1.81-dev", "libabsl-dev", "librocksdb-dev"):
            self.assertIn("compiled in", self.components[package]["properties"][0]["value"])
        self.assertNotIn("libgtest-dev", self.components)  # of the tests only

    def test_the_same_build_gives_the_same_bytes(self):
        self.assertEqual(sbom("--build", BUILD).stdout, self.text)

    def test_without_a_build_it_says_so(self):
        with tempfile.TemporaryDirectory() as empty:
            done = sbom("--build", empty)
            self.assertEqual(done.returncode, 1)
            self.assertIn("build the preset first", done.stderr)
            self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])

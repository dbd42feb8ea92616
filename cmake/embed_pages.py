#!/usr/bin/env python3
"""Turns the files of web/ into a C++ file that holds them, plain and compressed.

    embed_pages.py WEB_DIRECTORY OUTPUT.cc

Nothing is transformed but one word: @ASSETS@ in a page becomes /assets/<hash>, where the hash is
of all assets together. So an asset's address changes with its content and may be kept for ever,
and the modules of one version never meet those of another. The same input gives the same bytes.
"""

import gzip
import hashlib
import pathlib
import sys

from embed_openapi import c_bytes

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def read_files(directory):
    files = {}
    for path in sorted(directory.iterdir()):
        if path.suffix not in TYPES:
            sys.exit(f"{path}: a page is made of {', '.join(sorted(TYPES))}")
        files[path.name] = path.read_bytes()
    return files


def bundle_hash(assets):
    digest = hashlib.sha256()
    for name, data in assets.items():
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()[:16]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    files = read_files(pathlib.Path(sys.argv[1]))
    version = bundle_hash({name: data for name, data in files.items()
                           if not name.endswith(".html")})
    arrays = []
    rows = []
    for index, (name, data) in enumerate(files.items()):
        data = data.replace(b"@ASSETS@", f"/assets/{version}".encode())
        packed = gzip.compress(data, compresslevel=9, mtime=0)
        tag = hashlib.sha256(data).hexdigest()[:16]
        arrays.append(f"constexpr unsigned char kPlain{index}[] = {{\n{c_bytes(data)}\n}};\n"
                      f"constexpr unsigned char kGzip{index}[] = {{\n{c_bytes(packed)}\n}};\n")
        rows.append(f'    {{"{name}", "{TYPES[pathlib.Path(name).suffix]}", "{tag}", '
                    f"View(kPlain{index}), View(kGzip{index})}},")
    newline = "\n"
    pathlib.Path(sys.argv[2]).write_text(f"""// Made by cmake/embed_pages.py from web/.

#include "net/embedded_page.h"

namespace tallyd {{
namespace {{

{newline.join(arrays)}
template <std::size_t kSize>
std::string_view View(const unsigned char (&bytes)[kSize]) {{
  return {{reinterpret_cast<const char*>(bytes), kSize}};
}}

}}  // namespace

std::string_view EmbeddedPagesVersion() {{
  return "{version}";
}}

absl::Span<const EmbeddedPage> EmbeddedPages() {{
  static const EmbeddedPage pages[] = {{
{newline.join(rows)}
  }};
  return pages;
}}

}}  // namespace tallyd
""")


if __name__ == "__main__":
    main()

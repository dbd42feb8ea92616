#!/usr/bin/env python3
"""Turns docs/openapi.yaml into one line of JSON and into a C++ file that holds it, and the page for
people that openapi_page.py makes of it.

    embed_openapi.py INPUT.yaml OUTPUT.json OUTPUT.cc

The same input gives the same bytes. A key that is there twice is an error: YAML would silently
keep the last one.
"""

import json
import sys

import yaml

from openapi_page import openapi_page


class StrictLoader(yaml.SafeLoader):
    """SafeLoader that refuses repeated keys and leaves times as the strings they are."""


def construct_mapping(loader, node):
    mapping = {}
    loader.flatten_mapping(node)
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise yaml.constructor.ConstructorError(
                None, None, f"key {key!r} is not a string: quote it", key_node.start_mark)
        if key in mapping:
            raise yaml.constructor.ConstructorError(
                None, None, f"key {key!r} is there twice", key_node.start_mark)
        mapping[key] = loader.construct_object(value_node, deep=True)
    return mapping


StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, construct_mapping)
StrictLoader.add_constructor("tag:yaml.org,2002:timestamp",
                             lambda loader, node: loader.construct_scalar(node))


def c_bytes(data):
    """The bytes as lines of decimal numbers; a string literal would have a length limit."""
    lines = []
    for start in range(0, len(data), 24):
        lines.append(",".join(str(byte) for byte in data[start:start + 24]) + ",")
    return "\n".join(lines)


def c_function(name, data):
    array = f"k{name}Bytes"
    return (f"constexpr unsigned char {array}[] = {{\n{c_bytes(data)}\n}};\n\n",
            f"std::string_view {name}() {{\n"
            f"  return {{reinterpret_cast<const char*>({array}), sizeof {array}}};\n"
            "}\n\n")


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    source, json_path, cc_path = sys.argv[1:]
    try:
        with open(source, encoding="utf-8") as file:
            document = yaml.load(file, Loader=StrictLoader)
    except yaml.YAMLError as error:
        sys.exit(f"{source}: {error}")
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    data = text.encode("utf-8")
    with open(json_path, "wb") as file:
        file.write(data)
    json_array, json_function = c_function("OpenApiJson", data)
    page_array, page_function = c_function("OpenApiPage", openapi_page(document).encode("utf-8"))
    with open(cc_path, "w", encoding="ascii") as file:
        file.write('// Made from docs/openapi.yaml by cmake/embed_openapi.py.\n\n'
                   '#include "net/openapi_document.h"\n\n'
                   f"namespace tallyd {{\nnamespace {{\n\n{json_array}{page_array}"
                   f"}}  // namespace\n\n{json_function}{page_function}"
                   "}  // namespace tallyd\n")


if __name__ == "__main__":
    main()

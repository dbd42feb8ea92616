#pragma once

// docs/openapi.yaml, embedded in the program: as JSON for GET /openapi.json, as a page for GET
// /docs.
//
// Made at build time by cmake/embed_openapi.py; nothing is read or parsed at run time. One line of
// UTF-8 JSON and one HTML document without scripts, the same bytes for the whole life of the
// process. Any thread; free.

#include <string_view>

namespace tallyd {

std::string_view OpenApiJson();
std::string_view OpenApiPage();

}  // namespace tallyd

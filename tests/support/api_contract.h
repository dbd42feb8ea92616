#pragma once

// What API.md promises about errors, written down a second time: code -> status. Not generated from
// net/problem_catalog.cc, so that the two can disagree.

#include <string>

#include "tests/support/http_client.h"

namespace tallyd {

// The promised status of a problem code; 0 (and a test failure) if the contract has no such code.
int StatusOfCode(const std::string& code);

// The answer is that problem, complete and well-formed (RFC 9457, Request-Id, Retry-After where it
// is promised). `pointer`: the JSON Pointer of errors[0], "-" = not looked at.
void ExpectProblem(const HttpAnswer& answer, const std::string& code,
                   const std::string& pointer = "-");

}  // namespace tallyd

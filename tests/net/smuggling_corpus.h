#pragma once

// Raw requests that two programs in a row might read differently, and what ours answers.
//
// Sources: the behaviour of Beast 1.81's parser on each (measured), RFC 9112, and the topics of the
// request-smuggling literature. A change of parser or guard shows here first.

#include <string>
#include <vector>

namespace tallyd {

struct RawCase {
  std::string name;
  std::string bytes;          // as sent, possibly several requests
  std::vector<int> statuses;  // of all answers, in order
  bool closes = true;         // whether the server ends the connection afterwards
  int handled = 0;            // how many requests reach a handler
};

// Routes are those of TestServer (tests/net/http_fixture.h).
std::vector<RawCase> SmugglingCorpus();

}  // namespace tallyd

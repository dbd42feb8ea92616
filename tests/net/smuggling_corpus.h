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
  // How many requests the sender meant, where that is not the number of answers: none behind them
  // may ever be taken for a request, by no program on the way.
  int sent = 0;

  int RequestsSent() const { return sent > 0 ? sent : static_cast<int>(statuses.size()); }
};

// Routes are those of TestServer (tests/net/http_fixture.h).
std::vector<RawCase> SmugglingCorpus();

}  // namespace tallyd

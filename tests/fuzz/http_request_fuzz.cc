// Any bytes are refused, or become requests that keep the rules of the guard.

#include <string>
#include <string_view>

#include "net/request_guard.h"
#include "net/request_parser.h"
#include "net/router.h"
#include "storage/check.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/net/smuggling_corpus.h"

namespace tallyd {
namespace {

const Router& FuzzRouter() {
  static const Router router = [] {
    Router made;
    const auto ignore = [](const HttpRequest&, Responder) {};
    for (const std::string_view pattern :
         {"/", "/hello", "/a/b", "/{x}/b/c", "/a/{y}/{z}", "/a/{y}/d"}) {
      made.Add(Method::kGet, pattern, kPublicListener, BodyPolicy::None(), ignore);
      made.Add(Method::kPost, pattern, kPublicListener, BodyPolicy::Small(), ignore);
    }
    return made;
  }();
  return router;
}

// A view the handler would see lies in the header or in the request's own decoded text.
void CheckView(std::string_view view, std::string_view block, const HttpRequest& request) {
  if (view.empty()) return;
  const auto within = [&](std::string_view whole) {
    return view.data() >= whole.data() && view.data() + view.size() <= whole.data() + whole.size();
  };
  TALLYD_CHECK(within(block) || within(request.decoded));
}

void CheckRequest(std::string_view block, const HttpRequest& request) {
  TALLYD_CHECK(IsValidHost(request.host));
  TALLYD_CHECK(IsValidTarget(request.target));
  TALLYD_CHECK(request.content_length <= kContentLengthMax);
  TALLYD_CHECK(request.request_id.empty() || IsSaneRequestId(request.request_id));
  for (const NamedValue& param : request.params) {
    TALLYD_CHECK(!param.value.empty() && param.value != "." && param.value != "..");
    CheckView(param.value, block, request);
  }
  for (const NamedValue& query : request.queries) {
    CheckView(query.name, block, request);
    CheckView(query.value, block, request);
  }
}

}  // namespace

std::vector<std::string> FuzzSeeds() {
  std::vector<std::string> seeds = {
      "GET /a/%62/c HTTP/1.1\r\nHost: t\r\n\r\n",
      "GET /a/x%2Fy/z?a=%41&b HTTP/1.1\r\nHost: [::1]:80\r\nAccept-Language: de\r\n\r\n"};
  for (RawCase& raw : SmugglingCorpus()) seeds.push_back(std::move(raw.bytes));
  return seeds;
}

}  // namespace tallyd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tallyd;
  const SessionLimits limits;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  while (!rest.empty()) {
    HeaderScanner scanner;
    if (scanner.Scan(rest, limits) != HeaderScanner::Result::kComplete) return 0;
    const std::string_view block = rest.substr(scanner.begin(), scanner.end() - scanner.begin());
    HttpRequest request;
    HeaderFacts facts;
    if (ParseHeader(block, limits, request, facts).has_value()) return 0;
    const Router::Match match = FuzzRouter().Find(request);
    TALLYD_CHECK((match.outcome == Router::Outcome::kFound) <= (match.route != nullptr));
    CheckRequest(block, request);
    rest.remove_prefix(scanner.end());
    if (request.content_length > rest.size()) return 0;
    rest.remove_prefix(static_cast<std::size_t>(request.content_length));
  }
  return 0;
}

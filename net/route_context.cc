#include "net/route_context.h"

#include <algorithm>
#include <utility>

#include "net/concat.h"
#include "net/wire_text.h"

namespace tallyd {

void SendProblem(Responder responder, const HttpRequest& request, ProblemCode code,
                 std::string_view detail, absl::Span<const BodyError> errors) {
  std::move(responder).Send(ProblemResponse(code, detail, errors, request.accept_language));
}

void SendBodyErrors(Responder responder, std::string_view accept_language,
                    absl::Span<const BodyError> errors) {
  const BodyError& first = errors.front();
  std::move(responder).Send(ProblemResponse(first.code, first.detail, errors, accept_language));
}

std::shared_ptr<const PollView> FindPoll(const RouteContext& context, const HttpRequest& request,
                                         Responder& responder, bool with_drafts) {
  auto poll = context.engine.polls().Find(request.Param("poll"));
  const bool hidden = poll != nullptr && poll->state == PollState::kDraft && !with_drafts &&
                      !context.ShowsDrafts(request);
  if (poll != nullptr && !hidden) return poll;
  SendProblem(std::move(responder), request, ProblemCode::kPollNotFound);
  return nullptr;
}

bool RequireMediaType(const HttpRequest& request, std::string_view media_type,
                      Responder& responder) {
  const bool plain = request.content_encoding.empty() || request.content_encoding == "identity";
  if (plain && IsMediaType(request.content_type, media_type)) return true;
  SendProblem(
      std::move(responder), request, ProblemCode::kUnsupportedMediaType,
      plain ? Concat("the body must be ", media_type) : "this route takes no Content-Encoding");
  return false;
}

bool RequireQueries(const HttpRequest& request, absl::Span<const std::string_view> known,
                    Responder& responder) {
  for (const NamedValue& query : request.queries) {
    if (std::find(known.begin(), known.end(), query.name) != known.end()) continue;
    SendProblem(std::move(responder), request, ProblemCode::kParameterInvalid,
                Concat("unknown parameter: ", query.name));
    return false;
  }
  return true;
}

}  // namespace tallyd

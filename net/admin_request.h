#pragma once

// What an administrator's request leaves behind when its handler returns: the act needs it until
// the engine has decided, and perhaps to try again. Io thread only.

#include <optional>
#include <string>
#include <string_view>

#include "net/precondition.h"
#include "net/route_context.h"

namespace tallyd {

struct AdminRequest {
  std::string id;        // of the poll or project
  std::string option;    // where the path has one
  std::string question;  // the same
  std::string batch;     // the same
  std::string actor;
  Precondition condition;
  bool german = false;
  int tries_left = 16;  // of a read-modify-write that others overtake

  std::string_view language() const { return german ? "de" : "en"; }
};

// Checks scope, query (none but `queries`), precondition syntax and actor, and takes what is needed
// from the request; nullopt: answered.
std::optional<AdminRequest> ReadAdminRequest(const RouteContext& context,
                                             const HttpRequest& request, std::string_view id_param,
                                             Responder& responder, Scope scope = Scope::kAdmin,
                                             absl::Span<const std::string_view> queries = {});

void SendProblem(Responder responder, const AdminRequest& request, ProblemCode code,
                 std::string_view detail = {}, absl::Span<const BodyError> errors = {});

// Answers an act that the engine refused; false: it was not refused, and nothing was answered.
bool AnswerRefusedAct(const AdminRequest& request, const Outcome& outcome, Responder& responder);

}  // namespace tallyd

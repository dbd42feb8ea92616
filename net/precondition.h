#pragma once

// If-Match and If-None-Match of a request that changes a poll or a project.
//
//   Precondition condition;
//   if (!ReadPrecondition(request, condition)) ... 400 header_invalid ...
//   if (!condition.given()) ... 428 ...
//   if (!condition.Holds(epoch, existing revision or nullopt)) ... 412 ...
//
// ETags are "e<epoch>-<revision>" and compared strongly (RFC 9110 8.8.3.2). Any thread.

#include <optional>
#include <string>

#include "absl/container/inlined_vector.h"

#include "net/http_request.h"
#include "net/wire_text.h"

namespace tallyd {

struct Precondition {
  bool create_only = false;   // If-None-Match: *
  bool any_revision = false;  // If-Match: *
  bool if_match = false;
  absl::InlinedVector<VersionTag, 1> revisions;  // those of If-Match that could be ours

  bool given() const { return create_only || if_match; }
  // What it says about something that exists at `revision`, or does not exist.
  bool Holds(Epoch epoch, std::optional<Position> revision) const;
};

// False: a header cannot be understood, or both are there.
bool ReadPrecondition(const HttpRequest& request, Precondition& condition);

// "e<epoch>-<revision>" in quotes.
std::string RevisionTag(Epoch epoch, Position revision);

}  // namespace tallyd

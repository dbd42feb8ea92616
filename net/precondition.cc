#include "net/precondition.h"

#include <algorithm>

namespace tallyd {

bool Precondition::Holds(Epoch epoch, std::optional<Position> revision) const {
  if (create_only) return !revision;
  if (!if_match) return true;
  if (!revision) return false;
  return any_revision ||
         std::any_of(revisions.begin(), revisions.end(), [&](const VersionTag& tag) {
           return tag.epoch == epoch && tag.position == *revision;
         });
}

bool ReadPrecondition(const HttpRequest& request, Precondition& condition) {
  const bool has_none_match = request.if_none_match.data() != nullptr;
  condition.if_match = request.if_match.data() != nullptr;
  if (has_none_match && condition.if_match) return false;
  if (has_none_match) {
    condition.create_only = StripBlanks(request.if_none_match) == "*";
    return condition.create_only;
  }
  if (!condition.if_match) return true;
  if (StripBlanks(request.if_match) == "*") {
    condition.any_revision = true;
    return true;
  }
  EntityTags tags(request.if_match);
  while (const auto tag = tags.Next()) {
    const auto revision = ParseVersionTag(tag->opaque);
    if (revision && !tag->weak) condition.revisions.push_back(*revision);
  }
  return !tags.malformed();
}

std::string RevisionTag(Epoch epoch, Position revision) {
  std::string tag = "\"";
  AppendVersionTag(epoch, revision, tag);
  tag += '"';
  return tag;
}

}  // namespace tallyd

// Quotas: how many ballots one voter may have in force over all polls of a project.

#include "engine/decider.h"
#include "storage/check.h"

namespace tallyd {
namespace {

// Who votes, over all polls of the project; null where nobody needs to know.
const VoterTag* ProjectTagOf(const Command& command) {
  const auto* extras =
      command.act == nullptr ? nullptr : std::get_if<VoteExtras>(command.act.get());
  return extras != nullptr && extras->project_tag ? &*extras->project_tag : nullptr;
}

}  // namespace

std::optional<OutcomeCode> Decider::CheckQuota(const PollRecord& poll, const Command& vote) const {
  if (poll.project_quota == 0) return std::nullopt;
  const VoterTag* tag = ProjectTagOf(vote);
  if (tag == nullptr) {
    // Paper that names nobody spends nothing. Online the poll's view was older than the quota: the
    // answer is one that is sent again.
    if (vote.channel == Channel::kPaper) return std::nullopt;
    return OutcomeCode::kKeyMissing;
  }
  const QuotaBook& quotas = state_.polls->quotas();
  if (quotas.Spent(*tag) >= poll.project_quota) return OutcomeCode::kQuotaExhausted;
  if (!quotas.HasRoomFor(*tag)) return OutcomeCode::kTooLarge;
  return std::nullopt;
}

void Decider::UseQuota(const PollRecord& poll, const Command& command, bool give_back,
                       DecidedBatch* batch) {
  const VoterTag* tag = ProjectTagOf(command);
  if (poll.project_quota == 0 || tag == nullptr) return;
  // A ballot that came on nameless paper spent nothing.
  if (give_back && state_.polls->quotas().Spent(*tag) == 0) return;
  const QuotaUseEntry entry{.spent_in = poll.number, .project_tag = *tag, .given_back = give_back};
  batch->record.AddQuotaUse(entry);
  TALLYD_CHECK(state_.polls->Apply(entry));
  state_.metrics->quota_voters.store(state_.polls->quotas().voters_count(),
                                     std::memory_order_relaxed);
}

}  // namespace tallyd

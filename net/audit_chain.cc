#include "net/audit_chain.h"

#include <algorithm>

#include "absl/status/status.h"

#include "net/wire_json_audit.h"
#include "storage/checksums.h"

namespace tallyd {

absl::StatusOr<AuditChain::Page> AuditChain::Read(AuditLog log, const std::string& project,
                                                  std::uint64_t after, std::size_t limit) {
  Page page{.lines = {}, .last = after, .has_more = false};
  const std::uint64_t acts = engine_.acts_count(log);
  if (after >= acts) return page;
  std::vector<ChainHash>& marks = marks_[log];
  const std::uint64_t known = std::min<std::uint64_t>(after / kStride, marks.size());
  ChainHash previous = known == 0 ? ChainHash{} : marks[known - 1];
  const std::uint64_t begin = known * kStride;
  // Published with the commit of the newest act, so it knows every option and box they name.
  const bool of_project = log >= kProjectLog;
  const auto view = of_project ? nullptr : engine_.polls().Find(static_cast<PollNumber>(log));
  std::string line;
  absl::Status read = engine_.ReadActs(
      log, begin,
      static_cast<std::size_t>(after - begin + std::min<std::uint64_t>(limit, acts - after)),
      [&](const Engine::JournaledAct& act) {
        line.clear();
        if (of_project) {
          AppendProjectAuditLine(project, engine_.polls(), act, previous, line);
        } else {
          AppendAuditLine(*view, act, previous, line);
        }
        previous = Sha256(line);
        if (act.number % kStride == 0 && act.number / kStride == marks.size() + 1) {
          marks.push_back(previous);
        }
        if (act.number <= after) return true;
        page.lines += line;
        page.lines += '\n';
        page.last = act.number;
        return page.lines.size() < kPageBytes;
      });
  if (!read.ok()) return read;
  page.has_more = page.last < acts;
  return page;
}

}  // namespace tallyd

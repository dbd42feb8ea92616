#include "tests/support/key_search.h"

#include <fstream>
#include <map>
#include <variant>
#include <vector>

#include "engine/keyring.h"
#include "storage/journal_record.h"
#include "tests/support/journal_surgery.h"

namespace tallyd {
namespace {

struct Found {
  std::map<PollNumber, PollEntry> created;
  std::set<std::string> projects;
  std::vector<KeySealedEntry> seals;
  std::multimap<VoterTag, PollNumber> tags;
};

void Collect(const Entry& entry, Found* found) {
  if (const auto* poll = std::get_if<PollEntry>(&entry))
    found->created.emplace(poll->number, *poll);
  if (const auto* project = std::get_if<ProjectEntry>(&entry)) found->projects.insert(project->id);
  if (const auto* seal = std::get_if<KeySealedEntry>(&entry)) found->seals.push_back(*seal);
  if (const auto* ballot = std::get_if<BallotEntry>(&entry)) {
    found->tags.emplace(ballot->tag, ballot->poll);
  }
  if (const auto* taken = std::get_if<WithdrawalEntry>(&entry)) {
    found->tags.emplace(taken->tag, taken->poll);
  }
  if (const auto* use = std::get_if<QuotaUseEntry>(&entry)) {
    found->tags.emplace(use->project_tag, use->spent_in);
  }
  if (const auto* cards = std::get_if<PaperCardsEntry>(&entry)) {
    for (const PaperCard& card : cards->cards) found->tags.emplace(card.tag, cards->poll);
  }
  if (const auto* roll = std::get_if<RollEntry>(&entry)) {
    for (const VoterTag& tag : roll->tags) found->tags.emplace(tag, roll->poll);
  }
}

// Every line of 64 hexadecimal digits is one.
std::vector<RootKey> RootsIn(const std::string& key_file) {
  std::vector<RootKey> roots;
  std::ifstream file(key_file);
  for (std::string line; std::getline(file, line);) {
    RootKey root{};
    if (line.size() != 2 * root.size()) continue;
    for (std::size_t i = 0; i < root.size(); ++i) {
      root[i] = static_cast<std::uint8_t>(std::stoi(line.substr(2 * i, 2), nullptr, 16));
    }
    roots.push_back(root);
  }
  return roots;
}

std::vector<VoterKey> KeysFrom(const RootKey& root, const Found& found) {
  std::vector<VoterKey> keys;
  std::set<std::string> names = found.projects;
  for (const auto& [number, poll] : found.created) {
    keys.push_back(VoterKey::Derive(root, poll.definition.id, poll.key_salt));
    names.insert(poll.definition.id);
  }
  for (const std::string& project : found.projects) {
    keys.push_back(VoterKey::DeriveForProject(root, project));
  }
  const Keyring ring({.newest = root, .previous = std::nullopt});
  for (const KeySealedEntry& seal : found.seals) {
    for (const std::string& name : names) {
      if (const auto key = ring.OpenVoterKey(seal, name)) keys.push_back(*key);
    }
  }
  return keys;
}

}  // namespace

absl::StatusOr<std::set<std::string>> FindPollsOf(const std::string& voter,
                                                  const std::string& data_directory,
                                                  const std::string& key_file) {
  const std::vector<RootKey> roots = RootsIn(key_file);
  if (roots.empty()) return absl::NotFoundError(key_file + ": no root key in it");
  const auto records = ReadJournalRecords(data_directory + "/journal");
  if (!records.ok()) return records.status();
  Found found;
  for (const std::string& bytes : *records) {
    const auto record = RecordView::Parse(bytes);
    if (!record.ok()) return record.status();
    absl::Status read = record->ForEach([&found](const Entry& entry) {
      Collect(entry, &found);
      return absl::OkStatus();
    });
    if (!read.ok()) return read;
  }
  std::set<std::string> polls;
  for (const RootKey& root : roots) {
    for (const VoterKey& key : KeysFrom(root, found)) {
      const auto [from, to] = found.tags.equal_range(key.MakeTag(voter));
      for (auto hit = from; hit != to; ++hit) {
        polls.insert(found.created.at(hit->second).definition.id);
      }
    }
  }
  return polls;
}

}  // namespace tallyd

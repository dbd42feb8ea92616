#pragma once

// The paper side of the journal: what was counted at an opening of a ballot box, who confirmed it,
// and what was taken back.
//
// A batch is entered once and never changes; a correction is a void and a new batch. Whatever makes
// figures count or takes them out again carries them itself, so that a tally can be built from any
// position on without looking back. Bytes: docs/data_formats.md.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/records.h"

namespace tallyd {

struct PaperCount {
  OptionIndex option = 0;
  std::uint32_t ballots = 0;  // cards that name the option; at least 1
  std::int64_t score = 0;     // what they add to its score
  friend bool operator==(const PaperCount&, const PaperCount&) = default;
};

struct PaperFigures {
  std::uint32_t cards = 0;              // in the box, all of them
  std::uint32_t invalid = 0;            // of these: could not be counted
  std::uint32_t blank = 0;              // of these: valid, name nothing
  std::vector<PaperCount> counts = {};  // by rising option
  friend bool operator==(const PaperFigures&, const PaperFigures&) = default;
};

struct PaperBatch {
  std::string id = {};
  BoxIndex box = 0;
  std::optional<TimeUs> opened_at = {};
  std::vector<std::string> counted_by = {};
  std::string seal = {};
  // Its counts come from cards with codes, entered one by one; the figures have none.
  bool by_cards = false;
  PaperFigures figures = {};
  friend bool operator==(const PaperBatch&, const PaperBatch&) = default;
};

struct PaperBatchEntry {
  PollNumber poll = 0;
  PaperBatch batch = {};
  bool counts = false;     // at once, without a second person
  std::string actor = {};  // who did it; "" = nobody named
};

// From here on the figures count; they are those of the batch.
struct PaperConfirmEntry {
  PollNumber poll = 0;
  std::string batch = {};
  bool blind = false;  // the second person entered all figures again
  PaperFigures figures = {};
  std::string actor = {};
};

struct PaperVoidEntry {
  PollNumber poll = 0;
  std::string batch = {};
  std::string reason = {};
  std::optional<PaperFigures> reverses = {};  // of a batch that counted
  std::string actor = {};
};

// One card: whose it is (the tag of its code) and what it says.
struct PaperCard {
  VoterTag tag = {};
  std::string payload = {};  // packed ballot
  friend bool operator==(const PaperCard&, const PaperCard&) = default;
};

// All cards of a batch by cards, at once. They count later, or with the next entry of the record.
struct PaperCardsEntry {
  PollNumber poll = 0;
  std::string batch = {};
  std::vector<PaperCard> cards = {};
  PaperFigures figures = {};  // of the batch, with the counts that the cards add up to
  std::string actor = {};
};

// What became of a card when its batch was counted, or will if it is counted now.
enum class CardResult : std::uint8_t {
  kCounted = 0,      // a ballot of its own
  kBeatsOnline = 1,  // took the place of an online ballot
  kVotedOnline = 2,  // not counted: there is an online ballot
  kOnPaper = 3,      // not counted: the code was counted on paper before
  kNotOnRoll = 4,    // not counted
};

struct CardOutcome {
  CardResult result = CardResult::kCounted;
  Seq seq = 0;  // of its ballot; 0 where it does not count
  friend bool operator==(const CardOutcome&, const CardOutcome&) = default;
};

// From here on the cards count: their ballots are entries of the same record. What no card says,
// invalid and blank ones, counts by this entry itself.
struct PaperCardsCountEntry {
  PollNumber poll = 0;
  std::string batch = {};
  bool blind = false;
  bool at_once = false;                    // without a second person
  PaperFigures rest = {};                  // RestOf() the figures of the batch
  std::vector<CardOutcome> outcomes = {};  // one for each card, in their order
  std::string actor = {};
};

// The part of a batch by cards that has no ballots: its invalid and its blank cards.
inline PaperFigures RestOf(const PaperFigures& figures) {
  return {.cards = figures.invalid + figures.blank,
          .invalid = figures.invalid,
          .blank = figures.blank,
          .counts = {}};
}

// Where the channel rule is `list`: the voter whose ballot on paper counts tried to vote online
// too, and was refused. Once for each ballot on paper; never what was tried.
struct OnlineAfterPaperEntry {
  PollNumber poll = 0;
  Seq on_paper = 0;  // the ballot that counts
};

// One-time codes, or names, that may vote where a poll has a roll: only their tags are kept.
struct RollEntry {
  PollNumber poll = 0;
  std::string batch = {};
  std::vector<VoterTag> tags = {};
  std::string actor = {};
};

}  // namespace tallyd

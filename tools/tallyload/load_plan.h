#pragma once

// What the load consists of: which voter says what in which poll, as ready request bytes.
//
// Everything about voter number n (poll, first choice) follows from n and the seed, so a retry or a
// change of an earlier vote needs no memory of it. Requests are templates with a fixed-width voter
// that is patched in: making one costs a copy.
// One thread.

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace tallyd {

enum class LoadKind : std::uint8_t { kNew, kRetry, kChange, kInvalid, kGet };

// Shares in percent; they add up to 100.
struct LoadMix {
  int fresh = 100;
  int retry = 0;    // an earlier vote, sent again as it was
  int change = 0;   // an earlier voter with another choice
  int invalid = 0;  // an option that does not exist
};

struct LoadPoll {
  std::string id;
  std::vector<std::string> options;
};

struct LoadPlanOptions {
  std::string host = "127.0.0.1";
  std::vector<LoadPoll> polls;  // several: drawn with Zipf weights 1, 1/2, 1/3 ...
  LoadMix mix;
  double hot = 0;  // this share of the votes goes to the first option
  std::uint64_t seed = 1;
  std::uint64_t first_voter = 0;
  std::uint32_t batch_lines = 0;  // > 0: NDJSON batches of so many votes
  // Not empty: no votes, but this request again and again; `polls` is not looked at.
  std::string get_target;
  std::string token;  // shown with every request; "" = none
  // Not empty: the n-th vote shows the n-th of these and names no voter, who is the token's own.
  // All of one length; the plan ends with the last. Not with batches or a mix.
  std::vector<std::string> voter_tokens;
  std::string if_none_match;  // with it: "W/\"e3-18200\""
};

class LoadPlan {
 public:
  explicit LoadPlan(LoadPlanOptions options);

  // Nothing is left to be sent: every voter's token was shown.
  bool is_exhausted() const {
    return !options_.voter_tokens.empty() && voters_used() >= options_.voter_tokens.size();
  }
  // Appends the next request to `out`; votes_in() says how many votes it carries.
  LoadKind AppendNext(std::string* out);
  std::uint32_t votes_in_request() const {
    return options_.batch_lines == 0 ? 1 : options_.batch_lines;
  }
  std::uint64_t voters_used() const { return next_voter_ - options_.first_voter; }

 private:
  struct Template {
    std::string request;       // one vote, whole HTTP request
    std::size_t voter_at = 0;  // where the voter's digits, or token, stand in it
    std::string line;          // the same as a line of a batch
    std::size_t line_voter_at = 0;
  };
  struct Pick {
    std::size_t poll;
    std::size_t option;
  };
  struct Vote {
    const Template* form;
    std::uint64_t voter;
    LoadKind kind;
  };

  std::string AuthorizationLine() const;
  Template MakeTemplate(const LoadPoll& poll, const std::string& option) const;
  Pick PickOf(std::uint64_t voter) const;
  void PutWho(std::uint64_t voter, char* at) const;
  LoadKind DrawKind();
  Vote NextVote();
  void AppendBatch(std::string* out);

  LoadPlanOptions options_;
  std::vector<std::vector<Template>> forms_;  // by poll, then option
  std::vector<Template> invalid_forms_;       // by poll
  std::vector<double> poll_limits_;           // rising to 1
  std::string get_request_;
  std::uint64_t next_voter_;
  std::mt19937_64 random_;
  std::string lines_;
};

}  // namespace tallyd

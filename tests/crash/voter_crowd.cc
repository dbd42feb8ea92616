#include "tests/crash/voter_crowd.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "boost/json/object.hpp"

#include "tests/support/poll_fixtures.h"

namespace tallyd {

void Violations::Add(const std::string& what) {
  constexpr std::size_t kKept = 20;
  const std::lock_guard lock(mutex_);
  if (++count_ <= kKept) list_.push_back(what);
}

bool Violations::empty() const {
  const std::lock_guard lock(mutex_);
  return count_ == 0;
}

std::string Violations::Text() const {
  const std::lock_guard lock(mutex_);
  std::string text = std::to_string(count_) + " violations\n";
  for (const std::string& line : list_) text += line + "\n";
  return text;
}

// One thread's voters.
class VoterCrowd::Member {
 public:
  Member(int number, std::uint64_t seed, const std::atomic<bool>* deaf, Violations* violations,
         const std::string& oracle_directory)
      : number_(number), random_(seed), deaf_(*deaf), violations_(*violations) {
    if (oracle_directory.empty()) return;
    const std::string digits = std::to_string(number);
    oracle_ = std::make_unique<OracleFile>(
        oracle_directory + "/" + std::string(4 - std::min<std::size_t>(4, digits.size()), '0') +
        digits);
  }

  void SyncOracle() {
    if (oracle_ != nullptr) oracle_->Sync();
  }

  void Run(std::uint16_t port, const std::atomic<bool>& stop) {
    Connect(port);
    while (!stop && Step()) {
    }
  }

  void Resolve(std::uint16_t port) {
    Connect(port);
    for (int attempt = 0; intention_; ++attempt) {
      if (attempt == 200) return violations_.Add(Name() + ": never answered");
      Cast();
    }
  }

  const std::vector<AcknowledgedBallot>& acknowledged() const { return acknowledged_; }
  std::size_t acknowledged_count() const { return acknowledged_count_; }
  std::size_t unknown_count() const { return unknown_count_; }

  void AddTo(const std::string& poll, TallyBounds& bounds) const {
    for (const AcknowledgedBallot& ballot : acknowledged_) {
      if (ballot.poll != poll || !ballot.in_force) continue;
      ++bounds.least[ballot.option];
      ++bounds.most[ballot.option];
    }
    if (!intention_ || intention_->poll != poll || intention_->expect != Expect::kFresh) return;
    ++bounds.most[intention_->option];
    if (intention_->replaces) --bounds.least[acknowledged_[*intention_->replaces].option];
  }

 private:
  enum class Expect : std::uint8_t { kFresh, kDuplicate, kRefused };
  // A ballot on its way, until it is answered.
  struct Intention {
    Expect expect = Expect::kFresh;
    std::string poll;
    std::string voter;
    std::string option;
    std::string key;
    std::optional<std::size_t> replaces;  // kFresh: index of the ballot it takes the place of
    std::size_t repeats = 0;              // kDuplicate: index of the ballot it repeats
    bool sent_before = false;
  };

  std::string Name() const {
    return intention_->poll + ", " + intention_->voter + " for " + intention_->option;
  }

  void Connect(std::uint16_t port) {
    first_ = std::make_unique<HttpClient>(port, /*record=*/false);
    second_ = std::make_unique<HttpClient>(port, /*record=*/false);
  }

  // False: the server is gone.
  bool Step() {
    if (!intention_) intention_ = Choose();
    const bool reached = Cast();
    if (reached && intention_) std::this_thread::sleep_for(std::chrono::milliseconds(1));  // 503
    return reached;
  }

  Intention Choose() {
    const std::uint64_t dice = random_();
    Intention next;
    next.voter = "t" + std::to_string(number_) + "-" + std::to_string(voters_count_);
    next.option = CrowdOptions()[(dice >> 8) % 4];
    if (dice % 16 == 0 && last_fixed_) {  // a second vote
      const AcknowledgedBallot& held = acknowledged_[*last_fixed_];
      next.expect = Expect::kRefused;
      next.poll = held.poll;
      next.voter = held.voter;
      next.option = held.option == "alpha" ? "beta" : "alpha";
      return next;
    }
    if (dice % 8 == 1 && last_fixed_) {
      const AcknowledgedBallot& held = acknowledged_[*last_fixed_];
      next.expect = Expect::kDuplicate;
      next.poll = held.poll;
      next.voter = held.voter;
      next.option = held.option;
      next.repeats = *last_fixed_;
      return next;
    }
    if (dice % 2 == 0 && changing_) {  // the same voter's next version
      const AcknowledgedBallot& held = acknowledged_[*changing_];
      next.poll = "changing";
      next.voter = held.voter;
      next.option =
          held.option == next.option ? CrowdOptions()[((dice >> 8) + 1) % 4] : next.option;
      next.key = "key-" + std::to_string(++versions_count_);
      next.replaces = changing_;
      return next;
    }
    ++voters_count_;
    next.poll = dice % 4 == 1 ? "changing" : "fixed";
    if (next.poll == "changing") next.key = "key-" + std::to_string(++versions_count_);
    return next;
  }

  // False: the server is gone.
  bool Cast() {
    Headers headers;
    if (!intention_->key.empty()) headers.emplace_back("Idempotency-Key", intention_->key);
    const std::string bytes = Render(
        VoteCall(intention_->poll, ChoicesBody(intention_->voter, {intention_->option}), headers));
    const bool twin = random_() % 4 == 0;
    const bool repeated = std::exchange(intention_->sent_before, true);
    if (oracle_ != nullptr && !repeated) {
      oracle_->Intend(intention_->poll, intention_->voter, intention_->option, intention_->key);
    }
    bool sent = first_->SendBytes(bytes);
    if (twin) sent = second_->SendBytes(bytes) && sent;
    std::vector<HttpAnswer> answers;
    // The second first: its answer must not wait for the first one's connection.
    if (twin) answers.push_back(second_->ReadAnswer());
    answers.push_back(first_->ReadAnswer());
    if (deaf_) answers.assign(answers.size(), HttpAnswer());
    const bool gone = std::any_of(answers.begin(), answers.end(),
                                  [](const HttpAnswer& answer) { return answer.status == 0; });
    if (gone || !sent) {
      first_->Close();
      second_->Close();
    }
    Judge(answers, repeated);
    return sent && !gone;
  }

  void Judge(const std::vector<HttpAnswer>& answers, bool repeated) {
    std::optional<AcknowledgedBallot> known;
    int fresh = 0;
    bool refused = false;
    for (const HttpAnswer& answer : answers) {
      if (answer.status == 0) continue;
      if (answer.status == 503) {
        if (answer.Header("retry-after").empty()) violations_.Add("a 503 without Retry-After");
        continue;
      }
      if (answer.status == 409 && intention_->expect == Expect::kRefused) {
        refused = true;
        continue;
      }
      if (answer.status != 201 && answer.status != 200) {
        violations_.Add(Name() + ": " + std::to_string(answer.status) + " " + answer.body);
        continue;
      }
      AcknowledgedBallot told = Read(answer, &fresh);
      if (known && (known->seq != told.seq || known->receipt != told.receipt)) {
        violations_.Add(Name() + ": two answers with different seqs or receipts");
      }
      known = std::move(told);
    }
    if (!known && !refused) {
      ++unknown_count_;
      return;
    }
    const bool all_answered = std::none_of(
        answers.begin(), answers.end(),
        [](const HttpAnswer& answer) { return answer.status == 0 || answer.status == 503; });
    Settle(known, fresh, repeated, all_answered);
    intention_.reset();
  }

  AcknowledgedBallot Read(const HttpAnswer& answer, int* fresh) {
    const boost::json::value json = answer.Json();
    if (json.at("status").as_string() != "duplicate") ++*fresh;
    return {.poll = intention_->poll,
            .voter = intention_->voter,
            .option = intention_->option,
            .key = intention_->key,
            .receipt = std::string(json.at("receipt").as_string()),
            .seq = json.at("seq").to_number<std::int64_t>()};
  }

  void Settle(const std::optional<AcknowledgedBallot>& known, int fresh, bool repeated,
              bool all_answered) {
    if (oracle_ != nullptr && intention_->expect != Expect::kFresh) oracle_->Settled();
    switch (intention_->expect) {
      case Expect::kRefused:
        if (known) violations_.Add(Name() + ": a second vote was taken");
        return;
      case Expect::kDuplicate:
        if (fresh > 0 || known->seq != acknowledged_[intention_->repeats].seq ||
            known->receipt != acknowledged_[intention_->repeats].receipt) {
          violations_.Add(Name() + ": a repeated ballot was not answered as its first one");
        }
        return;
      case Expect::kFresh:
        break;
    }
    if (fresh > 1) violations_.Add(Name() + ": counted twice");
    if (fresh == 0 && !repeated && all_answered) {
      violations_.Add(Name() + ": the first of its ballots was called a duplicate");
    }
    if (oracle_ != nullptr) {
      oracle_->Acknowledged(*known,
                            intention_->replaces ? acknowledged_[*intention_->replaces].seq : 0);
    }
    acknowledged_.push_back(*known);
    acknowledged_count_ = acknowledged_.size();
    if (intention_->replaces) acknowledged_[*intention_->replaces].in_force = false;
    if (intention_->poll == "fixed") {
      last_fixed_ = acknowledged_.size() - 1;
    } else {
      changing_ = acknowledged_.size() - 1;
      versions_of_voter_ = intention_->replaces ? versions_of_voter_ + 1 : 1;
      if (versions_of_voter_ == kVersionsMax) changing_.reset();
    }
  }

  static constexpr int kVersionsMax = 15;  // changes_max of the poll is 20

  const int number_;
  std::mt19937_64 random_;
  const std::atomic<bool>& deaf_;
  Violations& violations_;
  std::unique_ptr<OracleFile> oracle_;  // null: this process remembers
  std::unique_ptr<HttpClient> first_;
  std::unique_ptr<HttpClient> second_;
  std::optional<Intention> intention_;
  std::vector<AcknowledgedBallot> acknowledged_;
  std::optional<std::size_t> last_fixed_;
  std::optional<std::size_t> changing_;
  int versions_of_voter_ = 0;
  int voters_count_ = 0;
  int versions_count_ = 0;
  std::atomic<std::size_t> acknowledged_count_{0};
  std::atomic<std::size_t> unknown_count_{0};
};

VoterCrowd::VoterCrowd(int threads, std::uint64_t seed, Violations* violations,
                       const std::string& oracle_directory)
    : violations_(violations) {
  std::mt19937_64 random(seed);
  for (int i = 0; i < threads; ++i) {
    members_.push_back(
        std::make_unique<Member>(i, random(), &deaf_, violations_, oracle_directory));
  }
}

VoterCrowd::~VoterCrowd() {
  End();
}

void VoterCrowd::Begin(std::uint16_t port) {
  stop_ = false;
  deaf_ = false;
  for (auto& member : members_) {
    threads_.emplace_back([this, &member, port] { member->Run(port, stop_); });
  }
}

void VoterCrowd::End() {
  stop_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  for (auto& member : members_) member->SyncOracle();
}

void VoterCrowd::Resolve(std::uint16_t port) {
  deaf_ = false;
  for (auto& member : members_) {
    member->Resolve(port);
    member->SyncOracle();
  }
}

TallyBounds VoterCrowd::bounds(const std::string& poll) const {
  TallyBounds bounds;
  for (const auto& member : members_) member->AddTo(poll, bounds);
  return bounds;
}

std::vector<AcknowledgedBallot> VoterCrowd::acknowledged() const {
  std::vector<AcknowledgedBallot> all;
  for (const auto& member : members_) {
    all.insert(all.end(), member->acknowledged().begin(), member->acknowledged().end());
  }
  return all;
}

std::size_t VoterCrowd::acknowledged_count() const {
  std::size_t count = 0;
  for (const auto& member : members_) count += member->acknowledged_count();
  return count;
}

std::size_t VoterCrowd::unknown_count() const {
  std::size_t count = 0;
  for (const auto& member : members_) count += member->unknown_count();
  return count;
}

}  // namespace tallyd

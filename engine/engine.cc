// Assembles the engine: opens the stores, recovers, starts the loop; everything else is elsewhere.

#include "engine/engine.h"

#include <unistd.h>

#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

#include "engine/audit_index.h"
#include "engine/committer.h"
#include "engine/decider.h"
#include "engine/ingest_loop.h"
#include "engine/ingest_queue.h"
#include "engine/keeper.h"
#include "engine/limits.h"
#include "engine/materialiser.h"
#include "engine/poll_registry.h"
#include "engine/recount.h"
#include "engine/recovery.h"
#include "engine/tally_book.h"
#include "engine/voter_register.h"
#include "storage/ballot_store.h"
#include "storage/check.h"
#include "storage/rocks_journal.h"

namespace tallyd {
namespace {

constexpr int kExitIoError = 74;
constexpr std::size_t kDifferencesMax = 100;
constexpr absl::Duration kBallotsWait = absl::Seconds(30);

void StopTheProcess(const absl::Status& status) {
  std::fprintf(stderr,
               "tallyd: storage failed, stopping so that nothing is acknowledged that may not be "
               "there: %s\n",
               status.ToString().c_str());
  _exit(kExitIoError);
}

}  // namespace

class EngineImpl final : public Engine {
 public:
  explicit EngineImpl(EngineOptions options) : options_(std::move(options)) {
    if (!options_.on_fatal) options_.on_fatal = StopTheProcess;
    if (options_.backup_directory.empty()) {
      options_.backup_directory = options_.data.directory + ".backups";
    }
  }
  ~EngineImpl() override;

  absl::Status Start();

  SinkId RegisterSink(OutcomeSink* sink) override;
  std::size_t Submit(absl::Span<Command> commands, Lane lane) override;
  const PollDirectory& polls() const override { return directory_; }
  SnapshotBoard& board() override { return *board_; }
  const EngineMetrics& metrics() const override { return metrics_; }
  Epoch epoch() const override { return data_->epoch(); }
  bool key_present() const override { return data_->key_present(); }
  bool rotation_unfinished() const override {
    return data_->key_present() && data_->root_keys().previous.has_value();
  }
  const std::optional<ReceiptKey>& receipt_key() const override { return receipt_key_; }
  std::size_t queue_depth() const override { return queue_->ApproximateDepth(); }
  std::size_t queue_capacity() const override { return options_.queue_slots; }
  bool storage_full() const override { return keeper_->storage_full(); }
  std::uint64_t storage_free_bytes() const override { return keeper_->free_bytes(); }
  Position last_position() const override { return journal_->last(); }
  std::size_t dedup_memory_bytes() const override { return voters_->memory_bytes(); }
  std::size_t dedup_voters() const override { return voters_->voters(); }
  const RecoverySummary& recovered() const override { return recovered_; }
  absl::StatusOr<VerifyReport> Verify() override;
  std::optional<AuditLog> FindProjectLog(std::string_view project) const override {
    return audit_.FindProject(project);
  }
  std::uint64_t acts_count(AuditLog log) const override { return audit_.acts_count(log); }
  std::uint64_t acts_count() const override { return audit_.acts_count(); }
  absl::Status ReadActs(AuditLog log, std::uint64_t after, std::size_t limit,
                        absl::FunctionRef<bool(const JournaledAct&)> visit) override;
  absl::StatusOr<BackupReport> Backup() override {
    return MakeBackup(journal_.get(), data_->epoch(), options_.backup_directory);
  }
  absl::StatusOr<std::unique_ptr<JournalCursor>> ReadJournal(Position from) override {
    return journal_->Read(from);
  }
  Position first_position() const override { return journal_->first(); }
  absl::StatusOr<const BallotStore*> AwaitBallots(Position through) override;
  void Drain() override;

 private:
  absl::Status OpenStores();
  void StartLoop(const RecoveredEnd& end);

  EngineOptions options_;
  EngineMetrics metrics_;
  RecoverySummary recovered_;
  PollDirectory directory_;
  TallyBook tallies_;
  AuditIndex audit_;
  std::unique_ptr<DataDirectory> data_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<BallotStore> ballots_;
  std::unique_ptr<WatermarkFile> watermark_;
  std::unique_ptr<PollRegistry> polls_;
  std::optional<ReceiptKey> receipt_key_;
  std::unique_ptr<VoterRegister> voters_;
  std::unique_ptr<SnapshotBoard> board_;
  std::unique_ptr<Materialiser> materialiser_;
  std::unique_ptr<Keeper> keeper_;
  std::unique_ptr<Decider> decider_;
  std::unique_ptr<Committer> committer_;
  std::unique_ptr<IngestQueue<Command>> queue_;
  std::unique_ptr<IngestLoop> loop_;
  std::atomic<std::size_t> sinks_count_{0};
};

absl::StatusOr<std::unique_ptr<Engine>> Engine::Open(EngineOptions options) {
  auto engine = std::make_unique<EngineImpl>(std::move(options));
  if (absl::Status started = engine->Start(); !started.ok()) return started;
  return engine;
}

absl::Status EngineImpl::OpenStores() {
  auto data = DataDirectory::Open(options_.data);
  if (!data.ok()) return data.status();
  data_ = *std::move(data);
  auto journal = OpenRocksJournal({.directory = data_->journal_path(),
                                   .create_if_missing = data_->created(),
                                   .epoch_if_created = data_->epoch(),
                                   .memory_bytes_max = options_.storage_memory_bytes_max / 2,
                                   .on_background_error = options_.on_fatal});
  if (absl::IsNotFound(journal.status())) {
    return absl::DataLossError(absl::StrCat(
        "no journal at ", data_->journal_path(), " in a data directory that had one: refusing to ",
        "serve; restore the directory (", std::string(journal.status().message()), ")"));
  }
  if (!journal.ok()) return journal.status();
  journal_ = *std::move(journal);
  const BallotStoreOptions ballot_options{.directory = data_->ballots_path(),
                                          .epoch = data_->epoch(),
                                          .memory_bytes_max = options_.storage_memory_bytes_max / 2,
                                          .on_background_error = options_.on_fatal};
  auto ballots = BallotStore::Open(ballot_options);
  if (absl::IsOutOfRange(ballots.status())) {  // an earlier tallyd's: recovery fills a new one
    if (absl::Status removed = data_->RemoveDerived(); !removed.ok()) return removed;
    ballots = BallotStore::Open(ballot_options);
  }
  if (!ballots.ok()) return ballots.status();
  ballots_ = *std::move(ballots);
  return absl::OkStatus();
}

absl::Status EngineImpl::Start() {
  const std::int64_t began_us = options_.clock->SteadyUs();
  if (absl::Status opened = OpenStores(); !opened.ok()) return opened;
  const auto claim = journal_->Claim();
  if (!claim.ok()) return claim.status();
  if (claim->epoch != data_->epoch()) {
    return absl::DataLossError(absl::StrCat("the journal is of epoch ", claim->epoch,
                                            ", the data directory of epoch ", data_->epoch()));
  }
  auto watermark = OpenWatermark(*data_, *claim);
  if (!watermark.ok()) return watermark.status();
  watermark_ = *std::move(watermark);
  polls_ =
      std::make_unique<PollRegistry>(data_->key_present() ? Keyring(data_->root_keys()) : Keyring(),
                                     options_.paper, options_.flags);
  voters_ = std::make_unique<VoterRegister>(
      VoterRegister::Options{.memory_bytes_max = options_.dedup_memory_bytes_max,
                             .on_fatal = options_.on_fatal},
      ballots_.get(), &metrics_);
  const auto end = Recover(*data_, *claim, watermark_->newest(), journal_.get(),
                           {.polls = polls_.get(),
                            .voters = voters_.get(),
                            .tallies = &tallies_,
                            .ballots = ballots_.get(),
                            .audit = &audit_});
  if (!end.ok()) return end.status();
  metrics_.quota_voters.store(polls_->quotas().voters_count(), std::memory_order_relaxed);
  metrics_.ideas_pending.store(polls_->ideas().pending_count(), std::memory_order_relaxed);
  receipt_key_ = polls_->receipt_key();
  metrics_.fraud_voters.store(polls_->flagged_voters(), std::memory_order_relaxed);
  StartLoop(*end);
  recovered_ = {.records = end->last,
                .ballots = end->ballots,
                .polls = polls_->polls_count(),
                .checkpoint = end->checkpoint,
                .duration_us = options_.clock->SteadyUs() - began_us};
  return absl::OkStatus();
}

void EngineImpl::StartLoop(const RecoveredEnd& end) {
  queue_ =
      std::make_unique<IngestQueue<Command>>(options_.queue_slots, options_.queue_slots_reserved);
  board_ = std::make_unique<SnapshotBoard>([this] { loop_->NudgeCommitter(); });
  keeper_ = std::make_unique<Keeper>(
      Keeper::Options{.checkpoint_path = data_->checkpoint_path(),
                      .watermark_interval_us = options_.watermark_interval_us,
                      .space_path = data_->journal_path(),
                      .free_bytes_min = options_.free_bytes_min,
                      .on_fatal = options_.on_fatal},
      watermark_.get());
  materialiser_ = std::make_unique<Materialiser>(
      Materialiser::Options{.batch_bytes_min = options_.tail_bytes_max / 4,
                            .on_fatal = options_.on_fatal,
                            .on_progress = [this] { loop_->NudgeWriter(); }},
      ballots_.get());
  decider_ = std::make_unique<Decider>(
      Decider::State{.polls = polls_.get(), .voters = voters_.get(), .metrics = &metrics_},
      end.last, end.last_time);
  committer_ = std::make_unique<Committer>(
      Committer::Options{.epoch = data_->epoch(),
                         .term = end.term,
                         .publish_interval_us_min = options_.publish_interval_us_min,
                         .publish_interval_us = options_.publish_interval_us,
                         .checkpoint_interval_us = options_.checkpoint_interval_us,
                         .checkpoint = end.checkpoint,
                         .on_fatal = options_.on_fatal},
      Committer::Parts{.journal = journal_.get(),
                       .tallies = &tallies_,
                       .audit = &audit_,
                       .directory = &directory_,
                       .board = board_.get(),
                       .materialiser = materialiser_.get(),
                       .keeper = keeper_.get(),
                       .metrics = &metrics_,
                       .clock = options_.clock},
      end.last, end.last_hash);
  for (auto& view : polls_->MakeAllViews()) {
    tallies_.SetView(view);
    directory_.Publish(view);
    board_->Publish(tallies_.MakeSnapshot(view->number, data_->epoch()));
  }
  for (auto& view : polls_->MakeAllProjectViews()) directory_.PublishProject(view);
  loop_ = std::make_unique<IngestLoop>(
      IngestLoop::Options{.batch_commands_max = options_.batch_commands_max,
                          .tail_bytes_max = options_.tail_bytes_max,
                          .commit_overlap = options_.commit_overlap},
      IngestLoop::Parts{.queue = queue_.get(),
                        .polls = polls_.get(),
                        .voters = voters_.get(),
                        .decider = decider_.get(),
                        .committer = committer_.get(),
                        .materialiser = materialiser_.get(),
                        .clock = options_.clock});
  loop_->Start();
}

EngineImpl::~EngineImpl() {
  if (loop_ == nullptr) return;
  loop_->Stop();
  committer_->PublishAll();
  board_->ReleaseAll();
  committer_->FinishCheckpoint();
  keeper_.reset();        // writes the last watermark and checkpoint
  materialiser_.reset();  // writes what is left, flushes
}

SinkId EngineImpl::RegisterSink(OutcomeSink* sink) {
  const std::size_t id = sinks_count_.fetch_add(1, std::memory_order_relaxed);
  TALLYD_CHECK(id < kSinksMax);
  committer_->SetSink(static_cast<SinkId>(id), sink);
  return static_cast<SinkId>(id);
}

std::size_t EngineImpl::Submit(absl::Span<Command> commands, Lane lane) {
  const auto queue_lane = lane == Lane::kVote ? QueueLane::kVote : QueueLane::kReserved;
  std::size_t taken = 0;
  while (taken < commands.size()) {
    const std::size_t more = queue_->TryPushMany(commands.subspan(taken), queue_lane);
    if (more == 0) break;
    taken += more;
  }
  if (taken > 0) loop_->NudgeWriter();
  if (taken < commands.size()) {
    metrics_.queue_rejected.fetch_add(commands.size() - taken, std::memory_order_relaxed);
  }
  return taken;
}

absl::StatusOr<const BallotStore*> EngineImpl::AwaitBallots(Position through) {
  if (materialiser_->AwaitStored(through, kBallotsWait)) return ballots_.get();
  return absl::UnavailableError("the ballot store is behind the journal");
}

void EngineImpl::Drain() {
  loop_->WaitDelivered(queue_->PushedCursor());
}

absl::Status EngineImpl::ReadActs(AuditLog log, std::uint64_t after, std::size_t limit,
                                  absl::FunctionRef<bool(const JournaledAct&)> visit) {
  bool more = true;
  for (const AuditIndex::Span& span : audit_.Find(log, after, limit)) {
    if (!more) break;
    auto cursor = journal_->Read(span.position);
    if (!cursor.ok()) return cursor.status();
    const auto bytes = (*cursor)->Next();
    if (!bytes.ok()) return bytes.status();
    const auto record = RecordView::Parse(*bytes);
    if (!record.ok()) return record.status();
    std::size_t seen = 0;
    absl::Status read = record->ForEach([&](const Entry& entry) {
      if (!audit_.IsActOf(log, entry)) return absl::OkStatus();
      const bool wanted = seen >= span.skip && seen < span.skip + span.count;
      ++seen;
      if (wanted && more) {
        more = visit({.number = ++after,
                      .position = span.position,
                      .time = record->header().time,
                      .entry = entry});
      }
      return absl::OkStatus();
    });
    if (!read.ok()) return read;
  }
  return absl::OkStatus();
}

absl::StatusOr<Engine::VerifyReport> EngineImpl::Verify() {
  // The tallies as of one commit, copied between two commits; the recount goes up to the same one.
  struct Counted {
    Position position = 0;
    std::map<PollNumber, PollTally> tallies;
  };
  Counted counted;
  absl::Notification copied;
  committer_->AddErrand([&](Position last, const TallyBook& tallies) {
    counted.position = last;
    for (const PollNumber poll : tallies.Polls())
      counted.tallies.emplace(poll, tallies.tally(poll));
    copied.Notify();
  });
  loop_->NudgeCommitter();
  copied.WaitForNotification();
  const auto recount =
      RecountJournal(journal_.get(), counted.position, options_.storage_memory_bytes_max);
  if (!recount.ok()) return recount.status();
  VerifyReport report;
  report.position = counted.position;
  report.records = recount->records;
  for (const auto& [number, tally] : counted.tallies) {
    const auto view = directory_.Find(number);
    VerifyReport::Poll poll{
        .poll = view->definition.id, .ok = true, .ballots = tally.totals().ballots()};
    const auto found = recount->polls.find(number);
    const RecountedPoll none;
    const RecountedPoll& expected = found == recount->polls.end() ? none : found->second;
    for (const std::string& difference : CompareWithRecount(tally, expected)) {
      poll.ok = false;
      if (report.differences.size() < kDifferencesMax) {
        report.differences.push_back(absl::StrCat(poll.poll, ": ", difference));
      }
    }
    report.ok = report.ok && poll.ok;
    report.polls.push_back(std::move(poll));
  }
  return report;
}

}  // namespace tallyd

#include "engine/keeper.h"

#include <utility>

#include "absl/time/time.h"

#include "storage/durable_file.h"

namespace tallyd {
namespace {

constexpr absl::Duration kLookInterval = absl::Milliseconds(250);

}  // namespace

Keeper::Keeper(Options options, WatermarkFile* watermark)
    : options_(std::move(options)), watermark_(watermark) {
  LookAtSpace();
  thread_ = std::thread([this] { Run(); });
}

Keeper::~Keeper() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void Keeper::NoteDurable(const Watermark& durable) {
  absl::MutexLock lock(&mutex_);
  durable_ = durable;
}

void Keeper::OfferCheckpoint(TallyCheckpoint checkpoint) {
  absl::MutexLock lock(&mutex_);
  checkpoint_ = std::move(checkpoint);
}

void Keeper::LookAtSpace() {
  const auto free = FreeBytes(options_.space_path);
  if (!free.ok()) return;  // a disk that does not answer is met by the next write
  free_bytes_.store(*free, std::memory_order_relaxed);
  const std::uint64_t floor = options_.free_bytes_min;
  storage_full_.store(*free < (storage_full() ? floor + floor / 16 : floor),
                      std::memory_order_relaxed);
}

void Keeper::Run() {
  bool stopping = false;
  while (!stopping) {
    std::optional<Watermark> durable;
    std::optional<TallyCheckpoint> checkpoint;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.AwaitWithTimeout(absl::Condition(this, &Keeper::HasWork), kLookInterval);
      durable = std::exchange(durable_, std::nullopt);
      checkpoint = std::exchange(checkpoint_, std::nullopt);
      stopping = stopping_;
    }
    LookAtSpace();
    if (durable) {
      if (const absl::Status written = watermark_->Write(*durable); !written.ok()) {
        options_.on_fatal(written);
        return;
      }
    }
    if (checkpoint) {
      const absl::Status written = WriteTallyCheckpoint(options_.checkpoint_path, *checkpoint);
      if (!written.ok()) {
        options_.on_fatal(written);
        return;
      }
    }
    // At most one watermark an interval; a stop does not wait for it.
    absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(&stopping_),
                            absl::Microseconds(options_.watermark_interval_us));
  }
  absl::MutexLock lock(&mutex_);
  if (durable_) {
    const absl::Status written = watermark_->Write(*durable_);
    if (!written.ok()) options_.on_fatal(written);
  }
}

}  // namespace tallyd

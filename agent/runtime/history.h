// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The device's history put together: samples gather in memory, and are committed on a thread of
// their own. Whatever the store does, recording goes on.

#pragma once

#include <array>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/config/agent_config.h"
#include "twin/base/event_loop.h"
#include "twin/history/gather/excerpt.h"
#include "twin/history/gather/recorder.h"
#include "twin/history/store/history_store.h"
#include "twin/history/store/recover.h"
#include "twin/model/event.h"
#include "twin/model/property.h"
#include "twin/store/store_thread.h"

namespace edgetwin::runtime {

struct HistoryStatus {
  std::string file;
  history::HistoryStoreStats store;  // As of the last commit.
  std::string trouble;               // Why nothing can be stored; empty.
  std::string quarantined;           // Where a corrupt file was put; empty.
  std::uint64_t dropped = 0;         // Samples, since the start, that could not be stored.
};

// One entry of the ledger, or one that will be.
struct HistoryLoss {
  std::string path;
  history::Loss loss;
};

struct HistoryAudit {
  history::PathAudit stored;
  std::uint64_t produced = 0;
  std::uint64_t in_memory = 0;
  std::uint64_t dropped = 0;  // In memory's account of losses, not in the ledger yet.

  bool AddsUp() const {
    return stored.stored + stored.lost + stored.lost_at_most + in_memory + dropped == produced;
  }
};

// SINGLE-THREADED, on the loop.
class History {
 public:
  // What people should know, as an event.
  using Note = std::function<void(model::Severity, std::string kind, std::string text)>;

  // The file is opened on the thread; that it can't be is said, and tried again. `note` is called
  // on the loop, not before this returns.
  History(EventLoop& loop, const config::HistoryConfig& config, const std::string& directory,
          const std::vector<config::PropertyOverride>& overrides, Note note);
  ~History();
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  void Record(model::PropertyId id, const std::string& path, const model::Sample& sample);
  void SetPolicies(const std::vector<config::PropertyOverride>& overrides);
  // How long samples gather, by priority; from the next window on.
  void SetWindows(const std::array<std::chrono::milliseconds, history::kPriorities>& windows);

  // What was written to flash today, to be kept in the file; and what the file said of it when it
  // was opened last: nothing before.
  // Not before that.
  void SetFlashDay(const history::FlashDay& today) { flash_day_ = today; }
  const std::optional<history::FlashDay>& flash_day_before() const { return flash_day_before_; }

  // Commits everything, waiting for it; nothing may be recorded any more.
  Status Stop();

  // Answered on the loop, or not at all once this is gone. kExhausted: too many questions wait.
  Status Read(const std::string& path, const history::ExcerptOptions& options,
              std::function<void(Result<std::shared_ptr<const history::Excerpt>>)> done);
  // Of one path, or of all for "".
  Status Gaps(const std::string& path, std::function<void(Result<std::vector<HistoryLoss>>)> done);
  Status Audit(std::function<void(Result<std::vector<HistoryAudit>>)> done);

  const HistoryStatus& status() const { return status_; }
  std::vector<LimitReport> limits() const;
  store::WrittenBytes written() const { return meter_.bytes(); }  // Since the start.

  static constexpr std::size_t questions_max = 16;

 private:
  struct Work {
    std::function<void()> work;  // On the thread.
    std::function<void()> done;  // On the loop.
  };
  struct Opened {
    Status status;
    std::string quarantined;
    history::Salvaged salvaged;
  };

  Opened OpenStore(bool damaged);
  void TakeOpened(const Opened& opened);
  void Open(bool damaged);
  void Replace();
  void Committed(const Status& status);
  void Say(const Status& status);
  Status Ask(Work work);
  void Start(Work work);
  void RunNext();
  void Wake();
  void Arm();
  void EvictOld();

  EventLoop& loop_;
  const config::HistoryConfig config_;
  const std::string file_;
  std::vector<config::PropertyOverride> overrides_;
  const Note note_;
  std::optional<MonoTime> noted_;  // When it was noted last that nothing can be stored.
  bool noted_open_ = false;        // And not yet that it can be again.
  history::Recorder recorder_;
  // Of each property: nothing yet, or where it goes.
  struct Place {
    history::Recorder::Slot slot;
    std::optional<history::Priority> priority;  // Nothing: isn't recorded.
  };
  std::vector<std::optional<Place>> places_;
  HistoryStatus status_;
  std::optional<history::FlashDay> flash_day_;
  std::optional<history::FlashDay> flash_day_before_;
  store::FlashMeter meter_;
  std::unique_ptr<history::HistoryStore> store_;  // The thread's while it works, else the loop's.
  std::unique_ptr<store::StoreThread> thread_;
  std::deque<Work> queue_;
  std::shared_ptr<std::optional<Opened>> opened_;  // While it is being opened: how it went.
  Limit questions_limit_{questions_max};
  std::size_t questions_ = 0;
  bool working_ = false;
  std::shared_ptr<std::optional<Status>> commit_;  // The latest; how it fared, once it has.
  Loop::Id timer_ = Loop::Id::kNone;
  std::optional<MonoTime> armed_;
  std::optional<MonoTime> reopen_at_;
  MonoTime evict_at_{};
};

}  // namespace edgetwin::runtime

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The device's history put together: samples gather in memory, and are committed on a thread of
// their own. Whatever the store does, recording goes on.

#pragma once

#include <array>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/config/agent_config.h"
#include "agent/runtime/carry.h"
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

// What goes to the cloud next, with the path of each of its blocks and losses.
struct NamedUndelivered {
  history::Undelivered undelivered;
  std::vector<std::string> block_paths;
  std::vector<std::string> loss_paths;
};

struct HistoryAudit {
  history::PathAudit stored;
  std::uint64_t produced = 0;
  std::uint64_t in_memory = 0;
  std::uint64_t dropped = 0;  // In memory's account of losses, not in the ledger yet.

  bool AddsUp() const {
    return stored.stored + stored.delivered + stored.lost + stored.lost_at_most + in_memory +
               dropped ==
           produced;
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

  // `local_only`: the property is, now; then the sample never leaves.
  void Record(model::PropertyId id, const std::string& path, bool local_only,
              const model::Sample& sample);
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

  // What a file is to carry to the cloud, a piece at a time; the first piece once everything that
  // is in memory is committed, unless that was done within flush_period: whoever may ask must not
  // wear the flash out. Errors as of history::Walk.
  void ReadPiece(const CarryRequest& request, std::function<void(Result<CarryPiece>)> done);
  // As HistoryStore has them.
  Status SetCarried(std::uint64_t commit, std::function<void(Status)> done);
  Status TakeReceipt(const sync::CarryReceipt& receipt, std::function<void(Status)> done);

  // Who is told what of it may go to the cloud: all on the loop, and not before this returns.
  struct Watcher {
    std::function<void(const history::CloudMark& known)> attached;
    std::function<void()> stored;
    std::function<void()> detached;
  };
  void SetWatcher(Watcher watcher) { watcher_ = std::move(watcher); }
  // Answered on the loop, or not at all once this is gone.
  void TakeUndelivered(history::DeliveryRequest request,
                       std::function<void(Result<NamedUndelivered>)> done);

  const HistoryStatus& status() const { return status_; }
  std::vector<LimitReport> limits() const;
  store::WrittenBytes written() const { return meter_.bytes(); }  // Since the start.

  static constexpr std::size_t questions_max = 16;
  static constexpr std::chrono::seconds flush_period{5};

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
  bool CommitSome(bool everything);
  void Flush(std::function<void()> then, int commits);
  void Withhold(const std::string& path, history::Recorder::Slot slot, bool local_only);

  EventLoop& loop_;
  Watcher watcher_;
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
    std::optional<bool> local_only;             // As the store was told; nothing: not yet.
  };
  std::vector<std::optional<Place>> places_;
  std::map<std::string, std::uint64_t> withheld_;  // As the store has it, or will.
  bool untold_ = false;                            // Some of it could not be stored.
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
  bool committing_ = false;
  std::optional<MonoTime> flushed_at_;
  std::shared_ptr<std::optional<Status>> commit_;  // The latest; how it fared, once it has.
  Loop::Id timer_ = Loop::Id::kNone;
  std::optional<MonoTime> armed_;
  std::optional<MonoTime> reopen_at_;
  MonoTime evict_at_{};
};

}  // namespace edgetwin::runtime

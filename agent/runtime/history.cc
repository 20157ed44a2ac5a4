// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/runtime/history.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "twin/base/log.h"
#include "twin/base/random.h"

namespace edgetwin::runtime {
namespace {

using history::HistoryStore;
using history::LossReason;
using history::Priority;
using std::chrono::microseconds;

constexpr std::chrono::seconds kReopenPeriod{10};
constexpr std::chrono::minutes kEvictPeriod{10};
// A disk that is full now and then makes no more events than one in this time.
constexpr std::chrono::minutes kNotePeriod{10};
// One round of age's evictions, of history::kEvictedMax blocks each: the thread has other work.
constexpr int kEvictionsInARound = 64;
// What is in memory is a few commits; more can only be what comes meanwhile.
constexpr int kFlushCommitsMax = 1'000;

std::optional<Priority> PriorityOf(config::HistoryPolicy policy) {
  switch (policy) {
    case config::HistoryPolicy::kOff: return {};
    case config::HistoryPolicy::kLow: return Priority::kLow;
    case config::HistoryPolicy::kNormal: return Priority::kNormal;
    case config::HistoryPolicy::kHigh: return Priority::kHigh;
  }
  return {};
}

}  // namespace

History::History(EventLoop& loop, const config::HistoryConfig& config, const std::string& directory,
                 const std::vector<config::PropertyOverride>& overrides, Note note)
    : loop_(loop),
      config_(config),
      file_((config.directory.empty() ? directory : config.directory) + "/history.db"),
      overrides_(overrides),
      note_(std::move(note)),
      recorder_(history::RecorderOptions()),
      evict_at_(loop.Now() + kEvictPeriod) {
  status_.file = file_;
  thread_ = std::make_unique<store::StoreThread>(
      loop, [](const model::Batch&) { return Status(); }, [](std::uint64_t, const Status&) {});
  Open(false);
}

History::~History() {
  loop_.Cancel(timer_);
  thread_.reset();
}

// On whichever thread the store is. `damaged`: what is there is known to be.
History::Opened History::OpenStore(bool damaged) {
  history::HistoryStoreOptions options;
  options.path = file_;
  options.inc = RandomBits() | 1;
  options.now = loop_.clock().UntrustedWall();
  options.window_samples_max = history::RecorderOptions().samples_max;
  options.bytes_max = config_.bytes_max;
  options.meter = &meter_;
  Opened opened;
  store_.reset();
  auto recovered = damaged ? history::Replace(options) : history::OpenOrReplace(options);
  if (!recovered) {
    opened.status = recovered.error();
    return opened;
  }
  store_ = std::move(recovered->store);
  opened.quarantined = recovered->quarantined;
  opened.salvaged = recovered->salvaged;
  return opened;
}

void History::TakeOpened(const Opened& opened) {
  if (!opened.quarantined.empty()) {
    status_.quarantined = opened.quarantined;
    Log(LogLevel::kError,
        "the history is damaged; kept for inspection, and " +
            std::to_string(opened.salvaged.samples) + " samples of it copied into a new one",
        {{"quarantined", opened.quarantined}});
    note_(model::Severity::kWarning, "history_quarantined",
          "the history is damaged; kept as " + opened.quarantined + ", and " +
              std::to_string(opened.salvaged.samples) + " samples of it copied into a new one");
  }
  Say(opened.status);
  if (!opened.status) {
    recorder_.Detach();
    reopen_at_ = loop_.Now() + kReopenPeriod;
    return Arm();
  }
  reopen_at_.reset();
  const LossReason missing =
      opened.quarantined.empty() ? LossReason::kFileLost : LossReason::kDamaged;
  if (!flash_day_before_) flash_day_before_ = store_->flash_day();
  recorder_.Attach(store_->inc(), store_->paths(), missing, loop_.clock().UntrustedWall());
  status_.store = store_->stats();
  withheld_ = store_->withheld();
  for (std::optional<Place>& place : places_) {
    if (place) place->local_only.reset();
  }
  if (watcher_.attached) watcher_.attached(store_->cloud_mark());
  Arm();
}

void History::Say(const Status& status) {
  const std::string trouble = status ? "" : status.error().text;
  if (trouble != status_.trouble) {
    if (trouble.empty()) {
      Log(LogLevel::kNotice, "the history is stored again");
      if (noted_open_) note_(model::Severity::kInfo, "history_stored", "it is stored again");
      noted_open_ = false;
    } else {
      Log(LogLevel::kError, "history is not stored, trying again: " + trouble);
      if (!noted_open_ && (!noted_ || loop_.Now() - *noted_ >= kNotePeriod)) {
        note_(model::Severity::kWarning, "history_failing", trouble);
        noted_ = loop_.Now();
        noted_open_ = true;
      }
    }
  }
  status_.trouble = trouble;
}

// The recorder stays with the old store until then: a commit that waits in the queue may still
// become durable there, and must not be told as lost or recorded twice.
void History::Open(bool damaged) {
  reopen_at_.reset();
  opened_ = std::make_shared<std::optional<Opened>>();
  Start({[this, opened = opened_, damaged] { *opened = OpenStore(damaged); },
         [this, opened = opened_] {
           opened_.reset();
           TakeOpened(**opened);
         }});
}

// A question found the file damaged.
void History::Replace() {
  if (recorder_.attached() && !opened_) Open(true);
}

void History::Record(model::PropertyId id, const std::string& path, bool local_only,
                     const model::Sample& sample) {
  const std::size_t index = model::Index(id);
  if (index >= places_.size()) places_.resize(index + 1);
  std::optional<Place>& place = places_[index];
  if (!place) {
    const auto priority = PriorityOf(config::HistoryPolicyOf(overrides_, path));
    place = Place{priority ? recorder_.Define(path) : 0, priority, {}};
  }
  if (!place->priority) return;
  if (place->local_only != local_only && recorder_.attached()) {
    place->local_only = local_only;
    Withhold(path, place->slot, local_only);
  }
  recorder_.Record(place->slot, *place->priority, sample, loop_.Now());
  status_.dropped = recorder_.dropped();
  Arm();
}

// Before the sample is recorded, so that the store knows before it is committed.
void History::Withhold(const std::string& path, history::Recorder::Slot slot, bool local_only) {
  constexpr std::uint64_t kEverything = std::numeric_limits<std::uint64_t>::max();
  const auto known = withheld_.find(path);
  const bool withheld = known != withheld_.end() && known->second == kEverything;
  if (withheld == local_only) return;
  const std::uint64_t before = local_only ? kEverything : recorder_.next(slot);
  withheld_[path] = before;
  auto done = std::make_shared<Status>();
  Start({[this, done, path, before] {
           *done = store_ ? store_->Withhold(path, before)
                          : Unavailable("there is no history file now");
         },
         [this, done] { untold_ = untold_ || !*done; }});
}

void History::SetPolicies(const std::vector<config::PropertyOverride>& overrides) {
  overrides_ = overrides;
  places_.clear();
}

void History::SetWindows(
    const std::array<std::chrono::milliseconds, history::kPriorities>& windows) {
  for (std::size_t i = 0; i < windows.size(); ++i) {
    recorder_.SetWindow(static_cast<Priority>(i), windows[i]);
  }
}

void History::Start(Work work) {
  queue_.push_back(std::move(work));
  RunNext();
}

Status History::Ask(Work work) {
  if (!thread_) return Unavailable("the agent is stopping");
  if (!questions_limit_.Fits(questions_ + 1)) {
    questions_limit_.Hit();
    return Exhausted("too many questions wait for the history; try again");
  }
  questions_limit_.Use(++questions_);
  Start({std::move(work.work), [this, done = std::move(work.done)] {
           questions_limit_.Use(--questions_);
           done();
         }});
  return {};
}

void History::RunNext() {
  if (working_ || queue_.empty() || !thread_) return;
  Work next = std::move(queue_.front());
  queue_.pop_front();
  working_ = true;
  const Status begun = thread_->Run(std::move(next.work), [this, done = std::move(next.done)] {
    working_ = false;
    done();
    RunNext();
  });
  if (!begun) working_ = false;  // Can't be: working_ says so first.
}

void History::Committed(const Status& status) {
  committing_ = false;
  recorder_.Committed(status.has_value(), loop_.Now());
  if (status && std::exchange(untold_, false)) {
    // The store works again: what it could not be told is told with the next samples.
    if (store_) withheld_ = store_->withheld();
    for (std::optional<Place>& place : places_) {
      if (place) place->local_only.reset();
    }
  }
  Say(status);
  if (status && watcher_.stored) watcher_.stored();
  if (store_) status_.store = store_->stats();
  const ErrorCode code = status ? ErrorCode::kInvalid : status.error().code;
  if (opened_) return;  // Another one is being opened already.
  if (code == ErrorCode::kCorrupt) return Open(true);
  if (code == ErrorCode::kNotFound) {
    note_(model::Severity::kWarning, "history_file_lost", status.error().text);
    return Open(false);
  }
  Arm();
}

void History::Wake() {
  const MonoTime now = loop_.Now();
  if (reopen_at_ && *reopen_at_ <= now) Open(false);
  CommitSome(false);
  if (evict_at_ <= now) EvictOld();
  Arm();
}

// Whether there was something.
bool History::CommitSome(bool everything) {
  auto batch = opened_ ? std::nullopt : recorder_.Take(loop_.Now(), everything);
  if (!batch) return false;
  batch->flash = flash_day_;
  commit_ = std::make_shared<std::optional<Status>>();
  committing_ = true;
  Start({[this, status = commit_, batch = std::move(*batch)] {
           *status = store_ ? store_->Commit(batch) : Unavailable("there is no history file now");
         },
         [this, status = commit_] { Committed(**status); }});
  return true;
}

// `then` once what is in memory is committed, or can't be.
void History::Flush(std::function<void()> then, int commits) {
  const bool can = thread_ && recorder_.attached() && status_.trouble.empty();
  if (!can || commits == kFlushCommitsMax) return then();
  if (!committing_ && !CommitSome(true)) return then();
  Start({[] {}, [this, then = std::move(then), commits] { Flush(then, commits + 1); }});
}

void History::EvictOld() {
  evict_at_ = loop_.Now() + kEvictPeriod;
  if (config_.age_max.count() == 0 || !recorder_.attached() || opened_) return;
  // A clock that isn't trusted would make everything look too old, or nothing.
  const Result<WallTime> wall = loop_.clock().Wall();
  if (!wall) return;
  auto done = std::make_shared<Status>();
  Start({[this, done, before = *wall - config_.age_max] {
           for (int i = 0; store_ && i < kEvictionsInARound; ++i) {
             const Result<bool> more = store_->EvictBefore(before);
             if (!more) *done = more.error();
             if (!more || !*more) return;
           }
         },
         [this, done] {
           if (store_) status_.store = store_->stats();
           if (*done) return;
           Say(*done);
           if (done->error().code == ErrorCode::kCorrupt) Replace();
         }});
}

void History::Arm() {
  if (!thread_) return;
  MonoTime next = config_.age_max.count() == 0 ? MonoTime::max() : evict_at_;
  if (const auto take = recorder_.NextTake(); take && !opened_) next = std::min(next, *take);
  if (reopen_at_) next = std::min(next, *reopen_at_);
  if (armed_ == next) return;
  loop_.Cancel(timer_);
  timer_ = Loop::Id::kNone;
  armed_ = next;
  if (next == MonoTime::max()) return;
  const auto wait = std::max(microseconds(0), microseconds(next - loop_.Now()));
  timer_ = loop_.After(wait, [this] {
    timer_ = Loop::Id::kNone;
    armed_.reset();
    Wake();
  });
}

Status History::Stop() {
  loop_.Cancel(timer_);
  timer_ = Loop::Id::kNone;
  thread_.reset();  // Finishes what it has begun.
  queue_.clear();
  recorder_.Committed(commit_ && *commit_ && (*commit_)->has_value(), loop_.Now());
  if (opened_ && *opened_) TakeOpened(**opened_);
  if (!store_ || !recorder_.attached()) return Unavailable(status_.trouble);
  while (const auto batch = recorder_.Take(loop_.Now(), true)) {
    const Status done = store_->Commit(*batch);
    recorder_.Committed(done.has_value(), loop_.Now());
    if (!done) return done;
  }
  history::HistoryBatch last;
  last.flash = flash_day_;
  const Status closed = store_->Close(last);
  store_.reset();
  return closed;
}

Status History::Read(const std::string& path, const history::ExcerptOptions& options,
                     std::function<void(Result<std::shared_ptr<const history::Excerpt>>)> done) {
  const auto slot = recorder_.Find(path);
  if (!slot) return NotFound("there is no history of '" + path + "'");
  struct Answer {
    history::Excerpt excerpt;
    std::vector<history::BlockRecord> unstored;
    Status status;
  };
  auto answer =
      std::make_shared<Answer>(Answer{history::Excerpt(options), recorder_.Unstored(*slot), {}});
  return Ask({[this, answer, options, id = recorder_.id(*slot)] {
                if (store_ && id != 0) {
                  answer->status = store_->ReadBlocks(
                      id, options.from, options.to, [&answer](const history::BlockRecord& block) {
                        (void)answer->excerpt.Add(block);  // Counts what is damaged.
                        return !answer->excerpt.full();
                      });
                }
                if (store_ && id != 0 && answer->status) {
                  answer->status = store_->ReadAggregates(
                      id, options.from, options.to,
                      [&answer](const history::Bucket& hour) { answer->excerpt.Add(hour); });
                }
                for (const history::BlockRecord& block : answer->unstored) {
                  (void)answer->excerpt.Add(block);
                }
                answer->unstored.clear();
              },
              [this, answer, done = std::move(done)] {
                if (!answer->status) {
                  if (answer->status.error().code == ErrorCode::kCorrupt) Replace();
                  return done(answer->status.error());
                }
                done(std::shared_ptr<const history::Excerpt>(answer, &answer->excerpt));
              }});
}

Status History::Gaps(const std::string& path,
                     std::function<void(Result<std::vector<HistoryLoss>>)> done) {
  if (!path.empty() && !recorder_.Find(path)) {
    return NotFound("there is no history of '" + path + "'");
  }
  auto losses = std::make_shared<Result<std::vector<HistoryLoss>>>();
  for (std::size_t i = 0; i < recorder_.size(); ++i) {
    const auto slot = static_cast<history::Recorder::Slot>(i);
    for (const history::Loss& loss : recorder_.UnstoredLosses(slot)) {
      if (path.empty() || path == recorder_.path(slot)) {
        (*losses)->push_back({recorder_.path(slot), loss});
      }
    }
  }
  return Ask({[this, losses, path] {
                if (!store_) return;
                const auto stored = store_->Losses();
                if (!stored) {
                  *losses = stored.error();
                  return;
                }
                for (const history::Loss& loss : *stored) {
                  if (loss.path == 0 || loss.path > store_->paths().size()) continue;
                  const std::string& name = store_->paths()[loss.path - 1].path;
                  // The cloud has those: they are missing here only.
                  if (loss.reason == LossReason::kDelivered) continue;
                  if (path.empty() || path == name) (*losses)->push_back({name, loss});
                }
              },
              [losses, done = std::move(done)] { done(std::move(*losses)); }});
}

Status History::Audit(std::function<void(Result<std::vector<HistoryAudit>>)> done) {
  auto stored = std::make_shared<Result<std::vector<history::PathAudit>>>();
  return Ask({[this, stored] {
                *stored = store_ ? store_->Audit() : Unavailable("there is no history file now");
              },
              [this, stored, done = std::move(done)] {
                if (!*stored) {
                  if (stored->error().code == ErrorCode::kCorrupt) Replace();
                  return done(stored->error());
                }
                std::vector<HistoryAudit> audit(recorder_.size());
                for (std::size_t i = 0; i < audit.size(); ++i) {
                  const auto slot = static_cast<history::Recorder::Slot>(i);
                  HistoryAudit& path = audit[i];
                  path.stored.path.path = recorder_.path(slot);
                  const history::PathId id = recorder_.id(slot);
                  if (id != 0 && id <= (*stored)->size()) path.stored = (**stored)[id - 1];
                  path.produced = recorder_.next(slot);
                  path.in_memory = recorder_.held(slot);
                  for (const history::Loss& loss : recorder_.UnstoredLosses(slot)) {
                    path.dropped += loss.count;
                  }
                }
                done(std::move(audit));
              }});
}

void History::ReadPiece(const CarryRequest& request, std::function<void(Result<CarryPiece>)> done) {
  auto answer = std::make_shared<Result<CarryPiece>>(Unavailable("there is no history file now"));
  const auto read = [this, answer, request, done = std::move(done)] {
    const Status asked = Ask({[this, answer, request] {
                                if (store_) *answer = runtime::ReadPiece(*store_, request);
                              },
                              [this, answer, done] {
                                const bool damaged =
                                    !*answer && answer->error().code == ErrorCode::kCorrupt;
                                done(std::move(*answer));
                                if (damaged) Replace();
                              }});
    if (!asked) done(asked.error());
  };
  const MonoTime now = loop_.Now();
  const bool flush = !flushed_at_ || now - *flushed_at_ >= flush_period;
  if (request.after != sync::CarryPlace() || !flush) return read();
  flushed_at_ = now;
  Flush(read, 0);
}

Status History::SetCarried(std::uint64_t commit, std::function<void(Status)> done) {
  auto answer = std::make_shared<Status>(Unavailable("there is no history file now"));
  return Ask({[this, answer, commit] {
                if (store_) *answer = store_->SetCarried(static_cast<std::int64_t>(commit));
              },
              [answer, done = std::move(done)] { done(*answer); }});
}

Status History::TakeReceipt(const sync::CarryReceipt& receipt, std::function<void(Status)> done) {
  auto answer = std::make_shared<Status>(Unavailable("there is no history file now"));
  return Ask({[this, answer, receipt = ToReceipt(receipt)] {
                if (store_) *answer = store_->TakeReceipt(receipt);
              },
              [this, answer, done = std::move(done)] {
                // A session that is under way asks anew, with what is known now.
                if (*answer && store_ && watcher_.attached) watcher_.attached(store_->cloud_mark());
                done(*answer);
              }});
}

// Not counted with the questions: there is one at a time.
void History::TakeUndelivered(history::DeliveryRequest request,
                              std::function<void(Result<NamedUndelivered>)> done) {
  auto answer =
      std::make_shared<Result<NamedUndelivered>>(Unavailable("there is no history file now"));
  Start({[this, answer, request = std::move(request)] {
           if (!store_) return;
           Result<history::Undelivered> taken = store_->TakeUndelivered(request);
           if (!taken) {
             *answer = taken.error();
             return;
           }
           NamedUndelivered named;
           const auto& paths = store_->paths();
           for (const auto& block : taken->blocks) {
             named.block_paths.push_back(paths.at(block.path - 1).path);
           }
           for (const auto& loss : taken->losses) {
             named.loss_paths.push_back(paths.at(loss.path - 1).path);
           }
           named.undelivered = std::move(*taken);
           *answer = std::move(named);
         },
         [this, answer, done = std::move(done)] {
           const bool damaged = !*answer && answer->error().code == ErrorCode::kCorrupt;
           done(std::move(*answer));
           if (damaged) Replace();
         }});
}

std::vector<LimitReport> History::limits() const {
  std::vector<LimitReport> limits = recorder_.limits();
  limits.push_back(questions_limit_.Report("history_questions"));
  return limits;
}

}  // namespace edgetwin::runtime

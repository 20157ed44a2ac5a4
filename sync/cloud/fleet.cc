// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/fleet.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

#include "sync/codec/codec.h"
#include "sync/link/mqtt_link.h"
#include "twin/base/check.h"

namespace edgetwin::cloud {
namespace {

// A device sends no more than a few frames before it is answered; more than these are lost frames,
// which it repeats.
constexpr std::size_t kFramesWaitingMax = 8;
// After the link came up every device is asked to say Hello, spread so that about these arrive a
// second.
constexpr std::uint64_t kHellosPerSecond = 500;
// After which a frame that is kept back is tried again: the device may be another one by then.
constexpr std::chrono::hours kFramePause{1};

// With each row watched: by its version, which no other row of any device has.
FleetOptions Watched(FleetOptions options) {
  if (options.marks == nullptr) return options;
  const auto item = [](const model::Dot& dot) {
    return sync::CrashItem{sync::CrashItem::Kind::kEntry, dot.inc, dot.seq};
  };
  options.session.row_begins = [marks = options.marks, item](const model::Dot& dot) {
    if (marks->Quarantined(item(dot))) return false;
    marks->Enter(item(dot));
    return true;
  };
  options.session.row_ends = [marks = options.marks, item](const model::Dot& dot) {
    marks->Leave();
    marks->Done(item(dot));
  };
  return options;
}

}  // namespace

Fleet::Fleet(Loop& loop, CloudStore& store, std::vector<TwinSummary> twins, FleetEvents& events,
             FleetOptions options)
    : loop_(loop),
      started_(loop.Now()),
      events_(events),
      options_(Watched(std::move(options))),
      twins_limit_(options_.twins_max),
      loaded_limit_(options_.twins_loaded_max),
      worker_(loop, store) {
  for (TwinSummary& twin : twins) {
    std::string device = twin.device;
    entries_[std::move(device)].summary = std::move(twin);
  }
  twins_limit_.Use(entries_.size());
  unloading_ = loop_.Every(options_.idle_before_unload, [this] { Unload(); });
}

Fleet::~Fleet() {
  loop_.Cancel(timer_);
  loop_.Cancel(unloading_);
}

void Fleet::OnLinkUp() {
  link_up_ = true;
  link_proved_ = false;
  events_.OnLink(true, {});
  // Sessions ended with the link, or with the process before this one: nobody should wait for a
  // timeout.
  sync::Nack hello;
  hello.reason = sync::NackReason::kUnknownSession;
  hello.text = "the cloud is back";
  const std::uint64_t spread_ms = 1'000 + entries_.size() * 1'000 / kHellosPerSecond;
  hello.spread_ms = static_cast<std::uint32_t>(std::min<std::uint64_t>(spread_ms, 600'000));
  Send(sync::kEveryDevice, {}, hello);
}

void Fleet::OnLinkDown(const Error& why) {
  events_.OnLink(false, why.text);
  if (!std::exchange(link_up_, false)) return;  // One more attempt that failed.
  for (auto& [device, entry] : entries_) {
    if (!entry.live) continue;
    entry.live->session.LinkDown();
    Step(entry);
  }
  SubmitGroup();
}

void Fleet::Watch(std::string_view device, std::span<const std::byte> bytes,
                  const std::function<void()>& take) {
  if (options_.marks == nullptr) return take();
  sync::CrashItem item = sync::FrameItem(bytes);
  item.b ^= XXH3_64bits(device.data(), device.size());  // Nobody else's frames are kept back.
  if (!options_.marks->Quarantined(item) || loop_.Now() - started_ >= kFramePause) {
    return options_.marks->Watch(item, take);
  }
  if (stats_.frames_quarantined++ == 0) {
    events_.OnNotice(std::string(device), "quarantined",
                     "handling a frame like one of this device's ended this service twice in a "
                     "row: such frames are passed over for an hour");
  }
}

void Fleet::OnLinkFrame(std::string_view device, std::span<const std::byte> bytes) {
  ++stats_.frames_received;
  if (drained_) return;
  Watch(device, bytes, [&] { TakeFrame(device, bytes); });
}

void Fleet::TakeFrame(std::string_view device, std::span<const std::byte> bytes) {
  auto frame = sync::Decode(bytes);
  if (!frame || !sync::CheckDeviceId(device)) {
    ++stats_.frames_bad;
    return;
  }
  // A broker that only lets us connect and then throws us out proves nothing.
  if (link_ != nullptr && !std::exchange(link_proved_, true)) link_->Proved();
  Entry* entry = FindOrRegister(device, *frame);
  if (entry == nullptr) return;
  if (entry->live) {
    Receive(*entry, *std::move(frame));
    return;
  }
  if (entry->frames.size() >= kFramesWaitingMax) {
    ++stats_.frames_dropped;
    return;
  }
  entry->frames.emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  Load(*entry);
}

// Only a Hello makes a new twin; whoever goes on with a session that nobody knows is asked for one.
Fleet::Entry* Fleet::FindOrRegister(std::string_view device, const sync::Frame& frame) {
  const auto found = entries_.find(device);
  if (found != entries_.end()) return &found->second;
  if (std::holds_alternative<sync::Bye>(frame)) return nullptr;
  if (!std::holds_alternative<sync::Hello>(frame)) {
    sync::Nack nack;
    nack.reason = sync::NackReason::kUnknownSession;
    nack.cursors.session = sync::SessionOf(frame);
    nack.text = "say Hello";
    Send(device, {}, nack);
    return nullptr;
  }
  if (!twins_limit_.Fits(entries_.size() + 1)) {
    twins_limit_.Hit();
    ++stats_.frames_dropped;
    return nullptr;
  }
  Entry& entry = entries_[std::string(device)];
  entry.summary.device = std::string(device);
  const WallTime now = loop_.clock().UntrustedWall();
  entry.summary.registered = entry.summary.seen = now;
  twins_limit_.Use(entries_.size());
  return &entry;
}

void Fleet::Load(Entry& entry) {
  if (entry.loading) return;
  const std::string& device = entry.summary.device;
  const Status submitted = worker_.Load(device, [this, device](Result<model::Stored> stored) {
    OnLoaded(device, std::move(stored));
  });
  entry.loading = submitted.has_value();
  if (submitted) return;
  entry.frames.clear();
  for (Use& use : std::exchange(entry.uses, {})) use(submitted.error());
}

void Fleet::OnLoaded(const std::string& device, Result<model::Stored> stored) {
  Entry& entry = entries_.find(device)->second;
  entry.loading = false;
  const auto frames = std::exchange(entry.frames, {});
  auto uses = std::exchange(entry.uses, {});
  if (!stored) {
    events_.OnNotice(device, "unreadable", "the twin can't be read: " + stored.error().text);
    for (Use& use : uses) use(stored.error());
    return;
  }
  entry.live = std::make_unique<LiveTwin>(options_.session, *std::move(stored));
  entry.used = loop_.Now();
  loaded_limit_.Use(++loaded_);
  for (const std::string& text : frames) {
    const auto bytes = std::as_bytes(std::span(text));
    Watch(device, bytes, [&] {
      auto frame = sync::Decode(bytes);
      if (frame) Receive(entry, *std::move(frame));
    });
  }
  for (Use& use : uses) use(entry.live.get());
}

void Fleet::Receive(Entry& entry, sync::Frame frame) {
  const WallTime wall = loop_.clock().UntrustedWall();
  entry.used = loop_.Now();
  entry.summary.seen = std::max(entry.summary.seen, wall);
  if (const auto* hello = std::get_if<sync::Hello>(&frame)) {
    entry.offered = {hello->session, hello->address};
  }
  entry.live->session.Receive(std::move(frame), entry.used, wall);
  Step(entry);
  SubmitGroup();
}

void Fleet::Step(Entry& entry) {
  LiveTwin& live = *entry.live;
  const std::string& device = entry.summary.device;
  output_.frames.clear();
  output_.commit.reset();
  output_.changes.clear();
  output_.notices.clear();
  output_.events.clear();
  output_.history.clear();
  live.session.Step(loop_.Now(), loop_.clock().UntrustedWall(), output_);
  for (const sync::Frame& frame : output_.frames) {
    const auto* nack = std::get_if<sync::Nack>(&frame);
    if (nack != nullptr && nack->reason == sync::NackReason::kFenced) {
      entry.refused = loop_.clock().UntrustedWall();
    }
    // From the Welcome on, the session's frames go to the address that its Hello gave. Nacks may be
    // for somebody else who says that he is this device, or for a session that is gone.
    if (const auto* welcome = std::get_if<sync::Welcome>(&frame)) {
      entry.address.clear();
      if (welcome->session == entry.offered.first) entry.address = entry.offered.second;
    }
    Send(device, nack != nullptr ? std::string_view() : entry.address, frame);
  }
  if (output_.commit) {
    entry.token = output_.commit->token;
    group_.push_back({device, entry.summary.seen, std::move(output_.commit->batch)});
  }
  if (!output_.changes.empty()) events_.OnChanges(device, live, output_.changes);
  for (const auto& notice : output_.notices) events_.OnNotice(device, notice.kind, notice.text);
  if (!output_.events.empty()) events_.OnEvents(device, live, output_.events);
  if (const bool connected = live.session.connected(); connected != entry.connected) {
    entry.connected = connected;
    if (connected)
      ++connected_;
    else
      --connected_;
    events_.OnConnected(device, connected);
  }
  SetDue(entry, live.session.NextStep());
  for (sync::HistoryRequest& request : output_.history) AskHistory(entry, std::move(request));
}

// What can't be asked now fails at once; the device comes again.
void Fleet::AskHistory(Entry& entry, sync::HistoryRequest request) {
  const std::string& device = entry.summary.device;
  const std::uint64_t token = request.token;
  if (auto* put = std::get_if<sync::HistoryPut>(&request.work)) {
    Status asked = Unavailable("nobody stores history here");
    if (history_ != nullptr) {
      asked = history_->Put(device, std::move(*put),
                            [this, device, token](const Result<sync::HistoryPutDone>& result) {
                              AnswerHistory(device, [&](sync::CloudSession& session) {
                                session.HistoryPut(token, result);
                              });
                            });
    }
    if (!asked) entry.live->session.HistoryPut(token, asked.error());
    return;
  }
  Status asked = Unavailable("nobody stores history here");
  auto looked = std::make_shared<Result<sync::HistoryLooked>>(asked.error());
  if (history_ != nullptr) {
    asked = history_->Ask(
        [device, looked, look = std::get<sync::HistoryLook>(std::move(request.work))](
            CloudHistory& history) { *looked = history.Look(device, look); },
        [this, device, token, looked] {
          AnswerHistory(
              device, [&](sync::CloudSession& session) { session.HistoryLooked(token, *looked); });
        });
  }
  if (!asked) entry.live->session.HistoryLooked(token, asked.error());
}

void Fleet::AnswerHistory(const std::string& device,
                          const std::function<void(sync::CloudSession&)>& answer) {
  const auto found = entries_.find(device);
  if (found == entries_.end() || !found->second.live) return;
  answer(found->second.live->session);
  Step(found->second);
  SubmitGroup();
}

void Fleet::Send(std::string_view device, std::string_view address, const sync::Frame& frame) {
  if (link_ == nullptr) return;
  const std::string bytes = sync::Encode(frame);
  // A frame that can't be sent is a lost one: the engine repeats what isn't acknowledged.
  if (link_->SendTo(device, address, std::as_bytes(std::span(bytes)))) {
    ++stats_.frames_sent;
  } else {
    ++stats_.frames_unsent;
  }
}

void Fleet::SetDue(Entry& entry, std::optional<MonoTime> due) {
  if (entry.due == due) return;
  if (entry.due) due_.erase({*entry.due, entry.summary.device});
  entry.due = due;
  if (due) due_.insert({*due, entry.summary.device});
  ArmTimer();
}

void Fleet::ArmTimer() {
  if (due_.empty()) return;
  const MonoTime next = due_.begin()->first;
  if (timer_ != Loop::Id::kNone && timer_at_ <= next) return;
  loop_.Cancel(timer_);
  timer_at_ = next;
  timer_ = loop_.After(std::max(next - loop_.Now(), MonoTime::duration(0)), [this] { OnTimer(); });
}

void Fleet::OnTimer() {
  timer_ = Loop::Id::kNone;
  const MonoTime now = loop_.Now();
  std::vector<std::string> ready;
  for (const auto& [at, device] : due_) {
    if (at > now) break;
    ready.push_back(device);
  }
  for (const std::string& device : ready) {
    Entry& entry = entries_.find(device)->second;
    SetDue(entry, {});
    Step(entry);
  }
  SubmitGroup();
  ArmTimer();
}

// While one group is being synced, the next one gathers: the busier the cloud, the larger the
// groups.
void Fleet::SubmitGroup() {
  if (worker_.committing()) return;
  if (group_.empty()) {
    if (drained_) std::exchange(drained_, [] {})();
    return;
  }
  std::vector<std::string> devices;
  devices.reserve(group_.size());
  for (const TwinCommit& commit : group_) devices.push_back(commit.device);
  worker_.Commit(std::exchange(group_, {}),
                 [this, devices = std::move(devices)](const std::vector<Status>& results) {
                   OnCommitted(devices, results);
                 });
}

void Fleet::OnCommitted(const std::vector<std::string>& devices,
                        const std::vector<Status>& results) {
  ++stats_.commits;
  std::string error;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    if (!results[i]) error = results[i].error().text;
  }
  if (!error.empty()) ++stats_.commit_failures;
  stats_.commit_error = error;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    Entry& entry = entries_.find(devices[i])->second;
    const std::uint64_t token = std::exchange(entry.token, 0);
    entry.live->session.Committed(token, results[i], loop_.Now());
    if (results[i]) {
      const sync::CloudStatus status = entry.live->session.status();
      entry.summary.state = status.state_durable;
      entry.summary.control = status.control_durable;
      entry.summary.head = status.desired_durable;
      entry.summary.epoch = status.epoch.counter;
      entry.summary.properties = entry.live->twin.size();
      entry.summary.admission = status.admission;
      entry.summary.claim = status.claim;
      events_.OnDurable(devices[i], *entry.live);
    }
    Settle(entry, results[i]);
    Step(entry);
  }
  SubmitGroup();
}

// Tells those who wait for a commit what became of it.
void Fleet::Settle(Entry& entry, const Status& result) {
  std::vector<std::function<void(Status)>> ready;
  std::erase_if(entry.waiters, [&](Entry::Waiter& waiter) {
    if (result && entry.live->session.batches_durable() < waiter.batch) return false;
    ready.push_back(std::move(waiter.done));
    return true;
  });
  for (const auto& done : ready) done(result);
}

std::vector<Fleet::Listed> Fleet::List(std::string_view after, std::size_t count) const {
  std::vector<Listed> list;
  for (auto entry = entries_.upper_bound(after); entry != entries_.end() && list.size() < count;
       ++entry) {
    list.push_back(Describe(entry->second));
  }
  return list;
}

Fleet::Listed Fleet::Summary(std::string_view device) const {
  return Describe(entries_.find(device)->second);
}

Fleet::Listed Fleet::Describe(const Entry& entry) {
  Listed listed{.summary = entry.summary,
                .connected = entry.connected,
                .software = entry.software,
                .hardware = entry.hardware,
                .trouble = entry.trouble,
                .refused = entry.refused};
  if (!entry.live) return listed;
  sync::CloudStatus status = entry.live->session.status();
  listed.summary.admission = status.admission;
  listed.summary.claim = std::move(status.claim);
  listed.probing = status.probing;
  // One that has left memory and come back since has not been heard by this session.
  if (!status.software.empty()) listed.software = std::move(status.software);
  if (!status.hardware.empty()) listed.hardware = std::move(status.hardware);
  if (!status.trouble.empty()) listed.trouble = std::move(status.trouble);
  return listed;
}

void Fleet::WithTwin(std::string_view device, Use use) {
  const auto found = entries_.find(device);
  if (found == entries_.end()) {
    use(NotFound("no device '" + std::string(device) + "' has ever said Hello"));
    return;
  }
  Entry& entry = found->second;
  if (entry.live) {
    entry.used = loop_.Now();
    use(entry.live.get());
    return;
  }
  entry.uses.push_back(std::move(use));
  Load(entry);
}

void Fleet::ListEvents(std::string_view device, model::Dot before, std::size_t count,
                       StoreWorker::Listed done) {
  if (!Knows(device)) {
    done(NotFound("no device '" + std::string(device) + "' has ever said Hello"));
    return;
  }
  const Status submitted = worker_.ListEvents(std::string(device), before, count, done);
  if (!submitted) done(submitted.error());
}

const LiveTwin* Fleet::Loaded(std::string_view device) const {
  const auto found = entries_.find(device);
  return found == entries_.end() ? nullptr : found->second.live.get();
}

void Fleet::SetDesired(std::string_view device, std::vector<Wish> wishes, const std::string& who,
                       std::function<void(Status)> done) {
  Entry& entry = entries_.find(device)->second;
  EDGETWIN_CHECK(entry.live != nullptr);
  const WallTime wall = loop_.clock().UntrustedWall();
  for (Wish& wish : wishes) {
    entry.live->session.SetDesired(wish.id, std::move(wish.value), who, wish.until, wall);
  }
  entry.waiters.push_back({entry.live->session.batches() + 1, std::move(done)});
  Step(entry);
  SubmitGroup();
}

// Hands the twin's session to `change`, and tells `done` when what that changed is durable.
void Fleet::Change(std::string_view device,
                   const std::function<Status(sync::CloudSession&)>& change,
                   std::function<void(Status)> done) {
  Entry& entry = entries_.find(device)->second;
  EDGETWIN_CHECK(entry.live != nullptr);
  const Status changed = change(entry.live->session);
  if (!changed) return done(changed);
  entry.waiters.push_back({entry.live->session.batches() + 1, std::move(done)});
  Step(entry);
  SubmitGroup();
}

void Fleet::Command(std::string_view device, model::Command command,
                    std::function<void(Status)> done) {
  Change(
      device,
      [&command](sync::CloudSession& session) { return session.AddCommand(std::move(command)); },
      std::move(done));
}

void Fleet::Admit(std::string_view device, std::function<void(Status)> done) {
  Change(
      device,
      [](sync::CloudSession& session) {
        session.AdmitNext();
        return Status();
      },
      std::move(done));
}

void Fleet::WithdrawAdmission(std::string_view device, std::function<void(Status)> done) {
  Change(
      device, [](sync::CloudSession& session) { return session.WithdrawAdmission(); },
      std::move(done));
}

void Fleet::Decommission(std::string_view device, std::function<void(Status)> done) {
  Change(
      device,
      [](sync::CloudSession& session) {
        session.Decommission();
        return Status();
      },
      std::move(done));
}

void Fleet::Drain(std::function<void()> done) {
  drained_ = std::move(done);
  SubmitGroup();
}

// A twin is let go of when its device is away, nothing waits for it, and everything of it is on
// disk.
void Fleet::Unload() {
  if (loaded_ <= options_.twins_loaded_max) return;
  loaded_limit_.Hit();
  const MonoTime before = loop_.Now() - options_.idle_before_unload;
  for (auto& [device, entry] : entries_) {
    if (loaded_ <= options_.twins_loaded_max) return;
    const bool unused = entry.live && !entry.connected && entry.token == 0 && !entry.due &&
                        entry.waiters.empty() && entry.used <= before;
    if (!unused) continue;
    sync::CloudStatus status = entry.live->session.status();
    entry.software = std::move(status.software);
    entry.hardware = std::move(status.hardware);
    entry.trouble = std::move(status.trouble);
    entry.live.reset();
    loaded_limit_.Use(--loaded_);
  }
}

FleetStats Fleet::stats() const {
  FleetStats stats = stats_;
  stats.twins = entries_.size();
  stats.loaded = loaded_;
  stats.connected = connected_;
  return stats;
}

std::vector<LimitReport> Fleet::limits() const {
  return {twins_limit_.Report("twins"), loaded_limit_.Report("twins_loaded"), worker_.limit()};
}

}  // namespace edgetwin::cloud

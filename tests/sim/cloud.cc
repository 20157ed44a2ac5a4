// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/cloud.h"

#include <algorithm>
#include <span>
#include <utility>

#include "sync/codec/codec.h"
#include "tests/sim/plant.h"
#include "tests/sim/trace.h"
#include "tests/sim/world.h"

namespace edgetwin::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr char kPath[] = "/sim/cloud.db";
constexpr char kHistoryPath[] = "/sim/history.db";
constexpr microseconds kRestartPause = seconds(5);

Status Accept(const sync::WireRow& wire) {
  const model::Value& value = wire.row.value;
  if (value.type() != model::ValueType::kString || !value.text().starts_with(kPoisonText))
    return {};
  return Invalid("poison");
}

}  // namespace

Cloud::Cloud(World& world, Random random, bool stranger)
    : world_(world),
      unjudged_(stranger ? std::make_unique<Invariants>() : nullptr),
      machine_(
          world.schedule(), [this] { return wall(); }, random) {
  Network::Events events;
  events.up = [this] { OnUp(); };
  events.down = [this] { OnDown(); };
  events.frame = [this](std::string_view device, const std::string& bytes) {
    OnFrame(std::string(device), bytes);
  };
  port_ = world_.network().Add({}, std::move(events));
}

Cloud::~Cloud() {
  machine_.disk().Kill();
  End();
}

Invariants& Cloud::invariants() {
  return unjudged_ ? *unjudged_ : world_.invariants();
}

WallTime Cloud::wall() const {
  return world_.wall();
}

const model::Twin* Cloud::twin(const std::string& device) const {
  const auto entry = entries_.find(device);
  return entry == entries_.end() ? nullptr : &entry->second->twin;
}

const sync::CloudSession* Cloud::session(const std::string& device) const {
  const auto entry = entries_.find(device);
  return entry == entries_.end() ? nullptr : entry->second->session.get();
}

std::optional<CloudView> Cloud::view(const std::string& device) const {
  const auto entry = entries_.find(device);
  if (entry == entries_.end()) return {};
  return CloudView{entry->second->device, entry->second->twin, *entry->second->session,
                   ledgers_.at(device).sure()};
}

const Ledger* Cloud::ledger(const std::string& device) const {
  const auto found = ledgers_.find(device);
  return found == ledgers_.end() ? nullptr : &found->second.sure();
}

bool Cloud::HasEntry(const std::string& device, model::Pid pid, std::uint64_t chain) const {
  const auto found = ledgers_.find(device);
  return found != ledgers_.end() && found->second.HasEntry(pid, chain);
}

// --- Its life ---

void Cloud::StartAfter(microseconds wait) {
  world_.schedule().After(wait, [this, life = life_] {
    if (life == life_) Start();
  });
}

void Cloud::Start() {
  if (running()) return;
  ++life_;
  cloud::CloudStoreOptions options;
  options.path = kPath;
  options.inc = machine_.random().Bits() | 1;
  options.opened = wall();
  options.vfs = machine_.vfs_name();
  auto opened = cloud::CloudStore::Open(options);
  if (!opened) {
    if (world_.tracing()) world_.Trace(name(), "the store does not open: " + opened.error().text);
    const ErrorCode code = opened.error().code;
    if (code != ErrorCode::kUnavailable && code != ErrorCode::kExhausted) {
      invariants().Violate(1, "the cloud's store does not open: " + opened.error().text);
    }
    const bool crashed = machine_.disk().crashed();
    machine_.disk().Kill();
    if (crashed) machine_.disk().LosePower(world_.DrawPowerLoss(), machine_.random());
    return StartAfter(kRestartPause);
  }
  store_ = std::move(*opened);
  if (world_.options().profile.history && !OpenHistory()) return;
  started_at_ = world_.schedule().now();
  if (world_.tracing()) world_.Trace(name(), "starts");
  world_.network().Open(port_);
}

void Cloud::End() {
  ++life_;
  group_.clear();
  committing_ = false;
  entries_.clear();
  history_.reset();
  store_.reset();
}

// False: it does not start now.
bool Cloud::OpenHistory() {
  cloud::CloudHistoryOptions options;
  options.path = kHistoryPath;
  options.inc = machine_.random().Bits() | 1;
  options.vfs = machine_.vfs_name();
  auto opened = cloud::CloudHistory::Open(options);
  if (opened) {
    history_ = *std::move(opened);
    return true;
  }
  const ErrorCode code = opened.error().code;
  if (code != ErrorCode::kUnavailable && code != ErrorCode::kExhausted) {
    invariants().Violate(11, "the cloud's history does not open: " + opened.error().text);
  }
  const bool crashed = machine_.disk().crashed();
  End();
  machine_.disk().Kill();
  if (crashed) machine_.disk().LosePower(world_.DrawPowerLoss(), machine_.random());
  StartAfter(kRestartPause);
  return false;
}

void Cloud::AskHistory(const std::string& device, sync::HistoryRequest request) {
  world_.schedule().After(
      machine_.CommitTakes(), [this, life = life_, device, request = std::move(request)] {
        if (life != life_) return;
        const auto answer = [&](auto done) {
          const auto entry = entries_.find(device);
          if (entry == entries_.end()) return;
          done(*entry->second->session);
          Step(*entry->second);
          SubmitGroup();
        };
        if (const auto* look = std::get_if<sync::HistoryLook>(&request.work)) {
          const auto looked = history_->Look(device, *look);
          if (machine_.disk().crashed()) return StopIfCrashed();
          return answer(
              [&](sync::CloudSession& session) { session.HistoryLooked(request.token, looked); });
        }
        const cloud::DevicePut put{device, std::get<sync::HistoryPut>(request.work)};
        const auto done = history_->Put({&put, 1});
        if (machine_.disk().crashed()) return StopIfCrashed();
        if (!done && done.error().code == ErrorCode::kCorrupt) {
          invariants().Violate(11, "the cloud's history: " + done.error().text);
        }
        answer([&](sync::CloudSession& session) {
          session.HistoryPut(request.token, done ? Result<sync::HistoryPutDone>(done->front())
                                                 : Result<sync::HistoryPutDone>(done.error()));
        });
      });
}

void Cloud::Kill() {
  if (!running()) return;
  if (world_.tracing()) world_.Trace(name(), "is killed");
  machine_.disk().Kill();
  world_.network().Close(port_, false);
  End();
}

void Cloud::LosePower(PowerLoss how) {
  if (world_.tracing()) world_.Trace(name(), "loses power");
  machine_.disk().LosePower(how, machine_.random());
  world_.network().Close(port_, false);
  End();
}

// What waits is committed, then nothing more is.
void Cloud::Stop() {
  if (!running()) return;
  if (world_.tracing()) world_.Trace(name(), "stops");
  world_.network().Close(port_, true);
  for (auto& [device, entry] : entries_) Step(*entry);
  if (!group_.empty()) CommitGroup(std::exchange(group_, {}));
  if (!running()) return;  // It stopped in the middle.
  End();
}

void Cloud::StopIfCrashed() {
  if (!machine_.disk().crashed()) return;
  LosePower(world_.DrawPowerLoss());
  StartAfter(seconds(2));
}

Cloud::Backup Cloud::TakeBackup() const {
  return {machine_.disk().state(), ledgers_, world_.schedule().now(),
          world_.invariants().admissions()};
}

void Cloud::PutBackup(const Backup& backup) {
  machine_.disk().Replace(backup.disk);
  for (const auto& [device, ledger] : ledgers_) {
    const auto then = backup.ledgers.find(device);
    invariants().CloudSetBack(device,
                              then == backup.ledgers.end() ? Ledger() : then->second.sure());
  }
  ledgers_ = backup.ledgers;
  invariants().SetAdmissions(backup.admissions);
}

void Cloud::Calm() {
  machine_.Calm();
}

bool Cloud::Rot(const std::string& device,
                const std::function<model::Batch(const model::Stored&)>& rotten) {
  const auto ledger = ledgers_.find(device);
  if (ledger == ledgers_.end()) return false;
  cloud::CloudStoreOptions options;
  options.path = kPath;
  options.inc = machine_.random().Bits() | 1;
  options.opened = wall();
  options.vfs = machine_.vfs_name();
  auto store = cloud::CloudStore::Open(options);
  if (!store) return false;
  const auto stored = (*store)->LoadTwin(device);
  if (!stored) return false;
  invariants().StoreOpened("the cloud, " + device, ledger->second.Opened(*stored));
  const model::Batch batch = rotten(*stored);
  const std::vector<cloud::TwinCommit> commits = {{device, wall(), batch}};
  invariants().Rotted(batch);
  const Status done = (*store)->Commit(commits);
  done ? ledger->second.Committed(batch) : ledger->second.Failed(batch);
  if (machine_.disk().crashed()) machine_.disk().LosePower(PowerLoss::kKeepAll, machine_.random());
  return done.has_value() && !batch.rows.empty();
}

// --- The fleet ---

Cloud::Entry* Cloud::FindOrLoad(const std::string& device, bool registers) {
  const auto known = entries_.find(device);
  if (known != entries_.end()) return known->second.get();
  if (!ledgers_.contains(device) && !registers) return nullptr;
  auto stored = store_->LoadTwin(device);
  if (!stored) {
    if (world_.tracing()) world_.Trace(name(), "can't read a twin: " + stored.error().text);
    if (stored.error().code == ErrorCode::kCorrupt) {
      invariants().Violate(1, "the cloud can't read a twin: " + stored.error().text);
    }
    return nullptr;
  }
  DoubtfulLedger& ledger = ledgers_[device];
  invariants().StoreOpened("the cloud, " + device, ledger.Opened(*stored));
  invariants().CloudLoaded(device, ledger.sure());
  auto entry = std::make_unique<Entry>();
  entry->device = device;
  sync::CloudOptions options;
  options.accept = Accept;
  options.history = history_ != nullptr;
  options.random = [this](std::uint64_t below) { return machine_.random().Below(below); };
  entry->session =
      std::make_unique<sync::CloudSession>(std::move(options), entry->twin, std::move(*stored));
  return entries_.emplace(device, std::move(entry)).first->second.get();
}

void Cloud::OnUp() {
  sync::Nack hello;
  hello.reason = sync::NackReason::kUnknownSession;
  hello.text = "the cloud is back";
  hello.spread_ms = static_cast<std::uint32_t>(1'000 + ledgers_.size() * 2);
  (void)world_.network().Send(port_, Network::kEveryDevice, sync::Encode(hello), -1);
}

void Cloud::OnDown() {
  for (auto& [device, entry] : entries_) {
    entry->session->LinkDown();
    Step(*entry);
  }
  SubmitGroup();
}

void Cloud::OnFrame(const std::string& device, const std::string& bytes) {
  auto frame = sync::Decode(std::as_bytes(std::span(bytes)));
  if (!frame) {
    invariants().Violate(16, "the cloud can't decode: " + frame.error().text);
    return;
  }
  if (world_.tracing()) {
    world_.Trace(name(), "<- " + device + " " + Describe(*frame, bytes.size()));
  }
  if (!unjudged_) world_.Record(true, device, sync::SessionOf(*frame), bytes);
  const auto* hello = std::get_if<sync::Hello>(&*frame);
  Entry* entry = FindOrLoad(device, hello != nullptr);
  if (entry == nullptr) {
    if (hello != nullptr || std::holds_alternative<sync::Bye>(*frame)) return;
    sync::Nack nack;
    nack.reason = sync::NackReason::kUnknownSession;
    nack.cursors.session = sync::SessionOf(*frame);
    (void)world_.network().Send(port_, device, sync::Encode(nack), -1);
    return;
  }
  if (hello != nullptr) {
    const Device* sender = world_.FindConnection(
        device, hello->will_session != 0 ? hello->will_session : hello->session);
    if (sender != nullptr) {
      invariants().CloudHears(*view(device), *hello, sender->number());
      invariants().DeviceForgets(device, sender->ledger(), view(device)->ledger, sender->number());
    }
  }
  entry->session->Receive(std::move(*frame), world_.schedule().now(), wall());
  Step(*entry);
  SubmitGroup();
}

void Cloud::Step(Entry& entry) {
  out_ = {};
  entry.session->Step(world_.schedule().now(), wall(), out_);
  for (const sync::Frame& frame : out_.frames) Send(entry, frame);
  for (const auto& notice : out_.notices) {
    if (notice.kind == "conflict" && !unjudged_) world_.NoteConflict(entry.device, notice.text);
  }
  if (world_.tracing()) {
    for (const auto& notice : out_.notices) {
      world_.Trace(name(), "says of " + entry.device + ": " + notice.text);
    }
  }
  for (sync::HistoryRequest& request : out_.history) AskHistory(entry.device, std::move(request));
  if (out_.commit) {
    entry.token = out_.commit->token;
    entry.batch = out_.commit->batch;
    group_.push_back({entry.device, wall(), std::move(out_.commit->batch)});
  }
  Arm(entry);
}

void Cloud::Send(Entry& entry, const sync::Frame& frame) {
  std::string bytes = sync::Encode(frame);
  const Device* live =
      world_.FindSession(entry.device, sync::SessionOf(frame), entry.twin.lineage().back().inc);
  const bool hears = live != nullptr && live->engine().status().state == sync::SyncState::kLive;
  const auto to = hears ? std::optional<DeviceView>(live->view()) : std::nullopt;
  invariants().CloudSends(*view(entry.device), frame, bytes, to ? &*to : nullptr);
  if (world_.tracing()) {
    world_.Trace(name(), "-> " + entry.device + " " + Describe(frame, bytes.size()));
  }
  (void)world_.network().Send(port_, entry.device, std::move(bytes), -1);
}

void Cloud::Arm(Entry& entry) {
  const std::optional<MonoTime> next = entry.session->NextStep();
  if (!next || next == entry.armed) return;
  entry.armed = next;
  const microseconds wait = world_.Pause(*next - world_.schedule().now(), entry.idle_steps);
  world_.schedule().After(wait, [this, life = life_, device = entry.device, at = *next] {
    if (life != life_) return;
    Entry& due = *entries_.at(device);
    if (due.armed != at) return;
    due.armed.reset();
    Step(due);
    SubmitGroup();
  });
}

void Cloud::SubmitGroup() {
  if (committing_ || group_.empty()) return;
  committing_ = true;
  world_.schedule().After(machine_.CommitTakes(),
                          [this, life = life_, group = std::exchange(group_, {})] {
                            if (life == life_) CommitGroup(group);
                          });
}

void Cloud::CommitGroup(std::vector<cloud::TwinCommit> group) {
  const Status done = store_->Commit(group);
  std::vector<std::string> devices;
  for (const cloud::TwinCommit& commit : group) {
    devices.push_back(commit.device);
    DoubtfulLedger& ledger = ledgers_[commit.device];
    invariants().CloudCommits(commit.device, ledger.sure(), commit.batch, done.has_value());
    if (world_.tracing()) {
      world_.Trace(name(), "commits " + commit.device + " " + Describe(commit.batch) +
                               (done ? std::string() : ": " + done.error().text));
    }
    done ? ledger.Committed(commit.batch) : ledger.Failed(commit.batch);
  }
  if (machine_.disk().crashed()) return StopIfCrashed();
  world_.schedule().After(machine_.CommitTakes(), [this, life = life_, devices, done] {
    if (life == life_) OnCommitted(devices, done);
  });
}

void Cloud::OnCommitted(const std::vector<std::string>& devices, const Status& result) {
  committing_ = false;
  for (const std::string& device : devices) {
    Entry& entry = *entries_.at(device);
    entry.session->Committed(entry.token, result, world_.schedule().now());
    Step(entry);
  }
  SubmitGroup();
}

// --- People ---

bool Cloud::SetDesired(const std::string& device, const std::string& path, model::Value value,
                       WallTime until) {
  Entry* entry = running() ? FindOrLoad(device, false) : nullptr;
  const auto parsed = model::Path::Parse(path);
  if (entry == nullptr || !parsed) return false;
  const auto id = entry->twin.FindOrAdd(*parsed);
  if (!id) return false;
  if (world_.tracing()) {
    world_.Trace(name(), "wants of " + device + " " + path + " " + model::ToJson(value));
  }
  entry->session->SetDesired(*id, std::move(value), "otto", until, wall());
  Step(*entry);
  SubmitGroup();
  return true;
}

bool Cloud::AddCommand(const std::string& device, model::Command command) {
  Entry* entry = running() ? FindOrLoad(device, false) : nullptr;
  if (entry == nullptr) return false;
  if (world_.tracing()) {
    world_.Trace(name(), "commands " + device + " " + command.name + " " + command.path + " " +
                             model::ToJson(command.value));
  }
  const Status added = entry->session->AddCommand(std::move(command));
  Step(*entry);
  SubmitGroup();
  return added.has_value();
}

bool Cloud::AdmitNext(const std::string& device) {
  Entry* entry = running() ? FindOrLoad(device, false) : nullptr;
  if (entry == nullptr) return false;
  if (world_.tracing()) world_.Trace(name(), "admits the next one as " + device);
  invariants().OperatorAdmits(device);
  entry->session->AdmitNext();
  Step(*entry);
  SubmitGroup();
  return true;
}

}  // namespace edgetwin::sim

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/device.h"

#include <algorithm>
#include <span>
#include <utility>

#include "sync/codec/codec.h"
#include "tests/sim/trace.h"
#include "tests/sim/world.h"

namespace edgetwin::sim {
namespace {

using model::DriverCall;
using model::Value;
using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr char kPath[] = "/sim/twin.db";
constexpr microseconds kPollPause = seconds(1);
// As systemd restarts a service.
constexpr microseconds kRestartPause = seconds(5);
// Where a board without a clock begins.
constexpr WallTime kLostWall{milliseconds(1'577'836'800'000)};  // 2020-01-01

// The record of an override's remaining time is a minute old at most, and another one while the
// disk is full or fails.
constexpr microseconds kHoldLonger = seconds(130);
constexpr microseconds kHoldSlack = seconds(5);

int LaneOf(const sync::Frame& frame) {
  if (std::holds_alternative<sync::HistoryFrame>(frame)) return 3;
  const auto* delta = std::get_if<sync::Delta>(&frame);
  return delta == nullptr ? -1 : static_cast<int>(delta->stream);
}

}  // namespace

Device::Device(World& world, std::string device, std::size_t number, Plant plant, Random random)
    : world_(world),
      device_(std::move(device)),
      number_(number),
      plant_(std::move(plant)),
      machine_(
          world.schedule(), [this] { return Wall(); }, random) {
  Network::Events events;
  events.up = [this] {
    engine_->LinkUp(Now());
    Kick();
  };
  events.down = [this] {
    live_since_.reset();
    engine_->LinkDown(Now());
    Kick();
  };
  events.frame = [this](std::string_view, const std::string& bytes) { OnFrame(bytes); };
  events.will = [this] { return sync::Encode(engine_->Will()); };
  events.drained = [this] {
    engine_->LinkDrained();
    Kick();
  };
  port_ = world_.network().Add(device_, std::move(events));
}

Device::~Device() {
  machine_.disk().Kill();
  End();
}

std::string Device::name() const {
  return device_ + "#" + std::to_string(number_);
}

MonoTime Device::Now() const {
  return MonoTime(seconds(1)) + (world_.schedule().now() - booted_);
}

WallTime Device::Wall() const {
  if (trusted_) return world_.wall() + wall_offset_;
  if (told_) return told_->wall + duration_cast<milliseconds>(Now() - told_->at);
  return kLostWall + duration_cast<milliseconds>(Now().time_since_epoch());
}

DeviceView Device::view() const {
  return {device_, number_, *twin_, *engine_, ledger_.sure()};
}

bool Device::holds() const {
  bool any = false;
  twin_->ForEachProperty(
      [&](model::PropertyId id) { any = any || engine_->control().override_row(id) != nullptr; });
  return any;
}

// --- Its life ---

void Device::StartAfter(microseconds wait) {
  world_.schedule().After(wait, [this, life = life_] {
    if (life == life_) Start();
  });
}

void Device::Start() {
  if (running() || retired_) return;
  ++life_;
  booted_ = world_.schedule().now();
  told_.reset();
  if (OpenStore()) Begin(store_->TakeStored());
}

bool Device::OpenStore() {
  store::TwinStoreOptions options;
  options.path = kPath;
  options.inc = machine_.random().Bits() | 1;
  options.seq_reserve = 4'096;  // Small, so that it is used up often.
  options.tail_records_max = 40;
  options.tail_bytes_max = 16 << 10;
  options.vfs = machine_.vfs_name();
  auto opened = store::TwinStore::Open(options);
  if (opened) {
    store_ = std::move(*opened);
    return true;
  }
  if (world_.tracing()) world_.Trace(name(), "the store does not open: " + opened.error().text);
  const ErrorCode code = opened.error().code;
  if (code != ErrorCode::kUnavailable && code != ErrorCode::kExhausted) {
    world_.invariants().Violate(1, name() + ": its store does not open: " + opened.error().text);
    Retire();
    return false;
  }
  if (machine_.disk().crashed()) {
    machine_.disk().LosePower(world_.DrawPowerLoss(), machine_.random());
  } else {
    machine_.disk().Kill();
  }
  StartAfter(kRestartPause);
  return false;
}

void Device::Begin(model::Stored stored) {
  const std::string difference = ledger_.Opened(stored);
  world_.invariants().StoreOpened(name(), difference);
  world_.invariants().DeviceStarted(device_);
  if (world_.tracing()) {
    world_.Trace(name(), "starts, limit " + std::to_string(ledger_.sure().seq_limit()));
  }
  twin_ = std::make_unique<model::Twin>(
      model::Role::kDevice,
      model::TwinLimits{.properties_max = 500, .unknown_paths_max = 50, .dictionary_max = 30});
  sync::EdgeOptions options;
  options.checkpoint_interval = seconds(60);
  options.seq_reserve = 4'096;
  options.software = "edgetwin-sim";
  options.hardware = "machine " + std::to_string(number_);
  options.interest = interest_;
  options.events = {.waiting_max = 60, .kept_max = 20};
  options.paced = true;
  options.random = [this](std::uint64_t below) { return machine_.random().Below(below); };
  engine_ = std::make_unique<sync::EdgeEngine>(std::move(options), *twin_, std::move(stored), Now(),
                                               Wall());
  engine_->SetClockTrusted(WallTrusted());
  for (const PlantProperty& property : plant_.properties()) {
    if (property.present) Define(property);
  }
  if (world_.options().profile.history) BeginHistory();
  world_.network().Open(port_);
  world_.schedule().After(microseconds(machine_.random().Below(1'000'000)), [this, life = life_] {
    if (life == life_) Poll();
  });
  Kick();
}

// The processes are gone; what follows from them is void.
void Device::End() {
  ++life_;
  kicked_ = false;
  armed_.reset();
  live_since_.reset();
  history_.reset();
  engine_.reset();
  twin_.reset();
  store_.reset();
}

void Device::Kill() {
  if (!running()) return;
  if (world_.tracing()) world_.Trace(name(), "is killed");
  machine_.disk().Kill();
  world_.network().Close(port_, false);
  End();
}

void Device::LosePower(PowerLoss how) {
  if (world_.tracing()) {
    world_.Trace(name(), "loses power, " +
                             std::to_string(machine_.disk().state().unsynced_bytes()) +
                             " bytes unsynced");
  }
  // The handles die first: closing a store writes.
  machine_.disk().LosePower(how, machine_.random());
  world_.network().Close(port_, false);
  End();
}

void Device::Stop() {
  if (!running()) return;
  if (world_.tracing()) world_.Trace(name(), "stops");
  if (const auto bye = engine_->Goodbye()) Send(*bye);
  world_.network().Close(port_, true);
  const model::Batch batch = engine_->Finish();
  world_.invariants().DeviceCommits(view(), batch);
  const Status done = store_->Commit(batch);
  done ? ledger_.Committed(batch) : ledger_.Failed(batch);
  if (machine_.disk().crashed()) return StopIfCrashed();
  if (history_) history_->Stop();
  if (machine_.disk().crashed()) return StopIfCrashed();
  End();
}

void Device::Retire() {
  Kill();
  retired_ = true;
}

Device::Image Device::TakeImage() const {
  return {machine_.disk().state(), ledger_};
}

void Device::PutImage(Image image) {
  machine_.disk().Replace(std::move(image.disk));
  ledger_ = std::move(image.ledger);
  held_.clear();
  world_.past(device_).Forget(number_);
}

void Device::StopIfCrashed() {
  if (!machine_.disk().crashed()) return;
  LosePower(world_.DrawPowerLoss());
  StartAfter(seconds(2));
}

bool Device::Rot(std::size_t rows) {
  store::TwinStoreOptions options;
  options.path = kPath;
  options.inc = machine_.random().Bits() | 1;
  options.vfs = machine_.vfs_name();
  auto store = store::TwinStore::Open(options);
  if (!store) return false;
  const model::Stored stored = (*store)->TakeStored();
  world_.invariants().StoreOpened(name(), ledger_.Opened(stored));
  // It may be written before it is found out.
  const auto other = [this](model::ValueType type) { return world_.NextWanted(number_, type); };
  const model::Batch batch = Rotten(stored, model::Side::kDesired, rows, machine_.random(), other);
  world_.invariants().Rotted(batch);
  const Status done = (*store)->Commit(batch);
  done ? ledger_.Committed(batch) : ledger_.Failed(batch);
  if (machine_.disk().crashed()) machine_.disk().LosePower(PowerLoss::kKeepAll, machine_.random());
  return done.has_value() && !batch.rows.empty();
}

// --- The loop ---

void Device::Kick() {
  if (kicked_) return;
  kicked_ = true;
  world_.schedule().After(microseconds(0), [this, life = life_] {
    if (life != life_) return;
    kicked_ = false;
    Step();
  });
}

void Device::Step() {
  out_ = {};
  engine_->SetClockTrusted(WallTrusted());
  engine_->Step(Now(), Wall(), out_);
  const sync::SyncState state = engine_->status().state;
  if (state == sync::SyncState::kLive && !live_since_) live_since_ = world_.schedule().now();
  if (state != sync::SyncState::kLive) live_since_.reset();
  if (out_.commit) Submit(out_.commit->token, std::move(out_.commit->batch));
  for (const sync::Frame& frame : out_.frames) Send(frame);
  if (out_.history) ReadHistory(*out_.history);
  if (world_.network().drained(port_)) engine_->LinkDrained();
  if (out_.proved) world_.network().Proved(port_);
  if (out_.clock && !trusted_) told_ = Told{out_.clock->at, out_.clock->wall};
  for (const auto& notice : out_.notices) {
    if (notice.kind == "conflict") world_.NoteConflict(device_, notice.text);
    world_.invariants().Expect(10, notice.kind != "healed_by_snapshot", [&] {
      return name() + ": the comparison found nothing, twice, and everything is sent anew";
    });
  }
  if (world_.tracing()) {
    for (const auto& notice : out_.notices) world_.Trace(name(), "says: " + notice.text);
  }
  for (const DriverCall& call : out_.calls) {
    if (call.kind == DriverCall::Kind::kWrite) {
      world_.invariants().PlantAsked(view(), call.value);
    }
    Call(call);
  }
  Arm();
}

void Device::Arm() {
  const std::optional<MonoTime> next = engine_->NextStep();
  if (!next || next == armed_) return;
  armed_ = next;
  const microseconds wait = world_.Pause(*next - Now(), idle_steps_);
  world_.schedule().After(wait, [this, life = life_, at = *next] {
    if (life != life_ || armed_ != at) return;
    armed_.reset();
    Step();
  });
}

void Device::Send(const sync::Frame& frame) {
  std::string bytes = sync::Encode(frame);
  const sync::CloudSession* session = world_.cloud().session(device_);
  const auto cloud = session == nullptr ? std::nullopt : world_.cloud().view(device_);
  const bool live = engine_->status().state == sync::SyncState::kLive;
  world_.invariants().DeviceSends(view(), frame, bytes, cloud && live ? &*cloud : nullptr);
  if (world_.tracing()) world_.Trace(name(), "-> " + Describe(frame, bytes.size()));
  if (const auto* blocks = std::get_if<sync::HistoryFrame>(&frame)) CheckHistory(*blocks);
  const int lane = LaneOf(frame);
  if (lane == 0) {
    const std::size_t ahead = world_.network().LowerAhead(port_);
    world_.invariants().Expect(17, ahead <= 1, [&] {
      return name() + ": " + std::to_string(ahead) + " lower frames stand before an urgent one";
    });
  }
  (void)world_.network().Send(port_, device_, std::move(bytes), lane);
}

void Device::OnFrame(const std::string& bytes) {
  auto frame = sync::Decode(std::as_bytes(std::span(bytes)));
  if (!frame) {
    world_.invariants().Violate(16, name() + ": can't decode: " + frame.error().text);
    return;
  }
  if (world_.tracing()) world_.Trace(name(), "<- " + Describe(*frame, bytes.size()));
  world_.Record(false, device_, sync::SessionOf(*frame), bytes);
  if (const auto* nack = std::get_if<sync::Nack>(&*frame)) {
    world_.invariants().DeviceHears(view(), *nack);
  }
  engine_->Receive(std::move(*frame), Now(), Wall());
  Kick();
}

void Device::Submit(std::uint64_t token, model::Batch batch) {
  world_.schedule().After(
      machine_.CommitTakes(), [this, life = life_, token, batch = std::move(batch)] {
        if (life != life_) return;
        world_.invariants().DeviceCommits(view(), batch);
        const Status done = store_->Commit(batch);
        if (world_.tracing()) {
          world_.Trace(name(), "commits " + Describe(batch) +
                                   (done ? std::string() : ": " + done.error().text));
        }
        done ? ledger_.Committed(batch) : ledger_.Failed(batch);
        if (machine_.disk().crashed()) return StopIfCrashed();
        world_.schedule().After(machine_.CommitTakes(), [this, life, token, done] {
          if (life != life_) return;
          engine_->Committed(token, done, Now(), Wall());
          Kick();
        });
      });
}

// --- Drivers ---

void Device::Poll() {
  plant_.Move();
  const MonoTime now = Now();
  const WallTime wall = Wall();
  const bool failing = drivers_fail_until_ > world_.schedule().now();
  for (const PlantProperty& property : plant_.properties()) {
    if (!property.present) continue;
    const model::PropertyId id = twin_->Find(property.def.path.text());
    if (id == model::kNoProperty || !twin_->defined(id)) continue;
    if (failing) {
      twin_->ReportBad(id, wall, !WallTrusted(), now);
      continue;
    }
    model::Sample sample;
    sample.value = property.value;
    sample.time = wall;
    sample.unsynced = !WallTrusted();
    if (history_) {
      history_->Record(property.def.path.text(), sample);
      if (twin_->pid(id) == 0) world_.past(device_).NotShared(property.def.path.text());
    }
    engine_->Sampled(id, sample, now);
    twin_->Report(id, std::move(sample), now);
  }
  CheckHolds();
  Kick();
  world_.schedule().After(kPollPause, [this, life = life_] {
    if (life == life_) Poll();
  });
}

void Device::BeginHistory() {
  DeviceHistory::Hooks hooks;
  hooks.attached = [this](sync::HistoryMark known) {
    // What is on the disk, whoever wrote it: an image has it, too.
    Past& past = world_.past(device_);
    for (const history::PathRecord& path : history_->store()->paths()) {
      const Status read = history_->store()->ReadBlocks(path.id, WallTime::min(), WallTime::max(),
                                                        [&](const history::BlockRecord& block) {
                                                          past.Kept(number_, path.path, block);
                                                          return true;
                                                        });
      world_.invariants().Expect(11, read.has_value() || machine_.disk().crashed(),
                                 [&] { return name() + ": its history can't be read"; });
    }
    engine_->HistoryAttached(known);
    Kick();
  };
  hooks.stored = [this] {
    engine_->HistoryStored();
    Kick();
  };
  hooks.crashed = [this] { StopIfCrashed(); };
  hooks.broken = [this](const std::string& text) {
    world_.invariants().Violate(11, name() + ": its history: " + text);
  };
  if (world_.tracing()) {
    hooks.trace = [this](const std::string& text) { world_.Trace(name(), "history " + text); };
  }
  history_ = std::make_unique<DeviceHistory>(
      world_.schedule(), machine_, number_, world_.past(device_), [this] { return Wall(); },
      std::move(hooks));
}

void Device::ReadHistory(const sync::BackfillRead& read) {
  if (!history_) return;
  history_->Read(read, [this, token = read.token](Result<sync::BackfillChunk> chunk) {
    for (std::size_t i = 0; chunk && i < chunk->blocks.size(); ++i) {
      const std::string& path = chunk->blocks[i].path;
      const model::PropertyId id = twin_->Find(path);
      const bool shared = id != model::kNoProperty && twin_->pid(id) != 0;
      if (!shared) world_.past(device_).NotShared(path);
    }
    engine_->HistoryRead(token, std::move(chunk), Now());
    Kick();
  });
}

// Blocks are compressed: what is in them can't be seen on the wire.
void Device::CheckHistory(const sync::HistoryFrame& frame) {
  const auto secret = [this](model::Pid pid) {
    const model::PropertyId id = twin_->FindPid(pid);
    return id == model::kNoProperty || twin_->def(id).local_only ||
           twin_->def(id).path.text().find(kSecret) != std::string::npos;
  };
  const bool any = std::ranges::any_of(frame.blocks, secret, &sync::WireBlock::pid) ||
                   std::ranges::any_of(frame.losses, secret, &sync::WireLoss::pid);
  world_.invariants().Expect(18, !any,
                             [&] { return name() + ": history of a local-only property leaves"; });
}

// An override lasts no longer than was asked, but for what a restart may lengthen it by: what its
// record was behind when the machine stopped.
void Device::CheckHolds() {
  std::map<std::string, Held> held;
  twin_->ForEachProperty([&](model::PropertyId id) {
    const model::Row* row = engine_->control().override_row(id);
    if (row == nullptr) return;
    const std::string key = twin_->def(id).path.text() + model::ToJson(row->value);
    Held& now = held[key];
    now = held_[key];
    if (now.life != life_) now.longer += now.life == 0 ? microseconds(0) : kHoldLonger;
    now.life = life_;
    now.up += kPollPause;
    const microseconds whole = row->info().until - row->time;
    world_.invariants().Expect(13, now.up <= whole + now.longer + kHoldSlack, [&] {
      return name() + ": " + twin_->def(id).path.text() + " is held for " +
             std::to_string(duration_cast<seconds>(now.up).count()) +
             " s although somebody asked for " +
             std::to_string(duration_cast<seconds>(whole).count());
    });
  });
  held_ = std::move(held);
}

void Device::Define(const PlantProperty& property) {
  if (!running()) return;
  const auto id = twin_->Define(property.def);
  if (!id) {
    if (world_.tracing()) world_.Trace(name(), "does not define: " + id.error().text);
    return;
  }
  engine_->control().Defined(*id, Now(), Wall());
  engine_->alarms().Defined(*id, Now(), Wall());
  Kick();
}

void Device::Undefine(const std::string& path) {
  if (!running()) return;
  const model::PropertyId id = twin_->Find(path);
  if (id == model::kNoProperty) return;
  twin_->Undefine(id);
  engine_->alarms().Undefined(id, Wall());
  Kick();
}

void Device::Call(const DriverCall& call) {
  world_.schedule().After(
      milliseconds(machine_.random().Between(2, 150)), [this, life = life_, call] {
        if (life != life_) return;
        Result<Value> result = CallPlant(call);
        world_.schedule().After(milliseconds(machine_.random().Between(1, 60)),
                                [this, life, call, result] {
                                  if (life != life_) return;
                                  if (call.kind == DriverCall::Kind::kRead) {
                                    engine_->ReadDone(call.ticket, result, Now(), Wall());
                                  } else {
                                    engine_->WriteDone(call.ticket, result, Now(), Wall());
                                  }
                                  Kick();
                                });
      });
}

Result<Value> Device::CallPlant(const DriverCall& call) {
  const std::string path = twin_->def(call.id).path.text();
  PlantProperty* property = plant_.Find(path);
  if (property == nullptr || !property->present) return NotFound("no driver has " + path);
  const bool failing = drivers_fail_until_ > world_.schedule().now();
  const bool writes = call.kind == DriverCall::Kind::kWrite;
  const std::uint64_t kind = failing ? machine_.random().Below(3) : 3;
  if (world_.tracing()) {
    world_.Trace(name(), std::string(writes ? "writes " : "reads ") + path + " " +
                             model::ToJson(writes ? call.value : property->value) +
                             (failing ? ", the driver fails" : ""));
  }
  if (kind == 0) return Unavailable("the unit is away");
  if (!writes) {
    if (kind != 3) return TimedOut("no answer");
    return property->value;
  }
  // A time-out says nothing of whether it had its effect.
  if (kind != 1 && property->def.type != model::ValueType::kBool) {
    world_.invariants().PlantWrites(view(), path, call.value, property->value);
  }
  if (kind != 1) property->value = call.value;
  if (kind != 3) return TimedOut("no answer");
  return call.value;
}

void Device::FailDrivers(microseconds length) {
  drivers_fail_until_ = world_.schedule().now() + length;
}

// --- People ---

void Device::Override(const std::string& path, Value value, milliseconds length) {
  if (!running()) return;
  const model::PropertyId id = twin_->Find(path);
  if (id == model::kNoProperty) return;
  const Status begun =
      engine_->control().Override(id, std::move(value), "anna", length, Now(), Wall(), nullptr);
  if (world_.tracing()) {
    world_.Trace(name(), "override of " + path + (begun ? "" : ": " + begun.error().text));
  }
  Kick();
}

void Device::Release() {
  if (!running()) return;
  std::vector<model::PropertyId> held;
  twin_->ForEachProperty([&](model::PropertyId id) {
    if (engine_->control().override_row(id) != nullptr) held.push_back(id);
  });
  if (held.empty()) return;
  const model::PropertyId id = held[machine_.random().Below(held.size())];
  (void)engine_->control().Release(id, Now(), Wall());
  Kick();
}

void Device::SetInterest(std::vector<std::string> patterns) {
  interest_ = std::move(patterns);
  if (!running()) return;
  engine_->SetInterest(interest_);
  Kick();
}

void Device::AddEvents(std::size_t count) {
  if (!running()) return;
  for (std::size_t i = 0; i < count; ++i) {
    model::Event event;
    event.time = Wall();
    event.kind = "flood";
    event.text = "event " + std::to_string(machine_.random().Below(1'000'000));
    engine_->AddEvent(std::move(event));
  }
  Kick();
}

void Device::LoseClock() {
  trusted_ = false;
  told_.reset();
}

void Device::Calm() {
  machine_.Calm();
  drivers_fail_until_ = {};
  wall_offset_ = {};
  trusted_ = true;
}

}  // namespace edgetwin::sim

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/model/control.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "twin/base/guard.h"
#include "twin/base/utf8.h"

namespace edgetwin::model {
namespace {

using std::chrono::milliseconds;

// Longer than any device stays up; what ends later never does. Keeps times from overflowing.
constexpr milliseconds kEver = std::chrono::hours(24 * 366 * 10);

// What a restart may lengthen an override by, against a commit each time.
constexpr std::chrono::minutes kHoldRecordPeriod{1};

constexpr std::string_view kTooLate = "valid_until passed before it was applied";

std::shared_ptr<const ControlInfo> MakeInfo(ControlInfo info) {
  info.note = ToUtf8(info.note, kNoteBytesMax);
  return std::make_shared<const ControlInfo>(std::move(info));
}

// Whether a device that shows `seen` has been given `wanted`: doubles within half of the last
// declared digit.
bool Shows(const PropertyDef& def, const Value& seen, const Value& wanted) {
  if (seen == wanted) return true;
  if (def.type != ValueType::kDouble || seen.type() != def.type || wanted.type() != def.type) {
    return false;
  }
  if (!def.decimals) return seen.real() == wanted.real();
  return std::fabs(seen.real() - wanted.real()) < 0.5 * std::pow(10.0, -*def.decimals);
}

bool MayPass(const Error& error) {
  return error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kTimeout ||
         error.code == ErrorCode::kExhausted;
}

}  // namespace

Control::Control(Twin& twin, ControlOptions options) : twin_(twin), options_(options) {}

void Control::Resume(MonoTime now, WallTime wall, bool trusted,
                     const std::vector<HoldRecord>& holds) {
  clock_trusted_ = trusted;
  own_durable_ = twin_.head();
  std::map<PropertyId, const HoldRecord*> kept;
  for (const HoldRecord& hold : holds) kept[hold.id] = &hold;
  twin_.ForEachProperty([&](PropertyId id) {
    if (twin_.def(id).local_only) local_only_.insert(id);
    if (override_row(id) != nullptr) {
      const auto record = kept.find(id);
      ResumeHold(id, record == kept.end() ? nullptr : record->second, now, wall);
    }
    Evaluate(id, Left(id) ? Look::kAgain : Look::kBack, now, wall);
  });
}

// Whether an override ended after what is desired was applied: that may not be written again yet.
bool Control::Left(PropertyId id) const {
  const Row* hold = twin_.row(id, Side::kOverride);
  const Row* status = twin_.row(id, Side::kStatus);
  return hold != nullptr && hold->value.none() && status != nullptr &&
         hold->dot.seq > status->dot.seq;
}

void Control::ResumeHold(PropertyId id, const HoldRecord* kept, MonoTime now, WallTime wall) {
  const Row& row = *override_row(id);
  const milliseconds whole = std::clamp(row.info().until - row.time, milliseconds(0), kEver);
  milliseconds left = whole;
  bool check_wall = false;
  if (On(Guard::kOverrideRemaining)) {
    if (kept != nullptr) left = std::clamp(kept->left, milliseconds(0), whole);
    check_wall = !row.unsynced;
  }
  if (check_wall && clock_trusted_) {
    left = std::min(left, row.info().until - wall);
    check_wall = false;
  }
  if (left <= milliseconds(0)) {
    EndHold(id, now, wall);
    return;
  }
  Hold& hold = holds_[id];
  hold.until = now + left;
  hold.record_due = now + kHoldRecordPeriod;
  hold.check_wall = check_wall;
  if (row.unsynced && clock_trusted_) clock_news_ = true;
  Work& work = work_[id];
  work.dot = row.dot;
  work.value = row.value;
  work.for_override = true;
  work.read_first = true;
  Step(id, work, now, wall);
}

void Control::SetClockTrusted(bool trusted) {
  if (trusted && !clock_trusted_) clock_news_ = true;
  if (!trusted) clock_news_ = false;
  clock_trusted_ = trusted;
}

void Control::CountOnClock(MonoTime now, WallTime wall) {
  for (auto& [id, hold] : holds_) {
    const Row* held = override_row(id);
    if (held == nullptr) continue;  // Overruled, and about to end.
    const Row& row = *held;
    if (std::exchange(hold.check_wall, false)) {
      const milliseconds left = row.info().until - wall;
      if (left < hold.until - now) {
        hold.until = now + std::max(left, milliseconds(0));
        hold.record_due = now;
      }
    }
    if (!row.unsynced) continue;
    Row corrected = row;
    corrected.unsynced = false;
    ControlInfo info = row.info();
    const milliseconds whole = info.until - row.time;
    info.until = wall + std::chrono::duration_cast<milliseconds>(hold.until - now);
    corrected.time = info.until - whole;
    corrected.control = MakeInfo(std::move(info));
    twin_.Set(id, Side::kOverride, std::move(corrected));
  }
  std::vector<PropertyId> waiting;
  for (const auto& [id, work] : work_) {
    if (work.phase == Phase::kWaitClock && !arrived_.contains(id)) waiting.push_back(id);
  }
  for (const PropertyId id : waiting) {
    const Work& work = work_.at(id);
    const Look back = work.silent ? Look::kAgain : Look::kBack;
    Evaluate(id, work.read_first ? back : Look::kNot, now, wall);
  }
}

// One that has its status keeps it, also the one that was applied and is being written again. When
// a crash has brought the newer one's status back, nothing is left to be said of the older.
void Control::Supersede(PropertyId id, const Dot& replaced, WallTime wall) {
  const Row* desired = twin_.row(id, Side::kDesired);
  const Row* status = twin_.row(id, Side::kStatus);
  if (status != nullptr && desired != nullptr && status->info().refers_to == desired->dot) return;
  if (IsTerminal(StateOf(id, replaced))) return;
  const auto work = work_.find(id);
  if (work != work_.end() && !work->second.for_override) work_.erase(work);
  Report(id, replaced, DesiredState::kSuperseded, "a newer value was wanted before it was applied",
         {}, wall);
}

void Control::DesiredArrived(PropertyId id, Arrival arrival, WallTime wall) {
  if (arrival.replaced.seq != 0) Supersede(id, arrival.replaced, wall);
  if (was_local_only_.erase(id) != 0) arrival.known = true;
  arrival.known = arrival.known || (arrived_.contains(id) && arrived_[id].known);
  arrived_[id] = arrival;
}

void Control::DesiredGone(PropertyId id) {
  arrived_.erase(id);
  const auto work = work_.find(id);
  if (work == work_.end() || work->second.for_override) return;
  work_.erase(work);
}

void Control::Durable(const DurableMarks& marks, MonoTime now, WallTime wall) {
  own_durable_ = std::max(own_durable_, marks.own_seq);
  std::vector<std::pair<PropertyId, bool>> ready;
  for (const auto& [id, arrival] : arrived_) {
    const bool durable = arrival.seq <= marks.peer_seq && arrival.batch <= marks.batch;
    if (durable || !On(Guard::kCommitBeforePromise)) {
      ready.emplace_back(id, arrival.known);
    }
  }
  for (const auto& [id, known] : ready) {
    arrived_.erase(id);
    Evaluate(id, known ? Look::kBack : Look::kNot, now, wall);
  }
  std::vector<PropertyId> waiting;
  for (const auto& [id, work] : work_) {
    if (work.phase == Phase::kWaitDurable) waiting.push_back(id);
  }
  for (const PropertyId id : waiting) {
    if (const auto work = work_.find(id); work != work_.end()) Step(id, work->second, now, wall);
  }
}

void Control::PeerReplaced() {
  for (auto& [id, arrival] : arrived_) arrival.seq = ~std::uint64_t{0};
}

void Control::Defined(PropertyId id, MonoTime now, WallTime wall) {
  if (twin_.def(id).local_only) {
    local_only_.insert(id);
  } else if (local_only_.erase(id) != 0) {
    was_local_only_.insert(id);
  }
  const auto found = work_.find(id);
  if (found != work_.end()) {
    if (found->second.phase == Phase::kRetry) Step(id, found->second, now, wall);
    return;
  }
  // Also what was wanted while it was local-only.
  const Row* desired = twin_.row(id, Side::kDesired);
  if (desired == nullptr || arrived_.contains(id)) return;
  const DesiredState state = StateOf(id, desired->dot);
  if (!IsTerminal(state) || state == DesiredState::kUnknownPath) {
    Evaluate(id, Look::kBack, now, wall);
  }
}

DesiredState Control::StateOf(PropertyId id, const Dot& desired) const {
  const Row* status = twin_.row(id, Side::kStatus);
  const bool spoken = status != nullptr && status->info().refers_to == desired;
  // Superseded, and yet what is wanted: healing has brought it back, and nobody has spoken of it.
  if (!spoken || status->info().state == DesiredState::kSuperseded) return DesiredState::kNone;
  return status->info().state;
}

void Control::Evaluate(PropertyId id, Look look, MonoTime now, WallTime wall) {
  const Row* desired = twin_.row(id, Side::kDesired);
  if (desired == nullptr) return;
  if (twin_.def(id).local_only) {
    // What never leaves the device is not the cloud's to move, nor to hear about.
    const auto work = work_.find(id);
    if (work == work_.end() || work->second.for_override) return;
    work_.erase(work);
    return;
  }
  const DesiredState state = StateOf(id, desired->dot);
  if (holds_.contains(id)) {
    const bool final = IsTerminal(state) || state == DesiredState::kMasked;
    if (!desired->value.none() && !final) {
      Report(id, desired->dot, DesiredState::kMasked, "a local override is in force", {}, wall);
    }
    return;
  }
  // Work on an older wish means that the device may show something else by now.
  const auto old = work_.find(id);
  const bool under_way = old != work_.end() && !old->second.for_override;
  const bool finished = state == DesiredState::kRejected || state == DesiredState::kExpired ||
                        (state == DesiredState::kApplied && look == Look::kBack && !under_way);
  if (finished) {
    DesiredGone(id);
    return;
  }
  BeginDesired(id, *desired, look != Look::kNot, now, wall);
}

void Control::BeginDesired(PropertyId id, const Row& desired, bool read_first, MonoTime now,
                           WallTime wall) {
  // What an older desired value still has under way: its answer finds no ticket.
  if (const auto old = work_.find(id); old != work_.end()) {
    work_.erase(old);
  }
  const Dot dot = desired.dot;
  if (desired.value.none()) {
    if (const Row* status = twin_.row(id, Side::kStatus);
        status != nullptr && !(status->info().refers_to == dot)) {
      Report(id, dot, DesiredState::kNone, {}, {}, wall);
    }
    return;
  }
  const DesiredState state = StateOf(id, dot);
  // What was applied before has its terminal status; an override may have come between.
  const bool silent = state == DesiredState::kApplied;
  const WallTime until = desired.info().until;
  if (until != WallTime{} && !clock_trusted_) {
    Work& work = work_[id];
    work.phase = Phase::kWaitClock;
    work.dot = dot;
    work.silent = silent;
    work.read_first = read_first;
    if (!silent && state != DesiredState::kPending) {
      Report(id, dot, DesiredState::kPending,
             "it has a valid_until, and this device's clock is not trusted yet", {}, wall);
    }
    return;
  }
  if (until != WallTime{} && wall >= until) {
    if (!silent) Report(id, dot, DesiredState::kExpired, std::string(kTooLate), {}, wall);
    return;
  }
  if (!twin_.defined(id)) {
    Report(id, dot, DesiredState::kUnknownPath, "no driver of this device has it", {}, wall);
    return;
  }
  if (const Status ok = CheckWritable(twin_.def(id), desired.value); !ok) {
    if (!silent) Report(id, dot, DesiredState::kRejected, ok.error().text, {}, wall);
    return;
  }
  Work& work = work_[id];
  work.dot = dot;
  work.value = Coerce(twin_.def(id).type, desired.value);
  work.silent = silent;
  work.read_first = read_first;
  if (until != WallTime{} && until - wall < kEver) work.expires = now + (until - wall);
  Step(id, work, now, wall);
}

// Whether what asks for the work is on flash: the end of an override asks for desired, too.
bool Control::MayBegin(PropertyId id, const Work& work) const {
  if (!On(Guard::kCommitBeforePromise)) return true;
  const Row* hold = twin_.row(id, Side::kOverride);
  if (hold != nullptr && hold->dot.seq > own_durable_) return false;
  return work.for_override || !arrived_.contains(id);
}

void Control::Step(PropertyId id, Work& work, MonoTime now, WallTime wall) {
  if (!MayBegin(id, work)) {
    work.phase = Phase::kWaitDurable;
    return;
  }
  if (work.expires <= now) {
    Expire(id, wall);
    return;
  }
  // Its definition may be another one than when this began.
  if (const Status ok = CheckWritable(twin_.def(id), work.value); !ok) {
    Finish(id, ok.error(), now, wall);
    return;
  }
  // What an older work has asked for is not done yet: it might be after this.
  if (out_.contains(id)) {
    work.phase = Phase::kWaitDriver;
    return;
  }
  const bool read = work.read_first && On(Guard::kReadBackBeforeRewrite);
  Call(read ? DriverCall::Kind::kRead : DriverCall::Kind::kWrite, id, work);
}

void Control::Expire(PropertyId id, WallTime wall) {
  const Work work = std::move(work_.at(id));
  work_.erase(id);
  if (work.silent) return;
  Report(id, work.dot, DesiredState::kExpired, std::string(kTooLate), {}, wall);
}

void Control::Call(DriverCall::Kind kind, PropertyId id, Work& work) {
  work.phase = kind == DriverCall::Kind::kRead ? Phase::kReading : Phase::kWriting;
  work.ticket = ++last_ticket_;
  tickets_[work.ticket] = id;
  out_.insert(id);
  DriverCall call{
      .kind = kind, .ticket = work.ticket, .id = id, .value = {}, .cause = {}, .dot = work.dot};
  if (work.for_override) call.cause = DriverCall::Cause::kOverride;
  if (kind == DriverCall::Kind::kWrite) call.value = Coerce(twin_.def(id).type, work.value);
  calls_.push_back(std::move(call));
}

std::map<PropertyId, Control::Work>::iterator Control::FindTicket(std::uint64_t ticket,
                                                                  MonoTime now, WallTime wall) {
  const auto out = tickets_.find(ticket);
  if (out == tickets_.end()) return work_.end();
  const PropertyId id = out->second;
  tickets_.erase(out);
  out_.erase(id);
  const auto work = work_.find(id);
  if (work == work_.end() || work->second.ticket == ticket) return work;
  if (work->second.phase == Phase::kWaitDriver) Step(id, work->second, now, wall);
  return work_.end();
}

void Control::ReadDone(std::uint64_t ticket, Result<Value> result, MonoTime now, WallTime wall) {
  const auto found = FindTicket(ticket, now, wall);
  if (found == work_.end()) return;
  const PropertyId id = found->first;
  Work& work = found->second;
  const Value wanted = Coerce(twin_.def(id).type, work.value);
  if (result && Shows(twin_.def(id), *result, wanted)) {
    Finish(id, std::move(result), now, wall);
    return;
  }
  if (!result && MayPass(result.error())) {
    Retry(id, work, result.error(), now, wall);
    return;
  }
  work.read_first = false;
  Step(id, work, now, wall);
}

void Control::WriteDone(std::uint64_t ticket, Result<Value> result, MonoTime now, WallTime wall) {
  const auto found = FindTicket(ticket, now, wall);
  if (found == work_.end()) return;
  if (!result && MayPass(result.error())) {
    // Whether the device took it is not known: look before writing again.
    found->second.read_first = true;
    Retry(found->first, found->second, result.error(), now, wall);
    return;
  }
  Finish(found->first, std::move(result), now, wall);
}

void Control::Retry(PropertyId id, Work& work, const Error& error, MonoTime now, WallTime wall) {
  work.phase = Phase::kRetry;
  work.backoff = std::clamp(work.backoff * 2, options_.retry_min, options_.retry_max);
  work.due = now + work.backoff;
  if (work.for_override) {
    if (OverrideDone done = std::exchange(work.done, nullptr)) done(error);
    return;
  }
  const Row* status = twin_.row(id, Side::kStatus);
  const bool said = status != nullptr && status->info().refers_to == work.dot &&
                    status->info().state == DesiredState::kPending;
  if (!said && !work.silent) {
    Report(id, work.dot, DesiredState::kPending, error.text, {}, wall);
  }
}

void Control::Finish(PropertyId id, Result<Value> result, MonoTime now, WallTime wall) {
  Work work = std::move(work_.at(id));
  work_.erase(id);
  if (work.for_override) {
    if (!result) {
      EndHold(id, now, wall);
    } else if (const auto hold = holds_.find(id); hold != holds_.end()) {
      hold->second.written = true;
    }
    if (work.done) work.done(std::move(result));
    return;
  }
  if (work.silent) return;
  if (!result) {
    Report(id, work.dot, DesiredState::kRejected, result.error().text, {}, wall);
    return;
  }
  const bool differs = !(Coerce(twin_.def(id).type, work.value) == *result) && Holdable(*result);
  Report(id, work.dot, DesiredState::kApplied, {}, differs ? *std::move(result) : Value(), wall);
}

void Control::Report(PropertyId id, const Dot& desired, DesiredState state, std::string reason,
                     Value effective, WallTime wall) {
  Row row;
  row.value = std::move(effective);
  row.time = wall;
  row.unsynced = !clock_trusted_;
  ControlInfo info;
  info.refers_to = desired;
  info.state = state;
  info.note = std::move(reason);
  row.control = MakeInfo(std::move(info));
  twin_.Set(id, Side::kStatus, std::move(row));
}

Status Control::Override(PropertyId id, Value value, std::string who, milliseconds duration,
                         MonoTime now, WallTime wall, OverrideDone done) {
  if (const Status ok = CheckWritable(twin_.def(id), value); !ok) return ok;
  if (duration <= milliseconds(0)) return Invalid("an override needs a duration above zero");
  if (duration > kEver) return Invalid("an override lasts ten years at most");
  Row row;
  row.value = Coerce(twin_.def(id).type, std::move(value));
  row.time = wall;
  row.unsynced = !clock_trusted_;
  ControlInfo info;
  info.note = std::move(who);
  info.until = wall + duration;
  row.control = MakeInfo(std::move(info));
  twin_.Set(id, Side::kOverride, std::move(row));
  holds_[id] = {now + duration, now + kHoldRecordPeriod, false, false};
  changed_holds_[id] = duration;

  Work old;
  if (const auto found = work_.find(id); found != work_.end()) {
    old = std::move(found->second);
    work_.erase(found);
  }
  if (old.done) old.done(Conflict("a newer override took its place"));
  Work& work = work_[id];
  work.dot = override_row(id)->dot;
  work.value = override_row(id)->value;
  work.for_override = true;
  work.done = std::move(done);
  Evaluate(id, Look::kNot, now, wall);  // A desired value that was under way is masked now.
  Step(id, work, now, wall);
  return {};
}

Status Control::Release(PropertyId id, MonoTime now, WallTime wall) {
  if (override_row(id) == nullptr) {
    return NotFound("there is no override on '" + twin_.def(id).path.text() + "'");
  }
  EndHold(id, now, wall);
  return {};
}

void Control::EndHold(PropertyId id, MonoTime now, WallTime wall) {
  // One that was surely written has displaced what was desired; of others the device tells.
  const auto hold = holds_.find(id);
  const bool written = hold != holds_.end() && hold->second.written;
  if (hold != holds_.end()) holds_.erase(hold);
  changed_holds_[id] = milliseconds(0);
  OverrideDone done;
  if (const auto found = work_.find(id); found != work_.end() && found->second.for_override) {
    done = std::move(found->second.done);
    work_.erase(found);
  }
  Row row;
  row.time = wall;
  row.unsynced = !clock_trusted_;
  twin_.Set(id, Side::kOverride, std::move(row));
  Evaluate(id, written ? Look::kNot : Look::kAgain, now, wall);
  if (done) done(Conflict("the override was released before it was written"));
}

std::size_t Control::DropOverrides(MonoTime now, WallTime wall) {
  std::vector<PropertyId> held;
  twin_.ForEachProperty([&](PropertyId id) {
    // Also one whose row was overruled by what the cloud gave back.
    if (override_row(id) != nullptr || holds_.contains(id)) held.push_back(id);
  });
  for (const PropertyId id : held) EndHold(id, now, wall);
  return held.size();
}

const Row* Control::override_row(PropertyId id) const {
  const Row* row = twin_.row(id, Side::kOverride);
  return row == nullptr || row->value.none() ? nullptr : row;
}

milliseconds Control::override_left(PropertyId id, MonoTime now) const {
  const auto found = holds_.find(id);
  if (found == holds_.end()) return milliseconds(0);
  return std::chrono::duration_cast<milliseconds>(found->second.until - now);
}

void Control::TickHolds(MonoTime now, WallTime wall) {
  std::vector<PropertyId> ended;
  for (auto& [id, hold] : holds_) {
    if (hold.until <= now) {
      ended.push_back(id);
    } else if (hold.record_due <= now) {
      changed_holds_[id] = override_left(id, now);
      hold.record_due = now + kHoldRecordPeriod;
    }
  }
  for (const PropertyId id : ended) EndHold(id, now, wall);
}

void Control::Tick(MonoTime now, WallTime wall) {
  if (std::exchange(clock_news_, false)) CountOnClock(now, wall);
  TickHolds(now, wall);

  std::vector<PropertyId> due;
  for (const auto& [id, work] : work_) {
    if (work.phase == Phase::kRetry && std::min(work.due, work.expires) <= now) due.push_back(id);
  }
  for (const PropertyId id : due) {
    const auto found = work_.find(id);
    if (found == work_.end()) continue;
    if (found->second.expires <= now) {
      Expire(id, wall);
    } else {
      Step(id, found->second, now, wall);
    }
  }
}

std::optional<MonoTime> Control::NextTick() const {
  if (clock_news_) return MonoTime{};  // At once.
  MonoTime next = MonoTime::max();
  for (const auto& [id, hold] : holds_) next = std::min({next, hold.until, hold.record_due});
  for (const auto& [id, work] : work_) {
    if (work.phase == Phase::kRetry) next = std::min({next, work.due, work.expires});
  }
  if (next == MonoTime::max()) return {};
  return next;
}

std::vector<HoldRecord> Control::TakeHolds() {
  std::vector<HoldRecord> holds;
  holds.reserve(changed_holds_.size());
  for (const auto& [id, left] : changed_holds_) holds.push_back({id, left});
  changed_holds_.clear();
  return holds;
}

std::vector<DriverCall> Control::TakeCalls() {
  return std::exchange(calls_, {});
}

}  // namespace edgetwin::model

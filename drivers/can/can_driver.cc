// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/can/can_driver.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <span>

#include "drivers/can/scan.h"
#include "twin/base/check.h"

namespace edgetwin::can {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

std::span<const std::uint8_t> DataOf(const canfd_frame& frame) {
  return {frame.data, frame.len};
}
bool Holds(const canfd_frame& frame, const SignalBits& bits) {
  return frame.len >= BytesNeeded(bits);
}

// For people, as can-utils write frames: "123#0A0B", "18FEF100#…".
std::string Shown(const canfd_frame& frame) {
  constexpr std::size_t kBytesMax = 32;  // A frame of CAN FD has up to 64.
  const bool extended = (frame.can_id & CAN_EFF_FLAG) != 0;
  char text[16];
  std::snprintf(text, sizeof text, extended ? "%08X#" : "%03X#",
                frame.can_id & (extended ? CAN_EFF_MASK : CAN_SFF_MASK));
  std::string shown = text;
  for (const std::uint8_t byte : DataOf(frame).first(std::min<std::size_t>(frame.len, kBytesMax))) {
    std::snprintf(text, sizeof text, "%02X", byte);
    shown += text;
  }
  return frame.len > kBytesMax ? shown + "…" : shown;
}

}  // namespace

bool CanDriver::Init(ConfigReader& config) {
  const std::size_t problems = config.problems().count();
  config_ = ReadCanConfig(config);
  if (config.problems().count() != problems) return false;
  Build();
  return true;
}

void CanDriver::Build() {
  ids_.clear();
  by_id_.clear();
  messages_.clear();
  pages_.clear();
  properties_.clear();
  for (std::size_t i = 0; i < config_.messages.size(); ++i) {
    const CanMessage& spec = config_.messages[i];
    ids_.push_back(spec.id);
    by_id_.emplace(spec.id, i);
    messages_.emplace_back().spec = &spec;
    for (const CanSignal& signal : spec.signals) {
      Property property;
      property.signal = &signal;
      property.message = i;
      PageOf(i, signal.multiplex).properties.push_back(properties_.size());
      properties_.push_back(property);
    }
  }
}

CanDriver::Page& CanDriver::PageOf(std::size_t message, std::optional<std::uint64_t> multiplex) {
  for (const std::size_t page : messages_[message].pages) {
    if (pages_[page].multiplex == multiplex) return pages_[page];
  }
  messages_[message].pages.push_back(pages_.size());
  Page& page = pages_.emplace_back();
  page.message = message;
  page.multiplex = multiplex;
  return page;
}

Status CanDriver::Start(Loop& loop, driver::SampleSink& sink) {
  EDGETWIN_CHECK(loop_ == nullptr);
  auto port = opener_(config_.interface, ids_);
  if (!port) return port.error();
  for (Property& property : properties_) {
    const Result<model::PropertyId> id = sink.Define(property.signal->def);
    if (!id) return id.error();
    property.id = *id;
    property.bad = false;
  }
  loop_ = &loop;
  sink_ = &sink;
  told_at_.reset();
  last_error_.clear();
  for (Message& message : messages_) {
    message.payload = {};
    message.writes = 0;
    for (const CanSignal& signal : message.spec->signals) {
      if (signal.initial) InsertRaw(signal.spec.bits, *signal.initial, message.payload);
    }
  }
  for (Page& page : pages_) page.due = MonoTime();
  // From the loop, so that whoever starts drivers is done with it before the sink is used.
  milliseconds shortest = std::chrono::seconds(4);
  for (const CanMessage& message : config_.messages) {
    if (message.timeout.count() > 0) shortest = std::min(shortest, message.timeout);
  }
  look_timer_ =
      loop_->Every(std::max<microseconds>(shortest / 4, milliseconds(10)), [this] { OnLook(); });
  port_ = *std::move(port);
  Listen();
  return {};
}

void CanDriver::Listen() {
  health_.state = BusState::kActive;
  for (Page& page : pages_) {
    page.heard = loop_->Now();
    page.silent = false;
  }
  watch_ = loop_->Watch(port_->fd(), Loop::kReadable, [this](unsigned) { OnReadable(); });
  for (std::size_t i = 0; i < messages_.size(); ++i) {
    if (messages_[i].spec->send_from_start) StartSending(i);
  }
}

void CanDriver::Stop() {
  if (loop_ == nullptr) return;
  ++generation_;
  for (auto& [number, write] : writes_) loop_->Cancel(write.timer);
  writes_.clear();
  writes_limit_.Use(0);
  for (Message& message : messages_) {
    loop_->Cancel(std::exchange(message.sender, Loop::Id::kNone));
  }
  for (Loop::Id* id : {&watch_, &reopen_timer_, &due_timer_, &look_timer_}) {
    loop_->Cancel(std::exchange(*id, Loop::Id::kNone));
  }
  for (Page& page : pages_) page.fresh = false;
  pending_.clear();
  if (port_) dropped_ += port_->dropped();
  port_.reset();
  loop_ = nullptr;
  sink_ = nullptr;
}

void CanDriver::Lose(const std::string& why) {
  const std::uint64_t generation = ++generation_;
  loop_->Cancel(std::exchange(watch_, Loop::Id::kNone));
  dropped_ += port_->dropped();
  port_.reset();
  for (Message& message : messages_) {
    loop_->Cancel(std::exchange(message.sender, Loop::Id::kNone));
  }
  last_error_ = config_.interface + ": " + why;
  reopen_timer_ = loop_->After(kReopenEvery, [this] { Reopen(); });
  while (!writes_.empty()) {
    EndWrite(writes_.begin()->first, TimedOut("the interface went down: " + last_error_));
    if (generation != generation_) return;
  }
  for (Property& property : properties_) {
    ReportBad(property);
    if (generation != generation_) return;
  }
  Complain(Unavailable(last_error_));
}

void CanDriver::Reopen() {
  reopen_timer_ = Loop::Id::kNone;
  auto port = opener_(config_.interface, ids_);
  if (!port) {
    last_error_ = port.error().text;
    reopen_timer_ = loop_->After(kReopenEvery, [this] { Reopen(); });
    return;
  }
  port_ = *std::move(port);
  Listen();
  sink_->Polled("", microseconds(0), {});
}

void CanDriver::OnReadable() {
  const std::uint64_t generation = generation_;
  const MonoTime begin = loop_->Now();
  reported_ = false;
  std::uint64_t frames = 0;
  for (; frames < kFramesPerTurnMax; ++frames) {
    Result<std::optional<canfd_frame>> frame = port_->Receive();
    if (!frame && frame.error().code != ErrorCode::kCorrupt) return Lose(frame.error().text);
    if (!frame) {
      Complain(frame.error());
    } else if (!*frame) {
      break;
    } else {
      Take(**frame);
    }
    if (generation != generation_) return;
  }
  if (frames == kFramesPerTurnMax) ++full_turns_;
  NoteDropped();
  if (generation == generation_ && reported_) sink_->Polled("", loop_->Now() - begin, {});
}

void CanDriver::Take(const canfd_frame& frame) {
  if ((frame.can_id & CAN_ERR_FLAG) != 0) return OnErrorFrame(frame);
  const auto found = by_id_.find(frame.can_id);
  // The kernel's filters leave none of these.
  if (found == by_id_.end()) return;
  Message& message = messages_[found->second];
  // While a write is under way, what was sent is newer than what is heard.
  if (message.writes == 0) {
    std::copy_n(frame.data, frame.len, message.payload.begin());
  }
  const std::optional<SignalBits>& multiplexor = message.spec->multiplexor;
  std::optional<std::uint64_t> multiplex;
  if (multiplexor && Holds(frame, *multiplexor)) {
    multiplex = ExtractRaw(*multiplexor, DataOf(frame));
  }
  const std::uint64_t generation = generation_;
  // A write's result is news.
  const bool at_once = message.writes > 0;
  for (const std::size_t page : message.pages) {
    if (pages_[page].multiplex && pages_[page].multiplex != multiplex) continue;
    TakePage(page, frame, at_once);
    if (generation != generation_) return;
  }
  if (at_once) Confirm(found->second, frame);
}

void CanDriver::TakePage(std::size_t index, const canfd_frame& frame, bool at_once) {
  Page& page = pages_[index];
  page.frame = frame;
  page.heard = loop_->Now();
  page.silent = false;
  if (at_once || page.heard >= page.due) {
    if (std::exchange(page.fresh, false)) pending_.erase({page.due, index});
    return ReportPage(page);
  }
  if (std::exchange(page.fresh, true)) return;
  pending_.emplace(page.due, index);
  if (pending_.begin()->second == index) ArmDue();
}

void CanDriver::ArmDue() {
  loop_->Cancel(std::exchange(due_timer_, Loop::Id::kNone));
  if (pending_.empty()) return;
  due_timer_ = loop_->After(std::max(microseconds(0), pending_.begin()->first - loop_->Now()),
                            [this] { OnDue(); });
}

void CanDriver::OnDue() {
  due_timer_ = Loop::Id::kNone;
  const std::uint64_t generation = generation_;
  const MonoTime now = loop_->Now();
  while (!pending_.empty() && pending_.begin()->first <= now) {
    Page& page = pages_[pending_.begin()->second];
    pending_.erase(pending_.begin());
    page.fresh = false;
    ReportPage(page);
    if (generation != generation_) break;
  }
  if (loop_ == nullptr) return;
  ArmDue();
  sink_->Polled("", loop_->Now() - now, {});
}

void CanDriver::ReportPage(Page& page) {
  reported_ = true;
  page.due = loop_->Now() + config_.period;
  const std::uint64_t generation = generation_;
  const std::string raw = sink_->wants_raw() ? Shown(page.frame) : std::string();
  for (const std::size_t index : page.properties) {
    Property& property = properties_[index];
    const SignalSpec& spec = property.signal->spec;
    if (!raw.empty()) sink_->Raw(property.id, raw);
    if (!Holds(page.frame, spec.bits)) {
      const bool news = !property.bad;
      ReportBad(property);
      if (generation == generation_ && news) {
        Complain(Corrupt("a frame of " + messages_[page.message].spec->name + " has " +
                         std::to_string(page.frame.len) + " bytes, too few for " +
                         property.signal->name));
      }
    } else if (Result<model::Value> value =
                   Decode(spec, ExtractRaw(spec.bits, DataOf(page.frame)))) {
      const bool number =
          value->type() != model::ValueType::kDouble || std::isfinite(value->real());
      property.bad = false;
      sink_->Report(property.id, *std::move(value),
                    number ? model::Quality::kGood : model::Quality::kUncertain);
    } else {
      ReportBad(property);  // What is out of range says "not available" on many a bus.
    }
    if (generation != generation_) return;
  }
}

void CanDriver::ReportBad(Property& property) {
  if (!std::exchange(property.bad, true)) sink_->ReportBad(property.id);
}

void CanDriver::ReportPageBad(const Page& page) {
  const std::uint64_t generation = generation_;
  for (const std::size_t index : page.properties) {
    ReportBad(properties_[index]);
    if (generation != generation_) return;
  }
}

void CanDriver::OnLook() {
  if (port_ == nullptr) return;
  const std::uint64_t generation = generation_;
  const MonoTime now = loop_->Now();
  std::string names;
  std::size_t others = 0;
  for (std::size_t i = 0; i < pages_.size(); ++i) {
    Page& page = pages_[i];
    const CanMessage& spec = *messages_[page.message].spec;
    if (page.silent || page.properties.empty() || spec.timeout.count() == 0 ||
        now < page.heard + spec.timeout) {
      continue;
    }
    page.silent = true;
    if (std::exchange(page.fresh, false)) {
      // The last that was heard, before it is bad.
      pending_.erase({page.due, i});
      ReportPage(page);
      if (generation != generation_) return;
    }
    ReportPageBad(page);
    if (generation != generation_) return;
    if (names.empty()) {
      names = spec.name + " was not heard for " + FormatDuration(spec.timeout);
    } else {
      ++others;
    }
  }
  if (names.empty()) return;
  if (others > 0) names += ", and " + std::to_string(others) + " more";
  Complain(TimedOut(std::move(names)));
}

void CanDriver::OnErrorFrame(const canfd_frame& frame) {
  const BusState before = health_.state;
  TakeErrorFrame(frame, health_);
  if (health_.state == before) return;
  const std::string trouble = Trouble(health_);
  if (!trouble.empty()) Complain(Unavailable(config_.interface + " is " + trouble));
}

void CanDriver::NoteDropped() {
  const std::uint64_t dropped = dropped_ + port_->dropped();
  if (dropped == dropped_told_) return;
  Complain(Exhausted(std::to_string(dropped) + " frames were dropped so far, since the agent was "
                                               "too slow for the bus"));
  dropped_told_ = dropped;
}

void CanDriver::Complain(Error error) {
  last_error_ = error.text;
  const MonoTime now = loop_->Now();
  if (told_at_ && now < *told_at_ + kComplaintEvery) return;
  told_at_ = now;
  sink_->Polled("", microseconds(0), std::move(error));
}

Status CanDriver::SendNow(const Message& message) {
  const CanMessage& spec = *message.spec;
  canfd_frame frame{};
  frame.can_id = spec.id;
  frame.len = static_cast<std::uint8_t>(spec.length);
  if (spec.bit_rate_switch) frame.flags = CANFD_BRS;
  std::copy_n(message.payload.begin(), spec.length, frame.data);
  Status sent = port_->Send(frame, spec.fd);
  if (!sent) {
    ++not_sent_;
    last_error_ = config_.interface + ": " + sent.error().text;
  }
  return sent;
}

void CanDriver::StartSending(std::size_t index) {
  Message& message = messages_[index];
  if (message.spec->send_every.count() == 0 || message.sender != Loop::Id::kNone) return;
  message.sender = loop_->Every(message.spec->send_every, [this, index] {
    if (Status sent = SendNow(messages_[index]); !sent) Complain(sent.error());
  });
}

Status CanDriver::Write(model::PropertyId id, const model::Value& value, driver::WriteDone done) {
  if (loop_ == nullptr) return Unavailable("the driver is not started");
  const auto found = std::ranges::find(properties_, id, &Property::id);
  if (found == properties_.end()) return NotFound("the driver has no such property");
  const CanSignal& signal = *found->signal;
  if (!signal.def.writable) return Unsupported("'" + signal.def.path.text() + "' is read-only");
  if (port_ == nullptr) return Unavailable(last_error_);
  if (!writes_limit_.Fits(writes_.size() + 1)) {
    writes_limit_.Hit();
    return Exhausted(std::to_string(kWritesMax) + " writes are under way");
  }
  const Result<std::uint64_t> raw = Encode(signal.spec, value);
  if (!raw) return raw.error();

  Message& message = messages_[found->message];
  const Payload before = message.payload;
  if (signal.multiplex) {
    // The others of its turn, as they were heard last.
    const Page& page = PageOf(found->message, signal.multiplex);
    std::copy_n(page.frame.data, page.frame.len, message.payload.begin());
    InsertRaw(*message.spec->multiplexor, *signal.multiplex, message.payload);
  }
  InsertRaw(signal.spec.bits, *raw, message.payload);
  if (Status sent = SendNow(message); !sent) {
    message.payload = before;
    return sent;
  }
  StartSending(found->message);
  const std::uint64_t number = ++last_write_;
  PendingWrite write;
  write.property = static_cast<std::size_t>(found - properties_.begin());
  write.raw = *raw;
  write.done = std::move(done);
  write.timer = loop_->After(config_.write_within, [this, number] {
    const std::string trouble = Trouble(health_);
    EndWrite(number, TimedOut("the frame was not heard on the bus within " +
                              FormatDuration(config_.write_within) +
                              (trouble.empty() ? "" : ": " + trouble)));
  });
  writes_.emplace(number, std::move(write));
  ++message.writes;
  writes_limit_.Use(writes_.size());
  return {};
}

void CanDriver::Confirm(std::size_t message, const canfd_frame& frame) {
  const std::uint64_t generation = generation_;
  std::vector<std::uint64_t> heard;
  for (const auto& [number, write] : writes_) {
    const Property& property = properties_[write.property];
    const CanSignal& signal = *property.signal;
    const bool there = property.message == message && Holds(frame, signal.spec.bits) &&
                       (!signal.multiplex || (Holds(frame, *messages_[message].spec->multiplexor) &&
                                              ExtractRaw(*messages_[message].spec->multiplexor,
                                                         DataOf(frame)) == *signal.multiplex));
    if (there && ExtractRaw(signal.spec.bits, DataOf(frame)) == write.raw) heard.push_back(number);
  }
  for (const std::uint64_t number : heard) {
    const auto found = writes_.find(number);
    if (found == writes_.end()) continue;
    const CanSignal& signal = *properties_[found->second.property].signal;
    EndWrite(number, Decode(signal.spec, found->second.raw));
    if (generation != generation_) return;
  }
}

void CanDriver::EndWrite(std::uint64_t number, Result<model::Value> result) {
  const auto found = writes_.find(number);
  if (found == writes_.end()) return;
  PendingWrite write = std::move(found->second);
  writes_.erase(found);
  writes_limit_.Use(writes_.size());
  --messages_[properties_[write.property].message].writes;
  loop_->Cancel(write.timer);
  write.done(std::move(result));
}

std::vector<driver::PartStatus> CanDriver::parts() const {
  std::vector<driver::PartStatus> parts;
  driver::PartStatus interface;
  interface.name = config_.interface;
  interface.last_error = last_error_;
  const std::string trouble = Trouble(health_);
  if (!trouble.empty() && port_) interface.last_error = config_.interface + " is " + trouble;
  interface.state = port_ && trouble.empty() ? "ok" : "failing";
  parts.push_back(std::move(interface));
  if (!port_) return parts;
  for (const Page& page : pages_) {
    if (!page.silent) continue;
    driver::PartStatus message;
    message.name = messages_[page.message].spec->name;
    if (page.multiplex) message.name += " multiplex " + std::to_string(*page.multiplex);
    message.state = "failing";
    message.last_error = "not heard for " + FormatDuration(messages_[page.message].spec->timeout);
    parts.push_back(std::move(message));
  }
  return parts;
}

std::vector<LimitReport> CanDriver::limits() const {
  LimitReport turn;
  turn.name = "turn_frames";
  turn.max = kFramesPerTurnMax;
  turn.hits = full_turns_;
  LimitReport queue;
  queue.name = "receive_queue_bytes";
  queue.max = port_ ? port_->queue_bytes() : 0;
  queue.hits = dropped_ + (port_ ? port_->dropped() : 0);
  LimitReport controller;
  controller.name = "controller_overflows";
  controller.hits = health_.overflows;
  LimitReport transmit;
  transmit.name = "transmit_refusals";
  transmit.hits = not_sent_;
  LimitReport filters;
  filters.name = "filters";
  filters.max = kMessagesMax;
  filters.used = filters.peak = ids_.size();
  return {turn, queue, controller, transmit, filters, writes_limit_.Report("writes_under_way")};
}

driver::DriverKind CanKind() {
  return {"can", "Signals of a CAN bus, by SocketCAN and DBC files",
          []() -> std::unique_ptr<driver::Driver> {
            return std::make_unique<CanDriver>(CanPort::Open);
          },
          false, ScanInterfaces};
}

}  // namespace edgetwin::can

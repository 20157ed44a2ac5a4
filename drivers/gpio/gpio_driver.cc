// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/gpio/gpio_driver.h"

#include <algorithm>
#include <array>

#include "drivers/gpio/libgpiod_lines.h"
#include "twin/base/check.h"

namespace edgetwin::gpio {
namespace {

using std::chrono::microseconds;

}  // namespace

bool GpioDriver::Init(ConfigReader& config) {
  const std::size_t problems = config.problems().count();
  config_ = ReadGpioConfig(config);
  return config.problems().count() == problems;
}

Status GpioDriver::Start(Loop& loop, driver::SampleSink& sink) {
  EDGETWIN_CHECK(loop_ == nullptr);
  ports_.clear();
  for (const GpioLine& line : config_.lines) {
    const Result<model::PropertyId> id = sink.Define(line.def);
    if (!id) return id.error();
    Port& port = ports_.emplace_back();
    port.config = &line;
    port.id = *id;
  }
  loop_ = &loop;
  sink_ = &sink;
  // From the loop, so that whoever starts drivers is done with it before the sink is used.
  reopen_timer_ = loop_->After(microseconds(0), [this] { OpenAll(); });
  period_timer_ = loop_->Every(config_.period, [this] { OnPeriod(); });
  return {};
}

void GpioDriver::Stop() {
  if (loop_ == nullptr) return;
  ++generation_;
  for (Port& port : ports_) {
    loop_->Cancel(std::exchange(port.watch, Loop::Id::kNone));
    // A chip that refuses this is gone, and its outputs with it.
    if (port.line && port.config->safe) (void)port.line->Set(*port.config->safe);
    port.line.reset();
  }
  for (const auto& [number, timer] : calls_) loop_->Cancel(timer);
  calls_.clear();
  calls_limit_.Use(0);
  for (Loop::Id* id : {&period_timer_, &poll_timer_, &reopen_timer_, &debounce_timer_}) {
    loop_->Cancel(std::exchange(*id, Loop::Id::kNone));
  }
  debounce_due_.reset();
  loop_ = nullptr;
  sink_ = nullptr;
}

void GpioDriver::OpenAll() {
  reopen_timer_ = Loop::Id::kNone;
  const std::uint64_t generation = generation_;
  for (Port& port : ports_) {
    if (port.line) continue;
    Open(port);
    if (generation != generation_) return;
  }
  const bool all =
      std::ranges::all_of(ports_, [](const Port& port) { return port.line != nullptr; });
  if (all) {
    sink_->Polled("", microseconds(0), {});
  } else if (reopen_timer_ == Loop::Id::kNone) {
    reopen_timer_ = loop_->After(kReopenEvery, [this] { OpenAll(); });
  }
}

void GpioDriver::Open(Port& port) {
  auto line = lines_->Request(port.config->spec);
  port.polled = false;
  if (!line && line.error().code == ErrorCode::kUnsupported && port.config->mode == Mode::kInput) {
    LineSpec without = port.config->spec;
    without.edges = Edges::kNone;
    line = lines_->Request(without);
    port.polled = true;
  }
  if (!line) return Lose(port, line.error());
  const Result<bool> level = (*line)->Get();
  if (!level) return Lose(port, level.error());
  port.line = *std::move(line);
  port.error.clear();
  port.behind.reset();
  port.edge.reset();
  port.level = Debouncer(port.config->debounce, *level, loop_->Now());
  if (port.polled && poll_timer_ == Loop::Id::kNone) {
    poll_timer_ = loop_->Every(config_.poll, [this] { OnPoll(); });
  }
  if (const int fd = port.line->edge_fd(); fd >= 0 && !port.polled && !port.config->spec.output) {
    const auto index = static_cast<std::size_t>(&port - ports_.data());
    port.watch = loop_->Watch(fd, Loop::kReadable, [this, index](unsigned) { OnEdges(index); });
  }
  Report(port);
}

void GpioDriver::Lose(Port& port, const Error& error) {
  loop_->Cancel(std::exchange(port.watch, Loop::Id::kNone));
  port.line.reset();
  if (reopen_timer_ == Loop::Id::kNone) {
    reopen_timer_ = loop_->After(kReopenEvery, [this] { OpenAll(); });
  }
  const bool news = port.error != error.text;
  port.error = error.text;
  const std::uint64_t generation = generation_;
  if (!std::exchange(port.bad, true)) sink_->ReportBad(port.id);
  if (generation == generation_ && news) sink_->Polled("", microseconds(0), error);
}

void GpioDriver::OnEdges(std::size_t index) {
  Port& port = ports_[index];
  const std::uint64_t generation = generation_;
  std::array<Edge, kEdgeQueue> edges{};
  std::size_t taken = 0;
  while (taken < kEdgesPerTurnMax) {
    const Result<std::size_t> got = port.line->ReadEdges(edges);
    if (!got) return Lose(port, got.error());
    if (*got == kEdgeQueue) ++full_queues_;
    for (std::size_t i = 0; i < *got; ++i) {
      TakeEdge(port, edges[i]);
      if (generation != generation_) return;
    }
    taken += *got;
    if (*got < edges.size()) break;
  }
  if (taken >= kEdgesPerTurnMax) ++full_turns_;
  ArmDebounce();
}

// Edges are as far apart as the kernel saw them, however late they are read. What was read soonest
// after its edge says how the two clocks differ.
MonoTime GpioDriver::TimeOf(Port& port, const Edge& edge) {
  const MonoTime now = loop_->Now();
  const microseconds stamp(edge.time_ns / 1'000);
  const microseconds behind = now.time_since_epoch() - stamp;
  if (!port.behind || behind < *port.behind || behind > *port.behind + kEdgeAgeMax) {
    port.behind = behind;
  }
  return MonoTime(stamp + *port.behind);
}

void GpioDriver::TakeEdge(Port& port, const Edge& edge) {
  port.edge = edge.rising;
  const bool both = port.config->spec.edges == Edges::kBoth;
  if (!both) {  // A counter without debouncing.
    ++port.count;
    return;
  }
  // Between two edges of one kind there was one of the other kind.
  if (edge.rising == port.level.raw()) ++missed_;
  if (port.config->mode == Mode::kCounter && port.config->debounce.count() == 0) {
    ++port.count;
    port.level = Debouncer(microseconds(0), edge.rising, loop_->Now());
    return;
  }
  TakeLevel(port, edge.rising, TimeOf(port, edge));
}

void GpioDriver::TakeLevel(Port& port, bool level, MonoTime at) {
  const std::uint64_t generation = generation_;
  if (port.level.Take(level, at)) Changed(port);
  if (generation != generation_ || port.config->debounce.count() > 0) return;
  if (port.level.Pass(at)) Changed(port);
}

// The debounced level has.
void GpioDriver::Changed(Port& port) {
  if (port.config->mode == Mode::kInput) return Report(port);
  const Edges counted = port.config->counted;
  if (counted == Edges::kBoth || (counted == Edges::kRising) == port.level.stable()) ++port.count;
}

void GpioDriver::ArmDebounce() {
  std::optional<MonoTime> due;
  for (const Port& port : ports_) {
    const std::optional<MonoTime> own = port.line ? port.level.due() : std::nullopt;
    if (own && (!due || *own < *due)) due = own;
  }
  if (due == debounce_due_) return;
  debounce_due_ = due;
  loop_->Cancel(std::exchange(debounce_timer_, Loop::Id::kNone));
  if (!due) return;
  debounce_timer_ = loop_->After(std::max(microseconds(0), *due - loop_->Now()), [this] {
    debounce_timer_ = Loop::Id::kNone;
    debounce_due_.reset();
    OnDebounce();
  });
}

void GpioDriver::OnDebounce() {
  const std::uint64_t generation = generation_;
  for (Port& port : ports_) {
    if (port.line && port.level.Pass(loop_->Now())) Changed(port);
    if (generation != generation_) return;
  }
  ArmDebounce();
}

void GpioDriver::OnPeriod() {
  const std::uint64_t generation = generation_;
  const MonoTime begin = loop_->Now();
  bool all = true;
  for (Port& port : ports_) {
    all = port.line && Check(port) && all;
    if (generation != generation_) return;
  }
  ArmDebounce();
  if (all) sink_->Polled("", loop_->Now() - begin, {});
}

void GpioDriver::OnPoll() {
  const std::uint64_t generation = generation_;
  for (Port& port : ports_) {
    if (!port.line || !port.polled) continue;
    const Result<bool> level = port.line->Get();
    if (!level) {
      Lose(port, level.error());
    } else {
      TakeLevel(port, *level, loop_->Now());
    }
    if (generation != generation_) return;
  }
  ArmDebounce();
}

bool GpioDriver::Check(Port& port) {
  const std::uint64_t generation = generation_;
  // First the edges that wait, so that the level below is news only if they were incomplete.
  if (port.watch != Loop::Id::kNone) OnEdges(static_cast<std::size_t>(&port - ports_.data()));
  if (generation != generation_ || !port.line) return false;
  const Result<bool> level = port.line->Get();
  if (!level) {
    Lose(port, level.error());
    return false;
  }
  const bool counted_by_edge =
      port.config->mode == Mode::kCounter && port.config->debounce.count() == 0;
  if (port.config->spec.output) {
    port.level = Debouncer(microseconds(0), *level, loop_->Now());
  } else if (!counted_by_edge) {
    TakeLevel(port, *level, loop_->Now());
  }
  if (generation != generation_) return false;
  Report(port);
  return generation == generation_;
}

// The line itself for people, not debounced and whatever is active: "low, last edge falling". Who
// counts edges of one kind doesn't follow the level.
std::string GpioDriver::Shown(const Port& port) {
  const GpioLine& config = *port.config;
  const bool turned = config.spec.active_low;
  const bool one_kind = config.spec.edges == Edges::kRising || config.spec.edges == Edges::kFalling;
  std::string shown;
  if (!one_kind) shown = port.level.raw() != turned ? "high" : "low";
  if (one_kind && !port.edge) return "no edge yet";
  if (port.edge) {
    shown += shown.empty() ? "last edge " : ", last edge ";
    shown += *port.edge != turned ? "rising" : "falling";
  }
  return shown;
}

void GpioDriver::Report(Port& port) {
  port.bad = false;
  if (sink_->wants_raw()) sink_->Raw(port.id, Shown(port));
  if (port.config->mode == Mode::kCounter) {
    return sink_->Report(port.id, model::Value(port.count));
  }
  sink_->Report(port.id, model::Value(port.level.stable()));
}

GpioDriver::Port* GpioDriver::ById(model::PropertyId id) {
  const auto found = std::ranges::find(ports_, id, &Port::id);
  return found == ports_.end() ? nullptr : &*found;
}

Status GpioDriver::Write(model::PropertyId id, const model::Value& value, driver::WriteDone done) {
  if (loop_ == nullptr) return Unavailable("the driver is not started");
  Port* port = ById(id);
  if (port == nullptr) return NotFound("the driver has no such property");
  if (port->config->mode != Mode::kOutput) {
    return Unsupported("'" + port->config->def.path.text() + "' is read-only");
  }
  if (!port->line) return Unavailable(port->error);
  if (!calls_limit_.Fits(calls_.size() + 1)) {
    calls_limit_.Hit();
    return Exhausted(std::to_string(kCallsMax) + " calls are not answered");
  }
  Status set = port->line->Set(value.boolean());
  const Result<bool> level = set ? port->line->Get() : Result<bool>(set.error());
  if (!level) {
    const Error error = level.error();
    Lose(*port, error);
    return error;
  }
  port->level = Debouncer(microseconds(0), *level, loop_->Now());
  const std::uint64_t generation = generation_;
  Report(*port);
  if (generation == generation_) Answer(std::move(done), model::Value(*level));
  return {};
}

Status GpioDriver::Read(model::PropertyId id, driver::ReadDone done) {
  if (loop_ == nullptr) return Unavailable("the driver is not started");
  Port* port = ById(id);
  if (port == nullptr) return NotFound("the driver has no such property");
  if (!port->line) return Unavailable(port->error);
  if (!calls_limit_.Fits(calls_.size() + 1)) {
    calls_limit_.Hit();
    return Exhausted(std::to_string(kCallsMax) + " calls are not answered");
  }
  if (!Check(*port)) return Unavailable(port->error);
  ArmDebounce();
  if (port->config->mode == Mode::kCounter) {
    Answer(std::move(done), model::Value(port->count));
  } else {
    Answer(std::move(done), model::Value(port->level.stable()));
  }
  return {};
}

// From the loop: who called must have returned first.
void GpioDriver::Answer(driver::ReadDone done, Result<model::Value> result) {
  const std::uint64_t number = ++last_call_;
  calls_[number] = loop_->After(microseconds(0),
                                [this, number, done = std::move(done), result = std::move(result)] {
                                  calls_.erase(number);
                                  calls_limit_.Use(calls_.size());
                                  done(result);
                                });
  calls_limit_.Use(calls_.size());
}

std::vector<driver::PartStatus> GpioDriver::parts() const {
  std::vector<driver::PartStatus> parts;
  for (const Port& port : ports_) {
    driver::PartStatus part;
    part.name = port.config->spec.Describe();
    part.state = port.line ? "ok" : "failing";
    part.last_error = port.error;
    if (port.line && port.polled) part.last_error = "polled, since its chip gives no edges";
    parts.push_back(std::move(part));
  }
  return parts;
}

std::vector<LimitReport> GpioDriver::limits() const {
  LimitReport queue;
  queue.name = "edge_queue";
  queue.max = kEdgeQueue;
  queue.hits = full_queues_;
  LimitReport turn;
  turn.name = "turn_edges";
  turn.max = kEdgesPerTurnMax;
  turn.hits = full_turns_;
  LimitReport missed;
  missed.name = "missed_edges";
  missed.hits = missed_;
  LimitReport lines;
  lines.name = "lines";
  lines.max = kLinesMax;
  lines.used = lines.peak = config_.lines.size();
  return {lines, queue, turn, missed, calls_limit_.Report("calls_under_way")};
}

namespace {

Result<std::vector<driver::Found>> ScanChips(ConfigReader& options, const driver::GoOn&) {
  std::vector<driver::Found> list;
  // A recorded tree has no chips that could be opened.
  if (!options.String("root", "").empty()) return list;
  const auto chips = ListChips();
  if (!chips) return chips.error();
  for (const ChipInfo& chip : *chips) list.push_back(ToFound(chip));
  return list;
}

}  // namespace

driver::DriverKind GpioKind() {
  return {"gpio", "Inputs, counters and outputs of GPIO chips, by libgpiod",
          []() -> std::unique_ptr<driver::Driver> {
            return std::make_unique<GpioDriver>(std::make_unique<LibgpiodLines>());
          },
          false, ScanChips};
}

}  // namespace edgetwin::gpio

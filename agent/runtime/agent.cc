// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/runtime/agent.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>

#include "agent/runtime/backfill.h"
#include "agent/runtime/link_options.h"
#include "sync/codec/codec.h"
#include "sync/link/mqtt_link.h"
#include "twin/base/log.h"
#include "twin/base/random.h"

namespace edgetwin::runtime {
namespace {

using std::chrono::microseconds;
using store::Sum;

std::string Hex(std::uint64_t bits) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = kDigits[bits >> (60 - 4 * i) & 15];
  return text;
}

// What the firmware calls this board; it only helps people to tell two claimants apart.
std::string BoardLabel() {
  for (const char* path :
       {"/proc/device-tree/serial-number", "/sys/class/dmi/id/product_uuid", "/etc/machine-id"}) {
    std::ifstream file(path);
    std::string label;
    std::getline(file, label, '\0');
    label = label.substr(0, label.find('\n'));
    const bool printable =
        std::ranges::all_of(label, [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
    if (!label.empty() && label.size() <= 64 && printable)
      return Hex(std::hash<std::string>()(label));
  }
  return {};
}

sync::EdgeOptions MakeEngineOptions(const config::AgentConfig& config, const Loop& loop) {
  sync::EdgeOptions options;
  options.commit_window = config.store.commit_window;
  options.checkpoint_interval = config.store.checkpoint_interval;
  options.software = "edgetwind " EDGETWIN_VERSION;
  options.hardware = BoardLabel();
  options.interest = config.sync.interest;
  options.events.kept_max = config.events.keep_max;
  options.paced = true;
  options.clock_trusted = loop.clock().Wall().has_value();
  options.random = RandomBelow;
  options.backfill = ToOptions(config.history);
  return options;
}

}  // namespace

Agent::Agent(EventLoop& loop, config::AgentConfig config)
    : loop_(loop),
      config_(std::move(config)),
      started_(loop.Now()),
      flash_budget_(config_.store.flash_per_day_max, loop.Now()) {}

Agent::~Agent() {
  loop_.Cancel(kick_);
  loop_.Cancel(timer_);
  loop_.Cancel(flash_timer_);
  CloseLink();
  if (gate_) gate_->Close();
  supervisor_.reset();
  committer_.reset();
}

Result<std::unique_ptr<Agent>> Agent::Open(EventLoop& loop, config::AgentConfig config,
                                           DriverKinds kinds) {
  std::unique_ptr<Agent> agent(new Agent(loop, std::move(config)));
  if (const Status opened = agent->OpenStore(std::move(kinds)); !opened) return opened.error();
  return agent;
}

Status Agent::OpenStore(DriverKinds kinds) {
  store::TwinStoreOptions options;
  options.path = config_.store.directory + "/twin.db";
  options.inc = RandomBits() | 1;
  options.device = config_.device.id;
  options.meter = &meter_;
  auto opened = store::TwinStore::Open(options);
  if (!opened && opened.error().code == ErrorCode::kCorrupt) {
    const std::string why = opened.error().text;
    auto moved = store::TwinStore::Quarantine(options.path);
    if (!moved) return moved.error();
    quarantined_ = *moved;
    Log(LogLevel::kError,
        "the store is corrupt: " + why +
            "; kept for inspection, beginning anew from the drivers and the cloud",
        {{"quarantined", quarantined_}});
    opened = store::TwinStore::Open(options);
  }
  if (!opened) return opened.error();
  store_ = std::move(*opened);
  model::TwinLimits limits;
  limits.properties_max = config_.limits.properties_max;
  limits.unknown_paths_max = config_.limits.unknown_paths_max;
  // What is in use is then a third of it at most when it begins anew.
  limits.dictionary_max = 3 * limits.properties_max;
  twin_ = std::make_unique<model::Twin>(model::Role::kDevice, limits);
  OpenMarks();
  sync::EdgeOptions engine_options = MakeEngineOptions(config_, loop_);
  if (marks_) WatchEntries(engine_options);
  engine_ = std::make_unique<sync::EdgeEngine>(std::move(engine_options), *twin_,
                                               store_->TakeStored(), loop_.Now(), Wall());
  committer_ = std::make_unique<store::StoreThread>(
      loop_, [this](const model::Batch& batch) { return store_->Commit(batch); },
      [this](std::uint64_t token, Status status) {
        StoreDid();
        Committed(token, std::move(status));
      });
  if (config_.history.enabled) {
    history_ = std::make_unique<History>(
        loop_, config_.history, config_.store.directory, config_.properties,
        [this](model::Severity severity, std::string kind, std::string text) {
          Note(severity, std::move(kind), std::move(text));
        });
    if (config_.history.backfill != config::BackfillPolicy::kOff) WatchHistory();
  }
  Supervisor::Hooks hooks;
  hooks.changed = [this] { Kick(); };
  hooks.defined = [this](model::PropertyId id) { engine_->Defined(id, loop_.Now(), Wall()); };
  hooks.undefined = [this](model::PropertyId id) { engine_->Undefined(id, Wall()); };
  hooks.answered = [this](const model::DriverCall& call, Result<model::Value> result) {
    gate_->Answered(call);
    Kick();
    if (call.kind == model::DriverCall::Kind::kRead) {
      engine_->ReadDone(call.ticket, std::move(result), loop_.Now(), Wall());
    } else {
      engine_->WriteDone(call.ticket, std::move(result), loop_.Now(), Wall());
    }
  };
  hooks.sampled = [this](model::PropertyId id, const model::Sample& sample) {
    const model::PropertyDef& def = twin_->def(id);
    if (history_) history_->Record(id, def.path.text(), def.local_only, sample);
    engine_->Sampled(id, sample, loop_.Now());
  };
  MakeGate();
  supervisor_ = std::make_unique<Supervisor>(loop_, *twin_, std::move(kinds), std::move(hooks));
  return {};
}

void Agent::WatchHistory() {
  history_->SetWatcher({[this](const history::CloudMark& known) {
                          engine_->HistoryAttached(ToMark(known));
                          Kick();
                        },
                        [this] {
                          engine_->HistoryStored();
                          Kick();
                        },
                        [this] { engine_->HistoryDetached(); }});
}

void Agent::ReadHistory(const sync::BackfillRead& read) {
  history_->TakeUndelivered(
      ToRequest(read), [this, token = read.token](Result<NamedUndelivered> taken) {
        if (taken) {
          engine_->HistoryRead(token, ToChunk(std::move(*taken)), loop_.Now());
        } else {
          engine_->HistoryRead(token, taken.error(), loop_.Now());
        }
        Kick();
      });
}

void Agent::OpenMarks() {
  const std::string folder = std::filesystem::path(config_.api.socket).parent_path();
  if (!sync::CrashMarks::InMemory(folder.empty() ? "." : folder)) {
    Log(LogLevel::kInfo,
        "the socket's folder is not in memory, so what crashes this agent is not told apart",
        {{"folder", folder}});
    return;
  }
  auto marks = sync::CrashMarks::Open(config_.api.socket + ".crash");
  if (!marks) {
    Log(LogLevel::kWarning,
        "what crashes this agent will not be told apart: " + marks.error().text);
    return;
  }
  marks_ = std::move(*marks);
  for (const sync::CrashItem& item : marks_->found()) {
    crashed_in_.emplace_back(ToString(item.kind));
    Log(marks_->Quarantined(item) ? LogLevel::kError : LogLevel::kWarning,
        "the last run ended while " + crashed_in_.back() +
            (marks_->Quarantined(item) ? ", twice in a row: it is quarantined" : ""));
  }
}

void Agent::WatchEntries(sync::EdgeOptions& options) {
  options.entry_begins = [this](const model::Dot& dot) {
    const sync::CrashItem item{sync::CrashItem::Kind::kEntry, dot.inc, dot.seq};
    if (marks_->Quarantined(item)) {
      NoteCrasher(item, model::kNoProperty);
      return false;
    }
    marks_->Enter(item);
    return true;
  };
  options.entry_ends = [this](const model::Dot& dot) {
    marks_->Leave();
    marks_->Done({sync::CrashItem::Kind::kEntry, dot.inc, dot.seq});
  };
}

void Agent::MakeGate() {
  gate_ = std::make_unique<CallGate>(
      marks_.get(), [this](const model::DriverCall& call) { supervisor_->Call(call); },
      [this](const model::DriverCall& call, const sync::CrashItem& item) {
        NoteCrasher(item, call.id);
        loop_.After(microseconds(0), [this, alive = std::weak_ptr<bool>(alive_), call] {
          if (alive.expired()) return;
          const Error why = Conflict(
              "quarantined: handing it to the driver ended this agent twice in a row; a newer "
              "value is tried");
          if (call.kind == model::DriverCall::Kind::kRead) {
            engine_->ReadDone(call.ticket, why, loop_.Now(), Wall());
          } else {
            engine_->WriteDone(call.ticket, why, loop_.Now(), Wall());
          }
          Kick();
        });
      });
}

// Said once each.
void Agent::NoteCrasher(const sync::CrashItem& item, model::PropertyId id) {
  if (std::ranges::find(crashers_noted_, item) != crashers_noted_.end()) return;
  ++crashers_total_;
  std::string text(ToString(item.kind));
  if (item.kind != sync::CrashItem::Kind::kFrame) text += ", revision " + std::to_string(item.b);
  if (id != model::kNoProperty) text += ", of '" + twin_->def(id).path.text() + "'";
  if (crashers_noted_.size() < kCrashersKept) {
    crashers_noted_.push_back(item);
    crashers_.push_back(text);
  }
  text += ": it ended this agent twice in a row, and is not done";
  Log(LogLevel::kError, text, {{"event", "quarantined"}});
  Note(model::Severity::kAlarm, "quarantined", std::move(text), id);
}

void Agent::Start() {
  OpenLink();
  supervisor_->Apply(config_.drivers, config_.properties);
  flash_timer_ = loop_.Every(FlashBudget::kPeriod, [this] { ObserveFlash(); });
  Kick();
}

FlashReport Agent::flash() const {
  FlashReport report;
  report.twin = meter_.bytes();
  report.history = history_ ? history_->written() : history_written_;
  report.use = flash_budget_.UseNow(Sum(report.twin) + Sum(report.history));
  return report;
}

void Agent::ObserveFlash() {
  const FlashReport report = flash();
  const int before = flash_budget_.use().stretch;
  const bool other =
      flash_budget_.Observe(Sum(report.twin) + Sum(report.history), loop_.Now(), Wall());
  if (history_ && history_->flash_day_before()) {
    flash_budget_.Continue(*history_->flash_day_before());
    history_->SetFlashDay(flash_budget_.today());
  }
  if (other && history_) history_->SetWindows(flash_budget_.windows());
  const FlashUse& use = flash_budget_.use();
  if (before == 0 && use.stretch > 0) {
    Note(model::Severity::kInfo, "flash_budget_stretched",
         "the history gathers longer, to stay within store.flash_per_day_max");
  }
  if (use.exceeded() && !flash_exceeded_) {
    Note(model::Severity::kWarning, "flash_budget_exceeded",
         std::to_string(use.today_bytes) + " bytes were written to flash today, more than " +
             std::to_string(use.day_bytes_max));
  }
  flash_exceeded_ = use.exceeded();
}

// What people should know, at the device and in the cloud.
void Agent::Note(model::Severity severity, std::string kind, std::string text,
                 model::PropertyId id) {
  model::Event event;
  event.time = Wall();
  event.unsynced = !loop_.clock().Wall();
  event.severity = severity;
  event.kind = std::move(kind);
  event.id = id;
  event.text = std::move(text);
  engine_->AddEvent(std::move(event));
  Kick();
}

void Agent::OpenLink() {
  if (!config_.cloud.enabled) return;
  const auto fail = [this](const Error& error) {
    link_trouble_ = error.text;
    Log(LogLevel::kError, "no link to the cloud: " + error.text);
  };
  auto options = LinkOptions(config_);
  if (!options) return fail(options.error());
  // The incarnation makes the id unique, so that two clones of one device don't kick each other.
  options->client_id = config_.device.id + "-" + Hex(twin_->lineage().back().inc);
  options->will = [this] { return sync::Encode(engine_->Will()); };
  link_ = sync::MakeMqttLink(loop_, *std::move(options));
  link_trouble_.clear();
  if (const Status opened = link_->Open(*this); !opened) {
    link_.reset();
    fail(opened.error());
  }
}

void Agent::CloseLink() {
  if (!link_) return;
  if (const auto bye = engine_->Goodbye()) {
    const std::string bytes = sync::Encode(*bye);
    (void)link_->Send(config_.device.id, std::as_bytes(std::span(bytes)));
  }
  link_->Close();
  link_.reset();
  engine_->LinkDown(loop_.Now());
}

void Agent::OnLinkUp() {
  Log(LogLevel::kInfo, "connected", {{"broker", link_->stats().broker}});
  link_trouble_.clear();
  engine_->LinkUp(loop_.Now());
  Kick();
}

void Agent::OnLinkDrained() {
  engine_->LinkDrained();
  Kick();
}

void Agent::OnLinkDown(const Error& why) {
  if (why.text != link_trouble_) {
    Log(LogLevel::kWarning, "not connected: " + why.text, {{"broker", link_->stats().broker}});
  }
  link_trouble_ = why.text;
  engine_->LinkDown(loop_.Now());
  Kick();
}

void Agent::OnLinkFrame(std::string_view, std::span<const std::byte> bytes) {
  if (!marks_) return TakeFrame(bytes);
  const sync::CrashItem item = sync::FrameItem(bytes);
  if (marks_->Quarantined(item) && loop_.Now() < started_ + kFramePause) {
    ++frames_refused_;
    last_refusal_ = "quarantined: handling one of its kind ended this agent twice in a row";
    return NoteCrasher(item, model::kNoProperty);
  }
  marks_->Watch(item, [&] { TakeFrame(bytes); });
}

void Agent::TakeFrame(std::span<const std::byte> bytes) {
  auto frame = sync::Decode(bytes);
  if (!frame) {
    ++frames_refused_;
    if (frame.error().text != last_refusal_) {
      Log(LogLevel::kWarning, "a frame from the broker was refused: " + frame.error().text);
    }
    last_refusal_ = frame.error().text;
    return;
  }
  engine_->Receive(std::move(*frame), loop_.Now(), Wall());
  // At once, not at the end of the turn: the next frame may be in the socket already.
  Kick();
}

// Many samples of one poll make one step.
void Agent::Kick() {
  if (kicked_ || stopping_) return;
  kicked_ = true;
  kick_ = loop_.After(microseconds(0), [this] {
    kicked_ = false;
    Step();
  });
}

void Agent::Step() {
  sync::EdgeOutput out;
  engine_->SetClockTrusted(loop_.clock().Wall().has_value());
  engine_->Step(loop_.Now(), Wall(), out);
  if (out.commit) {
    const std::uint64_t token = out.commit->token;
    const Status ok = committer_->Submit(token, std::move(out.commit->batch));
    if (ok) {
      StoreAsked();
    } else {
      Committed(token, ok);
    }
  }
  for (sync::Frame& frame : out.frames) {
    if (!link_) break;
    if (auto* hello = std::get_if<sync::Hello>(&frame)) hello->address = link_->OfferAddress();
    const std::string bytes = sync::Encode(frame);
    if (const Status sent = link_->Send(config_.device.id, std::as_bytes(std::span(bytes)));
        !sent) {
      ++frames_unsent_;  // Its timeout sends it again.
    }
  }
  if (out.history && history_) ReadHistory(*out.history);
  if (link_ && link_->drained()) engine_->LinkDrained();
  if (out.proved && link_) link_->Proved();
  if (out.backoff_max && link_) link_->LimitBackoff(*out.backoff_max);
  if (out.clock && time_told_) time_told_(out.clock->at, out.clock->wall);
  for (const sync::EdgeOutput::Notice& notice : out.notices) {
    const LogLevel level = notice.severity == model::Severity::kInfo      ? LogLevel::kNotice
                           : notice.severity == model::Severity::kWarning ? LogLevel::kWarning
                                                                          : LogLevel::kError;
    Log(level, notice.text, {{"event", notice.kind}});
  }
  for (const model::DriverCall& call : out.calls) gate_->Call(call);
  gate_->Pump();
  if (observer_) observer_();
  Arm();
}

void Agent::Arm() {
  const std::optional<MonoTime> next = engine_->NextStep();
  if (next == armed_ && timer_ != Loop::Id::kNone) return;
  loop_.Cancel(timer_);
  timer_ = Loop::Id::kNone;
  armed_ = next;
  if (!next) return;
  timer_ = loop_.After(*next - loop_.Now(), [this] {
    timer_ = Loop::Id::kNone;
    armed_.reset();
    Step();
  });
}

void Agent::StoreAsked() {
  if (store_asked_++ == 0) store_since_ = loop_.Now();
}

void Agent::StoreDid() {
  store_since_ = loop_.Now();
  if (--store_asked_ == 0) store_since_.reset();
}

void Agent::Committed(std::uint64_t token, Status status) {
  const std::string trouble = status ? "" : status.error().text;
  if (trouble != commit_trouble_) {
    if (trouble.empty()) {
      Log(LogLevel::kNotice, "the store takes commits again");
    } else {
      Log(LogLevel::kError, "not stored, trying again: " + trouble);
    }
  }
  commit_trouble_ = trouble;
  engine_->Committed(token, status, loop_.Now(), Wall());
  Kick();
}

std::vector<std::string> Agent::Reload(config::AgentConfig config) {
  std::vector<std::string> kept;
  if (!(config.device == config_.device)) kept.push_back("device");
  if (!(config.store == config_.store)) kept.push_back("store");
  if (!(config.api == config_.api)) kept.push_back("api");
  if (!(config.limits == config_.limits)) kept.push_back("limits");
  if (!(config.events == config_.events)) kept.push_back("events");
  if (!(config.history == config_.history)) kept.push_back("history");
  config.device = config_.device;
  config.store = config_.store;
  config.api = config_.api;
  config.limits = config_.limits;
  config.events = config_.events;
  config.history = config_.history;
  const bool link_changed = !(config.cloud == config_.cloud);
  config_ = std::move(config);
  SetLogLevel(config_.log_level);
  if (link_changed) {
    CloseLink();
    OpenLink();
  }
  engine_->SetInterest(config_.sync.interest);
  if (history_) history_->SetPolicies(config_.properties);
  supervisor_->Apply(config_.drivers, config_.properties);
  Kick();
  return kept;
}

void Agent::Stop(std::function<void(Status)> done) {
  stopping_ = true;
  loop_.Cancel(flash_timer_);
  ObserveFlash();
  loop_.Cancel(kick_);
  loop_.Cancel(timer_);
  gate_->Close();
  supervisor_->StopAll();
  CloseLink();
  if (history_) {
    if (const Status stored = history_->Stop(); !stored) {
      Log(LogLevel::kError, "the newest samples of the history are lost: " + stored.error().text);
    }
    history_written_ = history_->written();
    history_.reset();
  }
  committer_.reset();  // Finishes what is out.
  done(store_->Commit(engine_->Finish()));
}

std::optional<sync::LinkStats> Agent::link_stats() const {
  if (!link_) {
    if (link_trouble_.empty()) return {};
    sync::LinkStats stats;
    stats.last_error = link_trouble_;
    return stats;
  }
  return link_->stats();
}

std::vector<LimitReport> Agent::limits() const {
  std::vector<LimitReport> limits = twin_->limits();
  for (LimitReport& limit : engine_->limits()) limits.push_back(std::move(limit));
  if (committer_) limits.push_back(committer_->limit());  // Not while stopping.
  if (history_) {
    for (LimitReport& limit : history_->limits()) limits.push_back(std::move(limit));
  }
  const FlashUse flash_use = flash().use;
  if (flash_use.day_bytes_max > 0) {
    limits.push_back({"flash_day_bytes", flash_use.day_bytes_max, flash_use.today_bytes,
                      flash_use.day_bytes_peak, flash_use.stretched});
  }
  const auto posted = loop_.posted_stats();
  limits.push_back({"posted_tasks", posted.max, 0, posted.peak, posted.waits});
  if (link_) {
    for (LimitReport& limit : link_->limits()) limits.push_back(std::move(limit));
  }
  for (const InstanceStatus& instance : supervisor_->status()) {
    for (LimitReport limit : instance.limits) {
      limit.name = instance.name + "." + limit.name;
      limits.push_back(std::move(limit));
    }
  }
  return limits;
}

Status Agent::Override(model::PropertyId id, model::Value value, std::string who,
                       std::chrono::milliseconds duration, model::Control::OverrideDone done) {
  const Status begun = engine_->control().Override(id, std::move(value), std::move(who), duration,
                                                   loop_.Now(), Wall(), std::move(done));
  Kick();
  return begun;
}

Status Agent::AcknowledgeAlarm(model::PropertyId id, const std::string& who) {
  const Status done = engine_->alarms().Acknowledge(id, {}, who, Wall());
  Kick();
  return done;
}

Status Agent::Backup(std::function<void(Result<std::string>)> done) {
  if (!committer_) return Unavailable("the agent is stopping");
  auto image = std::make_shared<Result<std::string>>(Unavailable("not copied"));
  const Status begun = committer_->Run([this, image] { *image = store_->Image(); },
                                       [this, image, done = std::move(done)] {
                                         StoreDid();
                                         done(std::move(*image));
                                       });
  if (!begun) return Conflict("another backup is being made; try again when it is done");
  StoreAsked();
  return {};
}

Status Agent::Release(model::PropertyId id) {
  const Status released = engine_->control().Release(id, loop_.Now(), Wall());
  Kick();
  return released;
}

}  // namespace edgetwin::runtime

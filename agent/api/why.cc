// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/api/why.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/api/alarms.h"
#include "agent/api/properties.h"
#include "agent/api/text.h"

namespace edgetwin::api {
namespace {

using model::DesiredState;
using model::PropertyDef;
using model::PropertyId;
using model::Row;
using model::Side;
using model::Stream;
using std::chrono::duration_cast;
using std::chrono::milliseconds;

std::string Number(double number) {
  return model::Format(model::Value(number));
}

std::string WithUnit(double number, const PropertyDef& def) {
  return Shown(model::Value(number), def);
}

class Explainer {
 public:
  Explainer(const View& view, PropertyId id)
      : view_(view), id_(id), twin_(*view.twin), def_(twin_.def(id)) {
    if (view_.agent != nullptr) status_ = view_.agent->engine().status();
  }

  Json Explain() {
    json_["path"] = def_.path.text();
    Source();
    Policy();
    LastRead();
    Reported();
    Alarm();
    Sent();
    Flash();
    Desired();
    Override();
    May();
    json_["lines"] = std::move(lines_);
    return std::move(json_);
  }

 private:
  void Say(std::string_view topic, std::string text) {
    lines_.push_back({{"topic", topic}, {"text", std::move(text)}});
  }
  std::string At(WallTime time) const { return When(time, view_.wall); }
  std::string At(MonoTime time) const { return At(view_.ToWall(time)); }

  void Source();
  void Policy();
  void LastRead();
  void Reported();
  void Alarm();
  void Sent();
  std::pair<std::string, std::string> Journey(Stream stream, const Row& row) const;
  std::string Waiting(Stream stream, const Row& row) const;
  void Flash();
  void Desired();
  void Outcome(const Row& desired);
  std::string Verdict(const Row& status) const;
  void Override();
  void May();

  const View& view_;
  const PropertyId id_;
  const model::Twin& twin_;
  const PropertyDef& def_;
  sync::EdgeStatus status_;
  Json json_;
  Json lines_ = Json::array();
};

void Explainer::Source() {
  Json source{{"instance", def_.instance.empty() ? Json(nullptr) : Json(def_.instance)},
              {"kind", nullptr},
              {"state", nullptr},
              {"place", def_.source.empty() ? Json(nullptr) : Json(def_.source)},
              {"type", ToString(def_.type)},
              {"unit", def_.unit.empty() ? Json(nullptr) : Json(def_.unit)},
              {"local_only", def_.local_only}};
  if (!twin_.defined(id_)) {
    Say("source",
        "No driver of this device has it: only its path is known, because somebody wants a value "
        "there");
    json_["source"] = std::move(source);
    return;
  }
  std::string text = "Driver instance '" + def_.instance + "'";
  std::string trouble;
  if (view_.agent == nullptr) {
    text += ", of which nothing more is known while the daemon is down";
  } else {
    bool known = false;
    for (const runtime::InstanceStatus& instance : view_.agent->supervisor().status()) {
      if (instance.name != def_.instance) continue;
      known = true;
      source["kind"] = instance.kind;
      source["state"] = instance.state;
      text += " (" + instance.kind + ", " + instance.state + ")";
      if (!instance.last_error.empty()) {
        trouble = "; its last error, " + At(instance.last_error_time) + ": " + instance.last_error;
      }
    }
    if (!known) text += ", which is not configured any more";
  }
  if (!def_.source.empty()) text += ": " + def_.source;
  Say("source", text + trouble);
  json_["source"] = std::move(source);
}

void Explainer::Policy() {
  Json configured = Json::array();
  std::string by;
  if (view_.agent != nullptr) {
    for (const config::PropertyOverride& over : view_.agent->config().properties) {
      if (!model::Matches(over.pattern, def_.path.text())) continue;
      configured.push_back(
          {{"pattern", over.pattern}, {"file", over.source.file}, {"line", over.source.line}});
      by += (by.empty() ? "; configured by " : ", ") + over.source.file + ":" +
            std::to_string(over.source.line) + " (\"" + over.pattern + "\")";
    }
  }
  const model::ReportPolicy& policy = def_.policy;
  json_["policy"] = {{"deadband", policy.deadband},
                     {"min_period_ms", policy.min_period.count()},
                     {"heartbeat_ms", policy.heartbeat.count()},
                     {"configured_by", std::move(configured)}};
  if (!twin_.defined(id_)) return;
  std::string text = policy.deadband > 0
                         ? "Reported when it moves by more than " + WithUnit(policy.deadband, def_)
                         : "Every change is reported";
  if (policy.min_period.count() > 0) text += ", at most every " + Span(policy.min_period);
  if (policy.heartbeat.count() > 0) text += ", at least every " + Span(policy.heartbeat);
  Say("policy", text + by);
}

void Explainer::LastRead() {
  json_["last_read"] = nullptr;
  if (!twin_.defined(id_)) return;
  if (view_.agent == nullptr) {
    Say("last read", "Not known while the daemon is down");
    return;
  }
  if (!twin_.confirmed(id_)) {
    Say("last read", "Not read since the agent started " +
                         Relative(duration_cast<milliseconds>(view_.now - view_.agent->started())) +
                         ": what is shown is from before");
    return;
  }
  const model::LastSample& last = twin_.last_sample(id_);
  const auto held = twin_.held_until(id_);
  json_["last_read"] = {{"value", ValueJson(last.value)},
                        {"quality", ToString(last.quality)},
                        {"time", TimeJson(last.time)},
                        {"taken", TimeJson(view_.ToWall(last.at))},
                        {"samples", last.samples},
                        {"suppressed", last.suppressed},
                        {"held_until", held ? TimeJson(view_.ToWall(*held)) : Json(nullptr)}};
  std::string text;
  if (last.quality == model::Quality::kBad) {
    text =
        "Could not be read " + At(last.at) + "; the last value known is " + Shown(last.value, def_);
  } else {
    text = Shown(last.value, def_) + ", " + std::string(ToString(last.quality)) + ", read " +
           At(last.at);
  }
  text += "; " + Count(last.samples, "sample", "samples") + " since the start";
  if (last.suppressed > 0) text += ", " + Grouped(last.suppressed) + " of them changed nothing";
  if (held) text += "; held back until " + LocalTime(view_.ToWall(*held), view_.wall);
  Say("last read", std::move(text));
}

void Explainer::Reported() {
  const Row* row = twin_.row(id_, Side::kReported);
  if (row == nullptr) {
    json_["reported"] = nullptr;
    Say("reported", "No value yet");
    return;
  }
  const model::Quality quality = QualityOf(view_, id_);
  json_["reported"] = {{"value", ValueJson(row->value)}, {"quality", ToString(quality)},
                       {"revision", row->dot.seq},       {"dot", DotJson(row->dot)},
                       {"time", TimeJson(row->time)},    {"unsynced", row->unsynced}};
  std::string text = row->value.none()
                         ? (quality == model::Quality::kBad && view_.twin->confirmed(id_)
                                ? "Could not be read, and no value was ever known"
                                : "Gone: no driver reports it any more")
                         : Shown(row->value, def_) + ", " + std::string(ToString(quality));
  text += ", revision " + std::to_string(row->dot.seq) + ", since " + At(row->time);
  if (row->unsynced) text += " by a clock that was not trusted";
  Say("reported", std::move(text));
}

void Explainer::Alarm() {
  const model::AlarmLimits& limits = def_.alarm;
  Json list = Json::array();
  for (const model::AlarmRecord& alarm : AlarmsOf(view_)) {
    if (alarm.id != id_) continue;
    list.push_back(AlarmJson(view_, alarm));
    std::string text = "It " + AlarmText(alarm, def_);
    text += alarm.raised ? ", since " : "; over since ";
    text += At(alarm.since) + ", raised by " + Shown(alarm.value, def_);
    text += alarm.acknowledged ? "; acknowledged by " + alarm.who
                               : "; acknowledge it: edgetwin alarms ack " + def_.path.text();
    Say("alarm", std::move(text));
  }
  const bool any = limits.high || limits.low;
  json_["alarm"] = {{"high", limits.high ? Json(*limits.high) : Json(nullptr)},
                    {"low", limits.low ? Json(*limits.low) : Json(nullptr)},
                    {"hysteresis", limits.hysteresis},
                    {"delay_ms", limits.delay.count()},
                    {"alarms", std::move(list)}};
  if (!any) return;
  std::string text = "Alarm";
  if (limits.high) text += " above " + WithUnit(*limits.high, def_);
  if (limits.high && limits.low) text += " and";
  if (limits.low) text += " below " + WithUnit(*limits.low, def_);
  if (limits.delay.count() > 0) text += ", once it has lasted " + Span(limits.delay);
  if (limits.hysteresis > 0) {
    text += "; over when it is back by " + WithUnit(limits.hysteresis, def_);
  }
  Say("alarm limits", std::move(text));
}

// Why a row that the cloud hasn't got isn't even under way.
std::string Explainer::Waiting(Stream stream, const Row& row) const {
  const auto link = view_.agent->link_stats();
  const std::string since = view_.sync_since ? " since " + At(*view_.sync_since) : "";
  switch (status_.state) {
    case sync::SyncState::kOffline: {
      std::string text = "offline" + since;
      if (link && !link->last_error.empty()) text += " (" + link->last_error + ")";
      return text;
    }
    case sync::SyncState::kHello: return "connected, but the cloud has not answered" + since;
    case sync::SyncState::kFenced:
      return "the cloud refuses this device" + since + ": " + status_.trouble;
    case sync::SyncState::kLive: break;
  }
  if (row.dot.seq > status_.seq_limit) {
    return "its revision is not reserved on flash yet, and nothing leaves before that";
  }
  if (stream == Stream::kControl && row.dot.seq > status_.control_durable) {
    return "it is not on flash yet, and a promise leaves only after that";
  }
  if (view_.agent->engine().sender().window_full()) {
    return std::to_string(status_.frames_under_way) + " frames wait for the cloud's answer already";
  }
  return "it leaves with the next frame";
}

// The state's name, and the sentence.
std::pair<std::string, std::string> Explainer::Journey(Stream stream, const Row& row) const {
  if (def_.local_only) return {"local_only", "Local only: it never leaves this device"};
  if (view_.agent == nullptr) return {"not_known", "Not known while the daemon is down"};
  if (!view_.agent->config().cloud.enabled) return {"no_cloud", "No cloud is configured"};
  const sync::Sender& sender = view_.agent->engine().sender();
  const auto frame = sender.Find(stream, row.dot.seq);
  std::string sent;
  if (frame) {
    sent = "Sent " + At(frame->sent) + " in the frame with revisions " +
           std::to_string(frame->from + 1) + " to " + std::to_string(frame->to);
  }
  if (row.dot.seq <= sender.acked(stream)) {
    if (frame && frame->acked)
      return {"acknowledged", sent + ", acknowledged " + At(*frame->acked)};
    if (frame) return {"acknowledged", sent + ", acknowledged; when is not known"};
    return {"acknowledged", "The cloud has it; when it was sent is not known any more"};
  }
  const bool live = status_.state == sync::SyncState::kLive;
  if (frame && live) return {"sent", sent + ", not acknowledged yet"};
  const std::string waiting = Waiting(stream, row);
  if (frame) return {"waiting", sent + ", not acknowledged: " + waiting};
  return {"waiting", "Not sent: " + waiting};
}

void Explainer::Sent() {
  json_["sent"] = nullptr;
  const Row* row = twin_.row(id_, Side::kReported);
  if (row == nullptr) return;
  auto [state, text] = Journey(Stream::kState, *row);
  Json sent{{"state", state}, {"sent", nullptr}, {"acknowledged", nullptr}, {"frame", nullptr}};
  if (view_.agent != nullptr && !def_.local_only) {
    if (const auto frame = view_.agent->engine().sender().Find(Stream::kState, row->dot.seq)) {
      sent["sent"] = TimeJson(view_.ToWall(frame->sent));
      if (frame->acked) sent["acknowledged"] = TimeJson(view_.ToWall(*frame->acked));
      sent["frame"] = {{"from", frame->from}, {"to", frame->to}};
    }
  }
  json_["sent"] = std::move(sent);
  Say("cloud", std::move(text));
}

void Explainer::Flash() {
  json_["on_flash"] = nullptr;
  const Row* row = twin_.row(id_, Side::kReported);
  if (row == nullptr) return;
  const bool on_flash = OnFlash(view_, id_, Side::kReported);
  json_["on_flash"] = on_flash;
  if (on_flash) return Say("flash", "On this device's flash");
  if (!status_.commit_error.empty()) {
    return Say("flash", "Not on flash: " + status_.commit_error);
  }
  const config::StoreConfig& store = view_.agent->config().store;
  if (Acknowledged(view_, id_, Side::kReported).value_or(false)) {
    return Say("flash",
               "Not on flash, which it needn't be: the cloud has it on disk. At the latest " +
                   Span(store.checkpoint_interval) + " after the last checkpoint it is");
  }
  Say("flash", "Not on flash yet: committed within " + Span(store.commit_window) +
                   " unless the cloud has it first");
}

void Explainer::Desired() {
  json_["desired"] = nullptr;
  json_["outcome"] = nullptr;
  json_["superseded"] = nullptr;
  const Row* desired = twin_.row(id_, Side::kDesired);
  if (desired == nullptr) {
    if (def_.writable) Say("desired", "The cloud wants nothing");
    return;
  }
  const model::ControlInfo& info = desired->info();
  const std::string by = info.note.empty() ? "" : " by " + info.note;
  if (desired->value.none()) {
    return Say("desired",
               "The cloud wants nothing any more; withdrawn" + by + " " + At(desired->time));
  }
  json_["desired"] = {{"value", ValueJson(desired->value)},
                      {"revision", desired->dot.seq},
                      {"dot", DotJson(desired->dot)},
                      {"time", TimeJson(desired->time)},
                      {"who", info.note.empty() ? Json(nullptr) : Json(info.note)},
                      {"valid_until", TimeJson(info.until)}};
  std::string text = "The cloud wants " + Shown(desired->value, def_) + ", set" + by + " " +
                     At(desired->time) + ", the cloud's revision " +
                     std::to_string(desired->dot.seq);
  if (info.until != WallTime{}) text += ", valid until " + At(info.until);
  Say("desired", std::move(text));
  Outcome(*desired);
}

std::string Explainer::Verdict(const Row& status) const {
  const std::string& note = status.info().note;
  const std::string reason = note.empty() ? "" : ": " + note;
  switch (status.info().state) {
    case DesiredState::kNone: return "Nothing to do";
    case DesiredState::kPending: return "Not applied yet, tried again" + reason;
    case DesiredState::kApplied:
      return "Applied " + At(status.time) +
             (status.value.none() ? "" : "; the device took " + Shown(status.value, def_));
    case DesiredState::kRejected: return "Rejected " + At(status.time) + reason;
    case DesiredState::kMasked: return "Held back" + reason;
    case DesiredState::kSuperseded: return "Wanted again after a newer one; looked at anew";
    case DesiredState::kExpired: return "Expired before it was applied" + reason;
    case DesiredState::kUnknownPath: return "Can't be applied" + reason;
  }
  return "Not known";
}

void Explainer::Outcome(const Row& desired) {
  const Row* status = twin_.row(id_, Side::kStatus);
  if (status == nullptr || !(status->info().refers_to == desired.dot)) {
    json_["outcome"] = {{"state", "pending"}, {"reason", nullptr}, {"effective", nullptr}};
    if (status != nullptr && status->info().state == DesiredState::kSuperseded) {
      const std::uint64_t revision = status->info().refers_to.seq;
      json_["superseded"] = {{"revision", revision}, {"time", TimeJson(status->time)}};
      Say("outcome", "What it wanted before, its revision " + std::to_string(revision) +
                         ", was superseded " + At(status->time));
    }
    return Say("outcome", OnFlash(view_, id_, Side::kDesired)
                              ? "Not decided yet: the driver is being asked"
                              : "Not decided yet: it is acted on once it is on flash");
  }
  const auto [journey, told] = Journey(Stream::kControl, *status);
  const std::string& note = status->info().note;
  json_["outcome"] = {{"state", ToString(status->info().state)},
                      {"reason", note.empty() ? Json(nullptr) : Json(note)},
                      {"effective", ValueJson(status->value)},
                      {"revision", status->dot.seq},
                      {"time", TimeJson(status->time)},
                      {"told", journey}};
  std::string text = Verdict(*status);
  if (journey == "acknowledged") text += "; the cloud knows";
  if (journey == "sent" || journey == "waiting") text += "; the cloud doesn't know yet";
  Say("outcome", std::move(text));
}

void Explainer::Override() {
  const Row* row = OverrideOf(view_, id_);
  if (row == nullptr) {
    json_["override"] = nullptr;
    return;
  }
  const milliseconds left = OverrideLeft(view_, id_);
  const auto [journey, told] = Journey(Stream::kControl, *row);
  json_["override"] = {{"value", ValueJson(row->value)},
                       {"who", row->info().note},
                       {"revision", row->dot.seq},
                       {"time", TimeJson(row->time)},
                       {"until", TimeJson(row->info().until)},
                       {"left_ms", left.count()},
                       {"told", journey}};
  std::string text = row->info().note + " holds it at " + Shown(row->value, def_) + " since " +
                     At(row->time) + "; " + Span(left) +
                     " left, then what the cloud wants counts again";
  if (journey == "acknowledged") text += "; the cloud knows";
  if (journey == "sent" || journey == "waiting") text += "; the cloud doesn't know yet";
  Say("override", std::move(text));
}

void Explainer::May() {
  json_["may"] = {{"write", def_.writable},
                  {"min", def_.min ? Json(*def_.min) : Json(nullptr)},
                  {"max", def_.max ? Json(*def_.max) : Json(nullptr)}};
  if (!twin_.defined(id_)) return;
  if (!def_.writable) return Say("you may", "Only read it: its driver can't write it");
  std::string text = "Hold it for a while: edgetwin set " + def_.path.text() + " VALUE --for 15m";
  if (def_.min && def_.max) {
    text += " (" + Number(*def_.min) + " to " + WithUnit(*def_.max, def_) + ")";
  } else if (def_.min) {
    text += " (from " + WithUnit(*def_.min, def_) + ")";
  } else if (def_.max) {
    text += " (up to " + WithUnit(*def_.max, def_) + ")";
  }
  if (OverrideOf(view_, id_) != nullptr) {
    text += "; or give it back: edgetwin release " + def_.path.text();
  }
  Say("you may", std::move(text));
}

}  // namespace

Json WhyJson(const View& view, PropertyId id) {
  return Explainer(view, id).Explain();
}

}  // namespace edgetwin::api

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/api/problems.h"

#include <algorithm>
#include <utility>

#include "agent/api/alarms.h"
#include "agent/api/properties.h"
#include "agent/api/text.h"

namespace edgetwin::api {
namespace {

using model::PropertyId;
using model::Quality;
using sync::SyncState;

// Of one kind; the rest is counted.
constexpr std::size_t kNamedMax = 3;
// A worn card may take some seconds for one write.
constexpr std::chrono::seconds kStoreHangs{20};

class Finder {
 public:
  explicit Finder(const View& view) : view_(view), agent_(*view.agent) {}

  std::vector<Problem> Find() {
    Store();
    History();
    Flash();
    Crashes();
    Link();
    Drivers();
    Values();
    Alarms();
    Limits();
    Overrides();
    if (!view_.wall_trusted) {
      Add(Severity::kWarning, "clock_untrusted",
          "The clock is not trusted yet (" + LocalTime(view_.wall, {}) +
              "): samples are marked until it is set");
    }
    std::stable_sort(found_.begin(), found_.end(),
                     [](const Problem& a, const Problem& b) { return a.severity < b.severity; });
    return std::move(found_);
  }

 private:
  void Add(Severity severity, std::string code, std::string text) {
    found_.push_back({severity, std::move(code), std::move(text)});
  }

  void Store() {
    const sync::EdgeStatus status = agent_.engine().status();
    if (!status.commit_error.empty()) {
      Add(Severity::kError, "commit_failing",
          "Changes are not being stored: " + status.commit_error + "; tried again until it works");
    }
    if (const auto since = agent_.store_since(); since && view_.now - *since > kStoreHangs) {
      const auto span = std::chrono::duration_cast<std::chrono::milliseconds>(view_.now - *since);
      Add(Severity::kError, "store_hangs",
          "The store has not answered for " + Span(span) + ": its medium hangs, or this agent");
    }
    if (!agent_.quarantined().empty()) {
      Add(Severity::kWarning, "store_quarantined",
          "The store was damaged and begun anew at the start; the old one is kept as " +
              agent_.quarantined());
    }
  }

  void Flash() {
    const runtime::FlashUse use = agent_.flash().use;
    if (use.exceeded()) {
      Add(Severity::kWarning, "flash_budget_exceeded",
          "Today " + Grouped(use.today_bytes) + " bytes were written to flash, more than " +
              Grouped(use.day_bytes_max) + " (store.flash_per_day_max)");
    }
  }

  void History() {
    if (agent_.history() == nullptr) return;
    const runtime::HistoryStatus& history = agent_.history()->status();
    if (!history.trouble.empty()) {
      Add(Severity::kError, "history_failing",
          "The history is not being stored: " + history.trouble +
              "; kept in memory as far as it goes, tried again until it works");
    }
    if (!history.quarantined.empty()) {
      Add(Severity::kWarning, "history_quarantined",
          "The history was damaged; what was whole of it was copied into a new file, and the old "
          "one is kept as " +
              history.quarantined);
    }
  }

  void Crashes() {
    const std::vector<std::string>& crashers = agent_.crashers();
    if (crashers.empty()) return;
    std::string text;
    for (std::size_t i = 0; i < std::min(crashers.size(), kNamedMax); ++i) {
      text += (i == 0 ? "" : "; ") + crashers[i];
    }
    Add(Severity::kError, "crash_quarantine",
        Count(agent_.crashers_total(), "thing", "things") +
            " that ended this agent twice in a row, kept back: " + text +
            "; a newer value is tried");
  }

  void Link() {
    const config::CloudConfig& cloud = agent_.config().cloud;
    if (!cloud.enabled) return;
    const sync::EdgeStatus status = agent_.engine().status();
    const std::optional<sync::LinkStats> link = agent_.link_stats();
    if (status.state == SyncState::kFenced) {
      Add(Severity::kError, "fenced",
          "The cloud refuses this device until an operator decides: " + status.trouble);
      return;
    }
    if (status.state == SyncState::kLive) {
      if (!status.trouble.empty()) {
        Add(Severity::kWarning, "sync_trouble", "Syncing with the cloud: " + status.trouble);
      }
      return;
    }
    if (link && link->up) {
      Add(Severity::kWarning, "cloud_silent",
          "Connected to " + link->broker + ", but the cloud doesn't answer" + Since() +
              (status.trouble.empty() ? "" : ": " + status.trouble));
      return;
    }
    std::string text = "No link to the cloud" + Since();
    if (link && !link->last_error.empty()) text += ": " + link->last_error;
    if (link && link->next_try.count() > 0) text += "; next try in " + Span(link->next_try);
    Add(Severity::kError, "link_down", std::move(text));
  }

  std::string Since() const {
    if (!view_.sync_since) return "";
    const auto span =
        std::chrono::duration_cast<std::chrono::milliseconds>(view_.now - *view_.sync_since);
    return " for " + Span(span);
  }

  void Drivers() {
    for (const runtime::InstanceStatus& instance : agent_.supervisor().status()) {
      const std::string why = instance.last_error.empty() ? "" : ": " + instance.last_error;
      const std::string name = "Driver '" + instance.name + "'";
      if (instance.state == "failed" || instance.state == "stopped") {
        Add(Severity::kError, "driver_failed", name + " has " + instance.state + why);
      } else if (instance.state == "waiting") {
        Add(Severity::kError, "driver_waiting",
            name + " can't start" + why + "; next try in " + Span(instance.next_try));
      }
      Parts(instance);
    }
  }

  void Parts(const runtime::InstanceStatus& instance) {
    std::size_t troubled = 0;
    for (const driver::PartStatus& part : instance.parts) {
      if (part.state == "ok" || ++troubled > kNamedMax) continue;
      std::string text = "Driver '" + instance.name + "', " + part.name + ": ";
      text += part.state == "open" ? "not answering" : part.state;
      if (!part.last_error.empty()) text += ": " + part.last_error;
      if (part.next_try.count() > 0) text += "; next try in " + Span(part.next_try);
      Add(Severity::kError, "device_" + part.state, std::move(text));
    }
    if (troubled > kNamedMax) {
      Add(Severity::kError, "device_failing",
          "Driver '" + instance.name + "': " + Grouped(troubled - kNamedMax) +
              " more of its devices fail; see 'edgetwin drivers'");
    }
  }

  void Values() {
    std::vector<std::string> bad;
    std::vector<std::string> refused;
    const model::Twin& twin = *view_.twin;
    twin.ForEachProperty([&](PropertyId id) {
      const model::Row* row = twin.row(id, model::Side::kReported);
      const std::string& path = twin.def(id).path.text();
      if (row != nullptr && twin.confirmed(id) && row->quality == Quality::kBad) {
        bad.push_back(path);
      }
      const model::Row* desired = twin.row(id, model::Side::kDesired);
      const model::Row* status = twin.row(id, model::Side::kStatus);
      if (desired == nullptr || desired->value.none() || status == nullptr ||
          !(status->info().refers_to == desired->dot)) {
        return;
      }
      if (status->info().state == model::DesiredState::kRejected ||
          status->info().state == model::DesiredState::kUnknownPath) {
        refused.push_back(path);
      }
    });
    if (!bad.empty()) {
      Add(Severity::kError, "bad_quality",
          Count(bad.size(), "property", "properties") + " can't be read: " + Names(bad));
    }
    if (!refused.empty()) {
      Add(Severity::kWarning, "desired_refused",
          Count(refused.size(), "value", "values") +
              " that the cloud wants can't be applied: " + Names(refused));
    }
  }

  void Alarms() {
    std::size_t named = 0;
    std::size_t raised = 0;
    for (const model::AlarmRecord& alarm : AlarmsOf(view_)) {
      const model::PropertyDef& def = view_.twin->def(alarm.id);
      if (alarm.raised && ++raised > kNamedMax) continue;
      if (!alarm.raised && ++named > kNamedMax) continue;
      std::string text = def.path.text() + " " + AlarmText(alarm, def);
      if (alarm.acknowledged) text += "; acknowledged by " + alarm.who;
      if (!alarm.raised) text += ", which nobody has acknowledged yet";
      const Severity severity = !alarm.raised        ? Severity::kNotice
                                : alarm.acknowledged ? Severity::kWarning
                                                     : Severity::kError;
      Add(severity, "alarm", std::move(text));
    }
    if (raised > kNamedMax) {
      Add(Severity::kError, "alarm",
          Count(raised - kNamedMax, "more alarm is", "more alarms are") +
              " raised; see 'edgetwin alarms'");
    }
  }

  static std::string Names(std::vector<std::string>& paths) {
    std::sort(paths.begin(), paths.end());
    std::string text;
    for (std::size_t i = 0; i < std::min(paths.size(), kNamedMax); ++i) {
      text += (i > 0 ? ", " : "") + paths[i];
    }
    return paths.size() > kNamedMax ? text + ", …" : text;
  }

  void Limits() {
    for (const LimitReport& limit : agent_.limits()) {
      if (limit.hits == 0) continue;
      Add(limit.used >= limit.max && limit.max > 0 ? Severity::kWarning : Severity::kNotice,
          "limit_hit",
          "The limit " + limit.name + " (" + Grouped(limit.max) + ") bit " +
              Count(limit.hits, "time", "times") + " since the start");
    }
  }

  void Overrides() {
    view_.twin->ForEachProperty([&](PropertyId id) {
      const model::Row* row = OverrideOf(view_, id);
      if (row == nullptr) return;
      const model::PropertyDef& def = view_.twin->def(id);
      Add(Severity::kNotice, "override",
          def.path.text() + " is held at " + Shown(row->value, def) + " by " + row->info().note +
              " for another " + Span(OverrideLeft(view_, id)));
    });
  }

  const View& view_;
  const runtime::Agent& agent_;
  std::vector<Problem> found_;
};

}  // namespace

std::string_view ToString(Severity severity) {
  switch (severity) {
    case Severity::kError: return "error";
    case Severity::kWarning: return "warning";
    case Severity::kNotice: return "notice";
  }
  return "unknown";
}

std::vector<Problem> FindProblems(const View& view) {
  return Finder(view).Find();
}

Json ProblemsJson(const std::vector<Problem>& problems) {
  Json list = Json::array();
  for (const Problem& problem : problems) {
    list.push_back(
        {{"severity", ToString(problem.severity)}, {"code", problem.code}, {"text", problem.text}});
  }
  return list;
}

bool Degraded(const std::vector<Problem>& problems) {
  return std::any_of(problems.begin(), problems.end(),
                     [](const Problem& problem) { return problem.severity != Severity::kNotice; });
}

}  // namespace edgetwin::api

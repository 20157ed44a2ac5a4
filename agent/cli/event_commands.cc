// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "agent/api/events.h"
#include "agent/api/text.h"
#include "agent/cli/commands.h"
#include "agent/cli/document.h"
#include "agent/cli/table.h"
#include "twin/base/clock.h"

namespace edgetwin::cli {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr milliseconds kFollowPause{500};

Style SeverityStyle(std::string_view severity) {
  if (severity == "alarm") return Style::kBad;
  return severity == "warning" ? Style::kWarn : Style::kPlain;
}

std::string When(const Json& event) {
  const auto time = api::ParseTime(At(event, "time"));
  if (!time) return "-";
  const bool unsynced = At(event, "unsynced").is_boolean() && At(event, "unsynced").get<bool>();
  // By a clock that was not trusted.
  return api::LocalTime(*time, SystemClock().UntrustedWall()) + (unsynced ? " ?" : "");
}

std::string Told(const Json& event) {
  const std::string told = TextAt(event, "told", "?");
  if (told == "acknowledged") return "yes";
  if (told == "local_only" || told == "no_cloud") return "-";
  const Json& on_flash = At(event, "on_flash");
  const bool flash = on_flash.is_boolean() && on_flash.get<bool>();
  return told + (flash ? "" : ", not on flash");
}

std::string What(const Json& event) {
  std::string text = TextAt(event, "text");
  const std::string shown = TextAt(event, "shown");
  if (!shown.empty() && text.find(shown) == std::string::npos) {
    text += (text.empty() ? "" : " ") + ("(" + shown + ")");
  }
  return text;
}

void AddEvent(Table& table, const Json& event) {
  const std::string severity = TextAt(event, "severity");
  table.Add({When(event),
             {severity, SeverityStyle(severity)},
             TextAt(event, "kind"),
             {TextAt(event, "path", "-"), Style::kBold},
             Told(event),
             What(event)});
}

std::uint64_t LastOf(const Json& events, std::uint64_t otherwise) {
  return events.empty() ? otherwise : NumberAt(events.back(), "revision");
}

void Show(const Output& out, const Json& events) {
  if (out.json()) {
    for (const Json& event : events) out.Document(event, false);
    return;
  }
  Table table({"", "", "", "", "", ""});
  for (const Json& event : events) AddEvent(table, event);
  table.Print(out);
}

// Whether nobody reads the answers any more, looked at for `pause`.
bool ReaderGone(milliseconds pause) {
  pollfd out{STDOUT_FILENO, 0, 0};
  return poll(&out, 1, static_cast<int>(pause.count())) > 0;
}

Style AlarmStyle(std::string_view state) {
  if (state == "raised") return Style::kBad;
  return state == "acknowledged" ? Style::kWarn : Style::kPlain;
}

}  // namespace

Done Events(const Context& context, std::size_t limit) {
  const auto answer = context.reader.Events(0, limit);
  if (!answer) return tl::unexpected(answer.error());
  if (context.out.json()) {
    context.out.Document(*answer);
    return Exit::kOk;
  }
  const Json& events = At(*answer, "events");
  if (events.empty()) {
    context.out.Say("nothing has happened yet");
    return Exit::kOk;
  }
  Table table({"TIME", "SEVERITY", "KIND", "PATH", "CLOUD HAS IT", "WHAT"});
  for (const Json& event : events) AddEvent(table, event);
  table.Print(context.out);
  const std::uint64_t total = NumberAt(*answer, "total");
  if (total > events.size()) {
    context.out.Say(api::Grouped(total - events.size()) + " older ones; --limit shows more");
  }
  return Exit::kOk;
}

Done FollowEvents(const Context& context, std::size_t limit, milliseconds at_most,
                  std::uint64_t count_max) {
  const SystemClock clock;
  const MonoTime begin = clock.Now();
  std::uint64_t after = 0;
  std::uint64_t seen = 0;
  for (std::size_t page = limit;; page = api::kEventsMax) {
    const auto answer = context.client.Get("/v1/events?after=" + std::to_string(after) +
                                           "&limit=" + std::to_string(page));
    if (!answer) return tl::unexpected(answer.error());
    Json events = At(*answer, "events");
    if (!events.is_array()) events = Json::array();
    while (count_max > 0 && seen + events.size() > count_max) events.erase(events.size() - 1);
    seen += events.size();
    after = LastOf(events, after);
    Show(context.out, events);
    if (std::fflush(stdout) != 0 || (count_max > 0 && seen >= count_max)) return Exit::kOk;
    const auto left = at_most - duration_cast<milliseconds>(clock.Now() - begin);
    if (at_most.count() > 0 && left.count() <= 0) return Exit::kOk;
    if (ReaderGone(at_most.count() > 0 ? std::min(kFollowPause, left) : kFollowPause)) {
      return Exit::kOk;
    }
  }
}

Done Alarms(const Context& context) {
  const auto answer = context.reader.Alarms();
  if (!answer) return tl::unexpected(answer.error());
  const Json& alarms = At(*answer, "alarms");
  const bool raised = std::any_of(alarms.begin(), alarms.end(), [](const Json& alarm) {
    return TextAt(alarm, "state") == "raised";
  });
  const Exit exit = raised ? Exit::kProblems : Exit::kOk;
  if (context.out.json()) {
    context.out.Document(*answer);
    return exit;
  }
  Table table({"PATH", "STATE", "KIND", ">LIMIT", ">RAISED BY", ">NOW", "SINCE", "SEEN BY"});
  for (const Json& alarm : alarms) {
    const std::string state = TextAt(alarm, "state");
    table.Add({{TextAt(alarm, "path"), Style::kBold},
               {state, AlarmStyle(state)},
               TextAt(alarm, "kind"),
               TextAt(alarm, "limit_shown", "-"),
               TextAt(alarm, "shown", "-"),
               TextAt(alarm, "now_shown", "-"),
               TimeAt(alarm, "since"),
               TextAt(alarm, "who", "-")});
  }
  if (table.empty()) {
    context.out.Line("no alarms");
  } else {
    table.Print(context.out);
  }
  return exit;
}

Done AcknowledgeAlarms(const Context& context, const std::string& path) {
  std::string body;
  const char* person = std::getenv("SUDO_USER");
  if (person != nullptr && *person != '\0') body = api::Dump({{"who", person}});
  const auto reply = context.client.Send("POST", "/v1/acknowledge/" + Escaped(path), body);
  if (!reply) return tl::unexpected(reply.error());
  if (context.out.json()) {
    context.out.Document(reply->body);
  } else {
    context.out.Line(Printable(TextAt(reply->body, "path", path)) + ": acknowledged by " +
                     Printable(TextAt(reply->body, "who", "?")));
  }
  return Exit::kOk;
}

}  // namespace edgetwin::cli

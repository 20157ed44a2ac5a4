// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <chrono>
#include <cstdio>

#include "sync/cloud/cli/operator.h"
#include "sync/cloud/cli/text.h"
#include "twin/base/event_loop.h"
#include "twin/base/random.h"
#include "twin/http/uri.h"

namespace edgetwin::cloudcli {
namespace {

// How often an answer is asked for, and how long after a command's end: the device's word that its
// time was over must come here, too.
constexpr std::chrono::milliseconds kAskPause{300};
constexpr std::chrono::seconds kAfterItsEnd{10};

std::string Target(const Asked& asked, const std::string& what) {
  return "/v1/devices/" + http::PercentEncode(asked.device) + "/" + what;
}

std::string Shown(const Json& json) {
  if (json.is_null()) return "";
  return json.is_string() ? json.get<std::string>() : json.dump();
}

// Drawn here, so that asking again after an answer that was lost is no second command.
std::string RandomId() {
  char text[24];
  const std::uint64_t id = 1 + RandomBelow(~std::uint64_t{0});
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(id));
  return text;
}

std::string StateText(const Json& command) {
  const std::string state = TextAt(command, "state");
  if (state != "open") return state;
  if (AgoAt(command, "expires").ends_with("ago")) return "open, overdue";
  return At(command, "delivered") == true ? "open, delivered" : "open";
}

void PrintCommand(const Json& command) {
  const std::string value = Shown(At(command, "value"));
  const std::string result = TextAt(command, "result", "");
  Line(TextAt(command, "id") + ": " + StateText(command) + (value.empty() ? "" : ", " + value) +
       (result.empty() ? "" : ": " + result));
}

Outcome<Json> Wait(const Client& client, const Asked& asked, Json command) {
  SystemClock clock;
  EventLoop loop(clock);
  const MonoTime end = loop.Now() + std::chrono::seconds(asked.expires_in) + kAfterItsEnd;
  const std::string target =
      Target(asked, "commands/" + http::PercentEncode(TextAt(command, "id")));
  while (TextAt(command, "state") == "open" && loop.Now() < end) {
    loop.RunFor(kAskPause);
    auto next = client.Get(target);
    if (!next) return next;
    command = *std::move(next);
  }
  return command;
}

}  // namespace

Done ListEvents(const Client& client, const Asked& asked) {
  const auto page = client.Get(Target(asked, "events?limit=" + std::to_string(asked.limit)));
  if (!page) return tl::unexpected(page.error());
  if (asked.json) {
    Document(*page);
    return Exit::kOk;
  }
  Table table({"TIME", "SEVERITY", "KIND", "PATH", "VALUE", "TEXT"});
  for (const Json& event : At(*page, "events")) {
    table.Add({WhenAt(event, "time"), TextAt(event, "severity"), TextAt(event, "kind"),
               TextAt(event, "path", ""), Shown(At(event, "value")), TextAt(event, "text", "")});
  }
  if (table.empty()) Say("no events of '" + asked.device + "' are stored");
  if (!table.empty()) table.Print();
  return Exit::kOk;
}

Done ListCommands(const Client& client, const Asked& asked) {
  const std::string query = "commands?limit=" + std::to_string(asked.limit);
  const auto list = client.Get(Target(asked, query + (asked.open ? "&state=open" : "")));
  if (!list) return tl::unexpected(list.error());
  if (asked.json) {
    Document(*list);
    return Exit::kOk;
  }
  Table table({"ID", "STATE", "NAME", "PATH", "VALUE", "EXPIRES", "WHO", "RESULT"});
  for (const Json& command : At(*list, "commands")) {
    table.Add({TextAt(command, "id"), StateText(command), TextAt(command, "name"),
               TextAt(command, "path", ""), Shown(At(command, "value")), AgoAt(command, "expires"),
               TextAt(command, "who", ""), TextAt(command, "result", "")});
  }
  if (table.empty()) Say("'" + asked.device + "' was asked for nothing that is still known");
  if (!table.empty()) table.Print();
  return Exit::kOk;
}

Done GiveCommand(const Client& client, const Asked& asked) {
  Json body = {{"id", RandomId()}, {"name", asked.name}, {"expires_in", asked.expires_in}};
  if (!asked.path.empty()) body["path"] = asked.path;
  if (asked.value) {
    Json value = Json::parse(*asked.value, nullptr, false);
    body["value"] = value.is_discarded() ? Json(*asked.value) : std::move(value);
  }
  const auto given = client.Post(Target(asked, "commands"), body);
  if (!given) return tl::unexpected(given.error());
  const auto command = asked.wait ? Wait(client, asked, *given) : given;
  if (!command) return tl::unexpected(command.error());
  if (asked.json) {
    Document(*command);
  } else {
    PrintCommand(*command);
  }
  return asked.wait && TextAt(*command, "state") != "done" ? Exit::kProblems : Exit::kOk;
}

}  // namespace edgetwin::cloudcli

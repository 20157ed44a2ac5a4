// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <utility>

#include "agent/api/text.h"
#include "agent/cli/commands.h"
#include "agent/cli/document.h"
#include "agent/cli/table.h"
#include "agent/config/agent_config.h"
#include "agent/runtime/agent.h"

namespace edgetwin::cli {
namespace {

Style StateStyle(const std::string& state) {
  if (state == "running" || state == "ok") return Style::kGood;
  return state == "waiting" ? Style::kWarn : Style::kBad;
}

std::string Micros(const Json& json, std::string_view key) {
  const std::uint64_t us = NumberAt(json, key);
  if (us == 0) return "-";
  if (us < 10'000) return std::to_string(us) + " µs";
  return std::to_string(us / 1'000) + " ms";
}

std::string Errors(const Json& errors) {
  std::uint64_t sum = 0;
  for (const Json& count : errors) sum += count.is_number() ? count.get<std::uint64_t>() : 0;
  return api::Grouped(sum);
}

std::string Trouble(const Json& json) {
  std::string text = TextAt(json, "last_error");
  if (At(json, "last_error_time").is_string()) text += ", " + AgoAt(json, "last_error_time");
  const std::uint64_t next = NumberAt(json, "next_try_ms");
  if (next > 0) {
    text +=
        (text.empty() ? "" : "; ") + ("next try in " + api::Span(std::chrono::milliseconds(next)));
  }
  return text;
}

void Parts(const Output& out, const Json& driver) {
  Table parts({"", "", ""}, 2);
  for (const Json& part : At(driver, "parts")) {
    const std::string state = TextAt(part, "state");
    parts.Add({TextAt(part, "name"), {state, StateStyle(state)}, Trouble(part)});
  }
  if (parts.empty()) return;
  out.Line();
  out.Line(out.Paint(TextAt(driver, "name"), Style::kBold));
  parts.Print(out);
}

Json ProblemList(const std::vector<ConfigProblem>& problems) {
  Json list = Json::array();
  for (const ConfigProblem& problem : problems) {
    list.push_back({{"file", problem.source.file},
                    {"line", problem.source.line},
                    {"key", problem.key},
                    {"text", problem.text}});
  }
  return list;
}

std::string Listed(const Json& texts) {
  std::string text;
  for (const Json& item : texts) {
    if (item.is_string()) text += (text.empty() ? "[" : ", [") + item.get<std::string>() + "]";
  }
  return text;
}

}  // namespace

Done Drivers(const Context& context) {
  const auto answer = context.client.Get("/v1/drivers");
  if (!answer) return tl::unexpected(answer.error());
  if (context.out.json()) {
    context.out.Document(*answer);
    return Exit::kOk;
  }
  Table table(
      {"NAME", "KIND", "STATE", ">PROPERTIES", ">POLLS", ">ERRORS", ">P50", ">P99", "LAST ERROR"});
  for (const Json& driver : At(*answer, "drivers")) {
    const std::string state = TextAt(driver, "state");
    table.Add({{TextAt(driver, "name"), Style::kBold},
               TextAt(driver, "kind"),
               {state, StateStyle(state)},
               api::Grouped(NumberAt(driver, "properties")),
               api::Grouped(NumberAt(driver, "polls")),
               Errors(At(driver, "errors")),
               Micros(driver, "latency_p50_us"),
               Micros(driver, "latency_p99_us"),
               Trouble(driver)});
  }
  if (table.empty()) context.out.Say("no drivers are configured");
  if (!table.empty()) table.Print(context.out);
  for (const Json& driver : At(*answer, "drivers")) Parts(context.out, driver);
  return Exit::kOk;
}

Done DriverKindList(const Output& out) {
  Json list = Json::array();
  Table table({"KIND", "WHAT IT READS"});
  for (const driver::DriverKind& kind : runtime::DriverKinds()) {
    list.push_back({{"kind", kind.name}, {"description", kind.description}});
    table.Add({{kind.name, Style::kBold}, kind.description});
  }
  if (out.json()) {
    out.Document({{"kinds", std::move(list)}});
  } else {
    table.Print(out);
  }
  return Exit::kOk;
}

Done Reload(const Context& context) {
  const auto reply = context.client.Send("POST", "/v1/reload");
  if (!reply) return tl::unexpected(reply.error());
  const Json& report = reply->body;
  const bool applied = At(report, "applied").is_boolean() && At(report, "applied").get<bool>();
  const Exit exit = applied ? Exit::kOk : Exit::kConfig;
  if (context.out.json()) {
    context.out.Document(report);
    return exit;
  }
  if (applied) {
    context.out.Line("the configuration is reloaded");
    const std::string kept = Listed(At(report, "needs_restart"));
    if (!kept.empty()) context.out.Line("changes of " + kept + " need a restart of edgetwind");
    return exit;
  }
  for (const Json& problem : At(report, "problems")) {
    if (problem.is_string()) context.out.Line(Printable(problem.get<std::string>()));
  }
  context.out.Say("nothing was changed: the running configuration stays");
  return exit;
}

Done Version(const Context& context) {
  const auto status = context.client.Get("/v1/status");
  const std::string daemon = status ? TextAt(*status, "version") : "";
  if (context.out.json()) {
    context.out.Document({{"edgetwin", EDGETWIN_VERSION},
                          {"edgetwind", daemon.empty() ? Json(nullptr) : Json(daemon)}});
    return Exit::kOk;
  }
  context.out.Line("edgetwin " EDGETWIN_VERSION);
  context.out.Line(daemon.empty() ? "edgetwind: not reached" : "edgetwind " + Printable(daemon));
  return Exit::kOk;
}

Done CheckConfig(const Output& out, const std::string& file) {
  ConfigProblems problems;
  const auto config = config::LoadAgentConfig(file, runtime::DriverKindNames(), problems,
                                              runtime::MakeDriverCheck());
  const bool ok = config.has_value();
  const auto warnings = ok ? config->warnings : std::vector<ConfigProblem>();
  if (out.json()) {
    out.Document({{"file", file},
                  {"ok", ok},
                  {"problems", ProblemList(problems.list())},
                  {"warnings", ProblemList(warnings)}});
    return ok ? Exit::kOk : Exit::kConfig;
  }
  for (const ConfigProblem& problem : problems.list()) out.Line(Printable(problem.ToString()));
  for (const ConfigProblem& warning : warnings) {
    out.Line(Printable(warning.ToString()) + " " + out.Paint("(warning)", Style::kWarn));
  }
  if (!ok) {
    out.Say(api::Count(problems.count(), "problem", "problems") + " in the configuration");
    return Exit::kConfig;
  }
  out.Line(Printable(file) + " is fine: " +
           api::Count(config->drivers.size(), "driver instance", "driver instances") + ", " +
           (config->cloud.enabled ? "a cloud" : "no cloud") + ", device id " +
           Printable(config->device.id));
  return Exit::kOk;
}

}  // namespace edgetwin::cli

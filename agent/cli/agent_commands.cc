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
  const auto config = config::LoadAgentConfig(file, runtime::DriverKinds().names(), problems,
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

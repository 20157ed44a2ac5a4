// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/api/drivers.h"
#include "agent/api/text.h"
#include "agent/cli/commands.h"
#include "agent/cli/document.h"
#include "agent/cli/table.h"
#include "agent/config/agent_config.h"
#include "agent/runtime/driver_kinds.h"
#include "agent/runtime/trial.h"
#include "twin/base/clock.h"
#include "twin/base/log.h"

namespace edgetwin::cli {
namespace {

using std::chrono::milliseconds;

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

void ShowInstances(const Output& out, const Json& instances) {
  Table table(
      {"NAME", "KIND", "STATE", ">PROPERTIES", ">POLLS", ">ERRORS", ">P50", ">P99", "LAST ERROR"});
  for (const Json& driver : instances) {
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
  if (table.empty()) out.Say("no drivers are configured");
  if (!table.empty()) table.Print(out);
  for (const Json& driver : instances) Parts(out, driver);
}

std::string InUnit(const runtime::TrialValue& value) {
  if (value.samples == 0) return "-";
  const std::string text = model::Format(value.value, value.def.decimals);
  return value.def.unit.empty() ? text : text + " " + value.def.unit;
}

void ShowValues(const Output& out, const std::vector<runtime::TrialValue>& values) {
  const bool raw = std::ranges::any_of(
      values, [](const runtime::TrialValue& value) { return !value.raw.empty(); });
  std::vector<std::string> head = {"PATH", ">VALUE", "QUALITY", ">SAMPLES", "FROM"};
  if (raw) head.push_back("RAW");
  Table table(std::move(head));
  for (const runtime::TrialValue& value : values) {
    const bool none = value.samples == 0 && !value.bad;
    const Style style = value.bad ? Style::kBad : none ? Style::kWarn : Style::kGood;
    std::vector<Cell> row = {{value.def.path.text(), Style::kBold},
                             InUnit(value),
                             {value.bad ? "bad"
                              : none    ? "not read"
                                        : "good",
                              style},
                             api::Grouped(value.samples),
                             value.def.source};
    if (raw) row.push_back(Printable(value.raw));
    table.Add(std::move(row));
  }
  if (!table.empty()) table.Print(out);
}

Json ValueList(const std::vector<runtime::TrialValue>& values) {
  Json list = Json::array();
  for (const runtime::TrialValue& value : values) {
    Json shown = Json::parse(model::ToJson(value.value), nullptr, false);
    list.push_back({{"path", value.def.path.text()},
                    {"instance", value.def.instance},
                    {"value", value.samples == 0 ? Json(nullptr) : std::move(shown)},
                    {"raw", value.raw.empty() ? Json(nullptr) : Json(value.raw)},
                    {"unit", value.def.unit},
                    {"bad", value.bad},
                    {"samples", value.samples},
                    {"writable", value.def.writable},
                    {"source", value.def.source}});
  }
  return list;
}

// All of them read something, and nothing failed.
bool AllWell(const std::vector<runtime::InstanceStatus>& instances) {
  return std::ranges::all_of(instances, [](const runtime::InstanceStatus& instance) {
    return instance.state == "running" && instance.errors.empty() && instance.samples > 0;
  });
}

struct Written {
  std::string path;
  Result<model::Value> value;  // What the device has then.
};

Json WrittenJson(const Written& written) {
  const bool well = written.value.has_value();
  return {{"path", written.path},
          {"value", well ? Json::parse(model::ToJson(*written.value), nullptr, false) : Json()},
          {"error", well ? Json() : Json(written.value.error().text)}};
}

// Its answer, when there was something to try.
Done Show(const Output& out, const runtime::Trial& trial, bool stopped,
          const std::optional<Written>& written = {}) {
  const std::vector<runtime::InstanceStatus> instances = trial.status();
  const std::vector<runtime::TrialValue> values = trial.values();
  Json list = Json::array();
  for (const runtime::InstanceStatus& instance : instances) {
    list.push_back(api::InstanceJson(instance));
  }
  if (out.json()) {
    Json document{{"drivers", std::move(list)}, {"values", ValueList(values)}};
    if (written) document["written"] = WrittenJson(*written);
    out.Document(document);
  } else {
    ShowValues(out, values);
    if (!values.empty()) out.Line();
    ShowInstances(out, list);
  }
  if (stopped) out.Say("ended by a signal");
  if (written && !written->value) {
    const Error& error = written->value.error();
    // Without an answer nobody knows whether the device has it.
    if (error.code == ErrorCode::kTimeout || error.code == ErrorCode::kUnavailable) {
      return Fail(Exit::kProblems, written->path + ": " + error.text);
    }
    return Fail(Exit::kRefused, written->path + " was not written: " + error.text);
  }
  if (written && !out.json()) {
    out.Say("written: " + written->path + " is " + model::Format(*written->value) + " now");
  }
  return AllWell(instances) ? Exit::kOk : Exit::kProblems;
}

// What drivers say while they run is in the answer, too.
void BeQuiet() {
  SetLogLevel(LogLevel::kError);
}

// Nothing, having shown why, if the configuration isn't right.
std::optional<config::AgentConfig> Load(const Output& out, const std::string& file) {
  ConfigProblems problems;
  auto config = config::LoadAgentConfig(file, runtime::DriverKinds().names(), problems,
                                        runtime::MakeDriverCheck());
  for (const ConfigProblem& problem : problems.list()) out.Say(Printable(problem.ToString()));
  return config;
}

}  // namespace

Done Drivers(const Context& context) {
  const auto answer = context.client.Get("/v1/drivers");
  if (!answer) return tl::unexpected(answer.error());
  if (context.out.json()) {
    context.out.Document(*answer);
    return Exit::kOk;
  }
  ShowInstances(context.out, At(*answer, "drivers"));
  return Exit::kOk;
}

Done DriverKindList(const Output& out) {
  Json list = Json::array();
  Table table({"KIND", "WHAT IT READS"});
  const runtime::DriverKinds kinds;
  for (const std::string& name : kinds.names()) {
    const auto kind = kinds.Find(name);
    const std::string module = kinds.ModuleOf(name).string();
    Json& entry = list.emplace_back(Json{{"kind", name}});
    if (!module.empty()) entry["module"] = module;
    if (kind) {
      entry["description"] = kind->description;
      table.Add({{name, Style::kBold}, kind->description});
    } else {
      entry["problem"] = kind.error().text;
      table.Add({{name, Style::kDim}, {Printable(kind.error().text), Style::kDim}});
    }
  }
  if (out.json()) {
    out.Document({{"kinds", std::move(list)}});
  } else {
    table.Print(out);
  }
  return Exit::kOk;
}

Done TestDrivers(const Output& out, const std::string& file, milliseconds at_most) {
  const auto config = Load(out, file);
  if (!config) return Exit::kConfig;
  const auto enabled =
      std::ranges::count(config->drivers, true, &config::DriverInstanceConfig::enabled);
  if (enabled == 0) return Fail(Exit::kNotFound, "no drivers are configured in " + file);
  BeQuiet();
  if (!out.json()) {
    out.Say("running " +
            api::Count(static_cast<std::uint64_t>(enabled), "driver instance", "driver instances") +
            " for " + FormatDuration(at_most) + "; Ctrl-C ends it");
  }
  const SystemClock clock{};
  runtime::Trial trial(clock);
  trial.Start(config->drivers, config->properties);
  const bool stopped = trial.Run(at_most, [] { return false; });
  const Done done = Show(out, trial, stopped);
  trial.Stop();
  return done;
}

Done ProbeDriver(const Output& out, const std::string& file, const std::string& name,
                 milliseconds at_most, const std::string& write) {
  const std::size_t equals = write.find('=');
  if (!write.empty() && (equals == write.npos || equals == 0)) {
    return Fail(Exit::kUsage, "--write wants PATH=VALUE, not '" + write + "'");
  }
  const auto config = Load(out, file);
  if (!config) return Exit::kConfig;
  std::vector<std::string> names;
  std::vector<config::DriverInstanceConfig> wanted;
  for (const config::DriverInstanceConfig& instance : config->drivers) {
    names.push_back(instance.name);
    if (instance.name == name) wanted.push_back(instance);
  }
  if (wanted.empty()) {
    const std::string near = Nearest(name, names);
    return Fail(Exit::kNotFound, "there is no driver instance '" + name + "' in " + file +
                                     (near.empty() ? "" : "; did you mean '" + near + "'?"));
  }
  wanted[0].enabled = true;  // Who asks for it wants it.
  BeQuiet();
  const SystemClock clock{};
  runtime::Trial trial(clock);
  trial.Start(wanted, config->properties);
  const bool stopped = trial.Run(at_most, [&trial] { return trial.ReadOnce(); });
  std::optional<Written> written;
  if (!write.empty()) {
    const std::string path = write.substr(0, equals);
    written = Written{path, stopped ? Unavailable("not written: ended by a signal")
                                    : trial.Write(path, write.substr(equals + 1), at_most)};
  }
  const Done done = Show(out, trial, stopped, written);
  trial.Stop();
  return done;
}

}  // namespace edgetwin::cli

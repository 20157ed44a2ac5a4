// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/doctor/service.h"

#include <chrono>
#include <map>

#include "agent/doctor/program.h"

namespace edgetwin::doctor {
namespace {

constexpr const char* kUnit = "edgetwind.service";

std::map<std::string, std::string, std::less<>> Split(std::string_view lines) {
  std::map<std::string, std::string, std::less<>> values;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    const auto equals = line.find('=');
    if (equals != std::string_view::npos) {
      values.emplace(line.substr(0, equals), line.substr(equals + 1));
    }
  }
  return values;
}

// The agent's exit codes; edgetwind(8).
std::string MeaningOf(const std::string& exit) {
  if (exit == "74") return "its store can't be used";
  if (exit == "77") return "a permission is missing";
  if (exit == "78") return "the configuration is wrong";
  return "exit code " + exit;
}

}  // namespace

Findings ReadService(std::string_view properties) {
  const auto values = Split(properties);
  const auto value = [&values](std::string_view key) {
    const auto found = values.find(key);
    return found == values.end() ? std::string() : found->second;
  };
  if (value("LoadState") != "loaded") return {};
  const std::string state = value("ActiveState");
  const std::string result = value("Result");
  const std::string restarts = value("NRestarts");
  if (state == "active" || state == "reloading") {
    if (restarts.empty() || restarts == "0")
      return {{"service", Verdict::kOk, "systemd runs it", ""}};
    return {{"service", Verdict::kWarning,
             "systemd had to start it again, " + restarts + " times since it was started by hand",
             "'journalctl -u edgetwind -p warning' says what it ended with."}};
  }
  if (state == "activating") {
    return {
        {"service", Verdict::kFailed,
         "systemd starts it, or waits before it tries again; it last ended with " +
             (result == "exit-code" ? MeaningOf(value("ExecMainStatus")) : result),
         "'journalctl -u edgetwind -e' says why; 'systemctl status edgetwind' when it is tried."}};
  }
  if (state == "failed") {
    const std::string why =
        result == "exit-code" ? MeaningOf(value("ExecMainStatus")) : "systemd's result " + result;
    return {{"service", Verdict::kFailed, "It ended: " + why,
             "'journalctl -u edgetwind -e' says more. Then 'systemctl restart edgetwind'; it is "
             "tried again every ten minutes, too."}};
  }
  return {{"service", Verdict::kFailed, "systemd does not run it (" + state + ")",
           "'systemctl enable --now edgetwind'"}};
}

Findings ExamineService() {
  const auto shown =
      RunProgram({"systemctl", "show", kUnit,
                  "--property=LoadState,ActiveState,Result,ExecMainStatus,NRestarts"},
                 std::chrono::seconds(5), 4096);
  return shown && shown->exit == 0 ? ReadService(shown->out) : Findings();
}

}  // namespace edgetwin::doctor

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/exec/exec_options.h"

#include <algorithm>

namespace edgetwin::exec {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kArgsMax = 100;
constexpr std::size_t kEnvMax = 100;
constexpr milliseconds kSilenceMin{10'000};  // Of the default.

bool HasNul(const std::string& text) {
  return text.find('\0') != text.npos;
}

std::string AbsolutePath(ConfigReader& config, std::string_view key, std::string otherwise) {
  std::string path = config.String(key, std::move(otherwise));
  if (config.Has(key) && (!path.starts_with('/') || HasNul(path))) {
    config.Problem(key, "'" + path + "' is no absolute path");
  }
  return path;
}

void ReadEnv(ConfigReader& config, ExecOptions& options) {
  // Of the agent's own environment nothing is passed on: it may hold secrets.
  std::vector<std::pair<std::string, std::string>> env = {{"PATH", "/usr/local/bin:/usr/bin:/bin"},
                                                          {"LANG", "C.UTF-8"},
                                                          {"EDGETWIN_INSTANCE", options.instance}};
  if (const ConfigNode* node = config.Raw("env")) {
    if (node->table() == nullptr) {
      config.Problem("env", "must be a table, not " + std::string(node->TypeName()));
      return;
    }
    if (node->table()->size() > kEnvMax) {
      config.Problem("env", "there are more than " + std::to_string(kEnvMax) + " variables");
    }
    for (const auto& [name, value] : *node->table()) {
      const auto* text = std::get_if<std::string>(&value.value);
      if (name.empty() || name.find('=') != name.npos || HasNul(name)) {
        config.Problem("env", "'" + name + "' can't be a variable's name");
      } else if (text == nullptr || HasNul(*text)) {
        config.Problem("env", "'" + name + "' must be a string, not " +
                                  std::string(text == nullptr ? value.TypeName() : "one with NUL"));
      } else {
        std::erase_if(env, [&, &name = name](const auto& known) { return known.first == name; });
        env.emplace_back(name, *text);
      }
    }
  }
  for (const auto& [name, value] : env) options.child.env.push_back(name + "=" + value);
}

void ReadLimits(ConfigReader& config, ChildLimits& limits) {
  constexpr std::uint64_t kMiB = 1 << 20;
  limits.memory_bytes_max =
      config.Bytes("memory_max", limits.memory_bytes_max, 4 * kMiB, 1'048'576 * kMiB);
  limits.file_bytes_max = config.Bytes("file_size_max", limits.file_bytes_max, 0, 1'048'576 * kMiB);
  limits.open_files_max = static_cast<std::uint64_t>(
      config.Int("open_files_max", static_cast<std::int64_t>(limits.open_files_max), 8, 65'536));
  limits.cpu_time_max = std::chrono::ceil<seconds>(
      config.Duration("cpu_time_max", limits.cpu_time_max, seconds(0), hours(24 * 366)));
  limits.nice = static_cast<int>(config.Int("nice", limits.nice, 0, 19));
}

}  // namespace

ExecOptions ReadExecOptions(ConfigReader& config) {
  ExecOptions options;
  const std::string& prefix = config.prefix();
  options.instance = prefix.substr(prefix.rfind('.') + 1);
  options.thing = driver::ReadThing(config);
  config.Require("program");
  options.child.program = AbsolutePath(config, "program", "");
  options.child.directory = AbsolutePath(config, "directory", "/");
  options.child.args = config.Strings("args");
  if (options.child.args.size() > kArgsMax) {
    config.Problem("args", "there are more than " + std::to_string(kArgsMax));
  }
  if (std::any_of(options.child.args.begin(), options.child.args.end(), HasNul)) {
    config.Problem("args", "an argument can't hold a NUL");
  }
  ReadEnv(config, options);
  ReadLimits(config, options.child.limits);
  if (const ConfigNode* node = config.Raw("options")) {
    if (node->table() == nullptr) {
      config.Problem("options", "must be a table, not " + std::string(node->TypeName()));
    } else {
      options.options = *node;
    }
  }
  options.policy.Read(config);

  const milliseconds hour = hours(1);
  if (config.Has("period")) {
    options.period = config.Duration("period", seconds(10), milliseconds(10), hours(24));
    options.silence = std::max(kSilenceMin, 3 * *options.period);
  }
  options.silence = config.Duration("silence", options.silence, milliseconds(0), hours(24 * 7));
  if (options.period && options.silence.count() > 0 && options.silence <= *options.period) {
    config.Problem("silence", FormatDuration(options.silence) + " is not above the period, " +
                                  FormatDuration(*options.period));
  }
  options.ready_within =
      config.Duration("ready_within", options.ready_within, milliseconds(100), hour);
  options.write_within =
      config.Duration("write_within", options.write_within, milliseconds(10), hour);
  options.stop_within =
      config.Duration("stop_within", options.stop_within, milliseconds(0), seconds(10));
  options.restart_min = config.Duration("restart_min", options.restart_min, milliseconds(10), hour);
  options.restart_max =
      config.Duration("restart_max", options.restart_max, milliseconds(10), hours(24));
  if (options.restart_max < options.restart_min) {
    config.Problem("restart_max", FormatDuration(options.restart_max) +
                                      " is shorter than restart_min, " +
                                      FormatDuration(options.restart_min));
  }
  options.steady_after =
      config.Duration("steady_after", options.steady_after, milliseconds(10), hours(24));
  options.properties_max = static_cast<std::uint64_t>(
      config.Int("properties_max", static_cast<std::int64_t>(options.properties_max), 1, 100'000));
  options.lines_per_second_max = static_cast<std::uint64_t>(config.Int(
      "lines_per_second_max", static_cast<std::int64_t>(options.lines_per_second_max), 1, 100'000));
  return options;
}

}  // namespace edgetwin::exec

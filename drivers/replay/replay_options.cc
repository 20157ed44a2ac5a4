// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/replay/replay_options.h"

#include <cmath>
#include <limits>
#include <set>

#include "drivers/replay/csv.h"
#include "drivers/sdk/policy.h"

namespace edgetwin::replay {
namespace {

using driver::TimeFormat;

constexpr double kSpeedMin = 1e-3;
constexpr double kSpeedMax = 1e6;

ColumnRef ReadColumn(ConfigReader& config, std::string_view key, bool header) {
  ColumnRef column;
  const ConfigNode* node = config.Raw(key);
  if (node == nullptr) return column;
  if (const auto* number = std::get_if<std::int64_t>(&node->value)) {
    if (*number < 1 || *number > static_cast<std::int64_t>(Cells::kCellsMax)) {
      config.Problem(key, "columns are numbered from 1 to " + std::to_string(Cells::kCellsMax) +
                              ", not " + std::to_string(*number));
    } else {
      column.number = static_cast<std::size_t>(*number);
    }
  } else if (const auto* name = std::get_if<std::string>(&node->value)) {
    column.name = *name;
    if (!header)
      config.Problem(key, "'" + *name + "' is a heading, and the file has none (header = false)");
    if (name->empty()) config.Problem(key, "a heading must not be empty");
  } else {
    config.Problem(key, "must be a heading or a number, not a " + std::string(node->TypeName()));
  }
  return column;
}

double ReadSpeed(ConfigReader& config) {
  const ConfigNode* node = config.Raw("speed");
  if (node == nullptr) return 1;
  if (const auto* text = std::get_if<std::string>(&node->value)) {
    if (*text == "max") return std::numeric_limits<double>::infinity();
    config.Problem("speed", "'" + *text + "' is neither a number nor \"max\"");
    return 1;
  }
  return config.Double("speed", 1, kSpeedMin, kSpeedMax);
}

char ReadSeparator(ConfigReader& config) {
  const std::string text = config.String("separator", ",");
  if (text.size() == 1 && text != "\"" && text != "\n" && text != " ") return text.front();
  config.Problem("separator",
                 "'" + text + "' is not one character such as \",\", \";\" or \"\\t\"");
  return ',';
}

void ReadColumns(ConfigReader& config, ReplayOptions& options) {
  std::set<std::string> paths;
  for (ConfigReader& table : config.Tables("column")) {
    ColumnOptions column;
    table.Require("column");
    column.column = ReadColumn(table, "column", options.header);
    column.def.type = table.Choice<model::ValueType>("type", model::ValueType::kDouble,
                                                     {{"double", model::ValueType::kDouble},
                                                      {"int", model::ValueType::kInt},
                                                      {"bool", model::ValueType::kBool},
                                                      {"string", model::ValueType::kString}});
    driver::ReadPropertyOptions(table, column.def);
    const std::string name = table.String(
        "property", model::ToSegment(column.column.name.empty()
                                         ? "column" + std::to_string(column.column.number)
                                         : column.column.name));
    Result<model::Path> path = model::Path::Parse(options.thing + "/" + name);
    if (!path) {
      table.Problem("property", path.error().text);
    } else if (!paths.insert(path->text()).second) {
      table.Problem("property", "'" + path->text() + "' is another column's already");
    } else {
      column.def.path = std::move(*path);
    }
    table.Finish();
    options.columns.push_back(std::move(column));
  }
}

}  // namespace

std::string ColumnRef::ToString() const {
  return number > 0 ? std::to_string(number) : "'" + name + "'";
}

ReplayOptions ReadReplayOptions(ConfigReader& config) {
  ReplayOptions options;
  config.Require("file");
  options.file = config.String("file", "");
  options.thing = driver::ReadThing(config);
  options.separator = ReadSeparator(config);
  options.header = config.Bool("header", true);
  if (config.Has("time_column"))
    options.time_column = ReadColumn(config, "time_column", options.header);
  options.time_format = config.Choice<TimeFormat>("time_format", TimeFormat::kAuto,
                                                  {{"auto", TimeFormat::kAuto},
                                                   {"iso8601", TimeFormat::kIso},
                                                   {"unix_s", TimeFormat::kSeconds},
                                                   {"unix_ms", TimeFormat::kMilliseconds}});
  options.speed = ReadSpeed(config);
  options.loop = config.Bool("loop", false);
  options.recorded_time = config.Choice<bool>("time", false, {{"now", false}, {"recorded", true}});
  options.missing_is_bad = config.Choice<bool>("missing", false, {{"skip", false}, {"bad", true}});
  options.missing_cells =
      config.Has("missing_cells")
          ? config.Strings("missing_cells")
          : std::vector<std::string>{"", "NA", "N/A", "NaN", "nan", "null", "-"};
  ReadColumns(config, options);
  return options;
}

}  // namespace edgetwin::replay

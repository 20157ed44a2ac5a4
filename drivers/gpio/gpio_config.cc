// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/gpio/gpio_config.h"

#include <map>
#include <utility>

#include "drivers/sdk/policy.h"

namespace edgetwin::gpio {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::int64_t kOffsetMax = 65'535;

class Reader {
 public:
  explicit Reader(ConfigReader& config) : config_(config) {}

  GpioConfig Read() {
    thing_ = driver::ReadThing(config_);
    chip_ = config_.String("chip", "");
    result_.period = config_.Duration("period", result_.period, milliseconds(100), hours(24));
    result_.poll = config_.Duration("poll", result_.poll, milliseconds(10), hours(1));
    config_.Require("line");
    std::vector<ConfigReader> tables = config_.Tables("line");
    if (config_.Has("line") && tables.empty()) config_.Problem("line", "names no line");
    for (ConfigReader& table : tables) {
      if (result_.lines.size() == kLinesMax) {
        table.Problem({}, "is one line more than " + std::to_string(kLinesMax));
        break;
      }
      ReadLine(table);
    }
    return std::move(result_);
  }

 private:
  void ReadLine(ConfigReader& table) {
    GpioLine line;
    table.Require("name");
    const std::string name = table.String("name", "");
    line.mode = table.Choice<Mode>(
        "mode", Mode::kInput,
        {{"input", Mode::kInput}, {"counter", Mode::kCounter}, {"output", Mode::kOutput}});
    line.spec.consumer = "edgetwin:" + name;
    ReadPlace(table, line.spec);
    line.spec.active_low = table.Bool("active_low", false);
    line.spec.bias = table.Choice<Bias>("bias", Bias::kAsIs,
                                        {{"as_is", Bias::kAsIs},
                                         {"disabled", Bias::kDisabled},
                                         {"pull_up", Bias::kPullUp},
                                         {"pull_down", Bias::kPullDown}});
    ReadInput(table, line);
    ReadOutput(table, line);
    line.def.type = line.mode == Mode::kCounter ? model::ValueType::kInt : model::ValueType::kBool;
    line.def.writable = line.mode == Mode::kOutput;
    line.def.source = line.spec.Describe();
    driver::ReadPropertyOptions(table, line.def);
    if (const Result<model::Path> path = model::Path::Parse(thing_ + "/" + name)) {
      line.def.path = *path;
      const auto [known, added] = paths_.emplace(path->text(), table.source().line);
      if (!added) {
        table.Problem("name", "'" + path->text() + "' is the path of another line, in line " +
                                  std::to_string(known->second));
      }
    } else if (table.Has("name")) {
      table.Problem("name", "'" + name + "': " + path.error().text);
    }
    table.Finish();
    result_.lines.push_back(std::move(line));
  }

  void ReadPlace(ConfigReader& table, LineSpec& spec) {
    spec.chip = table.String("chip", chip_);
    spec.name = table.String("line", "");
    if (table.Has("offset")) {
      spec.offset = static_cast<unsigned>(table.Int("offset", 0, 0, kOffsetMax));
    }
    if (table.Has("line") == table.Has("offset")) {
      table.Problem(table.Has("line") ? "offset" : "line",
                    table.Has("line") ? "can't stand beside 'line'" : "is required, or 'offset'");
    } else if (spec.offset && spec.chip.empty()) {
      table.Problem("offset", "needs a 'chip'");
    } else if (!spec.offset && spec.name.empty()) {
      table.Problem("line", "can't be empty");
    }
    if (table.Has("line") != table.Has("offset")) CheckTwice(table, spec);
  }

  // A second request of one line would find the first one's consumer, which is us.
  void CheckTwice(ConfigReader& table, const LineSpec& spec) {
    const auto [known, added] = places_.emplace(spec.Describe(), table.source().line);
    if (added) return;
    table.Problem(
        spec.offset ? "offset" : "line",
        known->first + " is that of another line, in line " + std::to_string(known->second));
  }

  static void ReadInput(ConfigReader& table, GpioLine& line) {
    if (line.mode == Mode::kOutput) {
      table.Refuse("debounce", "is for inputs and counters");
    } else {
      line.debounce = table.Duration("debounce", milliseconds(0), milliseconds(0), seconds(60));
      line.spec.edges = Edges::kBoth;
    }
    if (line.mode != Mode::kCounter) return table.Refuse("edge", "is for counters");
    line.counted = table.Choice<Edges>(
        "edge", Edges::kRising,
        {{"rising", Edges::kRising}, {"falling", Edges::kFalling}, {"both", Edges::kBoth}});
    // The kernel tells which edge it was by the level that it finds afterwards, unless it is asked
    // for one of them only: short pulses would be counted wrongly.
    if (line.debounce.count() == 0) line.spec.edges = line.counted;
  }

  static void ReadOutput(ConfigReader& table, GpioLine& line) {
    if (line.mode != Mode::kOutput) {
      table.Refuse("safe", "is for outputs");
      table.Refuse("drive", "is for outputs");
      return;
    }
    line.spec.output = true;
    line.spec.drive = table.Choice<Drive>("drive", Drive::kPushPull,
                                          {{"push_pull", Drive::kPushPull},
                                           {"open_drain", Drive::kOpenDrain},
                                           {"open_source", Drive::kOpenSource}});
    if (table.Has("safe")) line.safe = table.Bool("safe", false);
    line.spec.initial = line.safe.value_or(false);
  }

  ConfigReader& config_;
  GpioConfig result_;
  std::string thing_;
  std::string chip_;
  std::map<std::string, int> paths_;  // To the line where each was configured.
  std::map<std::string, int> places_;
};

}  // namespace

std::string LineSpec::Describe() const {
  const std::string which = offset ? "line " + std::to_string(*offset) : name;
  return chip.empty() ? which : which + " of " + chip;
}

GpioConfig ReadGpioConfig(ConfigReader& config) {
  return Reader(config).Read();
}

}  // namespace edgetwin::gpio

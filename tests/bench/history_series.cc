// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/history_series.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <random>
#include <string_view>

namespace edgetwin::bench {
namespace {

namespace fs = std::filesystem;
using model::Sample;

constexpr std::int64_t kStartMs = 1'767'225'600'000;  // 2026-01-01.
constexpr std::size_t kSeriesMax = 1'000;
constexpr std::size_t kValuesMax = 10'000'000;

template <class T>
std::optional<T> Parse(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

std::optional<WallTime> ParseTime(const std::string& text) {
  if (const auto ms = Parse<std::int64_t>(text)) return WallTime(std::chrono::milliseconds(*ms));
  int year = 0, month = 0, day = 0, hour = 0, minute = 0;
  double second = 0;
  if (std::sscanf(text.c_str(), "%d-%d-%d%*1[ T]%d:%d:%lf", &year, &month, &day, &hour, &minute,
                  &second) != 6) {
    return {};
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return {};
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::milliseconds(std::llround(second * 1'000));
}

WallTime Regular(std::size_t i) {
  return WallTime(std::chrono::milliseconds(kStartMs + 1'000 * static_cast<std::int64_t>(i)));
}

Result<HistorySeries> ReadFile(const fs::path& path) {
  HistorySeries series;
  series.name = path.stem().string();
  std::ifstream in(path);
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.empty()) continue;
    const std::size_t comma = line.find(',');
    const bool timed = comma != std::string::npos;
    const auto value = Parse<double>(std::string_view(line).substr(timed ? comma + 1 : 0));
    const auto time = timed ? ParseTime(line.substr(0, comma)) : std::optional(WallTime{});
    if (!value || !time) {
      if (number == 1) continue;
      return Invalid(path.string() + ", line " + std::to_string(number) + ": '" + line +
                     "' is neither a value nor a time and a value");
    }
    if (series.regular.size() == kValuesMax) break;
    series.regular.push_back({model::Value(*value), Regular(series.regular.size())});
    if (timed) series.own.push_back({model::Value(*value), *time});
  }
  return series;
}

HistorySeries Made(std::string name, const std::function<double(std::size_t)>& value) {
  constexpr std::size_t kCount = 4'000;
  HistorySeries series;
  series.name = std::move(name);
  for (std::size_t i = 0; i < kCount; ++i) {
    series.regular.push_back({model::Value(value(i)), Regular(i)});
  }
  return series;
}

}  // namespace

Result<std::vector<HistorySeries>> ReadSeries(const std::string& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    if (at->path().extension() == ".csv" && paths.size() < kSeriesMax) paths.push_back(at->path());
  }
  if (error) return NotFound("can't read the folder '" + folder + "': " + error.message());
  std::sort(paths.begin(), paths.end());
  std::vector<HistorySeries> all;
  for (const fs::path& path : paths) {
    Result<HistorySeries> series = ReadFile(path);
    if (!series) return series.error();
    if (!series->regular.empty()) all.push_back(std::move(*series));
  }
  if (all.empty()) return NotFound("no values in any CSV file in '" + folder + "'");
  return all;
}

std::vector<HistorySeries> SyntheticSeries() {
  std::mt19937_64 random(1);
  std::normal_distribution<> normal;
  const auto rounded = [](double value, double digits) {
    return std::nearbyint(value * digits) / digits;
  };
  double level = 0;
  const auto walk = [&](double step) { return level += step * normal(random); };
  const auto daily = [](std::size_t i) { return std::sin(static_cast<double>(i) / 600); };
  std::vector<HistorySeries> all;
  all.push_back(Made("made_temperature_1", [&](std::size_t i) {
    return rounded(21 + 4 * daily(i) + 0.05 * normal(random), 10);
  }));
  all.push_back(Made("made_temperature_2", [&](std::size_t) { return rounded(walk(0.02), 100); }));
  all.push_back(Made("made_float_temperature", [&](std::size_t) {
    return double{static_cast<float>(rounded(walk(0.05), 10))};
  }));
  all.push_back(
      Made("made_float_flow", [&](std::size_t) { return double{static_cast<float>(walk(0.01))}; }));
  all.push_back(Made("made_adc_volts", [&](std::size_t i) {
    return std::nearbyint(2'048 + 900 * daily(i) + 2 * normal(random)) * 0.0009765625;
  }));
  all.push_back(
      Made("made_pressure", [&](std::size_t) { return rounded(101.3 + walk(0.001), 100'000); }));
  all.push_back(Made("made_counter", [&](std::size_t) {
    return level = std::ceil(level + 40 + 3 * normal(random));
  }));
  all.push_back(Made("made_setpoint", [&](std::size_t i) { return i / 700 % 2 == 0 ? 21 : 16.5; }));
  all.push_back(Made("made_switch", [&](std::size_t) { return random() % 30 == 0 ? 1 : 0; }));
  all.push_back(Made("made_steps", [&](std::size_t i) {
    return std::floor(static_cast<double>(i % 120) / 40) * 12.5;
  }));
  all.push_back(Made("made_full_precision", [&](std::size_t) { return walk(0.1); }));
  all.push_back(
      Made("made_computed", [&](std::size_t) { return rounded(walk(1), 10) * 1.8 + 32; }));
  return all;
}

}  // namespace edgetwin::bench

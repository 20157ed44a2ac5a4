// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What the store's tests share: a folder that goes away, and batches with every kind of content.

#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "twin/store/twin_store.h"

namespace edgetwin::store {

class TestFolder {
 public:
  TestFolder() {
    std::string name = testing::TempDir() + "/edgetwin-store-XXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr) << name;
    path_ = name;
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  std::string db() const { return path_ / "twin.db"; }
  std::string path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void WriteFile(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
}

// Every file of a folder with its content, to see that nothing changed.
inline std::vector<std::pair<std::string, std::string>> Snapshot(const std::string& folder) {
  std::vector<std::pair<std::string, std::string>> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files.emplace_back(entry.path().filename(), ReadFile(entry.path()));
  }
  std::ranges::sort(files);
  return files;
}

inline std::unique_ptr<TwinStore> OpenStore(const TwinStoreOptions& options) {
  Result<std::unique_ptr<TwinStore>> store = TwinStore::Open(options);
  EXPECT_TRUE(store) << store.error().text;
  return store ? std::move(*store) : nullptr;
}

inline std::unique_ptr<TwinStore> OpenStore(const std::string& path, std::uint64_t inc) {
  TwinStoreOptions options;
  options.path = path;
  options.inc = inc;
  return OpenStore(options);
}

inline model::Path PathOf(const std::string& text) {
  Result<model::Path> path = model::Path::Parse(text);
  EXPECT_TRUE(path) << path.error().text;
  return *path;
}

inline model::PropertyRecord Property(std::uint32_t id, model::ValueType type,
                                      std::optional<int> decimals = {}) {
  model::PropertyRecord record;
  record.id = model::PropertyId{id};
  record.def.path = PathOf("plant/p" + std::to_string(id));
  record.def.type = type;
  record.def.decimals = decimals;
  record.pid = id + 1;
  return record;
}

inline model::RowChange Reported(std::uint32_t id, model::Value value, model::Dot dot) {
  model::RowChange change;
  change.id = model::PropertyId{id};
  change.row.value = std::move(value);
  change.row.dot = dot;
  change.row.time = WallTime(std::chrono::milliseconds(1'790'000'000'000 + id));
  return change;
}

// `properties` doubles with two decimals.
inline model::Batch Doubles(std::uint32_t properties) {
  model::Batch batch;
  for (std::uint32_t id = 0; id < properties; ++id) {
    batch.properties.push_back(Property(id, model::ValueType::kDouble, 2));
  }
  return batch;
}

// Values that encodings tend to lose.
inline std::vector<model::Value> HardValues() {
  using Limits = std::numeric_limits<double>;
  using Int = std::numeric_limits<std::int64_t>;
  std::vector<model::Value> values;
  values.emplace_back();
  for (const bool value : {false, true}) values.emplace_back(value);
  for (const std::int64_t value : {Int::min(), Int::max(), std::int64_t{0}, std::int64_t{-1}}) {
    values.emplace_back(value);
  }
  for (const double value :
       {0.0, -0.0, 1.0, 21.53, -0.1, 0.1 + 0.2, 1e300, 5e-324, 9007199254740993.0, Limits::max(),
        Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN(),
        std::bit_cast<double>(0x7ff0dead'beef0001u), std::bit_cast<double>(0xfff8000000000123u)}) {
    values.emplace_back(value);
  }
  for (const std::string& value :
       {std::string(), std::string("a\0b", 3), std::string("\xc3\xa9 \n'"),
        std::string(model::kValueBytesMax, 'x')}) {
    values.emplace_back(value);
    values.emplace_back(model::Bytes{value + std::string("\xff\x00", 2)});
  }
  values.emplace_back(model::Bytes{});
  return values;
}

// Rows of all sides, values, qualities and states, for `properties` properties.
inline std::vector<model::RowChange> HardRows(std::uint32_t properties, std::uint64_t inc) {
  const std::vector<model::Value> values = HardValues();
  std::vector<model::RowChange> rows;
  for (std::uint32_t i = 0; i < properties * model::kSides; ++i) {
    model::RowChange change = Reported(static_cast<std::uint32_t>(i / model::kSides),
                                       values[i % values.size()], {inc, i + 1});
    change.side = static_cast<model::Side>(i % model::kSides);
    change.row.quality = static_cast<model::Quality>(i / 3 % 4);
    change.row.unsynced = i % 5 == 0;
    if (i % 7 == 0) change.row.time = WallTime(std::chrono::milliseconds::min());
    if (i % 7 == 1) change.row.time = WallTime(std::chrono::milliseconds::max());
    if (change.side == model::Side::kDesired)
      change.row.dot = {~std::uint64_t{0} - i % 2, ~std::uint64_t{0} - i};
    if (change.side != model::Side::kReported) {
      model::ControlInfo info;
      info.refers_to = {0x8000'0000'0000'0000u + i, i * 0x0123'4567'89ab'cdefu};
      info.state = static_cast<model::DesiredState>(i % 8);
      info.note = i % 3 == 0 ? std::string("who\0?", 5) : std::string();
      info.until = WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(i % 4) * 1'000));
      change.row.control = std::make_shared<const model::ControlInfo>(info);
    }
    rows.push_back(std::move(change));
  }
  return rows;
}

// Events of all kinds, about `properties` properties or none, in the order of their seqs.
inline std::vector<model::Event> HardEvents(std::uint32_t properties, std::uint64_t inc) {
  std::vector<model::Event> events;
  std::uint64_t seq = 1'000;
  for (const model::Value& value : HardValues()) {
    const auto i = static_cast<std::uint32_t>(events.size());
    model::Event event;
    event.dot = {i % 5 == 0 ? ~inc : inc, seq += 1 + i % 3};
    event.time = WallTime(std::chrono::milliseconds(i % 4 == 0 ? -5 : 1'790'000'000'000 + i));
    event.unsynced = i % 2 == 0;
    event.severity = static_cast<model::Severity>(i % 3);
    event.kind = i % 6 == 0 ? std::string() : "alarm_raised";
    event.id = i % 3 == 0 ? model::kNoProperty : model::PropertyId{i % properties};
    event.value = value;
    event.text = i % 4 == 0 ? std::string("why\0 \xc3\xa9", 7) : std::string();
    event.command = i % 5 == 0 ? ~std::uint64_t{0} - i : 0;
    events.push_back(std::move(event));
  }
  events.back().dot.seq = ~std::uint64_t{0} - 7;  // Negative as SQLite keeps it.
  return events;
}

// Commands in every state, in the order of their dots.
inline std::vector<model::Command> HardCommands() {
  std::vector<model::Command> commands;
  for (const model::Value& value : HardValues()) {
    const auto i = static_cast<std::uint32_t>(commands.size());
    model::Command command;
    command.id = (std::uint64_t{i} + 1) * 0x9e37'79b9'7f4a'7c15u;
    command.dot = {0xc10d'c10d'c10d'c10du, std::uint64_t{i} * i << (i % 40)};
    command.epoch = i;
    command.name = i % 3 == 0 ? "read" : "write";
    command.path = i % 4 == 0 ? "" : "plant/p0";
    command.value = value;
    command.expires = WallTime(std::chrono::milliseconds(i % 2 == 0 ? 0 : 1'790'000'000'000));
    command.who = i % 5 == 0 ? std::string("\0who", 4) : std::string();
    command.state = static_cast<model::CommandState>(i % 5);
    command.result = i % 2 == 0 ? "it was too late" : "";
    commands.push_back(std::move(command));
  }
  std::ranges::sort(commands, {}, [](const model::Command& command) { return command.dot.seq; });
  return commands;
}

// Alarms that are raised, unacknowledged or both, by property and kind.
inline std::vector<model::AlarmRecord> HardAlarms() {
  std::vector<model::AlarmRecord> alarms;
  for (std::uint32_t i = 0; i < 12; ++i) {
    model::AlarmRecord alarm;
    alarm.id = model::PropertyId{i / 2};
    alarm.kind = static_cast<model::AlarmKind>(i % 2);
    alarm.raised = i % 3 != 0;
    alarm.acknowledged = i % 3 == 1;
    alarm.since = WallTime(std::chrono::milliseconds(1'790'000'000'000 + i));
    alarm.value = HardValues()[i];
    alarm.who = i % 2 == 0 ? "eve" : "";
    alarms.push_back(std::move(alarm));
  }
  return alarms;
}

inline model::Event EventAt(std::uint64_t seq, std::uint64_t inc = 7) {
  model::Event event;
  event.dot = {inc, seq};
  event.kind = "restarted";
  event.text = "event " + std::to_string(seq);
  return event;
}

}  // namespace edgetwin::store

namespace edgetwin::model {

inline bool operator==(const PropertyRecord& a, const PropertyRecord& b) {
  return a.id == b.id && a.def == b.def && a.pid == b.pid;
}
inline bool operator==(const DictionaryEntry& a, const DictionaryEntry& b) {
  return a.pid == b.pid && a.id == b.id && a.withdraws == b.withdraws && a.def == b.def &&
         a.chain == b.chain;
}
inline bool operator==(const HoldRecord& a, const HoldRecord& b) {
  return a.id == b.id && a.left == b.left;
}
inline bool operator==(const RowChange& a, const RowChange& b) {
  return a.id == b.id && a.side == b.side && a.row == b.row &&
         (a.row.control == nullptr) == (b.row.control == nullptr);
}

}  // namespace edgetwin::model

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The lines between the agent and a program, as README.md specifies them. Pure; safe on any bytes.

#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "twin/base/clock.h"
#include "twin/base/config_node.h"
#include "twin/base/result.h"
#include "twin/model/property.h"
#include "twin/model/row.h"

namespace edgetwin::exec {

inline constexpr int kProtocol = 1;

// A string value may be 16 KiB, and six times that when every character is escaped.
inline constexpr std::size_t kLineBytesMax = 128 << 10;
inline constexpr int kDepthMax = 4;              // Nested arrays and objects in a line.
inline constexpr std::size_t kItemsMax = 1'000;  // Of a list in one line.
inline constexpr std::size_t kTextBytesMax = 512;

// What a program says. Paths are as the program writes them: below the instance's thing.
struct Ready {};
struct Define {
  // `path` is left empty; the paths stand beside.
  struct Item {
    std::string path;
    model::PropertyDef def;
  };
  std::vector<Item> items;
};
struct Report {
  struct Item {
    std::string path;
    nlohmann::json value;  // See ToValue.
    model::Quality quality = model::Quality::kGood;
    std::optional<WallTime> time;
  };
  std::vector<Item> items;
};
struct Bad {
  std::vector<std::string> paths;
};
struct Remove {
  std::vector<std::string> paths;
};
struct ReadDone {
  std::string error;  // Empty for a success.
};
struct WriteDone {
  std::uint64_t id = 0;
  nlohmann::json value;  // As read back; null when it was not.
  std::string error;     // Empty for a success.
  bool retry = false;    // The error is for now only.
};
struct Log {
  std::string text;
};
struct Complaint {
  std::string text;
};
using Message =
    std::variant<Ready, Define, Report, Bad, Remove, ReadDone, WriteDone, Log, Complaint>;

// kInvalid says what is wrong with the line, in UTF-8 whatever the line holds.
Result<Message> ParseLine(std::string_view line);

// The value as a property of `type` takes it: whole numbers for doubles, "0x01ff" for bytes.
// kInvalid says what would be taken.
Result<model::Value> ToValue(const nlohmann::json& json, model::ValueType type);

// A program's words as they may stand in a log, a status and a terminal: UTF-8 without control
// characters, at most `bytes_max`.
std::string Words(std::string_view text, std::size_t bytes_max);
// The beginning of such words, in quotes.
std::string Shown(std::string_view text);
std::string ShownJson(const nlohmann::json& node);

// What the agent says; each ends with its line's end.
struct Hello {
  std::string instance;
  std::string thing;
  std::optional<std::chrono::milliseconds> period;
  const ConfigNode* options = nullptr;  // A table, or null for none.
};
std::string HelloLine(const Hello& hello);
std::string ReadLine();
std::string WriteLine(std::uint64_t id, std::string_view path, const model::Value& value);
std::string StopLine();

}  // namespace edgetwin::exec

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// An mqtt instance's options. README.md describes each.

#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/mqtt/connection.h"
#include "drivers/mqtt/topic_pattern.h"
#include "drivers/sdk/driver.h"
#include "drivers/sdk/extract/extraction.h"
#include "drivers/sdk/time_text.h"

namespace edgetwin::mqtt_driver {

inline constexpr std::size_t kSourcesMax = 100;       // An instance.
inline constexpr std::size_t kPropertiesMax = 1'000;  // As configured, and as defined.
inline constexpr std::string_view kValueMark = "{value}";

enum class Format { kJson, kText, kRaw, kSparkplug };

// How a property is written by a message of its own.
struct WriteOptions {
  std::string topic;  // May hold names of the source's topic.
  std::string body = std::string(kValueMark);
  bool retain = false;
};

struct PropertyOptions {
  std::string name;        // May hold names of the source's topic.
  model::PropertyDef def;  // Its path is the driver's to fill in.
  extract::Conversion conversion;
  // Of JSON and text; none: the whole payload. Of Sparkplug, a pointer into a data set or JSON.
  std::optional<extract::Place> place;
  std::string metric;                 // Of Sparkplug.
  std::optional<WriteOptions> write;  // Not of Sparkplug, where def.writable says it.
};

// Where values come from: messages that a pattern matches.
struct SourceOptions {
  Format format = Format::kJson;
  // What a message's topic must be; of Sparkplug: its "group/node" or "group/node/device".
  TopicPattern pattern;
  TopicPattern node;  // Of Sparkplug: the "group/node" of it.
  std::string topic;  // As configured, for people.
  bool retained = true;
  std::chrono::milliseconds stale_after{0};  // 0: never.
  std::optional<extract::PointerPlace> time;
  driver::TimeFormat time_format = driver::TimeFormat::kAuto;
  bool payload_time = true;  // Of Sparkplug.
  bool rebirth = false;      // Of Sparkplug.
  std::vector<PropertyOptions> properties;
};

struct MqttOptions {
  std::string thing;
  ConnectionOptions connection;
  std::chrono::milliseconds write_timeout{5'000};
  std::vector<SourceOptions> sources;
  std::vector<PropertyOptions> write_only;
};

// Every problem goes to `config.problems()`.
MqttOptions ReadMqttOptions(ConfigReader& config);

}  // namespace edgetwin::mqtt_driver

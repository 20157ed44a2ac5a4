// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Sparkplug B (Eclipse Sparkplug 3.0) topics and payloads. Pure; safe on any bytes.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "drivers/sdk/extract/extraction.h"
#include "drivers/sdk/extract/value.h"
#include "twin/base/limit.h"
#include "twin/base/result.h"
#include "twin/model/value.h"

namespace edgetwin::mqtt_driver {

inline constexpr std::size_t kMetricsMax = 10'000;   // In a payload, members of templates included.
inline constexpr std::size_t kTemplateDepthMax = 8;  // Templates in templates.
inline constexpr std::string_view kSparkplugNamespace = "spBv1.0";
inline constexpr std::string_view kRebirthMetric = "Node Control/Rebirth";

// "spBv1.0/group/TYPE/node" or "spBv1.0/group/TYPE/node/device"; chapter 4.
struct SparkplugTopic {
  enum class Type { kNodeBirth, kNodeData, kNodeDeath, kDeviceBirth, kDeviceData, kDeviceDeath };
  Type type = Type::kNodeData;
  std::string node;    // "group/node".
  std::string device;  // Empty: of the node itself.
};
// Nothing for what is another topic, commands and states included.
std::optional<SparkplugTopic> ParseSparkplugTopic(std::string_view topic);
// NCMD, or DCMD when there is a device.
std::string CommandTopic(std::string_view node, std::string_view device);

// Chapter 6.4.16; what a property can be made of.
enum class DataType : std::uint32_t {
  kUnknown = 0,
  kInt8 = 1,
  kInt16 = 2,
  kInt32 = 3,
  kInt64 = 4,
  kUInt8 = 5,
  kUInt16 = 6,
  kUInt32 = 7,
  kUInt64 = 8,
  kFloat = 9,
  kDouble = 10,
  kBoolean = 11,
  kString = 12,
  kDateTime = 13,
  kText = 14,
  kUuid = 15,
  kDataSet = 16,
  kBytes = 17,
  kFile = 18,
  kTemplate = 19,
};

// Chapter 6.4.8; data_set.h takes it apart.
struct DataSet {
  std::string bytes;
};
// Chapter 6.4.11. An instance's members are metrics of their own, right behind it; a definition's
// are left out: they are defaults, not values.
struct Template {
  std::string ref;  // Of an instance: its definition's name.
  std::string version;
  bool definition = false;
};

struct Metric {
  std::optional<std::string> name;
  std::optional<std::uint64_t> alias;
  std::optional<std::uint64_t> time_ms;
  std::optional<DataType> type;
  bool historical = false;
  bool null = false;
  std::optional<std::size_t> parent;  // Of a member: its instance, in the payload's metrics.
  // As it came: of integers, the bits. A monostate: nothing, or what this driver doesn't read.
  std::variant<std::monostate, std::uint32_t, std::uint64_t, float, double, bool, std::string,
               model::Bytes, DataSet, Template>
      value;
};

struct Payload {
  std::optional<std::uint64_t> time_ms;
  std::optional<std::uint64_t> seq;
  std::vector<Metric> metrics;
};

// How far payloads have come of what is taken.
struct PayloadLimits {
  Limit metrics{kMetricsMax};
  Limit depth{kTemplateDepthMax};
};

// kCorrupt for what is no payload, kExhausted for more than a limit.
Result<Payload> DecodePayload(std::string_view bytes, PayloadLimits& limits);
Result<Payload> DecodePayload(std::string_view bytes);

// The metric's value as a property of the conversion's type. `type`: as the birth told it; the
// metric's own goes before it. A data set is a string, its JSON.
Result<model::Value> ValueOf(const Metric& metric, DataType type,
                             const extract::Conversion& conversion);
// What stands in a data set's JSON, or in a text that is JSON, at `place`.
Result<model::Value> ValueAt(const Metric& metric, const extract::PointerPlace& place,
                             const extract::Conversion& conversion);
// Its type and what came, for people: "Int16 -300", "String 'on'".
std::string Shown(const Metric& metric, DataType type);
// Whole numbers come as bits; of a type's own width, whichever field the encoder has put them in:
// some write 32 unsigned bits as a long, as older versions of the specification wanted.
extract::Scalar WholeOf(std::uint64_t bits, bool is_long, DataType type);

// What a command writes to.
struct CommandTarget {
  struct Level {
    std::string name;
    Template instance;
  };
  std::string name;  // Within the innermost instance.
  DataType type = DataType::kUnknown;
  std::vector<Level> levels;  // The instances that it is a member of, the outermost first.
};
// A command's payload that writes `value` to `target`; of kUnknown as what is next to the value's
// own type. kInvalid for what the type can't hold.
Result<std::string> EncodeCommand(const CommandTarget& target, const model::Value& value,
                                  const extract::Conversion& conversion, std::uint64_t time_ms);
std::string EncodeRebirth(std::uint64_t time_ms);

}  // namespace edgetwin::mqtt_driver

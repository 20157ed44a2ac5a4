// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Hostile bytes as what others publish: Sparkplug payloads in a row, data sets, topics, patterns of
// an operator, JSON, text and raw bytes. None may crash or pass a limit; what becomes a value is
// one that a twin can hold. The first byte says what the input is.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "drivers/mqtt/data_set.h"
#include "drivers/mqtt/payload_decoder.h"
#include "drivers/mqtt/sparkplug_nodes.h"
#include "drivers/mqtt/sparkplug_payload.h"
#include "drivers/mqtt/topic_pattern.h"
#include "twin/base/check.h"
#include "twin/base/utf8.h"
#include "twin/model/path.h"

namespace edgetwin::mqtt_driver {
namespace {

using model::ValueType;

constexpr ValueType kTypes[] = {ValueType::kBool, ValueType::kInt, ValueType::kDouble,
                                ValueType::kString, ValueType::kBytes};

extract::Conversion As(ValueType type) {
  extract::Conversion conversion;
  conversion.type = type;
  conversion.scale = type == ValueType::kDouble ? 0.1 : 1;
  return conversion;
}

void CheckValue(const Result<model::Value>& value, ValueType type) {
  if (!value) {
    EDGETWIN_CHECK(Utf8ValidBytes(value.error().text) == value.error().text.size());
    return;
  }
  EDGETWIN_CHECK(value->type() == type && model::Holdable(*value));
  if (type == ValueType::kDouble) EDGETWIN_CHECK(std::isfinite(value->real()));
}

// What is read can be sent back, and is read as the same then.
void CheckCommand(const model::Value& value, const Metric& metric, DataType type) {
  const auto conversion = As(value.type());
  CommandTarget target{"m", metric.type.value_or(type), {}};
  if (metric.parent) target.levels.push_back({"t", {"T", "", false}});
  const auto bytes = EncodeCommand(target, value, conversion, 0);
  if (!bytes) return;
  const auto payload = DecodePayload(*bytes);
  EDGETWIN_CHECK(payload && payload->metrics.size() == target.levels.size() + 1);
  const auto again = ValueOf(payload->metrics.back(), DataType::kUnknown, conversion);
  EDGETWIN_CHECK(again.has_value());
  if (value.type() != ValueType::kDouble) EDGETWIN_CHECK(*again == value);
}

// A message each line but the first of its bytes, which is its kind.
void Messages(std::string_view input) {
  SparkplugNodes nodes({"a", "b", "t/a", "t/t/b"});
  using Type = SparkplugTopic::Type;
  while (!input.empty()) {
    const auto kind = static_cast<std::uint8_t>(input[0]);
    const std::size_t size = std::min<std::size_t>(input.size() - 1, kind >> 3U);
    const auto payload = DecodePayload(input.substr(1, size));
    input.remove_prefix(1 + size);
    if (!payload) continue;
    const auto type = static_cast<Type>(kind % 6);
    const NodeNews news = nodes.On({type, "G/N", type >= Type::kDeviceBirth ? "D" : ""}, *payload);
    for (const Reading& reading : news.readings) {
      EDGETWIN_CHECK(reading.name.ends_with('a') || reading.name.ends_with('b'));
      (void)nodes.TargetOf("G/N", "", reading.name);
      for (const ValueType as : kTypes) {
        const auto value = ValueOf(*reading.metric, reading.type, As(as));
        CheckValue(value, as);
        if (value) CheckCommand(*value, *reading.metric, reading.type);
      }
    }
    for (const LimitReport& limit : nodes.limits()) {
      EDGETWIN_CHECK(limit.max == 0 || limit.used <= limit.max);
    }
  }
}

void Metrics(std::string_view bytes) {
  PayloadLimits limits;
  const auto payload = DecodePayload(bytes, limits);
  const bool refused = !payload && payload.error().code == ErrorCode::kExhausted;
  EDGETWIN_CHECK(limits.metrics.hits() + limits.depth.hits() == (refused ? 1 : 0));
  if (!payload) return;
  EDGETWIN_CHECK(payload->metrics.size() <= kMetricsMax);
  const extract::PointerPlace place{*extract::ParsePointer("/0/a"), "/0/a"};
  for (std::size_t i = 0; i < payload->metrics.size(); ++i) {
    const Metric& metric = payload->metrics[i];
    std::size_t depth = 0;
    for (auto up = metric.parent; up; up = payload->metrics[*up].parent) {
      EDGETWIN_CHECK(*up < i && ++depth <= kTemplateDepthMax);
    }
    for (const ValueType as : kTypes) {
      CheckValue(ValueOf(metric, DataType::kUnknown, As(as)), as);
      CheckValue(ValueAt(metric, place, As(as)), as);
    }
  }
}

// What is taken is JSON.
void DataSets(std::string_view bytes) {
  const auto json = DataSetJson(bytes);
  if (!json) return;
  EDGETWIN_CHECK(json->size() <= kDataSetJsonBytesMax + 1);
  extract::JsonPicker picker;
  picker.Add({}, "");
  EDGETWIN_CHECK(picker.Pick(*json).has_value());
}

// A pattern in the first line, a topic behind it.
void Topics(std::string_view text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view topic = text.substr(std::min(end + 1, text.size()));
  if (const auto sparkplug = ParseSparkplugTopic(topic)) {
    EDGETWIN_CHECK(sparkplug->node.find('/') != std::string::npos);
  }
  (void)NamesIn(text);
  const auto pattern = TopicPattern::Parse(text.substr(0, end));
  if (!pattern) return;
  const auto plain = TopicPattern::Parse(pattern->filter());
  EDGETWIN_CHECK(plain.has_value() && plain->names().empty());
  const auto captures = pattern->Captured(topic);
  if (!captures) return;
  EDGETWIN_CHECK(captures->size() == pattern->names().size() && plain->Matches(topic));
  for (const std::string& one : *captures) EDGETWIN_CHECK(model::CheckSegment(one).has_value());
  for (const std::string& name : pattern->names()) {
    (void)Expanded("x{" + name + "}", pattern->names(), *captures);
  }
}

SourceOptions SourceOf(Format format) {
  SourceOptions source;
  source.format = format;
  source.time = extract::PointerPlace{*extract::ParsePointer("/t"), "/t"};
  for (const ValueType type : kTypes) {
    if ((type == ValueType::kBytes) != (format == Format::kRaw)) continue;
    PropertyOptions property;
    property.name = "x";
    property.conversion = As(type);
    if (format == Format::kJson) {
      property.place = extract::PointerPlace{*extract::ParsePointer("/a"), "/a"};
    }
    source.properties.push_back(property);
    if (format != Format::kText) continue;
    property.place = *extract::Pattern::Compile("a=([^;]*);");
    source.properties.push_back(property);
  }
  return source;
}

void Payloads(Format format, std::string_view bytes) {
  const SourceOptions source = SourceOf(format);
  const PayloadDecoder decoder(source);
  const auto values = decoder.Values(bytes);
  EDGETWIN_CHECK(values.size() == source.properties.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    CheckValue(values[i], source.properties[i].conversion.type);
    if (!values[i]) continue;
    PropertyOptions property = source.properties[i];
    property.write = WriteOptions();
    EDGETWIN_CHECK(MessageFor(property, format, *values[i]).has_value());
  }
  (void)decoder.Time(bytes);
}

}  // namespace
}  // namespace edgetwin::mqtt_driver

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace edgetwin::mqtt_driver;  // NOLINT: this file is about nothing else.
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 7) {
    case 0: Messages(input); break;
    case 1: Metrics(input); break;
    case 2: Topics(input); break;
    case 3: Payloads(Format::kJson, input); break;
    case 4: Payloads(Format::kText, input); break;
    case 6: DataSets(input); break;
    default: Payloads(Format::kRaw, input);
  }
  return 0;
}

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/mqtt/sparkplug_payload.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "drivers/mqtt/data_set.h"
#include "drivers/sdk/extract/json_picker.h"
#include "sparkplug.pb.h"

namespace edgetwin::mqtt_driver {
namespace {

using extract::Scalar;
using model::Value;
using model::ValueType;

// Counts a payload's metrics and how deep they stand, before they are made: a metric of two bytes
// takes two hundred in memory.
class Census {
 public:
  explicit Census(PayloadLimits& limits) : limits_(limits) {}

  // What is no payload is counted as far as it goes; the parser refuses it.
  Status Count(std::string_view bytes) {
    CodedInputStream input(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                           static_cast<int>(bytes.size()));
    Status status = Metrics(input, 0);
    limits_.metrics.Use(std::min(metrics_, kMetricsMax));
    limits_.depth.Use(std::min(depth_, kTemplateDepthMax));
    return status;
  }

 private:
  using CodedInputStream = google::protobuf::io::CodedInputStream;
  using WireFormatLite = google::protobuf::internal::WireFormatLite;

  // Calls `inner` inside of each message that is the field `number`.
  template <class Inner>
  static Status Each(CodedInputStream& input, int number, Inner inner) {
    while (const std::uint32_t tag = input.ReadTag()) {
      const bool wanted =
          WireFormatLite::GetTagFieldNumber(tag) == number &&
          WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
      int size = 0;
      if (!wanted) {
        if (!WireFormatLite::SkipField(&input, tag)) return {};
        continue;
      }
      if (!input.ReadVarintSizeAsInt(&size)) return {};
      const auto outer = input.PushLimit(size);
      if (Status status = inner(); !status) return status;
      if (input.BytesUntilLimit() > 0 && !input.Skip(input.BytesUntilLimit())) return {};
      input.PopLimit(outer);
    }
    return {};
  }

  Status Metrics(CodedInputStream& input, std::size_t depth) {
    constexpr int kMetrics = sparkplug::Payload::kMetricsFieldNumber;
    static_assert(kMetrics == int{sparkplug::Template::kMetricsFieldNumber});
    return Each(input, kMetrics, [&]() -> Status {
      if (++metrics_ > kMetricsMax) {
        limits_.metrics.Hit();
        return Exhausted("the payload has more than " + std::to_string(kMetricsMax) + " metrics");
      }
      return Each(input, sparkplug::Metric::kTemplateValueFieldNumber, [&]() -> Status {
        depth_ = std::max(depth_, depth + 1);
        if (depth == kTemplateDepthMax) {
          limits_.depth.Hit();
          return Exhausted("the payload has templates in each other, more than " +
                           std::to_string(kTemplateDepthMax) + " deep");
        }
        return Metrics(input, depth + 1);
      });
    });
  }

  PayloadLimits& limits_;
  std::size_t metrics_ = 0;
  std::size_t depth_ = 0;
};

Metric Taken(sparkplug::Metric& from) {
  using Case = sparkplug::Metric::ValueCase;
  Metric metric;
  if (from.has_name()) metric.name = std::move(*from.mutable_name());
  if (from.has_alias()) metric.alias = from.alias();
  if (from.has_timestamp()) metric.time_ms = from.timestamp();
  if (from.has_datatype()) metric.type = static_cast<DataType>(from.datatype());
  metric.historical = from.is_historical();
  metric.null = from.is_null();
  switch (from.value_case()) {
    case Case::kIntValue: metric.value = from.int_value(); break;
    case Case::kLongValue: metric.value = from.long_value(); break;
    case Case::kFloatValue: metric.value = from.float_value(); break;
    case Case::kDoubleValue: metric.value = from.double_value(); break;
    case Case::kBooleanValue: metric.value = from.boolean_value(); break;
    case Case::kStringValue: metric.value = std::move(*from.mutable_string_value()); break;
    case Case::kBytesValue:
      metric.value = model::Bytes{std::move(*from.mutable_bytes_value())};
      break;
    case Case::kDatasetValue:
      metric.value = DataSet{std::move(*from.mutable_dataset_value())};
      break;
    case Case::kTemplateValue: {
      sparkplug::Template& own = *from.mutable_template_value();
      metric.value = Template{std::move(*own.mutable_template_ref()),
                              std::move(*own.mutable_version()), own.is_definition()};
      break;
    }
    case Case::VALUE_NOT_SET: break;
  }
  return metric;
}

// Members right behind their instance. No deeper than the census has seen.
void TakeAll(google::protobuf::RepeatedPtrField<sparkplug::Metric>& from,
             std::optional<std::size_t> parent, std::vector<Metric>& metrics) {
  for (sparkplug::Metric& metric : from) {
    const std::size_t index = metrics.size();
    metrics.push_back(Taken(metric));
    metrics.back().parent = parent;
    if (!metric.has_template_value() || metric.template_value().is_definition()) continue;
    TakeAll(*metric.mutable_template_value()->mutable_metrics(), index, metrics);
  }
}

bool IsWhole(DataType type) {
  return (type >= DataType::kInt8 && type <= DataType::kUInt64) || type == DataType::kDateTime;
}

// The least and the greatest that a whole type holds, as doubles: the greatest of 64 bits is one
// above what fits.
std::pair<double, double> RangeOf(DataType type) {
  switch (type) {
    case DataType::kInt8: return {-128.0, 127.0};
    case DataType::kInt16: return {-32'768.0, 32'767.0};
    case DataType::kInt32: return {-2'147'483'648.0, 2'147'483'647.0};
    case DataType::kUInt8: return {0.0, 255.0};
    case DataType::kUInt16: return {0.0, 65'535.0};
    case DataType::kUInt32: return {0.0, 4'294'967'295.0};
    case DataType::kInt64: return {-9'223'372'036'854'774'784.0, 9'223'372'036'854'774'784.0};
    default: return {0.0, 9'223'372'036'854'774'784.0};
  }
}

Error CannotHold(DataType type, const Value& value) {
  return Invalid(extract::Shown(Format(value)) + " is nothing that the metric's type " +
                 std::to_string(static_cast<std::uint32_t>(type)) + " can hold");
}

DataType NextTo(ValueType type) {
  switch (type) {
    case ValueType::kBool: return DataType::kBoolean;
    case ValueType::kInt: return DataType::kInt64;
    case ValueType::kDouble: return DataType::kDouble;
    case ValueType::kBytes: return DataType::kBytes;
    default: return DataType::kString;
  }
}

Status SetWhole(const Value& value, DataType type, sparkplug::Metric& metric) {
  std::int64_t whole = 0;
  if (value.type() == ValueType::kInt) {
    whole = value.integer();
    const auto [least, most] = RangeOf(type);
    const bool is_64 =
        type == DataType::kInt64 || type == DataType::kUInt64 || type == DataType::kDateTime;
    if (type != DataType::kInt64 && static_cast<double>(whole) < least) {
      return CannotHold(type, value);
    }
    if (!is_64 && static_cast<double>(whole) > most) return CannotHold(type, value);
  } else {
    const auto [least, most] = RangeOf(type);
    const double real = value.real();
    if (real != std::nearbyint(real) || real < least || real > most) {
      return CannotHold(type, value);
    }
    whole = static_cast<std::int64_t>(real);
  }
  if (type == DataType::kInt64 || type == DataType::kUInt64 || type == DataType::kDateTime) {
    metric.set_long_value(static_cast<std::uint64_t>(whole));
  } else {
    metric.set_int_value(static_cast<std::uint32_t>(whole));
  }
  return {};
}

Status Set(const Value& value, DataType type, sparkplug::Metric& metric) {
  const bool number = value.type() == ValueType::kInt || value.type() == ValueType::kDouble;
  const double real = value.AsNumber().value_or(0);
  if (IsWhole(type) && number) return SetWhole(value, type, metric);
  if (type == DataType::kDouble && number) {
    metric.set_double_value(real);
  } else if (type == DataType::kFloat && number &&
             std::abs(real) <= std::numeric_limits<float>::max()) {
    metric.set_float_value(static_cast<float>(real));
  } else if (type == DataType::kBoolean && value.type() == ValueType::kBool) {
    metric.set_boolean_value(value.boolean());
  } else if ((type == DataType::kString || type == DataType::kText || type == DataType::kUuid) &&
             value.type() == ValueType::kString) {
    metric.set_string_value(value.text());
  } else if ((type == DataType::kBytes || type == DataType::kFile) &&
             value.type() == ValueType::kBytes) {
    metric.set_bytes_value(value.bytes().data);
  } else {
    return CannotHold(type, value);
  }
  return {};
}

// The whole of it.
Result<Value> TextOf(const DataSet& set, const extract::Conversion& conversion) {
  if (conversion.type != ValueType::kString) {
    return Invalid(
        "is a data set, which is a string of JSON, or has a value where a 'pointer' says");
  }
  Result<std::string> json = DataSetJson(set.bytes);
  if (!json) return json.error();
  if (json->size() > model::kValueBytesMax) {
    return Invalid("is a data set of " + std::to_string(json->size()) +
                   " bytes of JSON, more than a twin can hold; a 'pointer' picks one value");
  }
  return Value(*std::move(json));
}

}  // namespace

Scalar WholeOf(std::uint64_t bits, bool is_long, DataType type) {
  switch (type) {
    case DataType::kInt8: return std::int64_t{static_cast<std::int8_t>(bits)};
    case DataType::kInt16: return std::int64_t{static_cast<std::int16_t>(bits)};
    case DataType::kInt32: return std::int64_t{static_cast<std::int32_t>(bits)};
    case DataType::kUInt8: return std::int64_t{static_cast<std::uint8_t>(bits)};
    case DataType::kUInt16: return std::int64_t{static_cast<std::uint16_t>(bits)};
    case DataType::kUInt32: return std::int64_t{static_cast<std::uint32_t>(bits)};
    case DataType::kUInt64:
    case DataType::kDateTime:
      if (bits > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return bits;
      return static_cast<std::int64_t>(bits);
    case DataType::kBoolean: return bits != 0;
    default:
      // No type is known: signed ones are more common.
      if (!is_long) return std::int64_t{static_cast<std::int32_t>(bits)};
      return static_cast<std::int64_t>(bits);
  }
}

std::optional<SparkplugTopic> ParseSparkplugTopic(std::string_view topic) {
  std::array<std::string_view, 5> levels;
  std::size_t count = 0;
  for (std::size_t at = 0; at <= topic.size(); ++count) {
    if (count == levels.size()) return {};
    const std::size_t end = std::min(topic.find('/', at), topic.size());
    levels.at(count) = topic.substr(at, end - at);
    if (levels.at(count).empty()) return {};
    at = end + 1;
  }
  if (count < 4 || levels[0] != kSparkplugNamespace) return {};
  using Type = SparkplugTopic::Type;
  static constexpr std::array<std::pair<std::string_view, Type>, 6> kTypes = {
      {{"NBIRTH", Type::kNodeBirth},
       {"NDATA", Type::kNodeData},
       {"NDEATH", Type::kNodeDeath},
       {"DBIRTH", Type::kDeviceBirth},
       {"DDATA", Type::kDeviceData},
       {"DDEATH", Type::kDeviceDeath}}};
  for (const auto& [name, type] : kTypes) {
    if (name != levels[2]) continue;
    const bool of_device = type >= Type::kDeviceBirth;
    if (of_device != (count == 5)) return {};
    return SparkplugTopic{type, std::string(levels[1]) + "/" + std::string(levels[3]),
                          of_device ? std::string(levels[4]) : std::string()};
  }
  return {};
}

std::string CommandTopic(std::string_view node, std::string_view device) {
  const std::size_t slash = node.find('/');
  std::string topic = std::string(kSparkplugNamespace) + "/" + std::string(node.substr(0, slash)) +
                      (device.empty() ? "/NCMD/" : "/DCMD/") + std::string(node.substr(slash + 1));
  if (!device.empty()) topic += "/" + std::string(device);
  return topic;
}

Result<Payload> DecodePayload(std::string_view bytes, PayloadLimits& limits) {
  if (Status fits = Census(limits).Count(bytes); !fits) return fits.error();
  sparkplug::Payload from;
  if (!from.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Corrupt("no Sparkplug payload in " + std::to_string(bytes.size()) + " bytes");
  }
  Payload payload;
  if (from.has_timestamp()) payload.time_ms = from.timestamp();
  if (from.has_seq()) payload.seq = from.seq();
  payload.metrics.reserve(static_cast<std::size_t>(from.metrics_size()));
  TakeAll(*from.mutable_metrics(), {}, payload.metrics);
  return payload;
}

Result<Payload> DecodePayload(std::string_view bytes) {
  PayloadLimits limits;
  return DecodePayload(bytes, limits);
}

Result<Value> ValueOf(const Metric& metric, DataType type, const extract::Conversion& conversion) {
  type = metric.type.value_or(type);
  Scalar scalar;
  if (const auto* bits = std::get_if<std::uint32_t>(&metric.value)) {
    scalar = WholeOf(*bits, false, type);
  } else if (const auto* longer = std::get_if<std::uint64_t>(&metric.value)) {
    scalar = WholeOf(*longer, true, type);
  } else if (const auto* single = std::get_if<float>(&metric.value)) {
    scalar = static_cast<double>(*single);
  } else if (const auto* real = std::get_if<double>(&metric.value)) {
    scalar = *real;
  } else if (const auto* flag = std::get_if<bool>(&metric.value)) {
    scalar = *flag;
  } else if (const auto* text = std::get_if<std::string>(&metric.value)) {
    scalar = *text;
  } else if (const auto* bytes = std::get_if<model::Bytes>(&metric.value)) {
    Value value(*bytes);
    if (conversion.type == ValueType::kBytes && model::Holdable(value)) return value;
    return Invalid("is " + std::to_string(bytes->data.size()) + " bytes, not a " +
                   std::string(ToString(conversion.type)) + " that a twin can hold");
  } else if (const auto* set = std::get_if<DataSet>(&metric.value)) {
    return TextOf(*set, conversion);
  } else if (std::holds_alternative<Template>(metric.value)) {
    return Invalid("is a template, whose members are metrics: '<its name>/<member>'");
  } else {
    return Invalid("has no value, or one of type " +
                   std::to_string(static_cast<std::uint32_t>(type)) +
                   ", which no property can have");
  }
  return ToValue(scalar, conversion);
}

std::string Shown(const Metric& metric, DataType type) {
  // As chapter 6.4.16 calls them.
  static constexpr std::array<std::string_view, 20> kNames = {
      "Unknown", "Int8",   "Int16",   "Int32",  "Int64",   "UInt8",   "UInt16",
      "UInt32",  "UInt64", "Float",   "Double", "Boolean", "String",  "DateTime",
      "Text",    "UUID",   "DataSet", "Bytes",  "File",    "Template"};
  type = metric.type.value_or(type);
  const auto number = static_cast<std::size_t>(type);
  std::string shown =
      number < kNames.size() ? std::string(kNames.at(number)) : "type " + std::to_string(number);
  if (metric.null) return shown + " null";
  const auto whole = [&](std::uint64_t bits, bool is_long) {
    return extract::ShownScalar(WholeOf(bits, is_long, type));
  };
  const auto size = [](const std::string& bytes) {
    return std::to_string(bytes.size()) + " bytes";
  };
  return shown + " " +
         std::visit(
             [&](const auto& value) -> std::string {
               using T = std::decay_t<decltype(value)>;
               if constexpr (std::is_same_v<T, std::uint32_t>) return whole(value, false);
               if constexpr (std::is_same_v<T, std::uint64_t>) return whole(value, true);
               if constexpr (std::is_same_v<T, float>) return extract::ShownScalar(double{value});
               if constexpr (std::is_same_v<T, model::Bytes>) return "of " + size(value.data);
               if constexpr (std::is_same_v<T, DataSet>) return "of " + size(value.bytes);
               if constexpr (std::is_same_v<T, Template>) return extract::Shown(value.ref);
               if constexpr (std::is_same_v<T, double> || std::is_same_v<T, bool> ||
                             std::is_same_v<T, std::string>) {
                 return extract::ShownScalar(value);
               }
               return "without a value";
             },
             metric.value);
}

Result<Value> ValueAt(const Metric& metric, const extract::PointerPlace& place,
                      const extract::Conversion& conversion) {
  const auto* text = std::get_if<std::string>(&metric.value);
  const auto* set = std::get_if<DataSet>(&metric.value);
  if (text == nullptr && set == nullptr) {
    return Invalid("is neither a data set nor a text, where a pointer could point to something");
  }
  Result<std::string> json = text != nullptr ? *text : DataSetJson(set->bytes);
  if (!json) return json.error();
  extract::JsonPicker picker;
  picker.Add(place.pointer, place.text);
  const auto picked = picker.Pick(*json);
  if (!picked) return picked.error();
  const Result<Scalar>& scalar = picked->front();
  if (!scalar) return scalar.error();
  return ToValue(*scalar, conversion);
}

Result<std::string> EncodeCommand(const CommandTarget& target, const Value& value,
                                  const extract::Conversion& conversion, std::uint64_t time_ms) {
  const Result<Value> raw = ToRaw(value, conversion);
  if (!raw) return raw.error();
  const DataType type = target.type == DataType::kUnknown ? NextTo(raw->type()) : target.type;
  sparkplug::Payload payload;
  payload.set_timestamp(time_ms);
  sparkplug::Metric* metric = payload.add_metrics();
  const auto name = [&](const std::string& own, DataType own_type) {
    metric->set_name(own);
    metric->set_timestamp(time_ms);
    metric->set_datatype(static_cast<std::uint32_t>(own_type));
  };
  for (const CommandTarget::Level& level : target.levels) {
    name(level.name, DataType::kTemplate);
    sparkplug::Template& instance = *metric->mutable_template_value();
    if (!level.instance.version.empty()) instance.set_version(level.instance.version);
    instance.set_template_ref(level.instance.ref);
    instance.set_is_definition(false);
    metric = instance.add_metrics();
  }
  name(target.name, type);
  if (Status set = Set(*raw, type, *metric); !set) return set.error();
  return payload.SerializeAsString();
}

std::string EncodeRebirth(std::uint64_t time_ms) {
  sparkplug::Payload payload;
  payload.set_timestamp(time_ms);
  sparkplug::Metric& metric = *payload.add_metrics();
  metric.set_name(std::string(kRebirthMetric));
  metric.set_timestamp(time_ms);
  metric.set_datatype(static_cast<std::uint32_t>(DataType::kBoolean));
  metric.set_boolean_value(true);
  return payload.SerializeAsString();
}

}  // namespace edgetwin::mqtt_driver

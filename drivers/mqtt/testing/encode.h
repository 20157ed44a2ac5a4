// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Payloads as an edge node makes them, for tests.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "drivers/mqtt/sparkplug_payload.h"
#include "sparkplug.pb.h"

namespace edgetwin::mqtt_driver {

template <class T>
Metric Named(std::string name, DataType type, T value, std::optional<std::uint64_t> alias = {}) {
  Metric metric;
  metric.name = std::move(name);
  metric.alias = alias;
  metric.type = type;
  metric.value = std::move(value);
  return metric;
}
template <class T>
Metric Aliased(std::uint64_t alias, T value) {
  Metric metric;
  metric.alias = alias;
  metric.value = std::move(value);
  return metric;
}
inline Metric Life(std::uint64_t number) {
  return Named("bdSeq", DataType::kInt64, number);
}
inline Payload Numbered(std::optional<std::uint64_t> seq, std::vector<Metric> metrics) {
  Payload payload;
  payload.seq = seq;
  payload.metrics = std::move(metrics);
  return payload;
}

inline std::string Encode(const Payload& payload) {
  sparkplug::Payload to;
  if (payload.time_ms) to.set_timestamp(*payload.time_ms);
  if (payload.seq) to.set_seq(*payload.seq);
  for (const Metric& metric : payload.metrics) {
    sparkplug::Metric& out = *to.add_metrics();
    if (metric.name) out.set_name(*metric.name);
    if (metric.alias) out.set_alias(*metric.alias);
    if (metric.time_ms) out.set_timestamp(*metric.time_ms);
    if (metric.type) out.set_datatype(static_cast<std::uint32_t>(*metric.type));
    if (metric.historical) out.set_is_historical(true);
    if (metric.null) out.set_is_null(true);
    std::visit(
        [&out](const auto& value) {
          using T = std::decay_t<decltype(value)>;
          if constexpr (std::is_same_v<T, std::uint32_t>) out.set_int_value(value);
          if constexpr (std::is_same_v<T, std::uint64_t>) out.set_long_value(value);
          if constexpr (std::is_same_v<T, float>) out.set_float_value(value);
          if constexpr (std::is_same_v<T, double>) out.set_double_value(value);
          if constexpr (std::is_same_v<T, bool>) out.set_boolean_value(value);
          if constexpr (std::is_same_v<T, std::string>) out.set_string_value(value);
          if constexpr (std::is_same_v<T, model::Bytes>) out.set_bytes_value(value.data);
        },
        metric.value);
  }
  return to.SerializeAsString();
}

}  // namespace edgetwin::mqtt_driver

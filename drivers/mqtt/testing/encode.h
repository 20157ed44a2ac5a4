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
inline Metric Instance(std::string name, std::string ref, std::optional<std::uint64_t> alias = {}) {
  return Named(std::move(name), DataType::kTemplate, Template{std::move(ref), "1", false}, alias);
}
// `metric` as a member of the payload's metric `parent`.
inline Metric In(std::size_t parent, Metric metric) {
  metric.parent = parent;
  return metric;
}
inline Payload Numbered(std::optional<std::uint64_t> seq, std::vector<Metric> metrics) {
  Payload payload;
  payload.seq = seq;
  payload.metrics = std::move(metrics);
  return payload;
}

// A table with a column of each type, without rows yet.
inline sparkplug::DataSet TableOf(const std::vector<std::pair<std::string, DataType>>& columns) {
  sparkplug::DataSet set;
  set.set_num_of_columns(columns.size());
  for (const auto& [name, type] : columns) {
    set.add_columns(name);
    set.add_types(static_cast<std::uint32_t>(type));
  }
  return set;
}

inline std::string Encode(const Payload& payload) {
  sparkplug::Payload to;
  if (payload.time_ms) to.set_timestamp(*payload.time_ms);
  if (payload.seq) to.set_seq(*payload.seq);
  std::vector<sparkplug::Metric*> made;
  for (const Metric& metric : payload.metrics) {
    sparkplug::Metric& out = metric.parent
                                 ? *made.at(*metric.parent)->mutable_template_value()->add_metrics()
                                 : *to.add_metrics();
    made.push_back(&out);
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
          if constexpr (std::is_same_v<T, DataSet>) out.set_dataset_value(value.bytes);
          if constexpr (std::is_same_v<T, Template>) {
            sparkplug::Template& own = *out.mutable_template_value();
            own.set_template_ref(value.ref);
            own.set_version(value.version);
            own.set_is_definition(value.definition);
          }
        },
        metric.value);
  }
  return to.SerializeAsString();
}

}  // namespace edgetwin::mqtt_driver

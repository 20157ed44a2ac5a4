// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/api/drivers.h"

#include <utility>

namespace edgetwin::api {
namespace {

Json PartJson(const driver::PartStatus& part) {
  return {{"name", part.name},
          {"state", part.state},
          {"last_error", part.last_error.empty() ? Json(nullptr) : Json(part.last_error)},
          {"next_try_ms", part.next_try.count()}};
}

}  // namespace

Json InstanceJson(const runtime::InstanceStatus& instance) {
  Json parts = Json::array();
  for (const driver::PartStatus& part : instance.parts) parts.push_back(PartJson(part));
  Json errors = Json::object();
  for (const auto& [code, count] : instance.errors) errors[code] = count;
  Json limits = Json::array();
  for (const LimitReport& limit : instance.limits) limits.push_back(LimitJson(limit));
  return {{"name", instance.name},
          {"kind", instance.kind},
          {"state", instance.state},
          {"last_error", instance.last_error.empty() ? Json(nullptr) : Json(instance.last_error)},
          {"last_error_time", TimeJson(instance.last_error_time)},
          {"next_try_ms", instance.next_try.count()},
          {"properties", instance.properties},
          {"polls", instance.polls},
          {"samples", instance.samples},
          {"errors", std::move(errors)},
          {"latency_p50_us", instance.latency_p50.count()},
          {"latency_p99_us", instance.latency_p99.count()},
          {"parts", std::move(parts)},
          {"limits", std::move(limits)}};
}

Json DriversJson(const View& view) {
  Json list = Json::array();
  for (const runtime::InstanceStatus& instance : view.agent->supervisor().status()) {
    list.push_back(InstanceJson(instance));
  }
  return {{"drivers", std::move(list)}};
}

}  // namespace edgetwin::api

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What a message of JSON, text or raw bytes says of its source's properties. Pure; safe on any
// bytes.

#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "drivers/mqtt/mqtt_options.h"
#include "drivers/sdk/extract/extraction.h"
#include "drivers/sdk/extract/json_picker.h"

namespace edgetwin::mqtt_driver {

class PayloadDecoder {
 public:
  // `source` must outlive the decoder; it is not of Sparkplug.
  explicit PayloadDecoder(const SourceOptions& source);

  // One result a property of the source, in their order.
  std::vector<Result<model::Value>> Values(std::string_view payload) const;
  // What stands at their places, for people; empty where nothing does.
  std::vector<std::string> Raw(std::string_view payload) const;
  // When the values were sampled, as the message says it; nothing where it isn't asked.
  Result<std::optional<WallTime>> Time(std::string_view payload) const;

 private:
  const SourceOptions& source_;
  extract::Extraction extraction_;  // Of the properties with a place, in their order.
  extract::JsonPicker time_;
};

// The bytes that write `value`: of JSON, text or raw bytes, by the property's template.
Result<std::string> MessageFor(const PropertyOptions& property, Format format,
                               const model::Value& value);

}  // namespace edgetwin::mqtt_driver

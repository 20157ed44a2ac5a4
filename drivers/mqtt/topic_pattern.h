// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Topic filters (MQTT 5, 4.7) whose levels may have names: "zigbee/{room}/climate" is subscribed to
// as "zigbee/+/climate". Pure; safe on any bytes.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "twin/base/result.h"

namespace edgetwin::mqtt_driver {

inline constexpr std::size_t kTopicBytesMax = 1'024;  // Of filters, and of topics that are taken.

// What stood where a pattern has names, in the pattern's order; each fits a segment of a path.
using Captures = std::vector<std::string>;

class TopicPattern {
 public:
  // kInvalid for what is no filter, or has a name twice or one that isn't of a-z, 0-9 and '_'.
  static Result<TopicPattern> Parse(std::string_view text);

  // As it is subscribed to: names are '+'.
  const std::string& filter() const { return filter_; }
  const std::vector<std::string>& names() const { return names_; }
  // Whether it is one topic: no wildcard and no name.
  bool exact() const;

  bool Matches(std::string_view topic) const { return Captured(topic).has_value(); }
  // Nothing when the topic isn't the pattern's, or has what fits no path where a name stands.
  std::optional<Captures> Captured(std::string_view topic) const;

 private:
  std::string filter_;
  std::vector<std::string> levels_;  // "+", "#", "{name}", or the level itself.
  std::vector<std::string> names_;
};

// The names between braces in `text`; kInvalid for a brace without its other.
Result<std::vector<std::string>> NamesIn(std::string_view text);

// `text` with each "{name}" replaced by what was captured for it. All of its names are in `names`.
std::string Expanded(std::string_view text, const std::vector<std::string>& names,
                     const Captures& captures);

// kInvalid unless messages may be published to `topic`.
Status CheckTopic(std::string_view topic);

}  // namespace edgetwin::mqtt_driver

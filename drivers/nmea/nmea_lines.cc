// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/nmea/nmea_lines.h"

#include <algorithm>

namespace edgetwin::nmea {

void Lines::Clear() {
  begun_.clear();
  skipping_ = false;
}

void Lines::Add(std::string_view bytes, const std::function<void(std::string_view)>& line) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find_first_of("\r\n");
    const std::string_view part = bytes.substr(0, end);
    if (!skipping_ && begun_.size() + part.size() > kLineBytesMax) {
      skipping_ = true;
      ++too_long_;
      begun_.clear();
    }
    if (!skipping_) begun_ += part;
    if (end == bytes.npos) return;
    bytes.remove_prefix(end + 1);
    longest_bytes_ = std::max(longest_bytes_, begun_.size());
    if (!skipping_ && !begun_.empty()) line(begun_);
    Clear();
  }
}

}  // namespace edgetwin::nmea

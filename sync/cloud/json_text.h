// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// JSON as text, written once from front to back: twins are large, and need no tree between them and the wire.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "twin/base/clock.h"

namespace edgetwin::cloud {

std::string JsonString(std::string_view text);
// "2026-09-21T12:00:00.250Z" in quotes; the number of milliseconds outside the years 0000 to 9999.
std::string JsonTime(WallTime time);
// 16 digits in quotes: JSON's readers lose the low bits of large numbers.
std::string JsonHex(std::uint64_t number);

class JsonObject {
 public:
  JsonObject& Raw(std::string_view key, std::string_view json);
  JsonObject& Text(std::string_view key, std::string_view text) {
    return Raw(key, JsonString(text));
  }
  JsonObject& Number(std::string_view key, std::uint64_t number) {
    return Raw(key, std::to_string(number));
  }
  JsonObject& Bool(std::string_view key, bool value) { return Raw(key, value ? "true" : "false"); }
  std::string Take() { return std::move(text_) + "}"; }

 private:
  std::string text_ = "{";
};

class JsonArray {
 public:
  void Raw(std::string_view json);
  std::string Take() { return std::move(text_) + "]"; }

 private:
  std::string text_ = "[";
};

}  // namespace edgetwin::cloud

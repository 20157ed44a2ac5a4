// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What one request's answer means for its properties. Pure; safe on any bytes.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "drivers/sdk/extract/json_picker.h"
#include "drivers/sdk/extract/pattern.h"
#include "drivers/sdk/extract/value.h"

namespace edgetwin::extract {

// Where in an answer a property stands.
struct PointerPlace {
  Pointer pointer;
  std::string text;  // As it is configured: "/a/b".
};
using Place = std::variant<PointerPlace, Pattern>;

class Extraction {
 public:
  // Errors of a place begin with `name`.
  void Add(std::string name, const Place& place, Conversion conversion);

  // One result an Add, in their order.
  std::vector<Result<model::Value>> From(std::string_view body) const;
  // What stands at their places, for people; empty where nothing does.
  std::vector<std::string> Raw(std::string_view body) const;

 private:
  struct Target {
    std::string name;
    std::variant<std::size_t, Pattern> place;  // What picker_.Add returned.
    Conversion conversion;
  };

  JsonPicker picker_;
  std::vector<Target> targets_;
};

}  // namespace edgetwin::extract

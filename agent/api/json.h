// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// JSON of the local API: values, times, and reading what a client sends.

#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "twin/base/clock.h"
#include "twin/base/limit.h"
#include "twin/base/result.h"
#include "twin/http/http_server.h"
#include "twin/model/row.h"
#include "twin/model/value.h"

namespace edgetwin::api {

// Keys stay in the order in which they are set.
using Json = nlohmann::ordered_json;

// One line. Strings that are not UTF-8 (file names, a peer's text) are shown with U+FFFD.
std::string Dump(const Json& json);

// A member of a document, null where there is none: another release's daemon may leave some out.
const Json& At(const Json& json, std::string_view key);
// Its text or number; `otherwise` where it has another type.
std::string TextAt(const Json& json, std::string_view key, std::string_view otherwise = "");
std::uint64_t NumberAt(const Json& json, std::string_view key);

// As model::ToJson.
Json ValueJson(const model::Value& value);
// The inverse, for a property of `type`: integers are taken for doubles. kInvalid says what would
// be.
Result<model::Value> ParseJsonValue(const Json& json, model::ValueType type);

// "2026-09-21T12:00:00.000Z"; null for none.
Json TimeJson(WallTime time);
// The inverse; nothing for what TimeJson doesn't write.
std::optional<WallTime> ParseTime(const Json& json);
// "00ff00ff00ff00ff": 64 bits survive no JSON parser that reads numbers as doubles.
std::string Hex(std::uint64_t bits);
// {"inc":"…","seq":N}
Json DotJson(const model::Dot& dot);
Json LimitJson(const LimitReport& limit);
inline Json MillisJson(std::chrono::milliseconds duration) {
  return duration.count();
}

http::Response JsonResponse(const Json& json, int status = 200);

}  // namespace edgetwin::api

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/replay/cell.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <string>

namespace edgetwin::replay {
namespace {

template <class T>
std::optional<T> ParseNumber(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  T value{};
  const char* end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || parsed != end) return std::nullopt;
  return value;
}

std::optional<bool> ParseBool(std::string_view text) {
  std::string lower(text.substr(0, 8));
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (lower == "1" || lower == "true" || lower == "yes" || lower == "on") return true;
  if (lower == "0" || lower == "false" || lower == "no" || lower == "off") return false;
  return std::nullopt;
}

// How many bytes the UTF-8 character at the front has; 0 when it isn't one (RFC 3629: no overlong
// forms, no surrogates).
std::size_t CharacterBytes(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = at(0);
  if (lead < 0x80) return 1;
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
  }
  if (lead == 0xe0 && at(1) < 0xa0) return 0;
  if (lead == 0xed && at(1) > 0x9f) return 0;
  if (lead == 0xf0 && at(1) < 0x90) return 0;
  if (lead == 0xf4 && at(1) > 0x8f) return 0;
  return size;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = CharacterBytes(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::optional<model::Value> Parse(std::string_view text, model::ValueType type) {
  if (type == model::ValueType::kDouble) {
    const std::optional<double> value = ParseNumber<double>(text);
    if (value && std::isfinite(*value)) return model::Value(*value);
  } else if (type == model::ValueType::kInt) {
    if (const auto value = ParseNumber<std::int64_t>(text)) return model::Value(*value);
  } else if (type == model::ValueType::kBool) {
    if (const std::optional<bool> value = ParseBool(text)) return model::Value(*value);
  } else if (text.size() <= model::kValueBytesMax && IsUtf8(text)) {
    return model::Value(std::string(text));
  }
  return std::nullopt;
}

}  // namespace

Result<model::Value> ParseCell(std::string_view text, model::ValueType type) {
  std::optional<model::Value> value = Parse(text, type);
  if (value) return std::move(*value);
  // What is wrong with a string can't be shown.
  if (type == model::ValueType::kString) {
    return Invalid(text.size() > model::kValueBytesMax
                       ? "a text of " + std::to_string(text.size()) + " bytes is too long"
                       : "the text is not UTF-8");
  }
  std::string shown(text.substr(0, 40));
  if (!IsUtf8(shown)) shown = "\\?";
  return Invalid("'" + shown + "' is no " + std::string(ToString(type)));
}

}  // namespace edgetwin::replay

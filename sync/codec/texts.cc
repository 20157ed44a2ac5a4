// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/codec/texts.h"

#include "sync/codec/utf8.h"

namespace edgetwin::sync {

Status CheckText(std::string_view what, std::string_view text, std::size_t bytes_max) {
  if (text.size() > bytes_max) {
    return Exhausted(std::string(what) + " of " + std::to_string(text.size()) +
                     " bytes is longer than " + std::to_string(bytes_max));
  }
  if (!IsUtf8(text)) return Invalid(std::string(what) + " is not UTF-8");
  return {};
}

std::string ForPeople(const std::string& text, std::size_t bytes_max) {
  return std::string(CutUtf8(text, bytes_max));
}

bool Fits(const model::Value& value) {
  switch (value.type()) {
    case model::ValueType::kString: return value.text().size() <= model::kValueBytesMax;
    case model::ValueType::kBytes: return value.bytes().data.size() <= model::kValueBytesMax;
    default: return true;
  }
}

}  // namespace edgetwin::sync

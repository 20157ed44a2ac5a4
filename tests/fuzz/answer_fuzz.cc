// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Hostile bytes as what an HTTP server answers: values are picked out of them by JSON pointers and
// by regular expressions. None may crash; what is refused is refused with words that a twin could
// hold. The first byte says what the input is: an answer to fixed places, an address, or a pointer
// or an expression of its own in the first line.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "drivers/http/url.h"
#include "drivers/sdk/extract/extraction.h"
#include "twin/base/check.h"
#include "twin/base/utf8.h"

namespace edgetwin::extract {
namespace {

constexpr model::ValueType kTypes[] = {model::ValueType::kBool, model::ValueType::kInt,
                                       model::ValueType::kDouble, model::ValueType::kString};

void CheckWords(const std::string& text) {
  EDGETWIN_CHECK(!text.empty() && text.size() < 2'000);
  EDGETWIN_CHECK(Utf8ValidBytes(text) == text.size());
  for (const char c : text) EDGETWIN_CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
}

void AddAll(Extraction& extraction, const Place& place) {
  for (const model::ValueType type : kTypes) {
    Conversion conversion;
    conversion.type = type;
    conversion.scale = type == model::ValueType::kDouble ? 0.1 : 1;
    extraction.Add("x", place, conversion);
  }
}

void CheckFrom(const Extraction& extraction, std::string_view body) {
  std::size_t i = 0;
  for (const Result<model::Value>& value : extraction.From(body)) {
    const model::ValueType type = kTypes[i++ % std::size(kTypes)];
    if (!value) {
      CheckWords(value.error().text);
      continue;
    }
    EDGETWIN_CHECK(value->type() == type && model::Holdable(*value));
    if (type == model::ValueType::kDouble) EDGETWIN_CHECK(std::isfinite(value->real()));
    Conversion conversion;
    conversion.type = type;
    const Result<std::string> json = ToJson(*value, conversion);
    EDGETWIN_CHECK(json.has_value());
    // What would be written is read as the same.
    Extraction again;
    again.Add("x", PointerPlace{}, conversion);
    const auto read = again.From(*json);
    EDGETWIN_CHECK(read[0] && *read[0] == *value);
  }
}

const Extraction& Fixed() {
  static const Extraction* const extraction = [] {
    auto* made = new Extraction;
    for (const char* pointer : {"", "/a", "/a/b", "/a/0", "/a/1/b", "/a~1b", "/0"}) {
      AddAll(*made, PointerPlace{*ParsePointer(pointer), pointer});
    }
    for (const char* pattern : {"\"a\": *(-?[0-9.]+)", "<td>([^<]*)</td>", "((?:a|b)*c)"}) {
      AddAll(*made, *Pattern::Compile(pattern));
    }
    return made;
  }();
  return *extraction;
}

}  // namespace
}  // namespace edgetwin::extract

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace edgetwin;           // NOLINT: this file is about nothing else.
  using namespace edgetwin::extract;  // NOLINT
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t end = text.find('\n');
  const std::string first(text.substr(0, end));
  const std::string_view rest = end == text.npos ? "" : text.substr(end + 1);
  Extraction extraction;
  switch (data[0] % 4) {
    case 0: {
      const auto pointer = ParsePointer(first);
      if (!pointer) {
        CheckWords(pointer.error().text);
        break;
      }
      AddAll(extraction, PointerPlace{*pointer, "/pointer"});
      CheckFrom(extraction, rest);
      break;
    }
    case 1: {
      const auto pattern = Pattern::Compile(first);
      if (!pattern) break;
      AddAll(extraction, *pattern);
      CheckFrom(extraction, rest);
      break;
    }
    case 2: {
      const auto url = http_driver::ParseUrl(std::string(text));
      if (!url) {
        CheckWords(url.error().text);
      } else {
        EDGETWIN_CHECK(url->text.starts_with("http://") || url->text.starts_with("https://"));
      }
      break;
    }
    default: CheckFrom(Fixed(), text);
  }
  return 0;
}

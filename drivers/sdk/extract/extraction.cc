// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/extract/extraction.h"

#include <utility>

namespace edgetwin::extract {
namespace {

Result<Scalar> Matched(const Pattern& pattern, std::string_view body) {
  Result<std::string> text = pattern.Find(body);
  if (!text) return text.error();
  return Scalar(*std::move(text));
}

}  // namespace

void Extraction::Add(std::string name, const Place& place, Conversion conversion) {
  Target target{std::move(name), std::size_t{0}, std::move(conversion)};
  if (const auto* pointer = std::get_if<PointerPlace>(&place)) {
    const std::string& text = pointer->text;
    target.place = picker_.Add(pointer->pointer, text.empty() ? "the whole" : text);
  } else {
    target.place = std::get<Pattern>(place);
  }
  targets_.push_back(std::move(target));
}

std::vector<std::string> Extraction::Raw(std::string_view body) const {
  const auto picked = picker_.Pick(body);
  std::vector<std::string> texts;
  for (const Target& target : targets_) {
    const auto* pattern = std::get_if<Pattern>(&target.place);
    Result<Scalar> scalar = NotFound("");
    if (pattern != nullptr) {
      scalar = Matched(*pattern, body);
    } else if (picked) {
      scalar = (*picked)[std::get<std::size_t>(target.place)];
    }
    texts.push_back(scalar ? ShownScalar(*scalar) : std::string());
  }
  return texts;
}

std::vector<Result<model::Value>> Extraction::From(std::string_view body) const {
  std::optional<Result<std::vector<Result<Scalar>>>> picked;
  if (!picker_.empty()) {
    picked = body.empty() ? Corrupt("the body is empty, not JSON") : picker_.Pick(body);
  }
  std::vector<Result<model::Value>> values;
  values.reserve(targets_.size());
  for (const Target& target : targets_) {
    const auto* pattern = std::get_if<Pattern>(&target.place);
    if (pattern == nullptr && !*picked) {
      values.push_back(picked->error());  // It is the answer's fault, not the property's.
      continue;
    }
    const Result<Scalar> scalar = pattern != nullptr
                                      ? Matched(*pattern, body)
                                      : (**picked)[std::get<std::size_t>(target.place)];
    Result<model::Value> value =
        scalar ? ToValue(*scalar, target.conversion) : Result<model::Value>(scalar.error());
    if (!value) value = MakeError(value.error().code, target.name + ": " + value.error().text);
    values.push_back(std::move(value));
  }
  return values;
}

}  // namespace edgetwin::extract

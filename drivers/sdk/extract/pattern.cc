// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/extract/pattern.h"

#include <re2/re2.h>

#include <algorithm>

#include "drivers/sdk/extract/value.h"

namespace edgetwin::extract {
namespace {

// Of one compiled expression with its caches (RE2's own default is 8 MiB).
constexpr std::int64_t kMemoryBytesMax = 256 << 10;

std::size_t InstructionsOf(const RE2& expression) {
  return static_cast<std::size_t>(std::max(expression.ProgramSize(), 1));
}

}  // namespace

std::size_t Pattern::body_bytes_max() const {
  return kPatternStepsMax / InstructionsOf(*expression_);
}

Result<Pattern> Pattern::Compile(const std::string& text) {
  if (text.size() > kPatternBytesMax) {
    return Exhausted("is longer than " + std::to_string(kPatternBytesMax) + " bytes");
  }
  RE2::Options options(RE2::Quiet);
  options.set_max_mem(kMemoryBytesMax);
  auto expression = std::make_shared<const RE2>(text, options);
  if (expression->error_code() == RE2::ErrorPatternTooLarge) {
    return Exhausted(Shown(text) + " is too large once its repetitions are counted out");
  }
  if (!expression->ok()) return Invalid(Shown(text) + ": " + expression->error());
  if (InstructionsOf(*expression) > kPatternInstructionsMax) {
    return Exhausted(Shown(text) +
                     " costs too much: " + std::to_string(InstructionsOf(*expression)) +
                     " instructions, " + std::to_string(kPatternInstructionsMax) + " are allowed");
  }
  if (expression->NumberOfCapturingGroups() != 1) {
    return Invalid(Shown(text) + " has " + std::to_string(expression->NumberOfCapturingGroups()) +
                   " groups; the value is what exactly one matches, (?:…) groups without");
  }
  return Pattern(std::move(expression));
}

Result<std::string> Pattern::Find(std::string_view body) const {
  if (body.size() > body_bytes_max()) {
    return Exhausted("the body has " + std::to_string(body.size()) +
                     " bytes, this expression may search " + std::to_string(body_bytes_max()));
  }
  re2::StringPiece group;
  if (!RE2::PartialMatch(re2::StringPiece(body.data(), body.size()), *expression_, &group)) {
    return NotFound("no match of " + Shown(expression_->pattern()));
  }
  return std::string(group.data() == nullptr ? "" : group.data(), group.size());
}

}  // namespace edgetwin::extract

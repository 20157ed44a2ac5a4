// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What an examination of the device finds, for the person in front of it.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace edgetwin::doctor {

// kNotice is worth knowing and no fault. kSkipped: could not be examined, and the text says why.
enum class Verdict : std::uint8_t { kOk, kNotice, kWarning, kFailed, kSkipped };
std::string_view ToString(Verdict verdict);

struct Finding {
  std::string check;  // For programs: "clock", "store", "link_down", …; several may have the same.
  Verdict verdict = Verdict::kOk;
  std::string text;    // What was found.
  std::string advice;  // What to do about it; empty when nothing is to be done.
};
using Findings = std::vector<Finding>;

}  // namespace edgetwin::doctor

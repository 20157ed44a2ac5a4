// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/exec/lines.h"

#include <algorithm>
#include <utility>

namespace edgetwin::exec {

bool LineCutter::Take(std::string_view& bytes) {
  const std::size_t end = std::min(bytes.find('\n'), bytes.size());
  if (!skipping_ && begun_.size() + end > bytes_max_) {
    skipping_ = true;
    begun_.clear();
  }
  if (!skipping_) begun_.append(bytes.substr(0, end));
  const bool whole = end < bytes.size();
  bytes.remove_prefix(whole ? end + 1 : end);
  if (whole) End();
  return whole;
}

bool LineCutter::TakeRest() {
  if (begun_.empty() && !skipping_) return false;
  End();
  return true;
}

void LineCutter::End() {
  line_ = std::exchange(begun_, {});
  line_too_long_ = std::exchange(skipping_, false);
  longest_bytes_ = std::max(longest_bytes_, line_too_long_ ? bytes_max_ : line_.size());
  if (line_.ends_with('\r')) line_.pop_back();
}

}  // namespace edgetwin::exec

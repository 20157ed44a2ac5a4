// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/codec/columns.h"

#include <bit>
#include <string>

namespace edgetwin::sync {
namespace {

Error Misfit(std::string_view column, std::size_t rows) {
  return Invalid("column " + std::string(column) + " does not fit " + std::to_string(rows) +
                 " rows");
}

std::int64_t Step(std::uint64_t from, std::uint64_t to) {
  return static_cast<std::int64_t>(to - from);
}

}  // namespace

std::size_t VarintBytes(std::uint64_t value) {
  return (static_cast<std::size_t>(std::bit_width(value | 1)) * 9 + 64) / 64;
}

std::uint8_t WriteCodes(std::span<const std::uint8_t> codes, int bits, Unsigneds* runs) {
  if (codes.empty()) return 0;
  std::size_t begin = 0;
  for (std::size_t i = 1; i < codes.size(); ++i) {
    if (codes[i] == codes[begin]) continue;
    runs->Add(std::uint64_t{i - begin} << bits | codes[begin]);
    begin = i;
  }
  return codes[begin];
}

Status CheckCodes(std::string_view column, const Unsigneds& runs, int bits, std::size_t rows) {
  std::size_t left = rows;
  for (const std::uint64_t run : runs) {
    const std::uint64_t length = run >> bits;
    if (length == 0 || length > left) return Misfit(column, rows);
    left -= length;
  }
  return {};
}

Status CheckRuns(std::string_view column, const Unsigneds& runs, std::size_t rows) {
  std::size_t left = rows;
  for (const std::uint64_t length : runs) {
    if (length == 0 || length >= left) return Misfit(column, rows);
    left -= length;
  }
  return {};
}

void WriteSteps(std::span<const std::uint64_t> numbers, Inside inside, Signeds* steps,
                Unsigneds* runs) {
  std::size_t by_row_bytes = 0;
  std::size_t by_run_bytes = kColumnHeadBytes;
  std::size_t begin = 0;
  std::size_t breaks = 0;
  for (std::size_t i = 1; i < numbers.size(); ++i) {
    const std::size_t bytes = VarintBytes(ZigZag(Step(numbers[i - 1], numbers[i])));
    by_row_bytes += bytes;
    if (numbers[i] == Following(numbers[i - 1], inside)) continue;
    by_run_bytes += bytes + VarintBytes(i - begin);
    begin = i;
    ++breaks;
  }
  if (breaks == 0) return;
  const bool by_row = by_row_bytes <= by_run_bytes;
  steps->Reserve(static_cast<int>(by_row ? numbers.size() - 1 : breaks));
  begin = 0;
  for (std::size_t i = 1; i < numbers.size(); ++i) {
    if (!by_row) {
      if (numbers[i] == Following(numbers[i - 1], inside)) continue;
      runs->Add(i - begin);
      begin = i;
    }
    steps->Add(Step(numbers[i - 1], numbers[i]));
  }
}

Status CheckSteps(std::string_view column, const Signeds& steps, const Unsigneds& runs,
                  std::size_t rows) {
  if (const Status ok = CheckRuns(column, runs, rows); !ok) return ok;
  const auto entries = static_cast<std::size_t>(steps.size());
  const bool by_run = entries == static_cast<std::size_t>(runs.size());
  const bool by_row = runs.empty() && rows > 0 && entries == rows - 1;
  if (!by_run && !by_row) return Misfit(column, rows);
  return {};
}

Status CheckSpread(std::string_view column, std::size_t entries, const Unsigneds& runs,
                   std::size_t rows) {
  if (entries == 0 && runs.empty()) return {};
  if (rows == 0 || entries != static_cast<std::size_t>(runs.size()) + 1)
    return Misfit(column, rows);
  return CheckRuns(column, runs, rows);
}

}  // namespace edgetwin::sync

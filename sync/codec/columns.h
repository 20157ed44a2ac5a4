// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The three kinds of column that rows are made of; see Frame in proto/edgetwin/v1/sync.proto.
// Readers require that the matching Check passed: after it they can't fail.

#pragma once

#include <google/protobuf/repeated_field.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "twin/base/result.h"

namespace edgetwin::sync {

using Unsigneds = google::protobuf::RepeatedField<std::uint64_t>;
using Signeds = google::protobuf::RepeatedField<std::int64_t>;

// Tag and length of a packed column that only frames of many rows have.
inline constexpr std::size_t kColumnHeadBytes = 3;

std::size_t VarintBytes(std::uint64_t value);
inline std::uint64_t ZigZag(std::int64_t value) {
  return static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63);
}

// Codes: a small code a row, in runs.

// Appends the runs of all codes but the last run; returns the last run's code (0 when there are
// none).
std::uint8_t WriteCodes(std::span<const std::uint8_t> codes, int bits, Unsigneds* runs);

Status CheckCodes(std::string_view column, const Unsigneds& runs, int bits, std::size_t rows);

class CodeReader {
 public:
  CodeReader(const Unsigneds& runs, int bits, std::uint64_t rest)
      : runs_(runs), bits_(bits), rest_(rest) {}
  std::uint64_t Next() {
    if (left_ == 0) {
      if (next_ == runs_.size()) return rest_;
      const std::uint64_t run = runs_[next_++];
      left_ = run >> bits_;
      code_ = run & ((std::uint64_t{1} << bits_) - 1);
    }
    --left_;
    return code_;
  }

 private:
  const Unsigneds& runs_;
  const int bits_;
  const std::uint64_t rest_;
  int next_ = 0;
  std::uint64_t left_ = 0;
  std::uint64_t code_ = 0;
};

// Groups: what steps, spread columns and the gaps between seqs have in common.

// Which entry of a column each row belongs to: its own, or its run's.
class GroupReader {
 public:
  struct Place {
    int group;
    bool first;  // Of its group.
  };

  GroupReader(const Unsigneds& runs, bool by_row) : runs_(runs), by_row_(by_row) {}
  Place Next() {
    const bool first = left_ == 0;
    if (first) {
      ++group_;
      left_ = by_row_ ? 1 : group_ < runs_.size() ? runs_[group_] : ~std::uint64_t{0};
    }
    --left_;
    return {group_, first};
  }

 private:
  const Unsigneds& runs_;
  const bool by_row_;
  int group_ = -1;
  std::uint64_t left_ = 0;
};

// Whether run lengths are at least 1 and leave a row to the last run.
Status CheckRuns(std::string_view column, const Unsigneds& runs, std::size_t rows);

// Steps: a number a row, as differences.

// How rows follow each other inside a run.
enum class Inside {
  kSame,     // The same number.
  kCounted,  // One more; a 0 stays 0.
};

// The number that follows `number` inside a run.
inline std::uint64_t Following(std::uint64_t number, Inside inside) {
  return inside == Inside::kSame || number == 0 ? number : number + 1;
}

// Appends what `numbers` need after the first one, by row or by run, whichever is shorter.
void WriteSteps(std::span<const std::uint64_t> numbers, Inside inside, Signeds* steps,
                Unsigneds* runs);

Status CheckSteps(std::string_view column, const Signeds& steps, const Unsigneds& runs,
                  std::size_t rows);

class StepReader {
 public:
  StepReader(std::uint64_t first, const Signeds& steps, const Unsigneds& runs, Inside inside)
      : groups_(runs, runs.empty() && !steps.empty()),
        steps_(steps),
        inside_(inside),
        number_(first) {}
  std::uint64_t Next() {
    const GroupReader::Place place = groups_.Next();
    if (!place.first) {
      number_ = Following(number_, inside_);
    } else if (place.group > 0) {
      number_ += static_cast<std::uint64_t>(steps_[place.group - 1]);
    }
    return number_;
  }

 private:
  GroupReader groups_;
  const Signeds& steps_;
  const Inside inside_;
  std::uint64_t number_;
};

// Spread columns: something that many rows share or lack.

// Writes a spread column of `rows` things: `same(i)` tells whether row i has the same thing as row
// i - 1, `add(i)` appends row i's. Nothing is written when `none(i)` holds for all.
template <class None, class Same, class Add>
void WriteSpread(std::size_t rows, None none, Same same, Add add, Unsigneds* runs) {
  std::size_t empty = 0;
  while (empty < rows && none(empty)) ++empty;
  if (empty == rows) return;
  std::size_t begin = 0;
  for (std::size_t i = 1; i <= rows; ++i) {
    if (i < rows && same(i)) continue;
    add(begin);
    if (i < rows) runs->Add(i - begin);
    begin = i;
  }
}

Status CheckSpread(std::string_view column, std::size_t entries, const Unsigneds& runs,
                   std::size_t rows);

}  // namespace edgetwin::sync

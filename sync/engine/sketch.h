// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A rateless sketch of a sparse vector of numbers: as many cells as it takes to tell where two such
// vectors differ, at about 1.4 cells a difference. docs/PROTOCOL.md, "Healing", says how others
// compute the same. Pure.
//
// Source: L. Yang, Y. Gilad, M. Alizadeh, "Practical Rateless Set Reconciliation", SIGCOMM 2024,
// for which symbol is in which cell. Cells here hold sums and not exclusive ors, so that a cell
// with one difference names its index by a division.

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "twin/model/row.h"

namespace edgetwin::sync {

// Numbers are modulo this prime, so that a cell takes ten bytes.
inline constexpr std::uint64_t kSketchPrime = (std::uint64_t{1} << 40) - 87;
inline constexpr std::size_t kCellBytes = 10;

struct Cell {
  std::uint64_t sum = 0;       // Σ x_i mod p.
  std::uint64_t weighted = 0;  // Σ (i + 1)·x_i mod p.
  bool empty() const { return sum == 0 && weighted == 0; }
  friend bool operator==(const Cell&, const Cell&) = default;
};

// The cells that an index is in, ascending from 0, which every index is in. Endless. With the
// numbers modulo 2^64 and IEEE doubles:
//
//   mix(x): x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9; x = (x ^ x >> 27) * 0x94d049bb133111eb;
//           x ^ x >> 31
//   before cell 0:  state = mix((salt << 32 | index) + 0x9e3779b97f4a7c15)
//   from cell i on: state = mix(state + 0x9e3779b97f4a7c15); r = ((state >> 32) + 1) / 2^32
//                   i += max(1, ceil((i + 1.5) * (1 / sqrt(r) - 1)))
class CellWalk {
 public:
  explicit CellWalk(std::uint32_t index, std::uint32_t salt);
  std::uint64_t cell() const { return cell_; }
  void Next();

 private:
  std::uint64_t state_;
  std::uint64_t cell_ = 0;
};

// The rows of a twin as numbers of 1 to p - 1 by index; what isn't listed is 0.
struct SketchEntry {
  std::uint32_t index = 0;  // 4 * pid + side.
  std::uint64_t value = 0;
};
using SketchVector = std::vector<SketchEntry>;  // Ascending by index.

// The hash of a row for the sketch: XXH64 over its canonical bytes (see digest.h) with `salt` as
// the seed, into [1, p - 1]. A row whose value is none has a hash too, as it counts in the digest:
// only where no row is, the number is 0.
std::uint64_t SketchHash(model::Pid pid, model::Side side, const model::Row& row,
                         std::uint32_t salt);

// Cells [first, first + count) of the vector. O(entries · log cells).
std::vector<Cell> SketchCells(const SketchVector& vector, std::uint32_t salt, std::uint64_t first,
                              std::size_t count);

// `theirs` minus `ours`, cell by cell, in place.
void Subtract(std::span<Cell> theirs, std::span<const Cell> ours);

struct Peeled {
  std::vector<std::uint32_t> indices;  // Where the two vectors differ; ascending.
  // These are all. Else there are more, and one or the other may be wrong.
  bool complete = false;
  std::vector<Cell> rest;  // The cells without them.
};

// The indices in [index_min, index_max] where two vectors differ, from the first cells of their
// difference. Hostile cells cost no more than honest ones: O(cells · log cells).
Peeled Peel(std::vector<Cell> difference, std::uint32_t salt, std::uint32_t index_min,
            std::uint32_t index_max);

// How many indices differ, judging by which cells of the difference are empty: the most likely
// number if one cell more were empty. So it is too low rather than too high, and finite when none
// is.
double EstimateDifference(std::span<const Cell> difference);

// Little-endian: 5 bytes of `sum`, 5 of `weighted`. Cells of a hostile peer may be any; they are
// reduced modulo p.
std::string PackCells(std::span<const Cell> cells);
std::vector<Cell> UnpackCells(std::string_view bytes);

}  // namespace edgetwin::sync

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/engine/sketch.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <deque>

#include "sync/engine/digest.h"

namespace edgetwin::sync {
namespace {

std::uint64_t Add(std::uint64_t a, std::uint64_t b) {
  const std::uint64_t sum = a + b;
  return sum >= kSketchPrime ? sum - kSketchPrime : sum;
}

std::uint64_t Minus(std::uint64_t a, std::uint64_t b) {
  return a >= b ? a - b : a + kSketchPrime - b;
}

// x mod p for x < 2^62: 2^40 is 87 modulo p.
std::uint64_t Reduce(std::uint64_t x) {
  constexpr std::uint64_t kLow = (std::uint64_t{1} << 40) - 1;
  x = (x & kLow) + 87 * (x >> 40);
  x = (x & kLow) + 87 * (x >> 40);
  return x >= kSketchPrime ? x - kSketchPrime : x;
}

// In two halves, since the product of two has 80 bits and small boards have no such numbers.
std::uint64_t Times(std::uint64_t a, std::uint64_t b) {
  constexpr int kHalf = 20;
  const std::uint64_t high = Reduce(a * (b >> kHalf));
  return Reduce((high << kHalf) + a * (b & ((1u << kHalf) - 1)));
}

// By Fermat: a^(p - 2).
std::uint64_t Inverse(std::uint64_t a) {
  std::uint64_t result = 1;
  for (std::uint64_t power = kSketchPrime - 2; power != 0; power >>= 1) {
    if ((power & 1) != 0) result = Times(result, a);
    a = Times(a, a);
  }
  return result;
}

std::uint64_t Mix(std::uint64_t bits) {  // The finalizer of splitmix64.
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
  return bits ^ (bits >> 31);
}

constexpr std::size_t kMistakesMax = 64;

bool IsIn(std::uint64_t cell, std::uint32_t index, std::uint32_t salt) {
  CellWalk walk(index, salt);
  while (walk.cell() < cell) walk.Next();
  return walk.cell() == cell;
}

// The index of a cell that holds one difference, as far as it can be told.
std::optional<std::uint32_t> IndexOf(const Cell& cell, std::uint32_t index_min,
                                     std::uint32_t index_max) {
  if (cell.sum == 0) return {};
  const std::uint64_t plus_one = Times(cell.weighted, Inverse(cell.sum));
  if (plus_one <= index_min || plus_one > std::uint64_t{index_max} + 1) return {};
  return static_cast<std::uint32_t>(plus_one - 1);
}

}  // namespace

CellWalk::CellWalk(std::uint32_t index, std::uint32_t salt)
    : state_(Mix((std::uint64_t{salt} << 32 | index) + 0x9e3779b97f4a7c15u)) {}

// The chance that cell i holds an index is 1/(1 + i/2).
void CellWalk::Next() {
  state_ = Mix(state_ + 0x9e3779b97f4a7c15u);
  const double r = static_cast<double>((state_ >> 32) + 1) * 0x1p-32;  // In (0, 1].
  const double at = static_cast<double>(cell_);
  cell_ += std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(std::ceil((at + 1.5) * (1 / std::sqrt(r) - 1))));
}

std::uint64_t SketchHash(model::Pid pid, model::Side side, const model::Row& row,
                         std::uint32_t salt) {
  std::string bytes;
  AppendCanonical(bytes, pid, side, row);
  return XXH64(bytes.data(), bytes.size(), salt) % (kSketchPrime - 1) + 1;
}

std::vector<Cell> SketchCells(const SketchVector& vector, std::uint32_t salt, std::uint64_t first,
                              std::size_t count) {
  std::vector<Cell> cells(count);
  const std::uint64_t end = first + count;
  for (const SketchEntry& entry : vector) {
    const std::uint64_t weighted = Times(std::uint64_t{entry.index} + 1, entry.value);
    for (CellWalk walk(entry.index, salt); walk.cell() < end; walk.Next()) {
      if (walk.cell() < first) continue;
      Cell& cell = cells[walk.cell() - first];
      cell.sum = Add(cell.sum, entry.value);
      cell.weighted = Add(cell.weighted, weighted);
    }
  }
  return cells;
}

void Subtract(std::span<Cell> theirs, std::span<const Cell> ours) {
  for (std::size_t i = 0; i < theirs.size(); ++i) {
    theirs[i].sum = Minus(theirs[i].sum, ours[i].sum);
    theirs[i].weighted = Minus(theirs[i].weighted, ours[i].weighted);
  }
}

Peeled Peel(std::vector<Cell> difference, std::uint32_t salt, std::uint32_t index_min,
            std::uint32_t index_max) {
  std::vector<SketchEntry> steps;
  // From the last: the fewer differences share a cell, the less it looks like what it isn't. In
  // turns, so that a mistake and its correction don't keep the others from being found.
  std::deque<std::size_t> waiting;
  for (std::size_t i = difference.size(); i-- > 0;) waiting.push_back(i);
  // Honest cells yield at most one difference each, but for the rare mistake that is taken back.
  const std::size_t steps_max = difference.size() + kMistakesMax;
  while (!waiting.empty() && steps.size() < steps_max) {
    const std::size_t at = waiting.front();
    waiting.pop_front();
    const Cell pure = difference[at];
    const auto index = IndexOf(pure, index_min, index_max);
    if (!index || !IsIn(at, *index, salt)) continue;
    steps.push_back({*index, pure.sum});
    for (CellWalk walk(*index, salt); walk.cell() < difference.size(); walk.Next()) {
      Cell& cell = difference[walk.cell()];
      cell.sum = Minus(cell.sum, pure.sum);
      cell.weighted = Minus(cell.weighted, pure.weighted);
      if (!cell.empty()) waiting.push_back(walk.cell());
    }
  }
  Peeled peeled;
  peeled.complete = std::ranges::all_of(difference, &Cell::empty);
  std::ranges::sort(steps, {}, &SketchEntry::index);
  // A cell of several differences can look like one of another index. Such a mistake is peeled
  // again, with the opposite sign: what counts is the sum.
  for (std::size_t i = 0; i < steps.size();) {
    std::uint64_t sum = 0;
    const std::uint32_t index = steps[i].index;
    for (; i < steps.size() && steps[i].index == index; ++i) sum = Add(sum, steps[i].value);
    if (sum != 0) peeled.indices.push_back(index);
  }
  peeled.rest = std::move(difference);
  return peeled;
}

// The most likely d: cell i is empty with the probability (1 - rho_i)^d. The derivative of the
// likelihood's logarithm falls as d grows, so its zero is found by halving.
double EstimateDifference(std::span<const Cell> difference) {
  if (difference.empty()) return 0;
  std::vector<double> log_miss;  // log(1 - rho_i); rho_0 is 1, and says nothing.
  for (std::size_t i = 1; i < difference.size(); ++i) {
    log_miss.push_back(std::log1p(-1 / (1 + static_cast<double>(i) / 2)));
  }
  const auto slope = [&](double d) {
    double sum = log_miss.empty() ? -1 : log_miss.back();  // One more cell, which is empty.
    for (std::size_t i = 0; i < log_miss.size(); ++i) {
      const double miss = std::exp(d * log_miss[i]);
      sum +=
          difference[i + 1].empty() ? log_miss[i] : -log_miss[i] * miss / std::max(1 - miss, 1e-12);
    }
    return sum;
  };
  double low = 0;
  double high = 16 * static_cast<double>(difference.size());
  for (int i = 0; i < 40; ++i) {
    const double middle = (low + high) / 2;
    (slope(middle) > 0 ? low : high) = middle;
  }
  return low;
}

std::string PackCells(std::span<const Cell> cells) {
  std::string bytes;
  bytes.reserve(cells.size() * kCellBytes);
  const auto put = [&bytes](std::uint64_t value) {
    for (int i = 0; i < 5; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xff);
  };
  for (const Cell& cell : cells) {
    put(cell.sum);
    put(cell.weighted);
  }
  return bytes;
}

std::vector<Cell> UnpackCells(std::string_view bytes) {
  std::vector<Cell> cells(bytes.size() / kCellBytes);
  const auto get = [&bytes](std::size_t at) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 5; ++i) {
      value |= std::uint64_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
    }
    return value % kSketchPrime;
  };
  for (std::size_t i = 0; i < cells.size(); ++i) {
    cells[i] = {get(i * kCellBytes), get(i * kCellBytes + 5)};
  }
  return cells;
}

}  // namespace edgetwin::sync

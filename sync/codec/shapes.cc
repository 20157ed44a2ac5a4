// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/codec/shapes.h"

#include <algorithm>
#include <array>

#include "sync/codec/columns.h"

namespace edgetwin::sync {
namespace {

using model::ValueType;

constexpr std::array<std::int8_t, kShapes> kDecimals = {2, 0, 1,  3,  4,  5,  6,  7,
                                                        8, 9, -1, -1, -1, -1, -1, -1};
constexpr std::array<std::uint8_t, model::kDecimalsMax + 1> kShapeOfDecimals = {1, 2, 0, 3, 4,
                                                                                5, 6, 7, 8, 9};
constexpr std::int64_t kScaledMax = std::int64_t{1} << 53;  // As model::ScaleExactly.

// Bytes are small numbers, and sums of 20,000 rows stay far below the cost of the impossible.
constexpr std::uint32_t kNever = 1u << 30;
constexpr std::uint32_t kChangeBytes = 1;  // One entry of shape_runs.
constexpr std::uint32_t kRestBytes = 2;    // The field `shape`, absent for SHAPE_DECIMALS_2.
using Costs = std::array<std::uint32_t, kShapes>;

// A double as an integer with the fewest decimals that are exact.
struct Scaled {
  int decimals = -1;  // -1: with none.
  std::int64_t number = 0;
};

Scaled Scale(double value) {
  for (int decimals = 0; decimals <= model::kDecimalsMax; ++decimals) {
    if (const auto number = model::ScaleExactly(value, decimals)) return {decimals, *number};
  }
  return {};
}

// Calls visit(decimals, number) for each exact spelling. What is exact with d decimals is with d +
// 1: the quotient is the same real number, rounded once, as long as both integers are exact
// doubles.
template <class Visit>
void ForEachSpelling(Scaled scaled, Visit visit) {
  if (scaled.decimals < 0) return;
  std::int64_t number = scaled.number;
  for (int decimals = scaled.decimals; decimals <= model::kDecimalsMax; ++decimals) {
    if (number >= kScaledMax || number <= -kScaledMax) return;
    visit(decimals, number);
    number *= 10;
  }
}

std::uint8_t OnlyShape(ValueType type) {
  switch (type) {
    case ValueType::kBool: return v1::SHAPE_BOOL;
    case ValueType::kInt: return v1::SHAPE_INT;
    case ValueType::kString: return v1::SHAPE_STRING;
    case ValueType::kBytes: return v1::SHAPE_BYTES;
    case ValueType::kNone:
    case ValueType::kDouble: break;
  }
  return v1::SHAPE_NONE;
}

Costs CostsOf(const model::Value& value, Scaled& scaled) {
  Costs costs;
  costs.fill(kNever);
  if (value.type() != ValueType::kDouble) {
    costs[OnlyShape(value.type())] = 0;  // The same whatever the neighbours are.
    return costs;
  }
  costs[v1::SHAPE_DOUBLE] = 8;
  scaled = Scale(value.real());
  ForEachSpelling(scaled, [&](int decimals, std::int64_t number) {
    costs[kShapeOfDecimals[static_cast<std::size_t>(decimals)]] =
        static_cast<std::uint32_t>(VarintBytes(ZigZag(number)));
  });
  return costs;
}

std::uint8_t Cheapest(const Costs& costs) {
  std::size_t best = 0;
  for (std::size_t shape = 1; shape < kShapes; ++shape) {
    if (costs[shape] < costs[best]) best = shape;
  }
  return static_cast<std::uint8_t>(best);
}

std::int64_t NumberOf(const model::Value& value, Scaled scaled, int decimals) {
  switch (value.type()) {
    case ValueType::kBool: return value.boolean() ? 1 : 0;
    case ValueType::kInt: return value.integer();
    default: break;
  }
  for (int d = scaled.decimals; d < decimals; ++d) scaled.number *= 10;
  return scaled.number;
}

}  // namespace

int DecimalsOf(std::uint64_t shape) {
  return kDecimals[shape];
}

// Viterbi's algorithm: for each row and shape, the cheapest way to arrive there; against it, one
// shape for all, which saves the head of shape_runs.
std::vector<ShapedValue> ChooseShapes(std::span<const WireRow> rows) {
  std::vector<std::array<std::uint8_t, kShapes>> before(rows.size());
  std::vector<Scaled> scaled(rows.size());
  Costs changing{};
  Costs single{};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Costs own = CostsOf(rows[i].row.value, scaled[i]);
    const std::uint8_t best = Cheapest(changing);
    const std::uint32_t change = changing[best] + kChangeBytes;
    for (std::size_t shape = 0; shape < kShapes; ++shape) {
      const bool stay = changing[shape] <= change;
      before[i][shape] = stay ? static_cast<std::uint8_t>(shape) : best;
      changing[shape] = std::min((stay ? changing[shape] : change) + own[shape], kNever);
      single[shape] = std::min(single[shape] + own[shape], kNever);
    }
  }
  for (std::size_t shape = 1; shape < kShapes; ++shape) {
    changing[shape] += kRestBytes;
    single[shape] += kRestBytes;
  }

  const std::uint8_t only = Cheapest(single);
  std::uint8_t shape = Cheapest(changing);
  const bool one = single[only] <= changing[shape] + kColumnHeadBytes;
  if (one) shape = only;
  std::vector<ShapedValue> result(rows.size());
  for (std::size_t i = rows.size(); i-- > 0;) {
    result[i] = {shape, NumberOf(rows[i].row.value, scaled[i], kDecimals[shape])};
    if (!one) shape = before[i][shape];
  }
  return result;
}

}  // namespace edgetwin::sync

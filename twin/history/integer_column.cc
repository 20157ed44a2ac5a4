// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/integer_column.h"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

#include "twin/base/zstd.h"
#include "twin/history/integer_codes.h"
#include "twin/history/token_code.h"

namespace edgetwin::history {
namespace {

using Integers = std::span<const std::uint64_t>;

// The low three bits of a column's first byte.
enum Kind : std::uint8_t {
  kConstant = 0,
  kLine = 1,
  kPacked = 2,
  kGolomb = 3,
  kTokens = 4,
  kRuns = 5,
  kDictionary = 6,
  kZstd = 7
};
constexpr unsigned kKindBits = 3;
constexpr std::uint8_t kOrderMask = 3 << kKindBits;
constexpr std::uint8_t kHasDivisor = 1 << 5;
constexpr std::uint8_t kHasDrift = 1 << 6;
constexpr std::uint8_t kUnused = 1 << 7;

// Runs and dictionaries are made of columns that are neither.
enum class Depth { kOuter, kInner };

// Below this many values a table can't pay.
constexpr std::size_t kTokensMin = 48;
// What is only estimated must be this much better: it is the slowest to read.
constexpr double kTokensMargin = 1.01;
// Bits a value from which on a dictionary is looked at.
constexpr std::size_t kWorthADictionaryBits = 5;

constexpr std::uint64_t kScramble = 0x9e3779b97f4a7c15;  // 2^64 / golden ratio.

bool Less(std::uint64_t a, std::uint64_t b) {
  return static_cast<std::int64_t>(a) < static_cast<std::int64_t>(b);
}

// Division of multiples only: multiplies by the odd part's inverse modulo 2^64, which also tells
// multiples from others. A quarter of a division's time.
class Divisor {
 public:
  explicit Divisor(std::uint64_t divisor)
      : divisor_(divisor), shift_(static_cast<unsigned>(std::countr_zero(divisor))) {
    const std::uint64_t odd = divisor >> shift_;
    inverse_ = odd;  // Right in 3 bits; each round doubles them.
    for (int round = 0; round < 5; ++round) inverse_ *= 2 - odd * inverse_;
    multiple_max_ = ~std::uint64_t{0} / odd;
  }
  std::uint64_t value() const { return divisor_; }
  std::uint64_t Divide(std::uint64_t multiple) const { return (multiple >> shift_) * inverse_; }
  bool Divides(std::uint64_t number) const {
    return (number & ((std::uint64_t{1} << shift_) - 1)) == 0 && Divide(number) <= multiple_max_;
  }

 private:
  std::uint64_t divisor_;
  unsigned shift_;
  std::uint64_t inverse_;
  std::uint64_t multiple_max_;
};

// What one pass over a column tells.
struct Shape {
  std::uint64_t min = 0;
  std::uint64_t range = 0;    // max - min.
  std::uint64_t divisor = 1;  // Of all differences; 0 when all are equal.
  std::size_t runs = 1;
};

Shape ShapeOf(Integers values) {
  Shape shape;
  std::uint64_t min = values[0], max = values[0];
  for (std::size_t i = 1; i < values.size(); ++i) {
    if (Less(values[i], min)) min = values[i];
    if (Less(max, values[i])) max = values[i];
    shape.runs += values[i] != values[i - 1] ? 1 : 0;
  }
  shape.min = min;
  shape.range = max - min;
  Divisor divisor(std::uint64_t{1} << 63);
  std::uint64_t common = 0;
  for (std::size_t i = 0; i < values.size() && common != 1; ++i) {
    const std::uint64_t above = values[i] - min;
    if (above == 0 || (common != 0 && divisor.Divides(above))) continue;
    common = std::gcd(common, above);
    divisor = Divisor(common);
  }
  shape.divisor = common;
  return shape;
}

// How a column's values become small ones.
struct Prediction {
  unsigned order = 0;       // 0: from the minimum; 1: from the value before; 2: from the two.
  std::uint64_t drift = 0;  // Order 1: added to the value before.
};

// A column is judged by stretches of it, which takes a fraction of the time and chooses hardly
// worse.
constexpr std::size_t kStretch = 16, kStretches = 12;

// Calls look(from, to) for each of them, or for the whole of a short column.
template <class Look>
void ForStretches(std::size_t count, Look look) {
  if (count <= 2 * kStretch * kStretches) return look(0, count);
  for (std::size_t i = 0; i < kStretches; ++i) {
    const std::size_t from = i * (count - kStretch) / (kStretches - 1);
    look(from, from + kStretch);
  }
}

// Usual difference between neighbours: the median of a few.
std::uint64_t UsualStep(Integers scaled) {
  std::array<std::uint64_t, 15> steps{};
  const std::size_t n = std::min(steps.size(), scaled.size() - 1);
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t at = i * (scaled.size() - 1) / n;
    steps[i] = scaled[at + 1] - scaled[at];
  }
  const auto middle = steps.begin() + static_cast<std::ptrdiff_t>(n / 2);
  std::nth_element(steps.begin(), middle, steps.begin() + static_cast<std::ptrdiff_t>(n), Less);
  return *middle;
}

Prediction PredictionOf(Integers scaled, std::uint64_t min) {
  // Sums of widths: about what Golomb's codes take.
  std::size_t order0 = 0, order1 = 0, order2 = 0, drifted = 0, count = 0, order2_count = 0;
  const std::uint64_t drift = UsualStep(scaled);
  ForStretches(scaled.size(), [&](std::size_t from, std::size_t to) {
    std::uint64_t before = scaled[from], step = 0;
    for (std::size_t i = from + 1; i < to; ++i) {
      const std::uint64_t next = scaled[i] - std::exchange(before, scaled[i]);
      order0 += Width(scaled[i] - min);
      order1 += Width(ZigZag(next));
      drifted += Width(ZigZag(next - drift));
      if (i > from + 1) {
        order2 += Width(ZigZag(next - step));
        ++order2_count;
      }
      step = next;
    }
    count += to - from - 1;
  });
  if (order2_count > 0) order2 = order2 * count / order2_count;
  Prediction best;
  std::size_t least = order0;
  if (order1 < least) {
    best = {.order = 1};
    least = order1;
  }
  if (order2 < least) {
    best = {.order = 2};
    least = order2;
  }
  // The median of a noise is no drift: it must be worth its bytes.
  if (drift != 0 && drifted + drifted / 64 + 8 < least) best = {.order = 1, .drift = drift};
  return best;
}

// Differences from the minimum over the divisor, where there is one.
std::vector<std::uint64_t> Divided(Integers values, const Shape& shape) {
  std::vector<std::uint64_t> scaled(values.size());
  const Divisor divisor(shape.divisor);
  for (std::size_t i = 0; i < values.size(); ++i) {
    scaled[i] = divisor.Divide(values[i] - shape.min);
  }
  return scaled;
}

std::vector<std::uint64_t> Residuals(Integers scaled, std::uint64_t min,
                                     const Prediction& prediction) {
  const std::size_t n = scaled.size();
  std::vector<std::uint64_t> small(n - prediction.order);
  if (prediction.order == 0) {
    for (std::size_t i = 0; i < n; ++i) small[i] = scaled[i] - min;
  } else if (prediction.order == 1) {
    for (std::size_t i = 1; i < n; ++i) {
      small[i - 1] = ZigZag(scaled[i] - scaled[i - 1] - prediction.drift);
    }
  } else {
    for (std::size_t i = 2; i < n; ++i) {
      small[i - 2] = ZigZag(scaled[i] - 2 * scaled[i - 1] + scaled[i - 2]);
    }
  }
  return small;
}

// First byte and the numbers that the values are relative to.
void WriteHead(Writer& out, Kind kind, const Prediction& prediction, const Shape& shape,
               Integers values, std::uint64_t second) {
  const bool divided = shape.divisor > 1, drifts = prediction.drift != 0;
  out.Byte(static_cast<std::uint8_t>(kind | prediction.order << kKindBits |
                                     (divided ? kHasDivisor : 0) | (drifts ? kHasDrift : 0)));
  out.Signed(prediction.order == 0 ? shape.min : values[0]);
  if (divided) out.Varint(shape.divisor);
  if (drifts) out.Signed(prediction.drift);
  if (prediction.order == 2) out.Signed(second);
}

unsigned WidthMax(Integers values) {
  std::uint64_t all = 0;
  for (const std::uint64_t value : values) all |= value;
  return Width(all);
}

// Which of the codes makes `small` smallest, judged by stretches of it; Golomb's where they are
// about equal.
Kind CodeFor(Integers small, unsigned width) {
  std::vector<std::uint64_t> some;
  some.reserve(std::min(small.size(), 2 * kStretch * kStretches));
  ForStretches(small.size(), [&](std::size_t from, std::size_t to) {
    some.insert(some.end(), small.begin() + static_cast<std::ptrdiff_t>(from),
                small.begin() + static_cast<std::ptrdiff_t>(to));
  });
  const double share = static_cast<double>(small.size()) / static_cast<double>(some.size());
  const double packed = static_cast<double>(width * small.size());
  const double golomb = static_cast<double>(GolombBits(some)) * share;
  const double least = std::min(packed, golomb);
  if (small.size() >= kTokensMin) {
    const double tokens = share > 1 ? TokenCode::Estimate(some, share) * kTokensMargin
                                    : static_cast<double>(TokenCode(some).bits());
    if (tokens < least) return kTokens;
  }
  return packed < golomb ? kPacked : kGolomb;
}

// The column as integers of one of the codes.
std::string Coded(Integers values, const Shape& shape) {
  std::vector<std::uint64_t> divided;
  if (shape.divisor > 1) divided = Divided(values, shape);
  const Integers scaled = divided.empty() ? values : Integers(divided);
  const std::uint64_t min = divided.empty() ? shape.min : 0;
  const Prediction prediction = PredictionOf(scaled, min);
  const std::vector<std::uint64_t> small = Residuals(scaled, min, prediction);
  const unsigned width = WidthMax(small);
  const Kind kind = CodeFor(small, width);
  Writer out;
  WriteHead(out, kind, prediction, shape, values, scaled[1] - scaled[0]);
  if (kind == kPacked) WritePacked(out, small, width);
  if (kind == kGolomb) WriteGolomb(out, small);
  if (kind == kTokens) TokenCode(small).Write(out, small);
  return std::move(out).Take();
}

std::string Smallest(Integers values, Depth depth);

std::string Runs(Integers values, std::size_t runs) {
  std::vector<std::uint64_t> starts, lengths;
  starts.reserve(runs);
  lengths.reserve(runs);
  for (std::size_t i = 0, begin = 0; i < values.size(); ++i) {
    if (i + 1 < values.size() && values[i + 1] == values[i]) continue;
    starts.push_back(values[i]);
    lengths.push_back(i - begin);
    begin = i + 1;
  }
  Writer out;
  out.Byte(kRuns);
  out.Varint(starts.size());
  out.Raw(Smallest(starts, Depth::kInner));
  out.Raw(Smallest(lengths, Depth::kInner));
  return std::move(out).Take();
}

// Whether a dictionary may be smaller than `bits` a value: by how often a few values taken from all
// over the column are equal to one another.
bool DictionaryMayPay(Integers values, std::size_t bits) {
  constexpr std::size_t kSome = 64;
  constexpr unsigned kSlotBits = 8;
  std::array<std::uint8_t, std::size_t{1} << kSlotBits> seen{};
  const std::size_t n = std::min(kSome, values.size());
  std::size_t equal_pairs = 0;
  for (std::size_t i = 0; i < n; ++i) {
    // Values that share a slot by chance only make a dictionary be tried in vain.
    const std::uint64_t value = values[i * values.size() / n];
    equal_pairs += seen[(value ^ value >> 32) * kScramble >> (64 - kSlotBits)]++;
  }
  // As many equally likely values would give as many pairs.
  const std::size_t distinct = n * (n - 1) / 2 / (equal_pairs + 1) + 1;
  return distinct <= values.size() / 2 &&
         Width(distinct) + distinct * bits / values.size() <= bits + 1;
}

struct Distinct {
  std::vector<std::uint64_t> values;   // In their order.
  std::vector<std::uint64_t> indices;  // Into these, of each value of the column.
};

// Nothing if there are more than `max`.
std::optional<Distinct> DistinctOf(Integers values, std::size_t max) {
  const unsigned width = Width(4 * max);
  std::vector<std::uint32_t> slots(std::size_t{1} << width);
  std::vector<std::uint64_t> found;
  found.reserve(max);
  Distinct distinct;
  distinct.indices.reserve(values.size());
  for (const std::uint64_t value : values) {
    std::size_t slot = (value ^ value >> 32) * kScramble >> (64 - width);
    while (slots[slot] != 0 && found[slots[slot] - 1] != value) {
      slot = (slot + 1) & (slots.size() - 1);
    }
    if (slots[slot] == 0) {
      if (found.size() == max) return {};
      found.push_back(value);
      slots[slot] = static_cast<std::uint32_t>(found.size());
    }
    distinct.indices.push_back(slots[slot] - 1);
  }
  std::vector<std::uint32_t> order(found.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return Less(found[a], found[b]); });
  std::vector<std::uint32_t> rank(found.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) {
    rank[order[i]] = i;
    distinct.values.push_back(found[order[i]]);
  }
  for (std::uint64_t& index : distinct.indices) index = rank[index];
  return distinct;
}

std::string Dictionary(const Distinct& distinct) {
  Writer out;
  out.Byte(kDictionary);
  out.Varint(distinct.values.size());
  out.Raw(Smallest(distinct.values, Depth::kInner));
  out.Raw(Smallest(distinct.indices, Depth::kInner));
  return std::move(out).Take();
}

// Whether values mostly follow each other as they did before, as in a cycle: what zstd is good at.
bool Repeats(const Distinct& distinct) {
  constexpr std::uint64_t kNone = ~std::uint64_t{0};
  std::vector<std::uint64_t> followers(distinct.values.size(), kNone);
  std::size_t hits = 0;
  for (std::size_t i = 1; i < distinct.indices.size(); ++i) {
    std::uint64_t& follower = followers[static_cast<std::size_t>(distinct.indices[i - 1])];
    hits += follower == distinct.indices[i] ? 1 : 0;
    follower = distinct.indices[i];
  }
  return hits * 2 > distinct.indices.size();
}

std::optional<std::string> Zstd(Integers values, const Shape& shape) {
  const unsigned bytes = (Width(shape.range) + 7) / 8;
  std::string plain;
  plain.reserve(values.size() * bytes);
  for (const std::uint64_t value : values) {
    for (unsigned i = 0; i < bytes; ++i) {
      plain += static_cast<char>((value - shape.min) >> 8 * i);
    }
  }
  const std::optional<std::string> packed = ZstdPack(plain, kZstdLevel);
  if (!packed) return {};
  Writer out;
  out.Byte(kZstd);
  out.Signed(shape.min);
  out.Byte(static_cast<std::uint8_t>(bytes));
  out.Varint(packed->size());
  out.Raw(*packed);
  return std::move(out).Take();
}

bool IsLine(Integers values) {
  const std::uint64_t step = values[1] - values[0];
  for (std::size_t i = 2; i < values.size(); ++i) {
    if (values[i] - values[i - 1] != step) return false;
  }
  return true;
}

std::string Smallest(Integers values, Depth depth) {
  Writer line;
  if (values.size() == 1 || IsLine(values)) {
    const std::uint64_t step = values.size() == 1 ? 0 : values[1] - values[0];
    line.Byte(step == 0 ? kConstant : kLine);
    line.Signed(values[0]);
    if (step != 0) line.Signed(step);
    return std::move(line).Take();
  }
  const Shape shape = ShapeOf(values);
  std::string best = Coded(values, shape);
  if (depth == Depth::kInner) return best;
  const auto take = [&](std::optional<std::string> other) {
    if (other && other->size() < best.size()) best = std::move(*other);
  };
  const std::size_t n = values.size();
  if (shape.runs <= n / 2) take(Runs(values, shape.runs));
  const std::size_t bits = best.size() * 8 / n;
  if (bits >= kWorthADictionaryBits && DictionaryMayPay(values, bits)) {
    if (const auto distinct = DistinctOf(values, n / 2)) {
      take(Dictionary(*distinct));
      if (Repeats(*distinct)) take(Zstd(values, shape));
    }
  }
  return best;
}

void ReadInner(Reader& in, std::span<std::uint64_t> values, Depth depth);

void ReadCoded(Reader& in, std::uint8_t head, std::span<std::uint64_t> values) {
  const auto kind = static_cast<Kind>(head & 7);
  const unsigned order = (head & kOrderMask) >> kKindBits;
  if (order > 2 || ((head & kHasDrift) != 0 && order != 1) || order > values.size()) {
    return in.Fail("a column has an unknown order");
  }
  const std::uint64_t base = in.Signed();
  const std::uint64_t divisor = (head & kHasDivisor) != 0 ? in.Varint() : 1;
  const std::uint64_t drift = (head & kHasDrift) != 0 ? in.Signed() : 0;
  const std::uint64_t second = order == 2 ? in.Signed() : 0;
  const std::span<std::uint64_t> small = values.subspan(order);
  if (kind == kPacked) ReadPacked(in, small);
  if (kind == kGolomb) ReadGolomb(in, small);
  if (kind == kTokens) TokenCode::Read(in, small);
  if (in.failed()) return;
  // All modulo 2^64, as they were written.
  if (order == 0) {
    for (std::uint64_t& value : values) value = base + value * divisor;
  } else if (order == 1) {
    const std::uint64_t step = drift * divisor;
    std::uint64_t last = values[0] = base;
    for (std::uint64_t& value : small) value = last += UnZigZag(value) * divisor + step;
  } else {
    std::uint64_t step = second * divisor;
    values[0] = base;
    std::uint64_t last = values[1] = base + step;
    for (std::uint64_t& value : small) {
      step += UnZigZag(value) * divisor;
      value = last += step;
    }
  }
}

void ReadRuns(Reader& in, std::span<std::uint64_t> values) {
  const std::uint64_t runs = in.Varint();
  if (runs == 0 || runs > values.size())
    return in.Fail("a column has an impossible number of runs");
  std::vector<std::uint64_t> starts(static_cast<std::size_t>(runs)), lengths(starts.size());
  ReadInner(in, starts, Depth::kInner);
  ReadInner(in, lengths, Depth::kInner);
  if (in.failed()) return;
  std::size_t at = 0;
  for (std::size_t i = 0; i < starts.size(); ++i) {
    if (lengths[i] >= values.size() - at) return in.Fail("runs are longer than their column");
    const auto length = static_cast<std::size_t>(lengths[i]) + 1;
    std::fill_n(values.begin() + static_cast<std::ptrdiff_t>(at), length, starts[i]);
    at += length;
  }
  if (at != values.size()) in.Fail("runs are shorter than their column");
}

void ReadDictionary(Reader& in, std::span<std::uint64_t> values) {
  const std::uint64_t count = in.Varint();
  if (count == 0 || count > values.size()) return in.Fail("a dictionary has an impossible size");
  std::vector<std::uint64_t> distinct(static_cast<std::size_t>(count));
  ReadInner(in, distinct, Depth::kInner);
  ReadInner(in, values, Depth::kInner);
  if (in.failed()) return;
  for (std::uint64_t& value : values) {
    if (value >= distinct.size()) return in.Fail("an index points behind its dictionary");
    value = distinct[static_cast<std::size_t>(value)];
  }
}

void ReadZstd(Reader& in, std::span<std::uint64_t> values) {
  const std::uint64_t min = in.Signed();
  const std::size_t bytes = in.Byte();
  if (bytes == 0 || bytes > 8) return in.Fail("a column has an impossible width");
  const std::string_view packed = in.Raw(in.Varint());
  std::string plain(values.size() * bytes, '\0');
  if (in.failed() || !ZstdUnpack(packed, plain)) return in.Fail("zstd can't unpack a column");
  const auto* at = reinterpret_cast<const unsigned char*>(plain.data());
  for (std::uint64_t& value : values) {
    value = min;
    for (std::size_t i = 0; i < bytes; ++i) value += std::uint64_t{*at++} << 8 * i;
  }
}

void ReadInner(Reader& in, std::span<std::uint64_t> values, Depth depth) {
  const std::uint8_t head = in.Byte();
  const auto kind = static_cast<Kind>(head & 7);
  const bool coded = kind == kPacked || kind == kGolomb || kind == kTokens;
  if (in.failed() || (head & kUnused) != 0 || (!coded && head != kind)) {
    return in.Fail("a column begins with an unknown byte");
  }
  if (coded) return ReadCoded(in, head, values);
  if (kind == kConstant || kind == kLine) {
    std::uint64_t value = in.Signed();
    const std::uint64_t step = kind == kLine ? in.Signed() : 0;
    for (std::uint64_t& at : values) {
      at = value;
      value += step;
    }
    return;
  }
  if (depth == Depth::kInner) return in.Fail("a column is nested too deep");
  if (kind == kRuns) return ReadRuns(in, values);
  if (kind == kDictionary) return ReadDictionary(in, values);
  ReadZstd(in, values);
}

}  // namespace

void WriteIntegers(Writer& out, std::span<const std::uint64_t> values) {
  if (values.empty()) return;
  out.Raw(Smallest(values, Depth::kOuter));
}

void ReadIntegers(Reader& in, std::span<std::uint64_t> values) {
  if (values.empty()) return;
  ReadInner(in, values, Depth::kOuter);
}

std::size_t EstimateBits(std::span<const std::uint64_t> values) {
  if (values.size() < 2) return 64 * values.size();
  const Shape shape = ShapeOf(values);
  if (shape.divisor == 0) return 64;
  std::vector<std::uint64_t> divided;
  if (shape.divisor > 1) divided = Divided(values, shape);
  const Integers scaled = divided.empty() ? values : Integers(divided);
  const std::uint64_t min = divided.empty() ? shape.min : 0;
  std::size_t bits = values.size();
  for (const std::uint64_t value : Residuals(scaled, min, PredictionOf(scaled, min))) {
    bits += Width(value);
  }
  return std::min(bits, shape.runs * (Width(shape.range) + 4));
}

}  // namespace edgetwin::history

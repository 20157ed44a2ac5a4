// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/block.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "twin/history/bits.h"
#include "twin/history/crc32.h"
#include "twin/history/double_column.h"
#include "twin/history/integer_column.h"
#include "twin/history/text_column.h"

namespace edgetwin::history {
namespace {

using model::Sample;
using model::Value;
using model::ValueType;

constexpr std::uint8_t kFormat = 1;
constexpr std::size_t kChecksumBytes = 4;

// The second byte: the type of all values or kMixed, and the state of all samples unless the flag
// says that they have a column of their own.
constexpr std::uint8_t kTypeMask = 7;
constexpr std::uint8_t kMixed = 6;
constexpr std::uint8_t kStateColumn = 1 << 3;
constexpr unsigned kStateShift = 4;
constexpr std::uint8_t kUnused = 1 << 7;
constexpr std::size_t kTypes = 6;

// A sample's quality, and whether its clock was trusted: three bits.
constexpr std::uint64_t kQualityMask = 3;
constexpr std::uint64_t kUnsynced = 4;
constexpr std::uint64_t kStateMax = 7;

std::uint64_t StateOf(const Sample& sample) {
  return static_cast<std::uint64_t>(sample.quality) | (sample.unsynced ? kUnsynced : 0);
}

std::size_t TextBytes(const Value& value) {
  if (value.type() == ValueType::kString) return value.text().size();
  return value.type() == ValueType::kBytes ? value.bytes().data.size() : 0;
}

// What one pass over the samples tells.
struct Overview {
  std::vector<std::uint64_t> times;
  std::vector<std::uint64_t> numbers;  // Of all samples; whole only if all have one numeric type.
  std::array<bool, kTypes> has{};
  bool same_type = true;
  bool same_state = true;
};

// Bools as 0 and 1, ints and doubles by their bits.
std::uint64_t NumberOf(const Value& value) {
  switch (value.type()) {
    case ValueType::kBool: return value.boolean() ? 1 : 0;
    case ValueType::kInt: return static_cast<std::uint64_t>(value.integer());
    case ValueType::kDouble: return std::bit_cast<std::uint64_t>(value.real());
    default: return 0;
  }
}

Result<Overview> Look(std::span<const Sample> samples) {
  if (samples.empty()) return Invalid("a block of no samples");
  if (samples.size() > kBlockSamplesMax) {
    return Exhausted("a block of " + std::to_string(samples.size()) + " samples; at most " +
                     std::to_string(kBlockSamplesMax) + " fit");
  }
  Overview overview;
  overview.times.resize(samples.size());
  overview.numbers.resize(samples.size());
  std::size_t text_bytes = 0;
  const std::uint64_t state = StateOf(samples[0]);
  const ValueType type = samples[0].value.type();
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const Sample& sample = samples[i];
    overview.times[i] = static_cast<std::uint64_t>(sample.time.time_since_epoch().count());
    overview.numbers[i] = NumberOf(sample.value);
    overview.same_state = overview.same_state && StateOf(sample) == state;
    overview.same_type = overview.same_type && sample.value.type() == type;
    overview.has[static_cast<std::size_t>(sample.value.type())] = true;
    if (sample.value.type() < ValueType::kString) continue;
    if (!Holdable(sample.value)) {
      return Invalid("a text that is not UTF-8 or longer than " +
                     std::to_string(model::kValueBytesMax) + " bytes");
    }
    text_bytes += TextBytes(sample.value);
  }
  if (text_bytes > kBlockTextBytesMax) {
    return Exhausted("a block of " + std::to_string(text_bytes) + " bytes of texts; at most " +
                     std::to_string(kBlockTextBytesMax) + " fit");
  }
  return overview;
}

void WriteNumbers(Writer& out, ValueType type, std::span<const std::uint64_t> numbers) {
  if (type == ValueType::kDouble) {
    WriteDoubles(out, numbers);
  } else {
    WriteIntegers(out, numbers);
  }
}

// The values of one type, of those samples that have it.
void WriteValues(Writer& out, std::span<const Sample> samples, ValueType type) {
  std::vector<std::uint64_t> numbers;
  std::vector<std::string_view> texts;
  for (const Sample& sample : samples) {
    const Value& value = sample.value;
    if (value.type() != type) continue;
    if (type == ValueType::kString) {
      texts.push_back(value.text());
    } else if (type == ValueType::kBytes) {
      texts.push_back(value.bytes().data);
    } else if (type != ValueType::kNone) {
      numbers.push_back(NumberOf(value));
    }
  }
  WriteTexts(out, texts);
  WriteNumbers(out, type, numbers);
}

// A block's columns as they were read. Each type's values are those of the samples that have it.
struct Columns {
  std::uint8_t type = 0;             // Of all samples, or kMixed.
  std::vector<std::uint64_t> types;  // Only if they are mixed.
  std::vector<std::uint64_t> times;
  std::uint64_t state = 0;            // Of all samples …
  std::vector<std::uint64_t> states;  // … or one each.
  std::array<std::vector<std::uint64_t>, kTypes> numbers;
  std::array<std::vector<std::string>, kTypes> texts;
};

bool AllAtMost(std::span<const std::uint64_t> numbers, std::uint64_t max) {
  return std::all_of(numbers.begin(), numbers.end(),
                     [max](std::uint64_t number) { return number <= max; });
}

Error Damaged(std::string_view reason) {
  return Corrupt("a block of history is damaged: " + std::string(reason));
}

// The format's number and the checksum; what lies between them.
Result<std::string_view> Body(std::string_view bytes) {
  if (bytes.size() < 1 + kChecksumBytes) {
    return Damaged("it has only " + std::to_string(bytes.size()) + " bytes");
  }
  const auto format = static_cast<std::uint8_t>(bytes[0]);
  const std::string_view body = bytes.substr(0, bytes.size() - kChecksumBytes);
  std::uint32_t checksum = 0;
  for (std::size_t i = 0; i < kChecksumBytes; ++i) {
    checksum |= std::uint32_t{static_cast<std::uint8_t>(bytes[body.size() + i])} << 8 * i;
  }
  if (Crc32(body) != checksum) return Damaged("its checksum is wrong");
  if (format != kFormat) {
    return Unsupported("a block of history has format " + std::to_string(format) +
                       ", which is not known here");
  }
  return body.substr(1);
}

struct Head {
  std::uint8_t shape = 0;
  std::uint64_t count = 0;
  std::uint64_t first_ordinal = 0;
};

Head ReadHead(Reader& in) {
  Head head;
  head.shape = in.Byte();
  head.count = in.Varint();
  head.first_ordinal = in.Varint();
  const bool has_column = (head.shape & kStateColumn) != 0;
  if ((head.shape & kUnused) != 0 || (head.shape & kTypeMask) > kMixed ||
      (has_column && head.shape >> kStateShift != 0)) {
    in.Fail("its second byte is unknown");
  }
  if (head.count == 0) in.Fail("it has no samples");
  return head;
}

void ReadValues(Reader& in, ValueType type, std::size_t count, std::size_t& text_bytes_left,
                Columns& columns) {
  std::vector<std::uint64_t>& numbers = columns.numbers[static_cast<std::size_t>(type)];
  if (type >= ValueType::kString) {
    std::vector<std::string>& texts = columns.texts[static_cast<std::size_t>(type)];
    texts = ReadTexts(in, count, text_bytes_left);
    for (const std::string& text : texts) text_bytes_left -= text.size();
  } else if (type != ValueType::kNone) {
    numbers.resize(count);
    if (type == ValueType::kDouble) {
      ReadDoubles(in, numbers);
    } else {
      ReadIntegers(in, numbers);
    }
    if (type == ValueType::kBool && !AllAtMost(numbers, 1)) in.Fail("a bool is not one");
  }
}

Columns ReadColumns(Reader& in, const Head& head, std::size_t text_bytes_max) {
  const auto count = static_cast<std::size_t>(head.count);
  Columns columns;
  columns.type = head.shape & kTypeMask;
  std::array<std::size_t, kTypes> counts{};
  if (columns.type == kMixed) {
    columns.types.resize(count);
    ReadIntegers(in, columns.types);
    if (!AllAtMost(columns.types, kTypes - 1)) in.Fail("a value has an unknown type");
    if (in.failed()) return columns;
    for (const std::uint64_t type : columns.types) ++counts[static_cast<std::size_t>(type)];
  } else {
    counts[columns.type] = count;
  }
  columns.times.resize(count);
  ReadIntegers(in, columns.times);
  columns.state = head.shape >> kStateShift;
  if ((head.shape & kStateColumn) != 0) {
    columns.states.resize(count);
    ReadIntegers(in, columns.states);
    if (!AllAtMost(columns.states, kStateMax)) in.Fail("a sample has an unknown quality");
  }
  for (std::size_t type = 0; type < kTypes; ++type) {
    if (in.failed()) return columns;
    ReadValues(in, static_cast<ValueType>(type), counts[type], text_bytes_max, columns);
  }
  if (in.left() != 0) in.Fail("something follows its last column");
  return columns;
}

// Makes the samples, with value_of(i) as the i-th's value. A few at a time, so that each is still
// in the cache when it is filled.
template <class ValueOf>
std::vector<Sample> Make(const Columns& columns, ValueOf value_of) {
  constexpr std::size_t kAtOnce = 32;
  const std::size_t count = columns.times.size();
  std::vector<Sample> samples;
  samples.reserve(count);
  for (std::size_t from = 0; from < count; from += kAtOnce) {
    const std::size_t to = std::min(count, from + kAtOnce);
    samples.resize(to);
    for (std::size_t i = from; i < to; ++i) {
      Sample& sample = samples[i];
      const std::uint64_t state = columns.states.empty() ? columns.state : columns.states[i];
      sample.value = value_of(i);
      sample.time =
          WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(columns.times[i])));
      sample.quality = static_cast<model::Quality>(state & kQualityMask);
      sample.unsynced = (state & kUnsynced) != 0;
    }
  }
  return samples;
}

// The `at`-th value of a type. Texts can be taken once.
Value Take(Columns& columns, std::size_t type, std::size_t at) {
  switch (static_cast<ValueType>(type)) {
    case ValueType::kNone: break;
    case ValueType::kBool: return Value(columns.numbers[type][at] != 0);
    case ValueType::kInt: return Value(static_cast<std::int64_t>(columns.numbers[type][at]));
    case ValueType::kDouble: return Value(std::bit_cast<double>(columns.numbers[type][at]));
    case ValueType::kString: return Value(std::move(columns.texts[type][at]));
    case ValueType::kBytes: return Value(model::Bytes{std::move(columns.texts[type][at])});
  }
  return {};
}

std::vector<Sample> Build(Columns& columns) {
  if (columns.type == static_cast<std::uint8_t>(ValueType::kDouble)) {  // Most are; twice as fast.
    const std::uint64_t* numbers = columns.numbers[columns.type].data();
    return Make(columns, [=](std::size_t i) { return Value(std::bit_cast<double>(numbers[i])); });
  }
  std::array<std::size_t, kTypes> next{};
  return Make(columns, [&](std::size_t i) {
    const auto type =
        static_cast<std::size_t>(columns.types.empty() ? columns.type : columns.types[i]);
    return Take(columns, type, next[type]++);
  });
}

}  // namespace

Result<std::string> EncodeBlock(std::span<const Sample> samples, std::uint64_t first_ordinal) {
  const Result<Overview> looked = Look(samples);
  if (!looked) return looked.error();
  const auto& [times, numbers, has, same_type, same_state] = *looked;
  const ValueType type = samples[0].value.type();
  const std::uint64_t state = StateOf(samples[0]);

  Writer out;
  out.Byte(kFormat);
  out.Byte(static_cast<std::uint8_t>((same_type ? static_cast<std::uint8_t>(type) : kMixed) |
                                     (same_state ? state << kStateShift : kStateColumn)));
  out.Varint(samples.size());
  out.Varint(first_ordinal);
  std::vector<std::uint64_t> column;
  if (!same_type) {
    for (const Sample& sample : samples) {
      column.push_back(static_cast<std::uint64_t>(sample.value.type()));
    }
    WriteIntegers(out, column);
  }
  WriteIntegers(out, times);
  if (!same_state) {
    column.clear();
    for (const Sample& sample : samples) column.push_back(StateOf(sample));
    WriteIntegers(out, column);
  }
  if (same_type && type != ValueType::kNone && type < ValueType::kString) {
    WriteNumbers(out, type, numbers);
  } else {
    for (std::size_t i = 0; i < kTypes; ++i) {
      if (has[i]) WriteValues(out, samples, static_cast<ValueType>(i));
    }
  }
  const std::uint32_t checksum = Crc32(out.bytes());
  for (std::size_t i = 0; i < kChecksumBytes; ++i) {
    out.Byte(static_cast<std::uint8_t>(checksum >> 8 * i));
  }
  return std::move(out).Take();
}

Result<Block> DecodeBlock(std::string_view bytes, const DecodeLimits& limits) {
  const Result<std::string_view> body = Body(bytes);
  if (!body) return body.error();
  std::string padded(*body);
  padded.resize(body->size() + kReadablePastEnd);
  Reader in(reinterpret_cast<const std::uint8_t*>(padded.data()), body->size());
  const Head head = ReadHead(in);
  if (in.failed()) return Damaged(in.reason());
  if (head.count > limits.samples_max) {
    return Exhausted("a block of history says that it has " + std::to_string(head.count) +
                     " samples; the limit is " + std::to_string(limits.samples_max));
  }
  Columns columns = ReadColumns(in, head, limits.text_bytes_max);
  if (in.failed()) return Damaged(in.reason());
  Block block{.first_ordinal = head.first_ordinal, .samples = {}};
  block.samples = Build(columns);
  for (const Sample& sample : block.samples) {
    if (columns.type < static_cast<std::uint8_t>(ValueType::kString)) break;
    if (!Holdable(sample.value)) return Damaged("a text is not UTF-8 or too long");
  }
  return block;
}

Result<BlockHeader> ReadBlockHeader(std::string_view bytes) {
  const Result<std::string_view> body = Body(bytes);
  if (!body) return body.error();
  Reader in(reinterpret_cast<const std::uint8_t*>(body->data()), body->size());
  const Head head = ReadHead(in);
  if (in.failed()) return Damaged(in.reason());
  return BlockHeader{head.first_ordinal, static_cast<std::size_t>(head.count)};
}

}  // namespace edgetwin::history

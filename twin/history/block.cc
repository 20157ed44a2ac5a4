// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/history/block.h"

#include <array>
#include <bit>
#include <optional>
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

// Reads the values of one type into those samples that `has` names, in their order.
class ValueReader {
 public:
  ValueReader(Reader& in, std::vector<Sample>& samples, std::size_t text_bytes_max)
      : in_(in), samples_(samples), text_bytes_left_(text_bytes_max) {}

  // `types` are those of the samples, or empty when all have `type`.
  void Read(ValueType type, std::span<const std::uint64_t> types, std::size_t count) {
    if (count == 0 || type == ValueType::kNone) return;
    if (type >= ValueType::kString) return ReadTextual(type, types, count);
    std::vector<std::uint64_t> numbers(count);
    if (type == ValueType::kDouble) {
      ReadDoubles(in_, numbers);
    } else {
      ReadIntegers(in_, numbers);
    }
    if (in_.failed()) return;
    std::size_t next = 0;
    const auto fill = [&](auto value_of) {
      for (std::size_t i = 0; i < samples_.size(); ++i) {
        if (types.empty() || types[i] == static_cast<std::uint64_t>(type)) {
          samples_[i].value = Value(value_of(numbers[next++]));
        }
      }
    };
    if (type == ValueType::kDouble) {
      fill([](std::uint64_t bits) { return std::bit_cast<double>(bits); });
    } else if (type == ValueType::kInt) {
      fill([](std::uint64_t bits) { return static_cast<std::int64_t>(bits); });
    } else {
      for (const std::uint64_t number : numbers) {
        if (number > 1) return in_.Fail("a bool is neither true nor false");
      }
      fill([](std::uint64_t bits) { return bits != 0; });
    }
  }

 private:
  void ReadTextual(ValueType type, std::span<const std::uint64_t> types, std::size_t count) {
    std::vector<std::string> texts = ReadTexts(in_, count, text_bytes_left_);
    if (in_.failed()) return;
    std::size_t next = 0;
    for (std::size_t i = 0; i < samples_.size(); ++i) {
      if (!types.empty() && types[i] != static_cast<std::uint64_t>(type)) continue;
      Value& value = samples_[i].value;
      std::string& text = texts[next++];
      text_bytes_left_ -= text.size();
      value = type == ValueType::kString ? Value(std::move(text))
                                         : Value(model::Bytes{std::move(text)});
      if (!Holdable(value)) return in_.Fail("a text is not UTF-8 or too long");
    }
  }

  Reader& in_;
  std::vector<Sample>& samples_;
  std::size_t text_bytes_left_;
};

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

void Read(Reader& in, const Head& head, std::size_t text_bytes_max, std::vector<Sample>& samples) {
  const std::size_t count = samples.size();
  const auto uniform = static_cast<std::uint8_t>(head.shape & kTypeMask);
  std::vector<std::uint64_t> types(uniform == kMixed ? count : 0), column(count);
  ReadIntegers(in, types);
  std::array<std::size_t, kTypes> counts{};
  for (const std::uint64_t type : types) {
    if (type >= kTypes) return in.Fail("a value has an unknown type");
    ++counts[static_cast<std::size_t>(type)];
  }
  if (uniform != kMixed) counts[uniform] = count;

  ReadIntegers(in, column);
  const bool has_states = (head.shape & kStateColumn) != 0;
  std::vector<std::uint64_t> states(has_states ? count : 0);
  ReadIntegers(in, states);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t state = has_states ? states[i] : head.shape >> kStateShift;
    if (state > kStateMax) return in.Fail("a sample has an unknown quality");
    samples[i].time = WallTime(std::chrono::milliseconds(static_cast<std::int64_t>(column[i])));
    samples[i].quality = static_cast<model::Quality>(state & kQualityMask);
    samples[i].unsynced = (state & kUnsynced) != 0;
  }
  ValueReader values(in, samples, text_bytes_max);
  for (std::size_t type = 0; type < kTypes; ++type) {
    values.Read(static_cast<ValueType>(type), types, counts[type]);
  }
  if (in.left() != 0) in.Fail("something follows its last column");
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
  Block block{.first_ordinal = head.first_ordinal, .samples = {}};
  block.samples.resize(static_cast<std::size_t>(head.count));
  Read(in, head, limits.text_bytes_max, block.samples);
  if (in.failed()) return Damaged(in.reason());
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

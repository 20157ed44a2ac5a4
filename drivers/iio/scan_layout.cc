// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/iio/scan_layout.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <string>

#include "twin/base/utf8.h"

namespace edgetwin::iio {
namespace {

constexpr std::size_t kShownBytesMax = 40;

// Takes `prefix` off `rest`, if it is there.
bool Take(std::string_view& rest, std::string_view prefix) {
  if (!rest.starts_with(prefix)) return false;
  rest.remove_prefix(prefix.size());
  return true;
}

bool TakeNumber(std::string_view& rest, unsigned& number) {
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (error != std::errc()) return false;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  return true;
}

std::size_t BytesOf(const ElementType& type) {
  return type.storage_bits / 8;
}

std::size_t Align(std::size_t at, std::size_t bytes) {
  return (at + bytes - 1) / bytes * bytes;
}

// The element's value bits, the lowest first, without sign.
std::uint64_t ValueBits(const ElementType& type, const std::uint8_t* bytes) {
  std::uint64_t word = 0;
  const std::size_t size = BytesOf(type);
  for (std::size_t i = 0; i < size; ++i) {
    word = word << 8 | bytes[type.big_endian ? i : size - 1 - i];
  }
  return (word >> type.shift) & (~std::uint64_t{0} >> (64 - type.bits));
}

}  // namespace

Result<ElementType> ParseElementType(std::string_view text) {
  const std::string shown = "'" + ToUtf8(text, kShownBytesMax) + "'";
  const Error nonsense = Corrupt(shown + " is no [be|le]:[s|u]BITS/STORAGEBITS>>SHIFT");
  ElementType type;
  std::string_view rest = text;
  type.big_endian = Take(rest, "be:");
  if (!type.big_endian && !Take(rest, "le:")) return nonsense;
  if (rest.starts_with("f")) return Unsupported(shown + ": floating point can't be captured");
  type.is_signed = Take(rest, "s");
  if (!type.is_signed && !Take(rest, "u")) return nonsense;
  if (!TakeNumber(rest, type.bits) || !Take(rest, "/")) return nonsense;
  if (!TakeNumber(rest, type.storage_bits)) return nonsense;
  unsigned repeat = 1;
  if (Take(rest, "X") && !TakeNumber(rest, repeat)) return nonsense;
  if (Take(rest, ">>") && !TakeNumber(rest, type.shift)) return nonsense;
  if (!rest.empty()) return nonsense;
  if (repeat > 1) return Unsupported(shown + ": several values in one can't be captured");
  constexpr unsigned kWords[] = {8, 16, 32, 64};
  if (std::ranges::find(kWords, type.storage_bits) == std::end(kWords)) {
    return Unsupported(shown + ": only 8, 16, 32 and 64 bits of storage can be captured");
  }
  // In this order, so that nothing overflows.
  if (type.bits == 0 || type.bits > type.storage_bits ||
      type.shift > type.storage_bits - type.bits) {
    return nonsense;
  }
  return type;
}

std::int64_t RawInteger(const ElementType& type, const std::uint8_t* bytes) {
  const std::uint64_t value = ValueBits(type, bytes);
  if (!type.is_signed) return static_cast<std::int64_t>(value);
  const std::uint64_t sign = std::uint64_t{1} << (type.bits - 1);
  return static_cast<std::int64_t>((value ^ sign) - sign);
}

double RawNumber(const ElementType& type, const std::uint8_t* bytes) {
  if (type.is_signed) return static_cast<double>(RawInteger(type, bytes));
  return static_cast<double>(ValueBits(type, bytes));
}

Result<ScanLayout> LayOut(const std::vector<ScanElement>& elements,
                          const std::optional<ElementType>& timestamp) {
  if (elements.empty() || elements.size() > kElementsMax) {
    return Invalid("a scan has 1 to " + std::to_string(kElementsMax) + " channels, not " +
                   std::to_string(elements.size()));
  }
  std::vector<std::size_t> order(elements.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](std::size_t i) { return elements[i].index; });
  ScanLayout layout;
  layout.at.resize(elements.size());
  std::size_t largest = 1;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const ScanElement& element = elements[order[i]];
    if (i > 0 && elements[order[i - 1]].index == element.index) {
      return Corrupt("two scan elements have the index " + std::to_string(element.index));
    }
    const std::size_t size = BytesOf(element.type);
    layout.at[order[i]] = Align(layout.bytes, size);
    layout.bytes = layout.at[order[i]] + size;
    largest = std::max(largest, size);
  }
  if (timestamp) {
    if (timestamp->storage_bits != 64) {
      return Unsupported("a time stamp of " + std::to_string(timestamp->storage_bits) + " bits");
    }
    layout.timestamp_at = Align(layout.bytes, 8);
    layout.bytes = *layout.timestamp_at + 8;
    largest = 8;
  }
  layout.bytes = Align(layout.bytes, largest);
  return layout;
}

}  // namespace edgetwin::iio

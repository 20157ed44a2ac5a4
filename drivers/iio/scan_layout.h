// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What the scans of an IIO buffer look like: the kernel's Documentation/iio/iio_devbuf.rst, and
// iio_compute_scan_bytes of its industrialio-buffer.c.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "twin/base/result.h"

namespace edgetwin::iio {

// How a scan element is stored: what in_*_type holds, such as "be:s12/16>>4".
struct ElementType {
  bool big_endian = false;
  bool is_signed = false;     // Two's complement.
  unsigned bits = 0;          // 1 to storage_bits - shift.
  unsigned storage_bits = 0;  // 8, 16, 32 or 64.
  unsigned shift = 0;         // Bits below the value's.
};

// kUnsupported: several values in one element ("X4"), floating point, and storage that is no
// machine word; kCorrupt: anything else that isn't of the form.
Result<ElementType> ParseElementType(std::string_view text);

// The number in the element that begins at `bytes`. Those of 64 bits lose what a double can't hold.
double RawNumber(const ElementType& type, const std::uint8_t* bytes);
// The same as an integer; of unsigned ones with 64 bits modulo 2^64.
std::int64_t RawInteger(const ElementType& type, const std::uint8_t* bytes);

// An element that is enabled.
struct ScanElement {
  std::uint64_t index = 0;  // in_*_index.
  ElementType type;
};

// Offsets are in bytes from the scan's begin.
struct ScanLayout {
  std::vector<std::size_t> at;  // In the order in which the elements were given.
  std::optional<std::size_t> timestamp_at;
  std::size_t bytes = 0;  // From one scan to the next.
};

// Channels that one buffer may have.
inline constexpr std::size_t kElementsMax = 64;

// Elements lie in the order of their indices, each aligned to its own size, the time stamp behind
// all; a scan is as long as makes the next one's largest element aligned. kInvalid: none, or more
// than kElementsMax; kCorrupt: two of one index; kUnsupported: a time stamp that isn't of 64 bits.
Result<ScanLayout> LayOut(const std::vector<ScanElement>& elements,
                          const std::optional<ElementType>& timestamp);

}  // namespace edgetwin::iio

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Samples of one property that wait to become a block, in few bytes and one piece of memory: each
// as its difference to the one before, without looking further. Encoding a block takes longer and
// needs all of its samples at once.

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "twin/base/bytes.h"
#include "twin/model/row.h"

namespace edgetwin::history {

// SINGLE-THREADED. What comes out is what went in, to the bit, whatever it was.
class OpenSamples {
 public:
  void Add(const model::Sample& sample);
  // In the order in which they were added.
  std::vector<model::Sample> Samples() const;
  void Clear();  // Gives the memory back.

  bool empty() const { return count_ == 0; }
  std::size_t size() const { return count_; }
  // What they are in bytes: 2 to 4 for a decimal of few digits, about 10 for another double, fewer
  // for one that stays as it is, 2 to 11 for an int; a text is as long as it is, and 5 more.
  std::size_t used_bytes() const { return coded_.size(); }
  // What they take of the heap, beside sizeof(*this), with what is free for further ones.
  std::size_t memory_bytes() const;

 private:
  // What the next sample is a difference to.
  struct Last {
    std::uint64_t time = 0;    // Milliseconds since 1970.
    std::uint64_t step = 0;    // From the time before it.
    std::uint64_t number = 0;  // The bits of the last int or double.
    // The last double that was one times 10^decimals; decimals as many as one of them needed.
    std::uint64_t scaled = 0;
    std::int8_t decimals = -1;  // None was one yet.
    std::uint8_t misses = 0;    // Doubles that are none.

    // From a double that stands there in full.
    void Learn(double value);
  };

  void Reserve(std::size_t more);
  void PutTime(std::uint8_t& tag, std::uint64_t time);
  void PutValue(std::uint8_t& tag, const model::Value& value);
  void PutDouble(std::uint8_t& tag, double value);
  static model::Value ValueOf(ByteReader& in, std::uint8_t tag, Last& last);

  std::vector<std::uint8_t> coded_;
  std::uint32_t count_ = 0;
  std::uint32_t expected_bytes_ = 0;  // What was used at the last Clear.
  Last last_;
};

}  // namespace edgetwin::history

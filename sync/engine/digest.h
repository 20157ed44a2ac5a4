// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Fingerprints: of one row, and the sum over many, by which two sides see that they hold the same.
// docs/PROTOCOL.md, section 16, says over which bytes, so that anybody can compute them.

#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "twin/model/twin.h"

namespace edgetwin::sync {

// A number of 128 bits, modulo 2^128. Sums don't depend on the order.
struct Digest {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  bool none() const { return low == 0 && high == 0; }
  Digest& operator+=(const Digest& other) {
    low += other.low;
    high += other.high + (low < other.low ? 1 : 0);
    return *this;
  }
  friend bool operator==(const Digest&, const Digest&) = default;
};

// Appends what a row's hashes are taken over, whatever the machine. `path` stands for the property
// where its pid is 0; else it is not looked at.
void AppendCanonical(std::string& bytes, model::Pid pid, model::Side side, const model::Row& row,
                     std::string_view path = {});

// XXH64 of the canonical bytes with the seeds 0 (low) and 1 (high).
Digest RowDigest(model::Pid pid, model::Side side, const model::Row& row,
                 std::string_view path = {});

// Over every row of `stream` that `writer` writes and whose property is shared (all are, without
// the function) and not in `except`, which ascends. What a device keeps to itself is none of its
// writing. O(properties).
Digest DigestOf(const model::Twin& twin, model::Stream stream, model::Role writer,
                const std::function<bool(model::PropertyId)>& shared = {},
                std::span<const model::Pid> except = {});

// Over the rows, of both writers, whose property has no pid: the other side knows them by path. Of
// the desired ones only those that are shared.
Digest UnnumberedDigest(const model::Twin& twin,
                        const std::function<bool(model::PropertyId)>& shared);

}  // namespace edgetwin::sync

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Who is it that says Hello? docs/PROTOCOL.md, section 7.

#pragma once

#include <string>
#include <vector>

#include "sync/engine/frame.h"
#include "twin/model/batch.h"

namespace edgetwin::sync {

// What the cloud knows of a device.
struct KnownDevice {
  const model::Lineage& lineage;  // As its last accepted Hello told; empty: never heard.
  const std::vector<std::uint64_t>& superseded;
  model::Epoch epoch;
  Watermarks received{};
  model::Setback setback;
  model::Admission admission = model::Admission::kNormal;
};

enum class Standing {
  kFirst,      // The device was never heard.
  kSame,       // The opening that was heard last.
  kContinues,  // A later opening of the same store; a crash may have taken reported rows.
  kRestored,   // A store without some of what was acknowledged: an image, a copy, a new one.
  kRefused,    // May not sync.
};

struct Verdict {
  Standing standing = Standing::kRefused;
  // The highest seq that the store of the Hello has in common with ours, by their lineages.
  std::uint64_t common = 0;
  std::string why = {};  // Of kRefused, for people.
};

Verdict Classify(const KnownDevice& known, const Hello& hello);

// Whether the Hello's store has not heard of the last setback, or has not shown that it has.
bool Unheard(const model::Setback& setback, const Hello& hello);

bool Contains(const model::Lineage& lineage, std::uint64_t inc);

}  // namespace edgetwin::sync

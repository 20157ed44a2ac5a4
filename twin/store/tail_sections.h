// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The part of a tail record after its rows: events, commands, alarms and holds. tail_codec.h has
// the format.

#pragma once

#include <cstdint>
#include <span>

#include "twin/model/batch.h"
#include "twin/store/tail_bytes.h"

namespace edgetwin::store {

// One bit for each section that the batch has anything for.
std::uint64_t SectionsOf(const model::Batch& batch);

void WriteSections(Writer& out, const model::Batch& batch, std::span<const std::int8_t> decimals);

// `sections` as SectionsOf gave it; `in` has failed afterwards when it can't have been written.
void ReadSections(Reader& in, std::uint64_t sections, model::Batch& batch);

}  // namespace edgetwin::store

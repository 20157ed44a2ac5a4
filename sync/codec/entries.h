// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Lineages, marks, dictionary entries and their chain ↔ their messages.

#pragma once

#include "edgetwin/v1/sync.pb.h"
#include "sync/engine/frame.h"
#include "twin/base/result.h"

namespace edgetwin::sync {

using Incarnations = google::protobuf::RepeatedPtrField<v1::Incarnation>;

// The lineage must be what DecodeLineage accepts (asserted): 1 to kLineageMax incarnations,
// ascending, each with an inc of its own that isn't 0.
void EncodeLineage(const model::Lineage& lineage, Incarnations& out);
Result<model::Lineage> DecodeLineage(const Incarnations& incarnations);

void EncodeMarks(const Watermarks& marks, v1::Marks* out);
Watermarks DecodeMarks(const v1::Marks& marks);

using ChainMarks = google::protobuf::RepeatedPtrField<v1::ChainMark>;

// At most kLadderMax, ascending (asserted).
void EncodeLadder(const std::vector<ChainMark>& ladder, ChainMarks& out);
Result<std::vector<ChainMark>> DecodeLadder(const ChainMarks& in);

// All but the session. A property may have become local-only after its number was given: its entry
// still counts in the chain, so whether it may be sent is for the caller to decide.
void EncodeEntries(const DictionaryFrame& frame, v1::Dictionary& out);
// The texts of `in` move into the entries.
Result<DictionaryFrame> DecodeEntries(v1::Dictionary& in);

}  // namespace edgetwin::sync

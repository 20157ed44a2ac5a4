// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Lineages and dictionary entries ↔ their messages.

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

// All but the session. A property may have become local-only after its number was given: its entry
// still counts in the chain, so whether it may be sent is for the caller to decide.
void EncodeEntries(const DictionaryFrame& frame, v1::Dictionary& out);
// The texts of `in` move into the entries.
Result<DictionaryFrame> DecodeEntries(v1::Dictionary& in);

}  // namespace edgetwin::sync

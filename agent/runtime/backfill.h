// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What the engine asks of the history and what the history gives, each in the other's words.

#pragma once

#include "agent/config/agent_config.h"
#include "agent/runtime/history.h"
#include "sync/engine/backfill.h"
#include "twin/history/store/history_store.h"

namespace edgetwin::runtime {

sync::BackfillOptions ToOptions(const config::HistoryConfig& config);
history::DeliveryRequest ToRequest(const sync::BackfillRead& read);
sync::BackfillChunk ToChunk(NamedUndelivered named);
sync::LossRecord ToRecord(const history::Loss& loss);
sync::HistoryMark ToMark(const history::CloudMark& mark);

}  // namespace edgetwin::runtime

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// History's frames ↔ their messages.

#pragma once

#include "edgetwin/v1/sync.pb.h"
#include "sync/engine/history.h"
#include "twin/base/result.h"

namespace edgetwin::sync {

// All but the session, each. What Decode would refuse is asserted; the blocks of a frame that is
// decoded move out of the message, and are looked at by nobody here.

void EncodeHistory(const HistoryFrame& history, v1::History& out);
Result<HistoryFrame> DecodeHistory(v1::History& in);

void EncodeHistoryAck(const HistoryAck& ack, v1::HistoryAck& out);
Result<HistoryAck> DecodeHistoryAck(const v1::HistoryAck& in);

void EncodeHistoryAsk(const HistoryAsk& ask, v1::HistoryAsk& out);
Result<HistoryAsk> DecodeHistoryAsk(const v1::HistoryAsk& in);

void EncodeHistoryHeld(const HistoryHeld& held, v1::HistoryHeld& out);
Result<HistoryHeld> DecodeHistoryHeld(const v1::HistoryHeld& in);

}  // namespace edgetwin::sync

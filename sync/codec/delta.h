// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Deltas and acks ↔ what a Frame holds of them.

#pragma once

#include "edgetwin/v1/sync.pb.h"
#include "sync/engine/frame.h"
#include "twin/base/result.h"

namespace edgetwin::sync {

// All but the session, which an ack on the delta must share. What Decode would refuse is asserted.
void EncodeDelta(const Delta& delta, v1::Frame& frame);
// The texts of `frame` move into the delta.
Result<Delta> DecodeDelta(v1::Frame& frame);

// All but the session.
void EncodeAck(const Ack& ack, v1::Frame& frame);
Ack DecodeAck(const v1::Frame& frame);

}  // namespace edgetwin::sync

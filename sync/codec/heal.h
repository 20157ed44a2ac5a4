// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What sets twins right again ↔ its messages: offers, and the questions and answers of healing.

#pragma once

#include "edgetwin/v1/sync.pb.h"
#include "sync/engine/frame.h"
#include "twin/base/result.h"

namespace edgetwin::sync {

// All but the session, each. What Decode would refuse is asserted; the texts of a frame that is
// decoded move into its rows.

void EncodeOffer(const Offer& offer, v1::Frame& frame);
Result<Offer> DecodeOffer(v1::Frame& frame);

void EncodeHealAsk(const HealAsk& ask, v1::HealAsk& out);
Result<HealAsk> DecodeHealAsk(const v1::HealAsk& in);

void EncodeHealAnswer(const HealAnswer& answer, v1::Frame& frame);
Result<HealAnswer> DecodeHealAnswer(v1::Frame& frame);

}  // namespace edgetwin::sync

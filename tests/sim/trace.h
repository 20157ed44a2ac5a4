// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Frames and batches in a few words, for people.

#pragma once

#include <string>

#include "sync/engine/frame.h"
#include "twin/model/batch.h"

namespace edgetwin::sim {

std::string Describe(const sync::Frame& frame, std::size_t bytes);
std::string Describe(const model::Batch& batch);

}  // namespace edgetwin::sim

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Frames ↔ bytes: the protobuf messages of proto/edgetwin/v1/sync.proto.

#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "sync/engine/frame.h"
#include "twin/base/result.h"

namespace edgetwin::sync {

// Never fails: frames are built within the limits of frame.h (checked by assertion). How many bytes
// come out is for the caller to look at: a frame of kFrameRowsMax long texts is larger than
// kFrameBytesMax, and is to be split. Texts for people (Nack's and an event's text, Hello's
// software and hardware, who gave a command) are cut to their limits. Thread-safe.
std::string Encode(const Frame& frame);

// Safe on hostile bytes: size is checked before parsing, counts before allocation; every enum, pid,
// seq order, text (UTF-8, length) and cross-reference after it. kInvalid or kExhausted with what
// was wrong. A decoded frame encodes and decodes to itself (unless it is near kFrameBytesMax and
// its sender knew a shorter spelling than Encode does). Thread-safe.
Result<Frame> Decode(std::span<const std::byte> bytes);

}  // namespace edgetwin::sync

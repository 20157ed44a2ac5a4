// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Hostile DBC files, and hostile frames for whatever layout. The first byte chooses. None may
// crash; what is refused is refused with words, and what is taken can be decoded from any payload
// that is long enough.

#include <linux/can.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "drivers/can/bus_state.h"
#include "drivers/can/dbc.h"
#include "drivers/can/signal.h"
#include "twin/base/check.h"
#include "twin/base/utf8.h"

namespace edgetwin::can {
namespace {

void CheckText(const std::string& text) {
  EDGETWIN_CHECK(Utf8ValidBytes(text) == text.size());
  for (const char c : text) {
    EDGETWIN_CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  }
}
void CheckProblem(const DbcProblem& problem) {
  EDGETWIN_CHECK(problem.line > 0 && !problem.text.empty());
  EDGETWIN_CHECK(Utf8ValidBytes(problem.text) == problem.text.size());
}

// What is decoded is packed into the same bits, unless a double is too coarse for them.
void RoundTrip(const SignalSpec& spec, const Payload& payload) {
  const std::uint64_t raw = ExtractRaw(spec.bits, payload);
  Payload copy = payload;
  InsertRaw(spec.bits, raw, copy);
  EDGETWIN_CHECK(copy == payload);
  const Result<model::Value> value = Decode(spec, raw);
  if (!value) return CheckText(value.error().text);
  EDGETWIN_CHECK(value->type() == ValueTypeOf(spec));
  const Result<std::uint64_t> packed = Encode(spec, *value);
  if (!packed) return CheckText(packed.error().text);
  if (value->type() != model::ValueType::kDouble) EDGETWIN_CHECK(*packed == raw);
  EDGETWIN_CHECK(spec.bits.length == 64 || *packed >> spec.bits.length == 0);
}

void Dbc(std::string_view text) {
  const DbcFile file = ParseDbc(text);
  EDGETWIN_CHECK(file.problems.size() <= kDbcProblemsMax);
  std::for_each(file.problems.begin(), file.problems.end(), CheckProblem);
  Payload payload;
  for (std::size_t i = 0; i < payload.size(); ++i) {
    payload[i] = i < text.size() ? static_cast<std::uint8_t>(text[i]) : 0xa5;
  }
  for (const DbcMessage& message : file.messages) {
    std::for_each(message.problems.begin(), message.problems.end(), CheckProblem);
    EDGETWIN_CHECK(message.length >= 0 && message.length <= kPayloadBytesMax);
    EDGETWIN_CHECK(!message.cycle || message.cycle->count() >= 0);
    for (const DbcSignal& signal : message.signals) {
      CheckText(signal.unit);
      CheckText(signal.labels);
      EDGETWIN_CHECK(std::isfinite(signal.factor) && std::isfinite(signal.offset));
      if (!message.problems.empty()) continue;
      EDGETWIN_CHECK(bool(CheckBits(signal.bits, message.length)));
      SignalSpec spec;
      spec.bits = signal.bits;
      spec.factor = signal.factor;
      spec.offset = signal.offset;
      spec.decimals = ImpliedDecimals(spec);
      RoundTrip(spec, payload);
    }
  }
}

void Frame(std::string_view bytes) {
  canfd_frame frame{};
  std::memcpy(&frame, bytes.data(), std::min(bytes.size(), sizeof frame));
  BusHealth health;
  TakeErrorFrame(frame, health);
  CheckText(Trouble(health));
  if (bytes.size() < 5) return;
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  SignalSpec spec;
  spec.bits.start = at(0) * 2 + at(1) % 2 - 2;  // Some are out of range.
  spec.bits.length = at(2) % 70 - 1;
  spec.bits.order = at(3) % 2 == 0 ? ByteOrder::kLittle : ByteOrder::kBig;
  spec.bits.type = static_cast<RawType>(at(3) / 2 % 4);
  spec.factor = at(4) % 8 == 0 ? 1 : at(4) / 16.0 - 7;
  spec.offset = at(4) % 4 == 0 ? 0 : -40;
  if (spec.factor == 0 || !CheckBits(spec.bits, kPayloadBytesMax)) return;
  Payload payload{};
  std::memcpy(payload.data(), bytes.data(), std::min(bytes.size(), payload.size()));
  RoundTrip(spec, payload);
}

}  // namespace
}  // namespace edgetwin::can

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) {
    edgetwin::can::Dbc(bytes);
  } else {
    edgetwin::can::Frame(bytes);
  }
  return 0;
}

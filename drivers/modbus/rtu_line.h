// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A serial line with Modbus RTU on it: one request at a time, and which bytes answer it.
//
// Nothing on the line says which request an answer is for; what keeps them apart:
// - A request waits until the line is silent, and what came in until then is thrown away.
// - An answer has the unit, function, length and checksum that were asked for. Any other bytes, a
//   late answer of another unit among them, are passed over.
// - A unit that didn't answer isn't asked again for another timeout, so that its late answer finds
//   nobody who waits for it.

#pragma once

#include <chrono>
#include <map>
#include <string>

#include "drivers/modbus/modbus_client.h"
#include "drivers/modbus/rtu_frame.h"
#include "drivers/sdk/serial/serial_port.h"

namespace edgetwin::driver {

struct RtuOptions {
  serial::PortOptions port;
  std::string instance;  // Who has the port, for whoever else wants it.
  // How long an answer is waited for.
  std::chrono::milliseconds timeout{1'000};
  // Silence in the middle of an answer that ends it.
  std::chrono::milliseconds byte_timeout{200};
  bool echo = false;  // The adapter hears what it sends.
};

// One thread. `wake`: a descriptor that is readable once all is to end.
class RtuLine {
 public:
  RtuLine(RtuOptions options, int wake);

  // The answer's PDU, its function first, or an exception's. Takes up to two timeouts, one of them
  // before it asks, and no longer than `deadline`. kUnavailable: the port can't be opened or is
  // gone (it is opened again for the next request), the line is never silent, or `wake` is
  // readable. kTimeout: no answer. kCorrupt: a damaged one. kUnsupported, kPermission: as Port.
  Result<Bytes> Exchange(int unit, const Bytes& pdu, const AnswerShape& shape, MonoTime deadline);

 private:
  enum class Wait : std::uint8_t { kBytes, kTime, kGone, kEnd };

  Status Open();
  Status AwaitSilence(int unit, MonoTime deadline);
  Status Send(const Bytes& frame, MonoTime deadline);
  Status SkipEcho(const Bytes& frame, MonoTime deadline);
  Result<Bytes> Receive(int unit, const AnswerShape& shape, MonoTime deadline);
  // Appends what comes in to `line_`, waiting for it until `until`.
  Wait ReadSome(MonoTime until);
  Error Gone();

  const RtuOptions options_;
  const int wake_;
  const SystemClock clock_;
  const std::chrono::microseconds silence_;  // Between frames.
  serial::Port port_;
  Bytes line_;                          // What came in since the request.
  MonoTime busy_until_{};               // When the last byte was on the line, as far as we know.
  std::map<int, MonoTime> late_until_;  // Until when a unit's answer may still come, by unit.
};

}  // namespace edgetwin::driver

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Reads a DBC file: which messages there are, and which signals are in them. Safe on hostile bytes.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/can/signal.h"

namespace edgetwin::can {

inline constexpr std::size_t kDbcBytesMax = 8 << 20;
inline constexpr std::size_t kDbcMessagesMax = 10'000;
inline constexpr std::size_t kDbcSignalsMax = 100'000;  // Of all messages.
inline constexpr std::size_t kDbcProblemsMax = 20;

struct DbcProblem {
  int line = 0;  // From 1.
  std::string text;
};

struct DbcSignal {
  std::string name;
  int line = 0;
  SignalBits bits;
  double factor = 1;
  double offset = 0;
  std::optional<double> min;  // [0|0] is none.
  std::optional<double> max;
  std::string unit;
  bool multiplexor = false;                // M
  std::optional<std::uint64_t> multiplex;  // m<N>: only there while the multiplexor is N.
  std::string labels;                      // VAL_: "0 Off, 1 On".
};

struct DbcMessage {
  std::string name;
  int line = 0;
  std::uint32_t id = 0;  // 11 or 29 bits.
  bool extended = false;
  int length = 0;                                  // Bytes.
  std::optional<std::chrono::milliseconds> cycle;  // GenMsgCycleTime.
  std::vector<DbcSignal> signals;
  // What is wrong with its content: of importance to whoever uses this message.
  std::vector<DbcProblem> problems;
};

struct DbcFile {
  std::vector<DbcMessage> messages;
  // Where the text couldn't be understood: nothing of the file should be used then.
  std::vector<DbcProblem> problems;
};

// Taken are BO_, SG_, VAL_, SIG_VALTYPE_, SG_MUL_VAL_, and the attribute GenMsgCycleTime of BA_ and
// BA_DEF_DEF_; every other statement is passed over. Text that isn't UTF-8 is taken as Latin-1. The
// pseudo message VECTOR__INDEPENDENT_SIG_MSG is left out.
DbcFile ParseDbc(std::string_view text);

}  // namespace edgetwin::can

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Leveled, structured log lines: to journald under systemd, readable ones on a terminal or a file.
//
// Lower layers return errors and do not log; what composes them (agent/runtime, the mains,
// sync/cloud's server) logs once.

#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace edgetwin {

// The numbers are syslog's, as journald's PRIORITY wants them.
enum class LogLevel { kError = 3, kWarning = 4, kNotice = 5, kInfo = 6, kDebug = 7 };

// `name` becomes EDGETWIN_<NAME> in the journal and name=value on a terminal.
using LogField = std::pair<std::string_view, std::string>;

// Chooses the output: journald when the standard error stream is the journal's (JOURNAL_STREAM
// names it), else standard error. Call once, before the first thread starts.
void InitLog(std::string_view program, LogLevel level_max);
void SetLogLevel(LogLevel level_max);

// Thread-safe. One call is one line; line breaks inside are shown as "\n".
void Log(LogLevel level, std::string_view text, std::initializer_list<LogField> fields = {});

}  // namespace edgetwin

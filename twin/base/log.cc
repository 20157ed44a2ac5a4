// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/base/log.h"

#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "twin/base/clock.h"
#include "twin/base/utf8.h"

// Else every line would carry this file as the place that it comes from.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

namespace edgetwin {
namespace {

// What POSIX lets one write to a pipe carry without mixing with other writers'.
constexpr std::size_t kLineBytesMax = PIPE_BUF;
// Of the text and of each field's value; a line with two long ones is cut again.
constexpr std::size_t kTextBytesMax = kLineBytesMax - 512;
// journald refuses field names longer than this.
constexpr std::size_t kFieldNameBytesMax = 64;
constexpr std::string_view kCut = "…";

struct Output {
  std::atomic<int> level_max{static_cast<int>(LogLevel::kInfo)};
  bool journal = false;
  bool colours = false;
  std::string program;
};

Output& GetOutput() {
  static Output& output = *new Output;  // Not destroyed: threads may log until the very end.
  return output;
}

bool StderrIsTheJournal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat state {};
  if (stream == nullptr || fstat(STDERR_FILENO, &state) != 0) return false;
  return std::to_string(state.st_dev) + ":" + std::to_string(state.st_ino) == stream;
}

bool StderrShowsColours() {
  // https://no-color.org: any value that is not empty.
  const char* no_color = std::getenv("NO_COLOR");
  if (no_color != nullptr && *no_color != '\0') return false;
  const char* terminal = std::getenv("TERM");
  if (terminal != nullptr && std::string_view(terminal) == "dumb") return false;
  return isatty(STDERR_FILENO) == 1;
}

std::string_view LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kError: return "error";
    case LogLevel::kWarning: return "warning";
    case LogLevel::kNotice: return "notice";
    case LogLevel::kInfo: return "info";
    case LogLevel::kDebug: return "debug";
  }
  return "info";
}

std::string_view LevelColour(LogLevel level) {
  switch (level) {
    case LogLevel::kError: return "\x1b[31m";
    case LogLevel::kWarning: return "\x1b[33m";
    case LogLevel::kNotice: return "\x1b[1m";
    case LogLevel::kInfo: return "";
    case LogLevel::kDebug: return "\x1b[2m";
  }
  return "";
}

void AppendHex(std::string_view bytes, std::string& out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += "\\x";
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
}

// What comes from devices and peers may hold anything; nothing in a log line may move a terminal's
// cursor or look like another line. C1 controls (0xc2 0x80 to 0x9f) are controls to terminals too.
std::string Escape(std::string_view text, bool quoted) {
  std::string out;
  while (!text.empty()) {
    if (out.size() >= kTextBytesMax) return out += kCut;
    const std::size_t bytes = Utf8CharacterBytes(text);
    const std::string_view one = text.substr(0, bytes == 0 ? 1 : bytes);
    const auto lead = static_cast<unsigned char>(one[0]);
    const bool c1 = bytes == 2 && lead == 0xc2 && static_cast<unsigned char>(one[1]) < 0xa0;
    if (lead == '\n') {
      out += "\\n";
    } else if (lead == '\r') {
      out += "\\r";
    } else if (lead == '\t') {
      out += "\\t";
    } else if (quoted && (lead == '"' || lead == '\\')) {
      out += '\\';
      out += one;
    } else if (bytes == 0 || lead < 0x20 || lead == 0x7f || c1) {
      AppendHex(one, out);
    } else {
      out += one;
    }
    text.remove_prefix(one.size());
  }
  return out;
}

void AppendField(const LogField& field, std::string& line) {
  line += ' ';
  line += field.first;
  line += '=';
  const bool plain =
      !field.second.empty() && field.second.find_first_of(" \"=\\") == std::string::npos;
  if (!plain) line += '"';
  line += Escape(field.second, !plain);
  if (!plain) line += '"';
}

void AppendNow(std::string& line) {
  const auto since_1970 = SystemClock().UntrustedWall().time_since_epoch();
  const auto ms = since_1970.count();
  const auto seconds = static_cast<std::time_t>(ms / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(text.data() + length, text.size() - length, ".%03dZ ", static_cast<int>(ms % 1000));
  line += text.data();
}

// Cuts between characters and leaves room for the line's end.
void CutLine(std::string& line) {
  std::size_t end = kLineBytesMax - kCut.size() - 1;
  if (line.size() < kLineBytesMax) return;
  while ((static_cast<unsigned char>(line[end]) & 0xc0) == 0x80) --end;
  line.resize(end);
  line += kCut;
}

void WriteAll(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(STDERR_FILENO, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // A log that can't be written has nobody left to tell.
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void LogToStderr(const Output& output, LogLevel level, std::string_view text,
                 std::initializer_list<LogField> fields) {
  std::string line;
  AppendNow(line);
  if (output.colours) line += LevelColour(level);
  line += LevelName(level);
  if (output.colours && !LevelColour(level).empty()) line += "\x1b[0m";
  line += ' ';
  line += Escape(text, false);
  for (const LogField& field : fields) AppendField(field, line);
  CutLine(line);
  line += '\n';
  WriteAll(line);
}

// journald takes capital letters, digits and underscores.
std::string JournalName(std::string_view name) {
  std::string result = "EDGETWIN_";
  for (const char c : name.substr(0, kFieldNameBytesMax - result.size())) {
    const bool lower = c >= 'a' && c <= 'z';
    const bool kept = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    result += lower ? static_cast<char>(c - 'a' + 'A') : kept ? c : '_';
  }
  return result;
}

bool LogToJournal(const Output& output, LogLevel level, std::string_view text,
                  std::initializer_list<LogField> fields) {
  std::vector<std::string> entries;
  entries.reserve(fields.size() + 3);
  entries.push_back("MESSAGE=" + Escape(text, false));
  entries.push_back("PRIORITY=" + std::to_string(static_cast<int>(level)));
  entries.push_back("SYSLOG_IDENTIFIER=" + output.program);
  for (const auto& [name, value] : fields) {
    entries.push_back(JournalName(name) + "=" + Escape(value, false));
  }
  std::vector<iovec> parts;
  parts.reserve(entries.size());
  for (std::string& entry : entries) parts.push_back({entry.data(), entry.size()});
  return sd_journal_sendv(parts.data(), static_cast<int>(parts.size())) == 0;
}

}  // namespace

void InitLog(std::string_view program, LogLevel level_max) {
  Output& output = GetOutput();
  output.program = program;
  output.journal = StderrIsTheJournal();
  output.colours = !output.journal && StderrShowsColours();
  SetLogLevel(level_max);
}

void SetLogLevel(LogLevel level_max) {
  GetOutput().level_max.store(static_cast<int>(level_max), std::memory_order_relaxed);
}

void Log(LogLevel level, std::string_view text, std::initializer_list<LogField> fields) {
  const Output& output = GetOutput();
  if (static_cast<int>(level) > output.level_max.load(std::memory_order_relaxed)) return;
  if (output.journal && LogToJournal(output, level, text, fields)) return;
  LogToStderr(output, level, text, fields);
}

}  // namespace edgetwin

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Hostile bytes where a program's output is cut into lines and these are read. None may crash; what
// is refused is refused with words that a twin could hold.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "drivers/exec/lines.h"
#include "drivers/exec/protocol.h"
#include "twin/base/check.h"
#include "twin/base/utf8.h"

namespace edgetwin::exec {
namespace {

void CheckWords(const std::string& text) {
  EDGETWIN_CHECK(!text.empty() && text.size() < 2'000);
  EDGETWIN_CHECK(Utf8ValidBytes(text) == text.size());
  for (const char c : text) {
    EDGETWIN_CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  }
}
void CheckOptionalWords(const std::string& text) {
  if (!text.empty()) CheckWords(text);
}

void CheckMessage(const Report& report) {
  EDGETWIN_CHECK(report.items.size() <= kItemsMax);
  for (const Report::Item& item : report.items) {
    CheckWords(Shown(item.path));
    for (const auto type :
         {model::ValueType::kNone, model::ValueType::kBool, model::ValueType::kInt,
          model::ValueType::kDouble, model::ValueType::kString, model::ValueType::kBytes}) {
      const Result<model::Value> value = ToValue(item.value, type);
      if (!value) {
        CheckWords(value.error().text);
        continue;
      }
      EDGETWIN_CHECK(value->type() == type && model::Holdable(*value));
      if (type == model::ValueType::kDouble) EDGETWIN_CHECK(std::isfinite(value->real()));
      // What the agent would write back is a line, and one only.
      const std::string line = WriteLine(1, item.path, *value);
      EDGETWIN_CHECK(line.find('\n') == line.size() - 1);
    }
  }
}
void CheckMessage(const Define& define) {
  EDGETWIN_CHECK(define.items.size() <= kItemsMax);
  for (const Define::Item& item : define.items) {
    EDGETWIN_CHECK(item.def.type != model::ValueType::kNone);
    (void)model::Path::Parse("t/" + item.path);
  }
}
void CheckMessage(const Log& log) {
  CheckOptionalWords(log.text);
}
void CheckMessage(const Complaint& complaint) {
  CheckOptionalWords(complaint.text);
}
void CheckMessage(const ReadDone& done) {
  CheckOptionalWords(done.error);
}
void CheckMessage(const WriteDone& done) {
  CheckOptionalWords(done.error);
}
template <class Other>
void CheckMessage(const Other&) {}

void Line(std::string_view line) {
  const Result<Message> message = ParseLine(line);
  if (!message) return CheckWords(message.error().text);
  std::visit([](const auto& body) { CheckMessage(body); }, *message);
}

}  // namespace
}  // namespace edgetwin::exec

// The first byte is the longest line, and after how many bytes the pipe was read.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace edgetwin::exec;  // NOLINT: this file is about nothing else.
  if (size == 0) return 0;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  LineCutter cutter(data[0] < 16 ? data[0] : kLineBytesMax);
  while (!bytes.empty()) {
    std::string_view chunk = bytes.substr(0, std::size_t{data[0]} + 1);
    bytes.remove_prefix(chunk.size());
    while (!chunk.empty()) {
      if (cutter.Take(chunk)) Line(cutter.line());
    }
  }
  if (cutter.TakeRest()) Line(cutter.line());
  return 0;
}

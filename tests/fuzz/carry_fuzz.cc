// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Hostile bytes into the reader of carried files: as a whole file, in two pieces; and as a message
// of a kind that the first byte chooses, in a record whose checksum is right, since otherwise
// nothing would come further than that. It must not crash, and what it accepts must come back from
// EncodeRecord as it was.

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

#include "sync/carry/carry.h"
#include "twin/base/check.h"
#include "twin/history/crc32.h"

namespace {

using edgetwin::sync::CarryReader;

void ReadAll(CarryReader& reader) {
  while (true) {
    const auto record = reader.Next();
    if (!record || !*record) return;
    const std::string again = EncodeRecord((*record)->content);
    CarryReader second;
    second.Push(edgetwin::sync::CarryMagic());
    const auto& content = (*record)->content;
    const bool inner = std::holds_alternative<edgetwin::sync::CarryPart>(content) ||
                       std::holds_alternative<edgetwin::sync::CarryEnd>(content);
    if (inner) second.Push(EncodeRecord(edgetwin::sync::CarryHead{.device = "a"}));
    second.Push(again);
    auto same = second.Next();
    if (inner) same = second.Next();
    // An end that counts other parts than there are is out of place there.
    if (std::holds_alternative<edgetwin::sync::CarryEnd>(content)) continue;
    EDGETWIN_CHECK(same && *same && (*same)->content == content);
  }
}

std::string Record(std::uint8_t kind, const std::string& message) {
  std::string record;
  const auto append = [&record](std::uint32_t number) {
    for (int i = 0; i < 4; ++i) record += static_cast<char>(number >> 8 * i);
  };
  append(static_cast<std::uint32_t>(message.size()));
  record += static_cast<char>(kind);
  record += message;
  append(edgetwin::history::Crc32(record));
  return record;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  CarryReader file;
  file.Push(bytes.substr(0, size / 2));
  ReadAll(file);
  file.Push(bytes.substr(size / 2));
  ReadAll(file);
  static_cast<void>(file.Finish());
  if (size == 0) return 0;
  const auto kind = static_cast<std::uint8_t>(data[0] % 5);
  for (const bool head : {false, true}) {
    CarryReader reader;
    reader.Push(edgetwin::sync::CarryMagic());
    if (head) reader.Push(EncodeRecord(edgetwin::sync::CarryHead{.device = "a"}));
    reader.Push(Record(kind, bytes.substr(1)));
    ReadAll(reader);
  }
  return 0;
}

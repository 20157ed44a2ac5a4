// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/carry/carry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "twin/history/crc32.h"

namespace edgetwin::sync {
namespace {

using testing::HasSubstr;

WallTime At(std::int64_t ms) {
  return WallTime(std::chrono::milliseconds(ms));
}

CarryHead Head() {
  CarryHead head;
  head.device = "gateway-7";
  head.made = At(1'790'000'000'000);
  head.software = "edgetwin 1.2";
  head.known = {0xaa, 17};
  head.since = 4;
  head.pattern = "pump/*";
  head.from = At(-5);
  head.to = At(1'790'000'000'000);
  return head;
}

CarryPart Part(std::uint64_t commit, bool last = false) {
  CarryPart part;
  part.paths = {"pump/speed", "pump/current"};
  part.history.inc = 0xbeef;
  part.history.blocks = {{2, std::string("\0\xff block", 8)}, {1, std::string(300, 'b')}};
  LossRecord loss;
  loss.reason = 1;
  loss.last = 9;
  loss.count = 10;
  loss.from = At(5);
  loss.to = At(6);
  part.history.losses = {{1, loss}};
  part.end = {commit, 0xbeef, 1, 7, 4'000, 0};
  part.last = last;
  return part;
}

// A head, `parts` parts and an end.
std::vector<std::string> Records(std::size_t parts) {
  std::vector<std::string> records = {EncodeRecord(Head())};
  for (std::size_t i = 1; i <= parts; ++i) records.push_back(EncodeRecord(Part(i, i == parts)));
  records.push_back(EncodeRecord(CarryEnd{parts, 2 * parts, 77, parts}));
  return records;
}

std::string File(const std::vector<std::string>& records) {
  std::string file(CarryMagic());
  for (const std::string& record : records) file += record;
  return file;
}

struct Read {
  std::vector<CarryReader::Record> records;
  Status status;
  std::uint64_t offset = 0;
};

// In pieces of `piece` bytes.
Read ReadFile(const std::string& file, std::size_t piece) {
  Read read;
  CarryReader reader;
  const auto take = [&] {
    while (true) {
      auto record = reader.Next();
      if (!record) {
        read.status = record.error();
        return false;
      }
      if (!*record) return true;
      read.records.push_back(**std::move(record));
    }
  };
  bool sound = true;
  for (std::size_t at = 0; sound && at < file.size(); at += piece) {
    reader.Push(file.substr(at, piece));
    sound = take();
  }
  if (sound) read.status = reader.Finish();
  read.offset = reader.offset();
  return read;
}

TEST(CarryTest, WhatIsWrittenIsReadInWhateverPieces) {
  const auto records = Records(3);
  const std::string file = File(records);
  for (const std::size_t piece :
       {std::size_t{1}, std::size_t{7}, std::size_t{1'000}, file.size()}) {
    const Read read = ReadFile(file, piece);
    ASSERT_TRUE(read.status) << read.status.error().text;
    ASSERT_EQ(read.records.size(), records.size());
    EXPECT_EQ(read.records[0].content, CarryContent(Head()));
    EXPECT_EQ(read.records[2].content, CarryContent(Part(2)));
    EXPECT_EQ(read.records[4].content, CarryContent(CarryEnd{3, 6, 77, 3}));
    std::uint64_t offset = CarryMagic().size();
    for (std::size_t i = 0; i < records.size(); ++i) {
      EXPECT_EQ(read.records[i].bytes, records[i]);
      EXPECT_EQ(read.records[i].offset, offset);
      offset += records[i].size();
    }
  }
}

TEST(CarryTest, AReceiptIsReadAsItWasWritten) {
  const CarryReceipt receipt{"gateway-7", 4, {9, 2, 1, 7, 3, 6}, {0xaa, 17}, {0xab, 18}};
  const Read read = ReadFile(File({EncodeRecord(receipt)}), 5);
  ASSERT_TRUE(read.status) << read.status.error().text;
  ASSERT_EQ(read.records.size(), 1u);
  EXPECT_EQ(read.records[0].content, CarryContent(receipt));
}

TEST(CarryTest, AFileThatWasCutGivesEverythingBeforeTheCut) {
  const auto records = Records(2);
  const std::string file = File(records);
  std::vector<std::uint64_t> ends = {CarryMagic().size()};
  for (const std::string& record : records) ends.push_back(ends.back() + record.size());
  for (std::size_t bytes = 0; bytes < file.size(); ++bytes) {
    const Read read = ReadFile(file.substr(0, bytes), 64);
    ASSERT_FALSE(read.status) << bytes;
    EXPECT_EQ(read.status.error().code, ErrorCode::kCorrupt);
    std::size_t whole = 0;
    while (whole + 1 < ends.size() && ends[whole + 1] <= bytes) ++whole;
    EXPECT_EQ(read.records.size(), whole) << bytes;
    EXPECT_EQ(read.offset, bytes < ends[0] ? 0 : ends[whole]) << bytes;
  }
}

TEST(CarryTest, AByteThatChangedIsFoundAndWhatPrecedesItIsGiven) {
  const auto records = Records(2);
  const std::string file = File(records);
  std::vector<std::uint64_t> ends = {CarryMagic().size()};
  for (const std::string& record : records) ends.push_back(ends.back() + record.size());
  for (std::size_t at = 0; at < file.size(); ++at) {
    std::string damaged = file;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    const Read read = ReadFile(damaged, 4'096);
    ASSERT_FALSE(read.status) << at;
    std::size_t before = 0;
    while (before + 1 < ends.size() && ends[before + 1] <= at) ++before;
    EXPECT_EQ(read.records.size(), before) << at;
    if (at < ends[0]) continue;
    EXPECT_THAT(read.status.error().text, HasSubstr("at byte " + std::to_string(ends[before])));
  }
}

TEST(CarryTest, NothingIsReadAfterDamage) {
  std::string file = File(Records(2));
  file[20] = static_cast<char>(file[20] ^ 1);
  CarryReader reader;
  reader.Push(file);
  ASSERT_FALSE(reader.Next());
  EXPECT_FALSE(reader.Next());
  EXPECT_FALSE(reader.Finish());
}

TEST(CarryTest, RecordsThatAreOutOfPlaceAreRefused) {
  const std::string head = EncodeRecord(Head());
  const std::string part = EncodeRecord(Part(1));
  const std::string last = EncodeRecord(Part(2, true));
  const std::string end = EncodeRecord(CarryEnd{1, 2, 7, 1});
  const std::string receipt = EncodeRecord(CarryReceipt{"a", 0, {}, {}, {1, 1}});
  struct Case {
    std::vector<std::string> records;
    const char* why;
  };
  const std::vector<Case> cases = {
      {{part}, "a head comes first"},
      {{head, head}, "a second head"},
      {{head, last, part}, "follows the last"},
      {{head, part, end, part}, "follows the end"},
      {{head, part, receipt}, "stands alone"},
      {{receipt, head}, "follows the end"},
      {{head, part, part, end}, "there are 2 parts"},
      {{head, part}, "without an end"},
  };
  for (const Case& one : cases) {
    const Read read = ReadFile(File(one.records), 100);
    ASSERT_FALSE(read.status) << one.why;
    EXPECT_THAT(read.status.error().text, HasSubstr(one.why));
  }
}

// With a checksum that is right.
std::string Record(std::uint8_t kind, const std::string& message) {
  std::string record;
  const auto append = [&record](std::uint32_t number) {
    for (int i = 0; i < 4; ++i) record += static_cast<char>(number >> 8 * i);
  };
  append(static_cast<std::uint32_t>(message.size()));
  record += static_cast<char>(kind);
  record += message;
  append(history::Crc32(record));
  return record;
}

TEST(CarryTest, HostileMessagesAreRefused) {
  const std::string head = EncodeRecord(Head());
  struct Case {
    std::string record;
    const char* why;
  };
  const std::vector<Case> cases = {
      {Record(9, ""), "kind 9"},
      {Record(2, "\xff\xff"), "no message"},
      {Record(2, "\x0a\x03..x"), "thing.property"},
      // History with pid_steps [1] and a block, without a path.
      {Record(2, std::string("\x12\x06\x1a\x01\x02\x22\x01x", 8)), "no path"},
      {Record(2, std::string("\x12\x03\x22\x01x", 5)), "each block"},
      {Record(1, ""), "1 to 64"},
  };
  for (const Case& one : cases) {
    const Read read = ReadFile(File({head, one.record}), 100);
    ASSERT_FALSE(read.status) << one.why;
    EXPECT_THAT(read.status.error().text, testing::ContainsRegex(one.why));
    EXPECT_EQ(read.records.size(), 1u);
  }
}

TEST(CarryTest, ASizeIsCheckedBeforeAnythingIsKept) {
  CarryReader reader;
  reader.Push(CarryMagic());
  reader.Push(std::string("\xff\xff\xff\x7f\x01", 5));
  const auto read = reader.Next();
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().text, HasSubstr("2147483647 bytes"));
}

TEST(CarryTest, ALaterVersionIsNamed) {
  std::string file = File(Records(1));
  file[7] = 2;
  const Read read = ReadFile(file, 3);
  ASSERT_FALSE(read.status);
  EXPECT_EQ(read.status.error().code, ErrorCode::kUnsupported);
  EXPECT_THAT(read.status.error().text, HasSubstr("version 2"));
}

TEST(CarryTest, RandomBytesAreRefusedWithoutHarm) {
  std::mt19937 random(7);
  for (int i = 0; i < 2'000; ++i) {
    std::string message(random() % 200, '\0');
    for (char& c : message) c = static_cast<char>(random());
    const auto kind = static_cast<std::uint8_t>(1 + random() % 4);
    const Read read = ReadFile(File({EncodeRecord(Head()), Record(kind, message)}), 97);
    EXPECT_GE(read.records.size(), 1u);
  }
}

TEST(CarryTest, APlaceIsWrittenAndReadAsText) {
  const CarryPlace place{17, 0xaa, 1, 3, 500, 9};
  EXPECT_EQ(ToText(place), "17-00000000000000aa-1-3-500-9");
  EXPECT_EQ(ParsePlace(ToText(place)), place);
  EXPECT_EQ(ParsePlace(ToText({})), CarryPlace());
  for (const char* text :
       {"", "-", "1-2-3-4-5", "1-2-3-4-5-6-7", "1-2-3-4-5-x", "1-2-3-4-5-", "a"}) {
    EXPECT_FALSE(ParsePlace(text)) << text;
  }
}

}  // namespace
}  // namespace edgetwin::sync

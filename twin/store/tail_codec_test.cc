// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/store/tail_codec.h"

#include <gtest/gtest.h>
#include <xxhash.h>

#include <random>
#include <string>
#include <vector>

#include "twin/base/bytes.h"
#include "twin/base/zstd.h"
#include "twin/store/store_test_support.h"

namespace edgetwin::store {
namespace {

model::Batch HardBatch() {
  model::Batch batch;
  batch.rows = HardRows(40, 0xfeed'face'cafe'beefu);
  batch.seq_limit = ~std::uint64_t{0};
  batch.state_durable = 0;
  batch.peer_watermark[0] = 7;
  batch.peer_watermark[3] = std::uint64_t{1} << 63;
  batch.seq_floor = std::uint64_t{1} << 62;
  batch.events_acked = 300;
  batch.events_floor = 0;
  batch.events = HardEvents(40, 0xfeed'face'cafe'beefu);
  batch.commands = HardCommands();
  batch.commands_gone = {1, ~std::uint64_t{0}, 0};
  batch.alarms = HardAlarms();
  batch.alarms[3].raised = false;
  batch.alarms[3].acknowledged = true;
  batch.holds = {{model::PropertyId{3}, std::chrono::milliseconds(0)},
                 {model::PropertyId{0}, std::chrono::milliseconds::max()},
                 {model::PropertyId{0xfffffffe}, std::chrono::milliseconds::min()}};
  return batch;
}

// What is packed: with long texts of one letter it would grow too much.
model::Batch BatchWithoutTexts() {
  model::Batch batch = HardBatch();
  std::erase_if(batch.rows, [](const model::RowChange& change) {
    return change.row.value.type() >= model::ValueType::kString;
  });
  std::erase_if(batch.events, [](const model::Event& event) {
    return event.value.type() >= model::ValueType::kString;
  });
  std::erase_if(batch.commands, [](const model::Command& command) {
    return command.value.type() >= model::ValueType::kString;
  });
  return batch;
}

void ExpectSame(const model::Batch& a, const model::Batch& b) {
  EXPECT_EQ(a.rows, b.rows);
  EXPECT_EQ(a.seq_limit, b.seq_limit);
  EXPECT_EQ(a.state_durable, b.state_durable);
  EXPECT_EQ(a.peer_watermark, b.peer_watermark);
  EXPECT_EQ(a.seq_floor, b.seq_floor);
  EXPECT_EQ(a.events_acked, b.events_acked);
  EXPECT_EQ(a.events_floor, b.events_floor);
  EXPECT_EQ(a.events, b.events);
  EXPECT_EQ(a.commands, b.commands);
  EXPECT_EQ(a.commands_gone, b.commands_gone);
  EXPECT_EQ(a.alarms, b.alarms);
  EXPECT_EQ(a.holds, b.holds);
}

// Puts a valid check sum under what was changed, so that the decoder itself has to stand it.
std::string Resealed(std::string record) {
  record.resize(record.size() - 4);
  const std::uint32_t sum = XXH32(record.data(), record.size(), 0);
  for (int i = 0; i < 4; ++i) record += static_cast<char>(sum >> 8 * i);
  return record;
}

// The record as it is before it is packed, if it is.
std::string Unpacked(const std::string& record) {
  if (record[0] == kTailFormat) return record;
  ByteReader in(std::string_view(record).substr(1, record.size() - 5));
  std::string content(static_cast<std::size_t>(in.Varint()), '\0');
  EXPECT_TRUE(ZstdUnpack(in.Raw(in.left()), content));
  return Resealed(std::string(1, kTailFormat) + content + "sum_");
}

// A packed record that says so many bytes of itself.
std::string PackedAs(std::uint64_t size, const std::string& frame) {
  ByteWriter out;
  out.Byte(kTailPacked);
  out.Varint(size);
  out.Raw(frame + "sum_");
  return Resealed(std::move(out).Take());
}

TEST(TailCodecTest, EveryValueComesBackBitForBit) {
  for (const model::Batch& batch : {HardBatch(), BatchWithoutTexts()}) {
    for (const std::vector<std::int8_t>& decimals :
         {std::vector<std::int8_t>{}, std::vector<std::int8_t>(40, 2),
          std::vector<std::int8_t>(40, 9)}) {
      const std::string record = EncodeTail(batch, decimals);
      for (const std::string& form : {record, Unpacked(record)}) {
        const Result<model::Batch> decoded = DecodeTail(form);
        ASSERT_TRUE(decoded) << decoded.error().text;
        ExpectSame(*decoded, batch);
      }
    }
  }
}

TEST(TailCodecTest, CountersAloneComeBack) {
  model::Batch batch;
  batch.peer_watermark[1] = 300;
  const std::string record = EncodeTail(batch, {});
  EXPECT_LE(record.size(), 9u);
  const Result<model::Batch> decoded = DecodeTail(record);
  ASSERT_TRUE(decoded);
  ExpectSame(*decoded, batch);
}

TEST(TailCodecTest, EachSectionAloneComesBack) {
  const model::Batch whole = HardBatch();
  std::vector<model::Batch> parts(6);
  parts[0].events = whole.events;
  parts[1].commands = whole.commands;
  parts[2].commands_gone = whole.commands_gone;
  parts[3].alarms = whole.alarms;
  parts[4].holds = whole.holds;
  parts[5].events_floor = 5;
  EXPECT_FALSE(HoldsTail({}));
  for (const model::Batch& part : parts) {
    EXPECT_TRUE(HoldsTail(part));
    const Result<model::Batch> decoded = DecodeTail(EncodeTail(part, {}));
    ASSERT_TRUE(decoded) << decoded.error().text;
    ExpectSame(*decoded, part);
  }
}

TEST(TailCodecTest, AnOrdinaryEventTakesFewBytesBesideItsTexts) {
  model::Batch batch;
  for (std::uint64_t seq = 1; seq <= 100; ++seq) {
    batch.events.push_back(EventAt(1'000'000 + seq, 0x1234'5678'9abc'def0u));
    batch.events.back().time = WallTime(std::chrono::milliseconds(1'790'000'000'000 + seq * 900));
    batch.events.back().kind.clear();
    batch.events.back().text.clear();
    batch.events.back().id = model::PropertyId{5};
  }
  EXPECT_LE(Unpacked(EncodeTail(batch, {})).size(), 900u);
}

TEST(TailCodecTest, RowsAreOrderedAndTheLastChangeOfARowCounts) {
  model::Batch batch;
  batch.rows = {Reported(9, model::Value(1.5), {1, 1}), Reported(2, model::Value(2.5), {1, 2}),
                Reported(9, model::Value(3.5), {1, 3})};
  const Result<model::Batch> decoded = DecodeTail(EncodeTail(batch, {}));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->rows, (std::vector{batch.rows[1], batch.rows[2]}));
}

TEST(TailCodecTest, AThousandReportedDoublesTakeAtMostSevenBytesEach) {
  std::mt19937 random(1);
  model::Batch batch;
  for (std::uint32_t id = 0; id < 1'000; ++id) {
    const double value = static_cast<double>(static_cast<int>(random() % 20'000) - 5'000) / 100;
    batch.rows.push_back(
        Reported(id, model::Value(value), {0x1234'5678'9abc'def0u, 5'000 + random() % 1'000}));
    batch.rows.back().row.time += std::chrono::milliseconds(random() % 2'000);
  }
  const std::string record = EncodeTail(batch, std::vector<std::int8_t>(1'000, 2));
  EXPECT_LE(Unpacked(record).size(), 8'000u);
  EXPECT_LE(record.size(), 6'500u);
}

TEST(TailCodecTest, OfAThousandReadInTurnLittleButTheValuesIsLeft) {
  std::mt19937 random(1);
  model::Batch batch;
  for (std::uint32_t id = 0; id < 1'000; ++id) {
    const double value = static_cast<double>(static_cast<int>(random() % 16'000) - 8'000) / 100;
    batch.rows.push_back(Reported(id, model::Value(value), {0x1234'5678'9abc'def0u, 5'000 + id}));
  }
  EXPECT_LE(EncodeTail(batch, std::vector<std::int8_t>(1'000, 2)).size(), 2'200u);
}

TEST(TailCodecTest, WhatIsPackedIsNeverLongerAndNeverGrowsByMoreThanSixteen) {
  model::Batch batch;
  batch.rows.push_back(Reported(1, model::Value(std::string(9'000, 'x')), {1, 1}));
  EXPECT_EQ(EncodeTail(batch, {})[0], kTailFormat)
      << "a frame of 9,000 times the same is too small";
  std::mt19937 random(1);
  std::string noise(9'000, '\0');
  for (char& c : noise) c = static_cast<char>('!' + random() % 90);
  batch.rows[0] = Reported(1, model::Value(noise), {1, 1});
  EXPECT_LE(EncodeTail(batch, {}).size(), noise.size() + 60);
  const std::string frame = ZstdPack(std::string(100'000, 'x'), 1).value();
  for (const std::uint64_t size : {std::uint64_t{100'000}, std::uint64_t{99'999}, ~std::uint64_t{0},
                                   std::uint64_t{0}, std::uint64_t{1} << 40}) {
    const Result<model::Batch> decoded = DecodeTail(PackedAs(size, frame));
    ASSERT_FALSE(decoded) << size;
    EXPECT_EQ(decoded.error().code, ErrorCode::kCorrupt);
    EXPECT_NE(decoded.error().text.find("unpacked"), std::string::npos) << decoded.error().text;
  }
}

TEST(TailCodecTest, AnyFlippedBitIsFound) {
  const std::string record = EncodeTail(HardBatch(), {});
  std::mt19937 random(2);
  for (int i = 0; i < 2'000; ++i) {
    std::string damaged = record;
    char& byte = damaged[random() % damaged.size()];
    byte = static_cast<char>(byte ^ 1 << random() % 8);
    const Result<model::Batch> decoded = DecodeTail(damaged);
    ASSERT_FALSE(decoded);
    EXPECT_EQ(decoded.error().code, ErrorCode::kCorrupt);
  }
}

TEST(TailCodecTest, HostileBytesUnderAValidCheckSumAreRefusedOrMakeSense) {
  const std::string packed = EncodeTail(BatchWithoutTexts(), {});
  ASSERT_EQ(packed[0], kTailPacked);
  const std::string record = Unpacked(packed);
  std::mt19937 random(3);
  int refused = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::string hostile = i % 10 == 0 ? packed : record;
    for (unsigned n = random() % 4 + 1; n > 0; --n) {
      hostile[random() % (hostile.size() - 4)] = static_cast<char>(random());
    }
    if (i % 3 == 0) hostile.resize(4 + random() % hostile.size());
    const Result<model::Batch> decoded = DecodeTail(Resealed(std::move(hostile)));
    if (!decoded) {
      EXPECT_EQ(decoded.error().code, ErrorCode::kCorrupt);
      ++refused;
      continue;
    }
    // What is let through must be a batch that can be written and read again.
    const Result<model::Batch> again = DecodeTail(EncodeTail(*decoded, {}));
    ASSERT_TRUE(again) << again.error().text;
    ExpectSame(*again, *decoded);
  }
  EXPECT_GT(refused, 10'000);
}

TEST(TailCodecTest, ACountThatTheRecordCannotHoldIsRefusedBeforeMemoryIsTaken) {
  std::string record{kTailFormat, 0};
  record += "\xff\xff\xff\xff\xff\xff\xff\xff\x7f";  // 2^63 - 1 rows.
  const Result<model::Batch> decoded = DecodeTail(Resealed(record + "pad_"));
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, ErrorCode::kCorrupt);
}

TEST(TailCodecTest, ASectionThatTheRecordCannotHoldIsRefusedBeforeMemoryIsTaken) {
  for (const unsigned section : {0u, 1u, 2u, 3u, 4u}) {
    const unsigned flags = 1u << (9 + section);
    std::string record{kTailFormat, static_cast<char>((flags & 0x7f) | 0x80),
                       static_cast<char>(flags >> 7), 0};
    for (const std::string& count : {std::string("\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),
                                     std::string(1, '\x7f'), std::string(1, '\0')}) {
      const Result<model::Batch> decoded =
          DecodeTail(Resealed(record + count + std::string(30, '\x01')));
      ASSERT_FALSE(decoded) << "section " << section;
      EXPECT_EQ(decoded.error().code, ErrorCode::kCorrupt);
    }
  }
}

TEST(TailCodecTest, ANewerFormatIsRefused) {
  std::string record = EncodeTail(HardBatch(), {});
  record[0] = kTailPacked + 1;
  const Result<model::Batch> decoded = DecodeTail(Resealed(record));
  ASSERT_FALSE(decoded);
  EXPECT_NE(decoded.error().text.find("format 3"), std::string::npos) << decoded.error().text;
}

}  // namespace
}  // namespace edgetwin::store

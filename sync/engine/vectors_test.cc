// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The numbers of docs/PROTOCOL.md, section 16, which were computed from its text alone by another
// program: a peer in another language must get the same.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "sync/engine/digest.h"
#include "sync/engine/hash_list.h"
#include "sync/engine/sketch.h"

namespace edgetwin::sync {
namespace {

using model::Side;
using model::Value;
using testing::ElementsAre;

constexpr std::uint64_t kDeviceInc = 0x1111111111111111;
constexpr std::uint64_t kCloudInc = 0x2222222222222222;
constexpr std::uint32_t kAttempt = 7;

struct Placed {
  model::Pid pid = 0;
  Side side = Side::kReported;
  model::Row row;
};

model::Row MakeRow(Value value, model::Dot dot, std::int64_t unix_ms) {
  model::Row row;
  row.value = std::move(value);
  row.dot = dot;
  row.time = WallTime(std::chrono::milliseconds(unix_ms));
  return row;
}

// The three rows of the page.
std::vector<Placed> Rows() {
  std::vector<Placed> rows;
  rows.push_back({1, Side::kReported, MakeRow(Value(21.5), {kDeviceInc, 7}, 1'790'000'123'456)});
  rows.push_back(
      {2, Side::kDesired, MakeRow(Value(std::int64_t{40}), {kCloudInc, 3}, 1'790'000'100'000)});
  model::ControlInfo who;
  who.note = "anna";
  rows.back().row.control = std::make_shared<const model::ControlInfo>(std::move(who));
  rows.push_back({2, Side::kStatus, MakeRow({}, {kDeviceInc, 9}, 1'790'000'101'000)});
  rows.back().row.unsynced = true;
  model::ControlInfo status;
  status.refers_to = {kCloudInc, 3};
  status.state = model::DesiredState::kApplied;
  rows.back().row.control = std::make_shared<const model::ControlInfo>(std::move(status));
  return rows;
}

std::string Hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    hex += kDigits[static_cast<unsigned char>(c) >> 4];
    hex += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return hex;
}

SketchVector Vector() {
  SketchVector vector;
  for (const Placed& at : Rows()) {
    vector.push_back({4 * at.pid + static_cast<std::uint32_t>(at.side),
                      SketchHash(at.pid, at.side, at.row, kAttempt)});
  }
  return vector;
}

std::vector<std::uint64_t> FirstCells(std::uint32_t index, std::uint32_t attempt) {
  CellWalk walk(index, attempt);
  std::vector<std::uint64_t> cells;
  for (int i = 0; i < 12; ++i, walk.Next()) cells.push_back(walk.cell());
  return cells;
}

TEST(VectorsTest, CanonicalBytesAreThoseOfThePage) {
  std::vector<std::string> all;
  for (const Placed& at : Rows()) {
    std::string bytes;
    AppendCanonical(bytes, at.pid, at.side, at.row);
    all.push_back(Hex(bytes));
  }
  EXPECT_THAT(
      all,
      ElementsAre("010000000011111111111111110700000000000000030000000000803540404e52c4a0010000"
                  "0000",
                  "020000000122222222222222220300000000000000022800000000000000a0f251c4a0010000"
                  "00000000000000000000000000000000000000000000000000000004000000616e6e61",
                  "0200000002111111111111111109000000000000000088f651c4a001000000012222222222222222"
                  "030000000000000002000000000000000000000000"));
}

TEST(VectorsTest, FingerprintsAndTheirSumAreThoseOfThePage) {
  const std::vector<Placed> rows = Rows();
  const auto digest = [&rows](std::size_t i) {
    return RowDigest(rows[i].pid, rows[i].side, rows[i].row);
  };
  EXPECT_EQ(digest(0), (Digest{0xf43847373f26da23, 0x6f4f8bfe76ac6147}));
  EXPECT_EQ(digest(1), (Digest{0xd37953509ddb7064, 0x67527bcd28feecff}));
  EXPECT_EQ(digest(2), (Digest{0x9363a1db4743ea80, 0xee526e696d2b3cd4}));
  Digest sum;
  for (std::size_t i = 0; i < rows.size(); ++i) sum += digest(i);
  EXPECT_EQ(sum, (Digest{0x5b153c6324463507, 0xc4f476350cd68b1c}));
}

TEST(VectorsTest, ARowOfAPathWithoutANumberIsHashedByItsPath) {
  const Placed b = Rows()[1];
  std::string bytes;
  AppendCanonical(bytes, 0, b.side, b.row, "pump/speed");
  EXPECT_EQ(Hex(bytes),
            "000000000a00000070756d702f73706565640122222222222222220300000000000000022800"
            "000000000000a0f251c4a0010000000000000000000000000000000000000000000000000000"
            "00000004000000616e6e61");
  EXPECT_EQ(RowDigest(0, b.side, b.row, "pump/speed"),
            (Digest{0x06d9f9a4d405ad8d, 0x3992bc5f3d5aec0f}));
}

TEST(VectorsTest, NumbersOfRowsAreThoseOfThePage) {
  std::vector<std::pair<std::uint32_t, std::uint64_t>> numbers;
  for (const SketchEntry& entry : Vector()) numbers.emplace_back(entry.index, entry.value);
  EXPECT_THAT(numbers, ElementsAre(std::pair(4u, 0xbe3748bc84u), std::pair(9u, 0xf243081570u),
                                   std::pair(10u, 0x83d398a617u)));
}

TEST(VectorsTest, TheCellsOfAnIndexAreThoseOfThePage) {
  EXPECT_THAT(FirstCells(4, 7), ElementsAre(0, 1, 2, 6, 8, 57, 94, 144, 172, 432, 469, 470));
  EXPECT_THAT(FirstCells(400'003, 1), ElementsAre(0, 1, 9, 13, 20, 27, 43, 47, 331, 358, 387, 625));
  EXPECT_THAT(FirstCells(5, 65'535), ElementsAre(0, 1, 4, 6, 7, 10, 14, 17, 61, 93, 351, 524));
  EXPECT_THAT(FirstCells(0xffffffff, 0xffffffff),
              ElementsAre(0, 1, 2, 55, 104, 117, 242, 447, 624, 763, 1720, 2867));
}

TEST(VectorsTest, PackedCellsAreThoseOfThePage) {
  EXPECT_EQ(Hex(PackCells(SketchCells(Vector(), kAttempt, 0, 8))),
            "b978e94d340fae4bcad7"
            "4bd2507ab05f89bcb22d"
            "f262e10a42a0d4fa2b61"
            "17a698d383b0248f17aa"
            "70150843f26fd9509e76"
            "00000000000000000000"
            "84bc4837be99af6b14b7"
            "00000000000000000000");
}

TEST(VectorsTest, TheListOfHashesIsThatOfThePage) {
  SketchVector vector = Vector();
  EXPECT_EQ(Hex(HashList(vector, 1, 1'000)), "1184bc481670150817a698");
  EXPECT_EQ(Hex(HashList(vector, 2, 1'000)), "1670150817a698");
  vector.push_back({4 * 40, 0x0102030405});
  EXPECT_EQ(Hex(HashList(vector, 1, 1'000)), "1184bc481670150817a698d00411050403");
}

}  // namespace
}  // namespace edgetwin::sync

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/modbus/read_plan.h"

#include <gtest/gtest.h>

namespace edgetwin::driver {
namespace {

PlannedValue At(int address, RegisterType type = RegisterType::kUint16,
                TableKind kind = TableKind::kHolding) {
  PlannedValue value;
  value.spec.kind = kind;
  value.spec.address = address;
  value.spec.type = type;
  return value;
}

// "holding 0+3" a group, in order.
std::vector<std::string> Show(const std::vector<ReadGroup>& groups) {
  std::vector<std::string> result;
  for (const ReadGroup& group : groups) {
    result.push_back(std::string(ToString(group.kind)) + " " + std::to_string(group.address) + "+" +
                     std::to_string(group.count));
  }
  return result;
}

using Shown = std::vector<std::string>;

TEST(ReadPlanTest, MergesNeighboursInAnyOrderOfConfiguration) {
  EXPECT_EQ(Show(PlanReads({At(2), At(0, RegisterType::kFloat32), At(3)}, {})),
            Shown{"holding 0+4"});
}

TEST(ReadPlanTest, MergesAcrossGapsUpToTheLimitAndNoFurther) {
  EXPECT_EQ(Show(PlanReads({At(0), At(9)}, {.gap_max = 8})), Shown{"holding 0+10"});
  EXPECT_EQ(Show(PlanReads({At(0), At(10)}, {.gap_max = 8})),
            (Shown{"holding 0+1", "holding 10+1"}));
}

TEST(ReadPlanTest, KeepsTablesApart) {
  EXPECT_EQ(Show(PlanReads({At(0), At(1, RegisterType::kBool, TableKind::kCoil),
                            At(1, RegisterType::kUint16, TableKind::kInput)},
                           {})),
            (Shown{"holding 0+1", "input 1+1", "coil 1+1"}));
}

TEST(ReadPlanTest, CutsAtTheLargestRequestButNeverInsideAValue) {
  EXPECT_EQ(
      Show(PlanReads({At(0), At(1), At(2, RegisterType::kFloat64), At(6)}, {.registers_max = 5})),
      (Shown{"holding 0+2", "holding 2+5"}));
}

TEST(ReadPlanTest, CountsBitsByTheirOwnLimit) {
  std::vector<PlannedValue> coils;
  for (int i = 0; i < 300; ++i) coils.push_back(At(i, RegisterType::kBool, TableKind::kCoil));
  EXPECT_EQ(Show(PlanReads(coils, {.registers_max = 10})), Shown{"coil 0+300"});
  EXPECT_EQ(Show(PlanReads(coils, {.bits_max = 200})), (Shown{"coil 0+200", "coil 200+100"}));
}

TEST(ReadPlanTest, ReadsARegisterOnceForAllOfItsValues) {
  PlannedValue bit = At(1, RegisterType::kBool);
  bit.spec.bit = 3;
  const auto groups = PlanReads({At(0, RegisterType::kUint32), bit, At(2)}, {});
  EXPECT_EQ(Show(groups), Shown{"holding 0+3"});
  EXPECT_EQ(groups[0].values.size(), 3u);
}

TEST(ReadPlanTest, SplitsAtTheWidestGapFirst) {
  const auto groups = PlanReads({At(0), At(2), At(6), At(7)}, {});
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_EQ(Show(Split(groups[0])), (Shown{"holding 0+3", "holding 6+2"}));
}

TEST(ReadPlanTest, SplitsInTheMiddleWithoutGaps) {
  const auto groups = PlanReads({At(0), At(1), At(2), At(3)}, {});
  EXPECT_EQ(Show(Split(groups[0])), (Shown{"holding 0+2", "holding 2+2"}));
}

TEST(ReadPlanTest, NeverSplitsValuesThatShareRegisters) {
  PlannedValue bit = At(1, RegisterType::kBool);
  bit.spec.bit = 3;
  const auto groups = PlanReads({At(0, RegisterType::kUint32), bit}, {});
  EXPECT_EQ(Show(Split(groups[0])), Shown{"holding 0+2"});
}

}  // namespace
}  // namespace edgetwin::driver

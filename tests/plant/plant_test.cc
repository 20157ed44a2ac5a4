// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/plant/plant.h"

#include <gtest/gtest.h>

#include <csignal>
#include <thread>

#include "tests/support/child.h"
#include "tests/support/port.h"
#include "tests/support/temp_dir.h"

namespace edgetwin::tests {
namespace {

using std::chrono::seconds;

TEST(PlantTest, TheLevelRisesWithThePumpAndFallsWithTheValve) {
  Plant plant(4);
  plant.unit(2)->holding[0] = 3000;
  plant.unit(3)->holding[0] = 0;
  for (int i = 0; i < 60; ++i) plant.Step(seconds(1));
  const double filled = plant.level_m();
  EXPECT_GT(filled, 2.3);
  plant.unit(2)->coils[0] = 0;
  plant.unit(3)->holding[0] = 1000;
  for (int i = 0; i < 60; ++i) plant.Step(seconds(1));
  EXPECT_LT(plant.level_m(), filled - 0.3);
  EXPECT_EQ(plant.unit(2)->input[0], 0);
  EXPECT_EQ(plant.unit(3)->input[0], 1000);
}

TEST(PlantTest, TheTankNeitherOverflowsNorGoesBelowEmpty) {
  Plant plant(4);
  plant.unit(2)->holding[0] = 3000;
  plant.unit(3)->holding[0] = 0;
  plant.Step(seconds(100'000));
  EXPECT_EQ(plant.level_m(), 4.0);
  EXPECT_EQ(plant.unit(1)->discrete[0], 1);
}

TEST(PlantTest, ActuatorsTakeTheirTime) {
  Plant plant(4);
  plant.unit(3)->holding[0] = 1000;
  plant.Step(seconds(2));
  EXPECT_EQ(plant.unit(3)->input[0], 500);
}

TEST(PlantProgramTest, TellsItsPortByFileAndEndsOnSigterm) {
  const TempDir folder;
  const std::string port_file = folder.File("port");
  Child child({.args = {std::string(EDGETWIN_BIN_DIR) + "/edgetwin-plant", "--port-file", port_file,
                        "--seconds", "60"}});
  while (ReadFile(port_file).empty() && child.running()) std::this_thread::yield();
  ASSERT_TRUE(child.running());
  EXPECT_TRUE(WaitForPort(static_cast<std::uint16_t>(std::stoi(ReadFile(port_file))), seconds(10)));
  child.Kill(SIGTERM);
  EXPECT_EQ(child.Wait(seconds(10)), 0);
}

}  // namespace
}  // namespace edgetwin::tests

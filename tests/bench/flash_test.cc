// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What must hold of the report of `edgetwin-bench flash` whatever the machine is doing.

#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <nlohmann/json.hpp>

#include "tests/support/child.h"
#include "tests/support/temp_dir.h"

namespace edgetwin::bench {
namespace {

using nlohmann::json;

bool InMemory(const std::string& folder) {
  struct statfs info {};
  return statfs(folder.c_str(), &info) == 0 && info.f_type == TMPFS_MAGIC;
}

tests::ChildOptions Flash(const tests::TempDir& folder, const std::string& store) {
  tests::ChildOptions bench;
  bench.args = {EDGETWIN_BIN_DIR "/edgetwin-bench",
                "flash",
                "--seconds",
                "4",
                "--rates",
                "10,200",
                "--folder",
                store,
                "--json"};
  bench.output_file = folder.File("out");
  return bench;
}

double Sum(const json& by_cause) {
  double sum = 0;
  for (const auto& item : by_cause.items()) sum += item.value().get<double>();
  return sum;
}

// Bytes are whole pages for the kernel, and never fewer than SQLite wrote, but for what is
// overwritten before it is synced.
void ExpectSums(const json& figures) {
  constexpr double kRewritten = 64 << 10;
  for (const char* layer : {"kernel", "vfs"}) {
    SCOPED_TRACE(layer);
    const json& bytes = figures[layer];
    EXPECT_GT(bytes["total"], 0);
    EXPECT_EQ(bytes["total"], bytes["run"].get<double>() + bytes["stop"].get<double>());
    EXPECT_DOUBLE_EQ(bytes["a_sample"].get<double>() * figures["samples"].get<double>(),
                     bytes["total"].get<double>());
  }
  EXPECT_LE(figures["vfs"]["total"], figures["kernel"]["total"].get<double>() + kRewritten);
  EXPECT_GT(figures["gb_a_year"], 0);
  EXPECT_GT(figures["emmc_years"], 0);
}

TEST(FlashBenchTest, EveryByteIsInItsSums) {
  const tests::TempDir folder;
  if (InMemory(folder.path().string())) GTEST_SKIP() << "temporary files lie in memory here";
  const tests::ChildOptions bench = Flash(folder, folder.path().string());
  tests::Child child(bench);
  ASSERT_EQ(child.Wait(std::chrono::seconds(100)), 0) << tests::ReadFile(bench.output_file);
  const std::string text = tests::ReadFile(bench.output_file);
  const json report = json::parse(text.substr(text.find("\n{") + 1), nullptr, false);
  ASSERT_TRUE(report.is_object()) << text;
  EXPECT_TRUE(report["windows"]["scaled"]) << "and says so";
  ASSERT_EQ(report["rates"].size(), 2u);
  for (const json& row : report["rates"]) {
    SCOPED_TRACE(row["rate"].dump() + " a second");
    for (const char* way : {"online", "offline"}) {
      SCOPED_TRACE(way);
      const json& figures = row[way];
      ExpectSums(figures);
      EXPECT_TRUE(figures["adds_up"]);
      EXPECT_GT(figures["history_blocks"], 0);
      const json& causes = figures["by_cause"];
      EXPECT_GT(causes["history"]["total"]["blocks"], 0);
      EXPECT_GT(causes["twin"]["total"]["checkpoint"], 0);
      // Between two readings of the counters, a store's thread may write on.
      EXPECT_NEAR(Sum(causes["twin"]["total"]) + Sum(causes["history"]["total"]) +
                      causes["closing"].get<double>(),
                  figures["vfs"]["total"].get<double>(), 64 << 10);
      for (const char* peer : {"one_row", "grouped_commit", "grouped_history"}) {
        EXPECT_GT(figures["ratio_to"][peer], 0) << peer;
      }
    }
    EXPECT_GT(row["offline"]["by_cause"]["twin"]["total"]["commit"], 0);
    for (const char* peer : {"one_row", "grouped_commit", "grouped_history"}) {
      SCOPED_TRACE(peer);
      ExpectSums(row["peers"][peer]);
    }
    EXPECT_EQ(row["peers"]["one_row"]["transaction_rows"], 1);
    EXPECT_LT(row["peers"]["grouped_commit"]["kernel"]["a_sample"],
              row["peers"]["one_row"]["kernel"]["a_sample"]);
  }
  EXPECT_GE(report["idle"]["kernel_a_day"], report["idle"]["kernel"]);
  EXPECT_GT(report["idle"]["acked"], 0);
  EXPECT_TRUE(report["aims"].empty()) << "which are about longer windows";
}

TEST(FlashBenchTest, AFolderInMemoryIsRefused) {
  const std::string memory = "/dev/shm";
  if (!InMemory(memory)) GTEST_SKIP() << memory << " is no tmpfs here";
  const tests::TempDir folder;
  const tests::ChildOptions bench = Flash(folder, memory);
  tests::Child child(bench);
  EXPECT_EQ(child.Wait(std::chrono::seconds(20)), 1);
  EXPECT_NE(tests::ReadFile(bench.output_file).find("lies in memory"), std::string::npos);
}

}  // namespace
}  // namespace edgetwin::bench

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What must hold of the report of `edgetwin-bench wire` whatever the machine is doing.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/child.h"
#include "tests/support/temp_dir.h"

namespace edgetwin::bench {
namespace {

using nlohmann::json;

TEST(WireBenchTest, EveryByteIsInItsSums) {
  const tests::TempDir folder;
  tests::ChildOptions bench;
  bench.args = {EDGETWIN_BIN_DIR "/edgetwin-bench",
                "wire",
                "--changed",
                "2",
                "--trials",
                "1",
                "--flow-frames",
                "5",
                "--json",
                "--decimals-only"};
  bench.output_file = folder.File("out");
  tests::Child child(bench);
  ASSERT_EQ(child.Wait(std::chrono::seconds(100)), 0) << tests::ReadFile(bench.output_file);
  const json report = json::parse(tests::ReadFile(bench.output_file), nullptr, false);
  ASSERT_TRUE(report.is_object());
  ASSERT_EQ(report["workloads"].size(), 1u);
  ASSERT_EQ(report["workloads"][0]["rows"].size(), 1u);
  EXPECT_EQ(report["workloads"][0]["reconnect_changed"]["waits"], 0);  // It is inside Hello.
  const json& row = report["workloads"][0]["rows"][0];
  for (const char* kind : {"isolated", "flow", "desired", "desired_polled"}) {
    SCOPED_TRACE(kind);
    const json& figures = row[kind];
    EXPECT_GT(figures["up"], 0);
    EXPECT_GT(figures["down"], 0);  // Nothing is quiet without an ack.
    EXPECT_EQ(figures["total"], figures["up"].get<double>() + figures["down"].get<double>());
    EXPECT_LT(figures["headers"], figures["total"]);
    EXPECT_DOUBLE_EQ(figures["each"].get<double>() * figures["values"].get<double>(),
                     figures["total"].get<double>());
    EXPECT_GT(figures["cloud_link"], 0);
    EXPECT_GT(figures["tcp_headers"], 0);
  }
  EXPECT_GE(row["flow"]["frames"], 1);
  EXPECT_LE(row["flow"]["frames"], 5);
  EXPECT_GT(row["desired_polled"]["total"], row["desired"]["total"]);
  ASSERT_FALSE(row["peers"].empty());
  for (const json& peer : row["peers"]) EXPECT_GT(peer["total"], peer["payload"]) << peer;
  EXPECT_FALSE(report["published"].empty());
}

}  // namespace
}  // namespace edgetwin::bench

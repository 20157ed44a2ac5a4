// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What must hold of the report of `edgetwin-bench offline` whatever the machine is doing.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/child.h"
#include "tests/support/temp_dir.h"

namespace edgetwin::bench {
namespace {

using nlohmann::json;

TEST(OfflineBenchTest, AShortBacklogArrivesAsItWasMadeBesideLiveValues) {
  const tests::TempDir folder;
  tests::ChildOptions bench;
  bench.args = {EDGETWIN_BIN_DIR "/edgetwin-bench",
                "offline",
                "--properties",
                "20",
                "--hours",
                "2",
                "--alone",
                "4",
                "--json"};
  bench.output_file = folder.File("out");
  tests::Child child(bench);
  ASSERT_EQ(child.Wait(std::chrono::seconds(100)), 0) << tests::ReadFile(bench.output_file);
  const std::string text = tests::ReadFile(bench.output_file);
  const json report = json::parse(text.substr(text.find("\n{") + 1), nullptr, false);
  ASSERT_TRUE(report.is_object()) << text;
  const json &backlog = report["backlog"], &online = report["online"];
  EXPECT_EQ(backlog["samples"], 20 * 7'200);
  EXPECT_GT(backlog["file_bytes"], backlog["block_bytes"]);
  EXPECT_EQ(online["compared"]["samples"], backlog["samples"]);
  EXPECT_EQ(online["compared"]["properties_wrong"], 0);
  EXPECT_GE(online["audit"]["cloud_taken"], backlog["samples"]);
  // All of it passed the counter, in no more than a little around it.
  EXPECT_GT(online["mqtt"]["history_up"], backlog["block_bytes"]);
  EXPECT_LT(online["mqtt"]["history_up"], 1.2 * backlog["block_bytes"].get<double>() + 50'000);
  for (const char* run : {"alone", "online", "tenth"}) {
    SCOPED_TRACE(run);
    EXPECT_GT(report[run]["first_live_ms"], report[run]["first_live_after_connect_ms"]);
    EXPECT_GT(report[run]["agent"]["peak"]["rss_kb"], report[run]["agent"]["peak"]["pss_kb"]);
  }
  EXPECT_GT(report["alone"]["latency"]["count"], 0);
  EXPECT_TRUE(report["aims"].empty()) << "which are about more of it";
}

}  // namespace
}  // namespace edgetwin::bench

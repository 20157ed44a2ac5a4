// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// edgetwin-cloud as its users run it: the program, a real broker, a device's real engine.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync/cloud/cloud_process_test_base.h"

namespace edgetwin::cloud {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_F(CloudProcessTest, AValueGoesUpAWishComesDownAndItsStatusComesBack) {
  tests::TestBroker broker;
  StartCloud(broker.url());
  Device device(loop_, broker.url());
  device.Report(12.5);
  ASSERT_TRUE(Until([&] {
    const json reported = Reported();
    return reported.is_object() && reported["value"] == 12.5 && reported["durable"] == true;
  })) << tests::ReadFile(folder_.File("log"));
  const http::TestResponse response = http::TestClient(port_).Do(
      "PATCH", "/v1/twins/plant/desired", "Content-Type: application/merge-patch+json\r\n",
      R"({"valve":{"position":40}})");
  ASSERT_EQ(response.status, 202) << response.body;
  const std::string link = json::parse(response.body)["changed"][0]["status"];
  EXPECT_TRUE(Until([&] { return Get(link)["state"] == "applied"; })) << Get(link).dump();
  EXPECT_EQ(device.position(), 40.0);
  EXPECT_EQ(Get(link)["delivered"], true);

  cloud_->Kill(SIGTERM);
  EXPECT_EQ(cloud_->Wait(seconds(20)), 0) << tests::ReadFile(folder_.File("log"));
}

TEST_F(CloudProcessTest, AKilledCloudGoesOnWhereItWas) {
  tests::TestBroker broker;
  StartCloud(broker.url());
  Device device(loop_, broker.url());
  device.Report(1);
  ASSERT_TRUE(Until([&] { return device.status().state_acked == device.status().state_head; }));
  ASSERT_EQ(http::TestClient(port_)
                .Do("PATCH", "/v1/twins/plant/desired",
                    "Content-Type: application/merge-patch+json\r\n", R"({"valve/position":7})")
                .status,
            202);
  // At once after the promise: the device may not have heard of it yet.
  cloud_->Kill(SIGKILL);
  (void)cloud_->Wait(seconds(20));
  device.Report(2);
  StartCloud(broker.url());
  EXPECT_EQ(Get("/v1/twins/plant/desired"), json({{"valve/position", 7}}));
  EXPECT_TRUE(Until([&] { return device.position() == 7.0; })) << "the promise was not kept";
  ASSERT_TRUE(Until([&] {
    const json reported = Reported();
    return reported.is_object() && reported["value"] == 2.0 && reported["durable"] == true;
  }));
  const json snapshot = Get("/v1/twins/plant/snapshot");
  EXPECT_EQ(snapshot["epoch"]["counter"], 1) << "one lineage, one epoch";
  EXPECT_EQ(snapshot["lineage"].size(), 2u);
}

TEST_F(CloudProcessTest, ExitCodesSayWhatIsWrong) {
  const std::string nowhere = "mqtt://127.0.0.1:9";
  EXPECT_EQ(ExitOf({}), 64);
  EXPECT_EQ(ExitOf({"--help"}), 0);
  EXPECT_EQ(ExitOf({"--broker", "ftp://x", "--store", folder_.File("s")}), 64);
  EXPECT_EQ(ExitOf({"--broker", nowhere, "--store", folder_.File("s"), "--listen", "here"}), 64);
  EXPECT_EQ(ExitOf({"--broker", nowhere, "--store", folder_.File("s"), "--listen", "0.0.0.0:0"}),
            77)
      << "beyond loopback without a token";
  EXPECT_EQ(ExitOf({"--broker", nowhere, "--store", folder_.Write("file", "x"), "--listen",
                    "127.0.0.1:0"}),
            64);
  StartCloud(nowhere);
  EXPECT_EQ(ExitOf(Arguments(nowhere)), 75) << "the store is in use";
  EXPECT_EQ(http::TestClient(port_).Do("GET", "/healthz").status, 200) << "without a broker, too";
}

}  // namespace
}  // namespace edgetwin::cloud

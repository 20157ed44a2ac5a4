// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// History that is carried to the cloud in a file, over real processes: a device that reaches no
// broker, a technician's commands at both ends, and a network in the end.

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/command.h"
#include "tests/support/http_client.h"
#include "tests/support/site.h"
#include "tests/support/wait.h"

namespace edgetwin::tests {
namespace {

using nlohmann::json;

// A secret beside a number, ten rows a second; small windows, so that there are many commits.
SiteOptions Options(const TempDir& folder, const std::string& more) {
  std::string csv = "time,n,secret\n";
  for (int row = 0; row < 1'000; ++row) {
    csv += std::to_string(row * 0.1) + "," + std::to_string(row) + ",hush" + std::to_string(row) +
           "\n";
  }
  SiteOptions options;
  options.bin = EDGETWIN_BIN_DIR;
  options.plant = false;
  options.drivers = "[drivers.replay]\nfile = \"" + folder.Write("recording.csv", csv) +
                    "\"\ntime_column = \"time\"\ntime_format = \"unix_s\"\nloop = true\n"
                    "column = [\n"
                    "  { column = \"n\", property = \"n\", type = \"int\" },\n"
                    "  { column = \"secret\", property = \"secret\", type = \"string\" },\n]\n" +
                    more;
  return options;
}

constexpr const char* kPrivate =
    "[properties.\"replay/*\"]\nhistory = \"high\"\n"
    "[properties.\"replay/secret\"]\nlocal_only = true\n";

class CarryTest : public testing::Test {
 protected:
  CarryTest() : site_(Options(folder_, kPrivate), false) {}
  void SetUp() override {
    site_.broker().Stop();
    ASSERT_TRUE(site_.StartCloud() && site_.StartAgent()) << site_.trouble();
    ASSERT_TRUE(Until([&] { return Stored() >= 20; }, 60)) << site_.Log("edgetwind");
  }

  json Device(const std::string& what) {
    return json::parse(site_.twins().AskDevice(what).body, nullptr, false);
  }
  json Cloud(const std::string& what) {
    return json::parse(site_.twins().AskCloud(what).body, nullptr, false);
  }
  std::uint64_t Stored() {
    const json audit = Device("/v1/history/audit");
    std::uint64_t stored = 0;
    if (audit.is_object()) {
      for (const json& path : audit["paths"]) stored += path["stored"].get<std::uint64_t>();
    }
    return stored;
  }
  static std::string Range(const std::string& path, const std::string& to_ms) {
    return "?path=" + path + "&from=0&to=" + to_ms;
  }
  json DeviceSamples(const std::string& path, const std::string& to_ms = "1990000000000") {
    return Device("/v1/history" + Range(path, to_ms))["samples"];
  }
  json CloudSamples(const std::string& path, const std::string& to_ms = "1990000000000") {
    const json answer = Cloud("/history" + Range(path, to_ms));
    return answer.contains("samples") ? answer["samples"] : json::array();
  }

  struct Answer {
    int exit;
    json document;
    std::string err;
  };
  static Answer Run(std::vector<std::string> args) {
    const Ran ran = RunCommand(std::move(args));
    return {ran.exit, json::parse(ran.out, nullptr, false), ran.err};
  }
  Answer Edgetwin(std::vector<std::string> args) {
    std::vector<std::string> all = {std::string(EDGETWIN_BIN_DIR) + "/edgetwin", "--json", "-c",
                                    site_.config_file()};
    all.insert(all.end(), args.begin(), args.end());
    return Run(std::move(all));
  }
  Answer Export(const std::string& file, std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"export", file});
    return Edgetwin(std::move(more));
  }
  Answer Import(const std::string& file, std::vector<std::string> more = {}) {
    std::vector<std::string> all = {std::string(EDGETWIN_BIN_DIR) + "/edgetwin-cloud",
                                    "import",
                                    "--json",
                                    "--url",
                                    site_.cloud_url(),
                                    file};
    all.insert(all.end(), more.begin(), more.end());
    return Run(std::move(all));
  }
  // Every sample that the cloud has is one of the device's, in its order, from the first one on.
  void ExpectPrefix(std::size_t least) {
    const json here = DeviceSamples("replay/n");
    const json there = CloudSamples("replay/n");
    ASSERT_GE(there.size(), least);
    ASSERT_LE(there.size(), here.size());
    for (std::size_t i = 0; i < there.size(); ++i) ASSERT_EQ(there[i], here[i]) << i;
  }
  // The device is connected, everything it sampled arrives, and both accounts add up.
  void ConnectAndExpectAll(std::uint64_t taken_at_most_again) {
    site_.broker().Start();
    ASSERT_TRUE(site_.WaitForTwin(60)) << site_.trouble();
    const std::string now = std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(
                                               std::chrono::system_clock::now().time_since_epoch())
                                               .count());
    const bool same = Until(
        [&] {
          const json here = DeviceSamples("replay/n", now);
          return here.is_array() && here == CloudSamples("replay/n", now);
        },
        60);
    EXPECT_TRUE(same) << Device("/v1/status")["history"] << Cloud("/history/audit");
    EXPECT_EQ(Device("/v1/history/audit")["adds_up"], true);
    const json cloud = Cloud("/history/audit");
    EXPECT_EQ(cloud["adds_up"], true) << cloud;
    ASSERT_EQ(cloud["paths"].size(), 1u) << cloud;
    EXPECT_EQ(cloud["paths"][0]["held"].size(), 1u) << "one opening, without a gap: " << cloud;
    EXPECT_LE(Repeated(), taken_at_most_again);
  }
  // Blocks that came to the cloud though it had them.
  std::uint64_t Repeated() {
    HttpRequest request;
    request.url = site_.cloud_url() + "/metrics";
    const std::string metrics = Ask(request).body;
    const std::string name = "\nedgetwin_cloud_history_repeated_total ";
    const std::size_t at = metrics.find(name);
    EXPECT_NE(at, std::string::npos);
    return at == std::string::npos ? 0 : std::stoull(metrics.substr(at + name.size()));
  }

  TempDir folder_;
  Site site_;
};

TEST_F(CarryTest, WhatIsCarriedIsThereExactlyOnceAndNothingIsSentAgain) {
  const std::string file = folder_.File("stick.etw");
  const Answer exported = Export(file);
  ASSERT_EQ(exported.exit, 0) << exported.err;
  EXPECT_EQ(exported.document["device"], Site::kDevice);
  EXPECT_EQ(exported.document["remembered"], true) << exported.err;
  const std::uint64_t samples = exported.document["samples"];
  EXPECT_GE(samples, 20u) << "also what was in memory";

  const Answer imported = Import(file, {"--receipt", folder_.File("receipt")});
  ASSERT_EQ(imported.exit, 0) << imported.err;
  EXPECT_EQ(imported.document["samples"], samples);
  EXPECT_EQ(imported.document["blocks"], exported.document["blocks"]);
  EXPECT_EQ(imported.document["known"], false);
  ExpectPrefix(samples);
  EXPECT_EQ(CloudSamples("replay/n").size(), samples);

  const Answer again = Import(file);
  ASSERT_EQ(again.exit, 0) << again.err;
  EXPECT_EQ(again.document["blocks"], 0);
  EXPECT_EQ(again.document["already_held"], exported.document["blocks"]);
  EXPECT_EQ(CloudSamples("replay/n").size(), samples);

  const std::uint64_t repeated = Repeated();
  const Answer receipt = Edgetwin({"receipt", folder_.File("receipt")});
  ASSERT_EQ(receipt.exit, 0) << receipt.err;
  EXPECT_EQ(Edgetwin({"receipt", folder_.File("receipt")}).exit, 0) << "once more is harmless";
  ConnectAndExpectAll(repeated);
  // Now the cloud itself was heard.
  EXPECT_EQ(Edgetwin({"receipt", folder_.File("receipt")}).exit, 4);
}

TEST_F(CarryTest, WithoutAReceiptTheCloudSaysWhatItHas) {
  const std::string file = folder_.File("stick.etw");
  ASSERT_EQ(Export(file).exit, 0);
  ASSERT_EQ(Import(file).exit, 0);
  site_.KillAgent();
  site_.KillCloud();
  ASSERT_TRUE(site_.StartCloud() && site_.StartAgent()) << site_.trouble();
  site_.broker().Start();
  ASSERT_TRUE(site_.WaitForTwin(60)) << site_.trouble();
  ASSERT_TRUE(Until(
      [&] {
        const json history = Device("/v1/status")["history"];
        return history.is_object() && history["backfill"]["blocks_held"] > 0;
      },
      30))
      << Device("/v1/status")["history"];
  EXPECT_EQ(Repeated(), 0u);
  EXPECT_EQ(Device("/v1/history/audit")["adds_up"], true);
  EXPECT_EQ(Cloud("/history/audit")["adds_up"], true);
}

TEST_F(CarryTest, AFileThatWasCutGoesOnWhereItWas) {
  const std::string file = folder_.File("stick.etw");
  ASSERT_EQ(Export(file).exit, 0);
  const std::string whole = ReadFile(file);
  // As if the stick had been pulled: what was written last is torn.
  std::filesystem::rename(file, file + ".part");
  std::filesystem::resize_file(file + ".part", whole.size() - 5);
  const Answer resumed = Export(file);
  ASSERT_EQ(resumed.exit, 0) << resumed.err;
  EXPECT_EQ(resumed.document["resumed"], true);
  EXPECT_FALSE(std::filesystem::exists(file + ".part"));
  const Answer imported = Import(file);
  ASSERT_EQ(imported.exit, 0) << imported.err;
  ExpectPrefix(imported.document["samples"]);
  // Cut before there was anything to go on with.
  std::filesystem::remove(file);
  std::ofstream(file + ".part") << whole.substr(0, 11);
  const Answer anew = Export(file);
  ASSERT_EQ(anew.exit, 0) << anew.err;
  EXPECT_EQ(anew.document["resumed"], false);
  EXPECT_EQ(Import(file).exit, 0);
}

TEST_F(CarryTest, OfADamagedFileWhatPrecedesTheDamageIsTaken) {
  const std::string file = folder_.File("stick.etw");
  ASSERT_EQ(Export(file).exit, 0);
  const std::string whole = ReadFile(file);
  std::string damaged = whole;
  damaged[damaged.size() - 3] = static_cast<char>(damaged[damaged.size() - 3] ^ 4);
  std::ofstream(folder_.File("damaged"), std::ios::binary) << damaged;
  const Answer answer = Import(folder_.File("damaged"));
  EXPECT_EQ(answer.exit, 1);
  EXPECT_EQ(answer.document["complete"], false);
  EXPECT_NE(answer.err.find("at byte "), std::string::npos) << answer.err;
  EXPECT_GE(answer.document["samples"], 20);
  ExpectPrefix(20);
  std::ofstream(folder_.File("cut"), std::ios::binary) << whole.substr(0, 200);
  const Answer cut = Import(folder_.File("cut"));
  EXPECT_EQ(cut.exit, 1);
  EXPECT_EQ(cut.document["complete"], false);
  std::ofstream(folder_.File("text")) << "no such file\n";
  EXPECT_EQ(Import(folder_.File("text")).exit, 4);
  EXPECT_EQ(Import(folder_.File("absent")).exit, 3);
  const Answer good = Import(file);
  EXPECT_EQ(good.exit, 0);
  EXPECT_EQ(Cloud("/history/audit")["adds_up"], true);
}

TEST_F(CarryTest, SinceTheLastOneThereIsOnlyWhatCameAfter) {
  const Answer first = Export(folder_.File("first"));
  ASSERT_EQ(first.exit, 0) << first.err;
  const std::uint64_t before = Stored();
  ASSERT_TRUE(Until([&] { return Stored() > before + 20; }, 60));
  const Answer second = Export(folder_.File("second"), {"--since-last"});
  ASSERT_EQ(second.exit, 0) << second.err;
  EXPECT_EQ(second.document["since"], first.document["up_to"]);
  EXPECT_GT(second.document["samples"], 0);
  // In whatever order they arrive.
  ASSERT_EQ(Import(folder_.File("second")).exit, 0);
  const Answer late = Import(folder_.File("first"));
  ASSERT_EQ(late.exit, 0);
  EXPECT_EQ(late.document["already_held"], 0) << "no block is in both";
  ExpectPrefix(first.document["samples"].get<std::size_t>() +
               second.document["samples"].get<std::size_t>());
  // What was carried last may not have arrived: it isn't replaced by what came after it.
  const Answer over = Export(folder_.File("second"), {"--since-last"});
  EXPECT_EQ(over.exit, 4) << over.err;
}

TEST_F(CarryTest, NothingLocalOnlyIsCarried) {
  ASSERT_TRUE(Until([&] { return DeviceSamples("replay/secret").size() > 10; }, 60));
  ASSERT_EQ(Export(folder_.File("private")).exit, 0);
  // Shared from now on: what was sampled before stays here all the same.
  std::string config = ReadFile(site_.config_file());
  const std::string key = "local_only = true";
  config.replace(config.find(key), key.size(), "local_only = false");
  std::ofstream(site_.config_file()) << config;
  ASSERT_EQ(Edgetwin({"reload"}).exit, 0);
  const std::size_t secrets = DeviceSamples("replay/secret").size();
  ASSERT_TRUE(Until([&] { return DeviceSamples("replay/secret").size() > secrets + 50; }, 60));
  ASSERT_EQ(Import(folder_.File("private")).exit, 0);
  EXPECT_EQ(CloudSamples("replay/secret").size(), 0u);
  EXPECT_EQ(ReadFile(folder_.File("private")).find("secret"), std::string::npos);
  // What is in memory is committed for an export only some seconds after the last one.
  int exports = 0;
  ASSERT_TRUE(Until(
      [&] {
        const std::string file = folder_.File("shared" + std::to_string(++exports));
        return Export(file).exit == 0 && Import(file).exit == 0 &&
               !CloudSamples("replay/secret").empty();
      },
      60));
  const json here = DeviceSamples("replay/secret");
  const json there = CloudSamples("replay/secret");
  ASSERT_GT(there.size(), 0u);
  ASSERT_GE(secrets, 10u);
  EXPECT_GE(there[0]["time"], here[secrets - 10]["time"]) << "before it was shared";
}

TEST_F(CarryTest, WhileTheDaemonIsDownItsFilesAreRead) {
  site_.KillAgent();
  const std::string file = folder_.File("stick.etw");
  const Answer exported = Export(file);
  ASSERT_EQ(exported.exit, 0) << exported.err;
  EXPECT_EQ(exported.document["remembered"], false);
  EXPECT_EQ(ReadFile(file).find("secret"), std::string::npos);
  const Answer imported = Import(file);
  ASSERT_EQ(imported.exit, 0) << imported.err;
  EXPECT_EQ(imported.document["samples"], exported.document["samples"]);
  ASSERT_TRUE(site_.StartAgent());
  ASSERT_TRUE(Until([&] { return Stored() > 0; }, 30));
  ExpectPrefix(imported.document["samples"]);
}

TEST_F(CarryTest, AnotherDevicesFileIsNotReplaced) {
  const std::string file = folder_.File("stick.etw");
  ASSERT_EQ(Export(file).exit, 0);
  std::string config = ReadFile(site_.config_file());
  const std::string id = Site::kDevice;
  config.replace(config.find(id), id.size(), "another-one");
  std::ofstream(site_.config_file()) << config;
  site_.KillAgent();
  const Answer refused = Export(file);
  EXPECT_EQ(refused.exit, 4) << refused.err;
  EXPECT_NE(refused.err.find(id), std::string::npos) << refused.err;
  EXPECT_EQ(Export(file, {"--force"}).exit, 0);
  EXPECT_EQ(Export("/dev/full/x").exit, 74);
}

}  // namespace
}  // namespace edgetwin::tests

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The operator's commands as operators run them: the program asks a running one, whose devices are
// real engines behind a real broker.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sync/cloud/cloud_process_test_base.h"

namespace edgetwin::cloud {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using sync::SyncState;
using testing::HasSubstr;
using testing::Not;

constexpr std::uint64_t kOldStore = 0xd0d0;
constexpr std::uint64_t kNewStore = 0xe0e0;

class OperatorProcessTest : public CloudProcessTest {
 protected:
  struct Ran {
    int exit = -1;
    std::string output;  // Both streams.
  };
  // The devices' loop turns meanwhile.
  Ran Ask(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--url", "http://127.0.0.1:" + std::to_string(port_)});
    tests::ChildOptions options;
    options.args = {std::string(EDGETWIN_BIN_DIR) + "/edgetwin-cloud"};
    options.args.insert(options.args.end(), arguments.begin(), arguments.end());
    options.output_file = folder_.File("cli_" + std::to_string(++asked_));
    tests::Child child(options);
    EXPECT_TRUE(Until([&] { return !child.running(); }));
    return {child.Wait(seconds(1)).value_or(-1), tests::ReadFile(options.output_file)};
  }
  std::string StateOf(const std::string& device) {
    return Get("/v1/devices/" + device).value("state", "");
  }
  bool Shows(double value) {
    return Until([&] {
      const json reported = Reported();
      return reported.is_object() && reported["value"] == value && reported["durable"] == true;
    });
  }
  // A board syncs and goes away.
  void SyncOnce(const std::string& broker, std::uint64_t inc, double value) {
    Device device(loop_, broker, inc);
    device.Report(value);
    ASSERT_TRUE(Shows(value)) << tests::ReadFile(folder_.File("log"));
    device.SayBye();
    ASSERT_TRUE(Until([&] { return StateOf("plant") == "away"; }));
  }

  int asked_ = 0;
};

TEST_F(OperatorProcessTest, AFencedBoardIsShownAdoptedAndSyncs) {
  tests::TestBroker broker;
  StartCloud(broker.url());
  SyncOnce(broker.url(), kOldStore, 1);
  SyncOnce(broker.url(), kNewStore, 2);
  Device old(loop_, broker.url(), kOldStore, "pi4 old board");
  old.Report(3);
  ASSERT_TRUE(Until([&] { return old.status().state == SyncState::kFenced; }));

  const Ran list = Ask({"devices", "list"});
  EXPECT_EQ(list.exit, 0);
  EXPECT_THAT(list.output, HasSubstr("plant  fenced"));
  const Ran why = Ask({"devices", "why", "plant"});
  EXPECT_EQ(why.exit, 0);
  EXPECT_THAT(why.output, HasSubstr("its store was given up"));
  EXPECT_THAT(why.output, HasSubstr("pi4 old board"));
  EXPECT_THAT(why.output, HasSubstr("edgetwin-cloud devices unfence plant"));
  EXPECT_EQ(json::parse(Ask({"devices", "why", "plant", "--json"}).output)["state"], "fenced");
  EXPECT_EQ(old.status().state, SyncState::kFenced) << "asking lets nobody in";

  const Ran adopt = Ask({"devices", "adopt", "plant"});
  EXPECT_EQ(adopt.exit, 0) << adopt.output;
  EXPECT_TRUE(Until([&] { return StateOf("plant") == "connected"; }));
  EXPECT_TRUE(Shows(3)) << "it is let in and does not sync";
  EXPECT_EQ(old.status().state, SyncState::kLive);
  EXPECT_THAT(Ask({"devices", "show", "plant"}).output, Not(HasSubstr("Who was refused")));

  const Ran again = Ask({"devices", "unfence", "plant"});
  EXPECT_EQ(again.exit, 4);
  EXPECT_THAT(again.output, HasSubstr("nobody was refused"));
  const Ran withdrawn = Ask({"devices", "withdraw", "plant"});
  EXPECT_EQ(withdrawn.exit, 4);
  EXPECT_THAT(withdrawn.output, HasSubstr("no admission to withdraw"));
}

TEST_F(OperatorProcessTest, AnAdoptedBoardTakesOverFromTheOneThatIsConnected) {
  tests::TestBroker broker;
  StartCloud(broker.url());
  Device old(loop_, broker.url(), kOldStore);
  old.Report(1);
  ASSERT_TRUE(Shows(1));
  Device replacement(loop_, broker.url(), kNewStore, "pi5 new board");
  replacement.Report(2);
  ASSERT_TRUE(Until([&] { return replacement.status().state == SyncState::kFenced; }));
  EXPECT_THAT(Ask({"devices", "why", "plant"}).output, HasSubstr("pi5 new board"));
  EXPECT_EQ(Ask({"devices", "adopt", "plant"}).exit, 0);
  EXPECT_TRUE(Until([&] { return replacement.status().state == SyncState::kLive; }));
  EXPECT_TRUE(Until([&] { return old.status().state == SyncState::kFenced; }))
      << Get("/v1/devices/plant").dump();
  EXPECT_TRUE(Shows(2));
}

TEST_F(OperatorProcessTest, ACommandOverHttpRunsOnTheDeviceAndItsAnswerShows) {
  tests::TestBroker broker;
  StartCloud(broker.url());
  Device device(loop_, broker.url());
  device.Report(1);
  ASSERT_TRUE(Shows(1));
  const http::TestResponse given = http::TestClient(port_).Do(
      "POST", "/v1/devices/plant/commands", "Content-Type: application/json\r\n",
      R"({"name":"write","path":"valve/position","value":40})");
  ASSERT_EQ(given.status, 201) << given.body;
  const std::string link = given.headers.at("location");
  EXPECT_TRUE(Until([&] { return Get(link)["state"] == "done"; })) << Get(link).dump();
  EXPECT_EQ(device.position(), 40.0);
  EXPECT_EQ(Get("/v1/devices/plant/events")["events"][0]["kind"], "command_done");

  const Ran write = Ask({"command", "plant", "write", "valve/position", "55", "--wait"});
  EXPECT_EQ(write.exit, 0) << write.output;
  EXPECT_THAT(write.output, HasSubstr(": done"));
  EXPECT_EQ(device.position(), 55.0);
  const Ran unknown = Ask({"command", "plant", "reboot", "--wait"});
  EXPECT_EQ(unknown.exit, 1);
  EXPECT_THAT(unknown.output, HasSubstr("failed: 'reboot' is no command"));
  const Ran refused = Ask({"command", "plant", "write", "valve/position", "101"});
  EXPECT_EQ(refused.exit, 4);
  EXPECT_EQ(device.position(), 55.0);
  const Ran commands = Ask({"commands", "plant"});
  EXPECT_THAT(commands.output, HasSubstr("reboot"));
  EXPECT_THAT(commands.output, HasSubstr("done"));
  EXPECT_THAT(Ask({"events", "plant"}).output, HasSubstr("command_failed"));
}

TEST_F(OperatorProcessTest, DecommissioningIsExplainedConfirmedAndUndone) {
  tests::TestBroker broker;
  StartCloud(broker.url());
  Device device(loop_, broker.url());
  device.Report(1);
  ASSERT_TRUE(Shows(1));
  const Ran asked = Ask({"devices", "decommission", "plant"});
  EXPECT_EQ(asked.exit, 64);
  EXPECT_THAT(asked.output, HasSubstr("stays on it, unseen"));
  EXPECT_EQ(StateOf("plant"), "connected") << "nobody has confirmed it";
  EXPECT_EQ(Ask({"devices", "decommission", "plant", "--yes"}).exit, 0);
  EXPECT_TRUE(Until([&] { return device.status().state == SyncState::kFenced; }));
  EXPECT_EQ(StateOf("plant"), "decommissioned");
  EXPECT_EQ(Ask({"command", "plant", "read", "valve/position"}).exit, 4);
  device.Report(2);
  EXPECT_EQ(Ask({"devices", "unfence", "plant"}).exit, 0);
  EXPECT_TRUE(Shows(2)) << "it is in service again";
}

TEST_F(OperatorProcessTest, ExitCodesSayWhatIsWrong) {
  port_ = 9;
  EXPECT_EQ(Ask({"devices", "list"}).exit, 69);
  EXPECT_EQ(Ask({"devices"}).exit, 64);
  EXPECT_EQ(Ask({"devices", "why"}).exit, 64);
  EXPECT_EQ(Ask({"devices", "list", "--token-file", "/nonexistent"}).exit, 64);
  EXPECT_EQ(ExitOf({"--store", folder_.File("s"), "devices", "list"}), 64)
      << "a command opens no store";
  EXPECT_EQ(ExitOf({"devices", "list", "--url", "file:///etc/passwd"}), 64);
  const std::string token = folder_.Write("token", "0123456789abcdef\n");
  std::filesystem::permissions(token, std::filesystem::perms::owner_read);
  std::vector<std::string> arguments = Arguments("mqtt://127.0.0.1:9");
  arguments.insert(arguments.end(), {"--token-file", token});
  StartCloudWith(arguments);
  EXPECT_EQ(Ask({"devices", "list"}).exit, 5);
  EXPECT_EQ(Ask({"devices", "list", "--token-file", token}).exit, 0);
  EXPECT_EQ(Ask({"devices", "show", "stranger", "--token-file", token}).exit, 3);
}

}  // namespace
}  // namespace edgetwin::cloud

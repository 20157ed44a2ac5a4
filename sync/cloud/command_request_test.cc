// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/command_request.h"

#include <gtest/gtest.h>

#include <string>

namespace edgetwin::cloud {
namespace {

using model::CommandState;
using model::Value;
using std::chrono::seconds;

constexpr WallTime kNow{std::chrono::milliseconds(1'790'000'000'000)};

class CommandRequestTest : public testing::Test {
 protected:
  CommandRequestTest() {
    model::PropertyDef valve;
    valve.path = *model::Path::Parse("valve/position");
    valve.type = model::ValueType::kDouble;
    valve.writable = true;
    valve.max = 100;
    model::DictionaryEntry entry;
    entry.pid = 1;
    entry.def = valve;
    entry.chain = model::ChainHash(0, entry.pid, entry.def);
    EXPECT_TRUE(twin_.TakeEntry(std::move(entry)));
  }
  tl::expected<model::Command, CommandRefusal> Read(const std::string& body) const {
    return ReadCommand(body, twin_, kNow);
  }
  std::string KeyOf(const std::string& body) const {
    const auto command = Read(body);
    return command ? "taken" : command.error().key;
  }

  model::Twin twin_{model::Role::kCloud};
};

TEST_F(CommandRequestTest, TakesAllOfIt) {
  const auto command = Read(R"({"name":"write","path":"valve/position","value":40,)"
                            R"("expires_in":60,"id":"00000000000000fe"})");
  ASSERT_TRUE(command.has_value()) << command.error().detail;
  EXPECT_EQ(command->name, "write");
  EXPECT_EQ(command->path, "valve/position");
  EXPECT_TRUE(command->value == Value(40.0)) << "an int became a double, as the device has it";
  EXPECT_EQ(command->expires, kNow + seconds(60));
  EXPECT_EQ(command->id, 0xfeu);
  const auto least = Read(R"({"name":"read"})");
  ASSERT_TRUE(least.has_value());
  EXPECT_EQ(least->expires, kNow + kCommandTime) << "no command waits for ever";
  EXPECT_EQ(least->id, 0u);
}

TEST_F(CommandRequestTest, ARefusalNamesTheKey) {
  EXPECT_EQ(KeyOf(R"({"name":"read"})"), "taken");
  EXPECT_EQ(KeyOf("{"), "");
  EXPECT_EQ(KeyOf("[]"), "");
  EXPECT_EQ(KeyOf(R"({"name":"read","name":"write"})"), "");
  EXPECT_EQ(KeyOf("{}"), "name");
  EXPECT_EQ(KeyOf(R"({"name":7})"), "name");
  EXPECT_EQ(KeyOf(R"({"name":"Write it"})"), "name");
  EXPECT_EQ(KeyOf(R"({"name":")" + std::string(65, 'a') + R"("})"), "name");
  EXPECT_EQ(KeyOf(R"({"name":"read","path":"a b"})"), "path");
  EXPECT_EQ(KeyOf(R"({"name":"read","path":1})"), "path");
  EXPECT_EQ(KeyOf(R"({"name":"read","expire_in":1})"), "expire_in") << "a typo is no default";
  for (const char* bad : {"0", "-1", "2592001", "1.5", "\"60\"", "null"}) {
    EXPECT_EQ(KeyOf(std::string(R"({"name":"read","expires_in":)") + bad + "}"), "expires_in")
        << bad;
  }
  EXPECT_EQ(KeyOf(R"({"name":"read","expires_in":2592000})"), "taken");
  for (const char* bad : {"\"0000000000000000\"", "\"fe\"", "254", "\"00000000000000fg\""}) {
    EXPECT_EQ(KeyOf(std::string(R"({"name":"read","id":)") + bad + "}"), "id") << bad;
  }
}

TEST_F(CommandRequestTest, AWriteMustFitWhatTheDeviceHasTold) {
  EXPECT_EQ(KeyOf(R"({"name":"write","path":"valve/position","value":100})"), "taken");
  EXPECT_EQ(KeyOf(R"({"name":"write","path":"valve/position","value":101})"), "value");
  EXPECT_EQ(KeyOf(R"({"name":"write","path":"valve/position","value":"open"})"), "value");
  EXPECT_EQ(KeyOf(R"({"name":"write","path":"valve/position","value":[1]})"), "value");
  EXPECT_EQ(KeyOf(R"({"name":"write","path":"valve/position"})"), "value");
  EXPECT_EQ(KeyOf(R"({"name":"write","path":"new/one","value":"open"})"), "taken")
      << "of what it has not told, the device decides";
}

TEST_F(CommandRequestTest, OnlyTheSameIsARepetition) {
  const std::string body = R"({"name":"write","path":"valve/position","value":4})";
  model::Command known = *Read(body);
  EXPECT_TRUE(IsSameCommand(known, *Read(body)));
  EXPECT_FALSE(IsSameCommand(known, *Read(R"({"name":"read","path":"valve/position"})")));
  EXPECT_FALSE(IsSameCommand(known, *Read(R"({"name":"write","path":"valve/other","value":4})")));
  EXPECT_FALSE(
      IsSameCommand(known, *Read(R"({"name":"write","path":"valve/position","value":5})")));
  known.state = CommandState::kDone;
  known.value = Value(4.1);
  EXPECT_TRUE(IsSameCommand(known, *Read(body))) << "the answer's value stands there now";
}

}  // namespace
}  // namespace edgetwin::cloud

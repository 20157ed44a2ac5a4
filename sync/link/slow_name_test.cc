// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// With a resolver that blocks: getaddrinfo is replaced in this program for one host name.

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <netdb.h>

#include <condition_variable>
#include <mutex>
#include <string_view>
#include <thread>

#include "sync/link/link_test_base.h"
#include "tests/support/broker.h"

namespace {

constexpr std::string_view kSlowHost = "slow.test";

struct SlowResolver {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  int calls = 0;
  int inside = 0;

  void Wait() {
    std::unique_lock lock(mutex);
    ++calls;
    ++inside;
    changed.notify_all();
    changed.wait(lock, [this] { return open; });
    --inside;
  }
  void Set(bool is_open) {
    std::lock_guard lock(mutex);
    open = is_open;
    if (!is_open) calls = 0;
    changed.notify_all();
  }
  int Calls() {
    std::lock_guard lock(mutex);
    return calls;
  }
  int Inside() {
    std::lock_guard lock(mutex);
    return inside;
  }
};

SlowResolver resolver;

}  // namespace

extern "C" int getaddrinfo(const char* host, const char* service, const addrinfo* hints,
                           addrinfo** result) {
  static const auto real =
      reinterpret_cast<decltype(&getaddrinfo)>(dlsym(RTLD_NEXT, "getaddrinfo"));
  if (host != nullptr && host == kSlowHost) {
    resolver.Wait();
    host = "127.0.0.1";
  }
  return real(host, service, hints, result);
}

namespace edgetwin::sync {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using tests::TestBroker;

class SlowNameTest : public LinkTest {
 protected:
  void SetUp() override { resolver.Set(false); }
  void TearDown() override {
    resolver.Set(true);
    while (resolver.Inside() > 0) std::this_thread::yield();
  }
  std::string SlowUrl(const TestBroker& broker) {
    return "mqtt://" + std::string(kSlowHost) + ":" + std::to_string(broker.port());
  }
  TestBroker broker_;
  Recorder events_;
};

TEST_F(SlowNameTest, CloseDoesNotWaitForTheResolver) {
  auto device = MakeMqttLink(loop_, Options("a", {SlowUrl(broker_)}));
  ASSERT_TRUE(device->Open(events_));
  ASSERT_TRUE(RunUntil([] { return resolver.Inside() == 1; }));
  device->Close();
  EXPECT_EQ(resolver.Inside(), 1);
  device.reset();
  EXPECT_EQ(resolver.Inside(), 1);
  // The thread ends after its link is gone, and reaches nobody.
  resolver.Set(true);
  ASSERT_TRUE(RunUntil([] { return resolver.Inside() == 0; }));
  loop_.RunFor(milliseconds(20));
  EXPECT_EQ(events_.ups, 0);
  EXPECT_TRUE(events_.downs.empty());
}

TEST_F(SlowNameTest, OthersGetTheirTurnMeanwhile) {
  MqttOptions options = Options("a", {SlowUrl(broker_), broker_.url()});
  options.connect_timeout = milliseconds(50);
  const auto device = MakeMqttLink(loop_, options);
  ASSERT_TRUE(device->Open(events_));
  ASSERT_TRUE(RunUntil([&] { return events_.ups == 1; }));
  EXPECT_EQ(device->stats().broker, broker_.url());
  EXPECT_EQ(events_.downs.at(0).code, ErrorCode::kTimeout);
  EXPECT_THAT(events_.downs.at(0).text, HasSubstr("resolving \"slow.test\""));
}

TEST_F(SlowNameTest, OneThreadWaitsOverManyRoundsAndItsLateAnswerIsUsed) {
  MqttOptions options = Options("a", {SlowUrl(broker_)});
  options.connect_timeout = milliseconds(10);
  const auto device = MakeMqttLink(loop_, options);
  ASSERT_TRUE(device->Open(events_));
  ASSERT_TRUE(RunUntil([&] { return events_.downs.size() == 5; }));
  EXPECT_EQ(resolver.Calls(), 1);
  resolver.Set(true);
  ASSERT_TRUE(RunUntil([&] { return events_.ups == 1; }));
  EXPECT_EQ(resolver.Calls(), 1);
}

TEST_F(SlowNameTest, AnAnswerDuringTheBackoffServesTheNextAttempt) {
  MqttOptions options = Options("a", {SlowUrl(broker_)});
  options.connect_timeout = milliseconds(10);
  options.backoff_min = options.backoff_max = milliseconds(200);
  const auto device = MakeMqttLink(loop_, options);
  ASSERT_TRUE(device->Open(events_));
  ASSERT_TRUE(RunUntil([&] { return events_.downs.size() == 1; }));
  ASSERT_GT(device->stats().next_try, milliseconds(0));
  resolver.Set(true);
  ASSERT_TRUE(RunUntil([&] { return events_.ups == 1; }));
  EXPECT_EQ(events_.downs.size(), 1u);
  EXPECT_EQ(resolver.Calls(), 1);
}

}  // namespace
}  // namespace edgetwin::sync

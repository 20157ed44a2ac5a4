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

#include "drivers/http/http_driver_test_base.h"

namespace {

constexpr std::string_view kSlowHost = "slow.test";

struct SlowResolver {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  int inside = 0;

  void Wait() {
    std::unique_lock lock(mutex);
    ++inside;
    changed.wait(lock, [this] { return open; });
    --inside;
  }
  void Open(bool is_open) {
    std::lock_guard lock(mutex);
    open = is_open;
    changed.notify_all();
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

namespace edgetwin::http_driver {
namespace {

class SlowNameTest : public HttpDriverTest {
 protected:
  SlowNameTest() { resolver.Open(false); }
  ~SlowNameTest() override {
    resolver.Open(true);
    while (resolver.Inside() > 0) std::this_thread::yield();
  }

  std::string Options(const std::string& lines) {
    server_.Serve("state", R"({"a":1})");
    return RequestOf(server_.Url("/files/state", std::string(kSlowHost)), lines) +
           "[[request]]\nname = \"other\"\nurl = \"" + server_.Url("/files/state") +
           "\"\n[[request.property]]\nname = \"b\"\npointer = \"/a\"\n";
  }

  TestServer server_;
};

TEST_F(SlowNameTest, HoldsNobodyElseUpAndIsWaitedFor) {
  Start(Options("timeout = \"1m\""));
  ASSERT_TRUE(Until([&] { return resolver.Inside() == 1; }));
  ASSERT_TRUE(UntilGood("t/b", 1));
  EXPECT_EQ(resolver.Inside(), 1);
  resolver.Open(true);
  EXPECT_TRUE(UntilGood("t/a", 1));
}

TEST_F(SlowNameTest, EndsAtTheTimeoutWithoutBlocking) {
  Start(Options("timeout = \"200ms\"\nperiod = \"1h\""));
  const auto failed = [&] { return Part().last_error; };
  // Were the timeout to wait for the name, this would never come to an end: nobody opens it.
  ASSERT_TRUE(Until([&] { return !failed().empty(); }));
  EXPECT_EQ(failed(), "no connection to slow.test within 200ms");
  EXPECT_EQ(resolver.Inside(), 1);
}

TEST_F(SlowNameTest, StopDoesNotWaitForIt) {
  Start(Options("timeout = \"1m\""));
  ASSERT_TRUE(Until([&] { return resolver.Inside() == 1; }));
  driver_->Stop();
  EXPECT_EQ(resolver.Inside(), 1);
}

}  // namespace
}  // namespace edgetwin::http_driver

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// For tests that run the driver against net-snmp's snmpd.

#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/sdk/testing/options.h"
#include "drivers/sdk/testing/recording_sink.h"
#include "drivers/snmp/snmp_driver.h"
#include "tests/support/child.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"
#include "twin/base/event_loop.h"

namespace edgetwin::snmp_driver {

// A UDP socket on a free port of 127.0.0.1.
inline int BoundSocket(std::uint16_t& port) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  port = ntohs(address.sin_port);
  return fd;
}

// snmpd with a configuration and a folder for what it stores of its own. Its objects are those of
// test_agent.py, below kObjects.
class TestAgent {
 public:
  // Below kObjects: scalars of each type, and a table like ifXTable: names in column 1, numbers in
  // column 6.
  static constexpr const char* kObjects = "1.3.6.1.4.1.8072.9999.2";
  static constexpr const char* kPassword = "correct horse";  // Of all users, for both.

  TestAgent() {
    close(BoundSocket(port_));
    folder_.Write("password", std::string(kPassword) + "\n");
    folder_.Write("wrong", "battery staple\n");
    Serve({{"1.0", "integer", "3000", "42"}, {"2.0", "gauge", "-", "4000000000"}});
    Start();
  }
  ~TestAgent() { Stand(false); }
  TestAgent(const TestAgent&) = delete;
  TestAgent& operator=(const TestAgent&) = delete;

  struct Object {
    std::string oid;   // Below kObjects.
    std::string type;  // As snmpd's pass knows them: integer, gauge, counter, timeticks, ….
    std::string max;   // Of what may be set, "-" for all, "ro" for nothing.
    std::string value;
  };
  void Serve(const std::vector<Object>& objects) const {
    std::string text;
    for (const Object& object : objects) {
      text += Oid(object.oid) + " " + object.type + " " + object.max + " " + object.value + "\n";
    }
    folder_.Write("objects.tmp", text);
    std::filesystem::rename(folder_.File("objects.tmp"), folder_.File("objects"));
  }
  std::string Served() const { return tests::ReadFile(folder_.File("objects")); }
  static std::string Oid(const std::string& below) { return std::string(kObjects) + "." + below; }

  // Lines for snmpd.conf, from the next start on.
  void Configure(const std::string& lines) { more_ = lines; }
  void Start() {
    std::filesystem::remove(folder_.File("log"));
    folder_.Write("snmpd.conf", "rwcommunity public\nsysName tester\n" + more_ +
                                    "\npass_persist ." + std::string(kObjects) +
                                    " /usr/bin/python3 " EDGETWIN_SOURCE_DIR
                                    "/drivers/snmp/test_agent.py " +
                                    folder_.path().string() + "\n");
    tests::ChildOptions options;
    options.args = {"/usr/sbin/snmpd",
                    "-f",
                    "-Le",
                    "-C",
                    "-c",
                    folder_.File("snmpd.conf"),
                    "udp:127.0.0.1:" + std::to_string(port_)};
    options.env = {"SNMP_PERSISTENT_DIR=" + folder_.File("state"),
                   "SNMPCONFPATH=" + folder_.File("state"), "MIBS="};
    options.output_file = folder_.File("log");
    child_.emplace(std::move(options));
    EXPECT_TRUE(tests::Until([&] { return Has("log", "NET-SNMP version"); }, 60))
        << tests::ReadFile(folder_.File("log"));
  }
  void Kill() { child_.reset(); }
  // Whatever it has stored of its starts and users.
  void Forget() const { std::filesystem::remove_all(folder_.File("state")); }
  void Stand(bool still) {
    if (child_) child_->Kill(still ? SIGSTOP : SIGCONT);
  }

  std::uint16_t port() const { return port_; }
  std::string File(const std::string& name) const { return folder_.File(name); }
  // "host" and "port".
  std::string Place() const {
    return "host = \"127.0.0.1\"\nport = " + std::to_string(port_) + "\n";
  }

 private:
  bool Has(const std::string& file, std::string_view text) const {
    return std::filesystem::exists(folder_.File(file)) &&
           tests::ReadFile(folder_.File(file)).find(text) != std::string::npos;
  }

  tests::TempDir folder_;
  std::uint16_t port_ = 0;
  std::string more_;
  std::optional<tests::Child> child_;
};

// "[[property]]" of an object below TestAgent::kObjects, and further lines.
inline std::string PropertyOf(const std::string& name, const std::string& below,
                              const std::string& lines = "") {
  return "[[property]]\nname = \"" + name + "\"\noid = \"" + TestAgent::Oid(below) + "\"\n" +
         lines + "\n";
}

class SnmpDriverTest : public ::testing::Test {
 protected:
  static constexpr std::chrono::seconds kPatience{60};

  ~SnmpDriverTest() override {
    driver_->Stop();
    sink_.Revoke();
    loop_.RunFor(std::chrono::milliseconds(1));
  }

  void Start(const std::string& options) {
    const auto node = driver::testing::ParseOptions(options);
    ASSERT_TRUE(node) << node.error().text;
    ConfigProblems problems;
    ConfigReader config(*node, "drivers.t", problems);
    ASSERT_TRUE(driver_->Init(config)) << problems.ToString();
    config.Finish();
    ASSERT_TRUE(problems.empty()) << problems.ToString();
    ASSERT_TRUE(driver_->Start(loop_, sink_));
  }
  // For another Start in one test.
  void Renew() { driver_ = SnmpKind().make(); }

  template <class Holds>
  bool Until(Holds holds) {
    const MonoTime end = clock_.Now() + kPatience;
    while (!holds()) {
      if (clock_.Now() > end) return false;
      loop_.RunFor(std::chrono::milliseconds(2));
    }
    return true;
  }
  bool UntilGood(std::string_view path, const model::Value& value) {
    return Until([&] {
      return sink_.Has(path) && sink_.Last(path).quality == model::Quality::kGood &&
             sink_.Last(path).value == value;
    });
  }
  bool UntilGood(std::string_view path, int value) {
    return UntilGood(path, model::Value(std::int64_t{value}));
  }
  bool UntilBad(std::string_view path) {
    return Until(
        [&] { return sink_.Has(path) && sink_.Last(path).quality == model::Quality::kBad; });
  }
  // The first failure of a poll that holds `text`.
  bool UntilFailure(std::string_view text) {
    return Until([&] {
      for (const auto& poll : sink_.polls()) {
        if (!poll.result && poll.result.error().text.find(text) != std::string::npos) return true;
      }
      return false;
    });
  }
  std::string Failures() {
    std::string texts;
    for (const auto& poll : sink_.polls()) {
      if (!poll.result) texts += poll.result.error().text + "\n";
    }
    return texts;
  }
  Result<model::Value> Call(bool write, std::string_view path, const model::Value& value) {
    std::optional<Result<model::Value>> result;
    const auto done = [&](Result<model::Value> got) { result = std::move(got); };
    const model::PropertyId id = sink_.IdOf(path);
    const Status begun = write ? driver_->Write(id, value, done) : driver_->Read(id, done);
    if (!begun) return begun.error();
    EXPECT_TRUE(Until([&] { return result.has_value(); }));
    return result.value_or(TimedOut("the test waited in vain"));
  }
  Result<model::Value> Write(std::string_view path, const model::Value& value) {
    return Call(true, path, value);
  }
  Result<model::Value> Write(std::string_view path, int value) {
    return Call(true, path, model::Value(std::int64_t{value}));
  }
  Result<model::Value> Read(std::string_view path) { return Call(false, path, model::Value()); }

  SystemClock clock_;
  EventLoop loop_{clock_};
  driver::testing::RecordingSink sink_{clock_};
  std::unique_ptr<driver::Driver> driver_ = SnmpKind().make();
};

}  // namespace edgetwin::snmp_driver

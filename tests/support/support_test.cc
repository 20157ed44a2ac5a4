// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include "tests/support/broker.h"
#include "tests/support/certificates.h"
#include "tests/support/child.h"
#include "tests/support/port.h"

namespace edgetwin::tests {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(ChildTest, ReportsTheExitCodeAndTheOutput) {
  const TempDir folder;
  EXPECT_EQ(RunChild({.args = {"sh", "-c", "echo $WORD; pwd; exit 3"},
                      .env = {"WORD=hello"},
                      .output_file = folder.File("out"),
                      .folder = "/"}),
            3);
  EXPECT_EQ(ReadFile(folder.File("out")), "hello\n/\n");
  EXPECT_EQ(RunChild({.args = {"/nonexistent/program"}}), 127);
}

TEST(ChildTest, IsKilledByItsDestructor) {
  pid_t pid = 0;
  {
    Child child({.args = {"sleep", "1000"}});
    pid = child.pid();
    EXPECT_FALSE(child.Wait(milliseconds(1)));
  }
  EXPECT_EQ(kill(pid, 0), -1);
}

TEST(ChildTest, ReportsTheSignal) {
  Child child({.args = {"sleep", "1000"}});
  child.Kill(SIGTERM);
  EXPECT_EQ(child.Wait(seconds(10)), 128 + SIGTERM);
}

TEST(TempDirTest, IsRemoved) {
  std::filesystem::path path;
  {
    const TempDir folder;
    path = folder.path();
    folder.Write("file", "text");
    EXPECT_EQ(ReadFile(folder.File("file")), "text");
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(CertificatesTest, OnlyTheValidOneIsAccepted) {
  CertificateAuthority authority;
  const auto verify = [&](const Certificate& certificate) {
    return RunChild({.args = {"openssl", "verify", "-CAfile", authority.ca_file(),
                              "-verify_hostname", "localhost", certificate.certificate_file}});
  };
  EXPECT_EQ(verify(authority.Issue()), 0);
  EXPECT_NE(verify(authority.IssueExpired()), 0);
  EXPECT_NE(
      verify(authority.Issue({.common_name = "other", .alternative_names = "DNS:other.example"})),
      0);
}

TEST(TestBrokerTest, StartsAgainOnTheSamePort) {
  TestBroker broker;
  broker.Kill();
  EXPECT_FALSE(WaitForPort(broker.port(), milliseconds(0)));
  broker.Start();
  EXPECT_TRUE(WaitForPort(broker.port(), milliseconds(0)));
  broker.Stop();
  EXPECT_FALSE(WaitForPort(broker.port(), milliseconds(0)));
}

TEST(TestBrokerTest, AsksForPasswords) {
  const TestBroker broker({.passwords = {{"plant", "secret"}}});
  const auto publish = [&](const std::string& password) {
    return RunChild({.args = {"mosquitto_pub", "-p", std::to_string(broker.port()), "-h",
                              "127.0.0.1", "-u", "plant", "-P", password, "-t", "t", "-m", "m"}});
  };
  EXPECT_EQ(publish("secret"), 0);
  EXPECT_NE(publish("wrong"), 0);
}

}  // namespace
}  // namespace edgetwin::tests

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The broker's example configuration that is installed with edgetwin-cloud, on a real broker: only
// paths and port are changed, and a log added.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/certificates.h"
#include "tests/support/child.h"
#include "tests/support/http_client.h"
#include "tests/support/port.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace edgetwin::tests {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

constexpr const char* kExamples = EDGETWIN_SOURCE_DIR "/packaging/examples/mosquitto/";

class MosquittoExampleTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string config = ReadFile(std::string(kExamples) + "edgetwin.conf");
    const Certificate broker = authority_.Issue();
    Replace(config, "/etc/mosquitto/certs/ca.pem", authority_.ca_file());
    Replace(config, "/etc/mosquitto/certs/broker.pem", broker.certificate_file);
    Replace(config, "/etc/mosquitto/certs/broker.key", broker.key_file);
    Replace(config, "acl_file /etc/mosquitto/edgetwin.acl",
            std::string("acl_file ") + kExamples + "edgetwin.acl");
    Replace(config, "listener 8883", "listener " + std::to_string(port_) + " 127.0.0.1");
    config += "\nuser root\nlog_type all\nlog_dest file " + folder_.File("broker.log") + "\n";
    broker_ = std::make_unique<Child>(
        ChildOptions{.args = {"/usr/sbin/mosquitto", "-c", folder_.Write("mosquitto.conf", config)},
                     .output_file = folder_.File("broker.out")});
    ASSERT_TRUE(WaitForPort(port_, seconds(20))) << ReadFile(folder_.File("broker.out"));
  }

  static void Replace(std::string& text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << "the example holds no " << from;
    text.replace(at, from.size(), to);
  }

  Certificate IssueTo(const std::string& name) {
    CertificateRequest request;
    request.common_name = name;
    return authority_.Issue(request);
  }
  std::string Url() const { return "mqtts://localhost:" + std::to_string(port_); }

  // The arguments of mosquitto's own clients, as `name`.
  std::vector<std::string> Client(const std::string& program, const std::string& name,
                                  std::vector<std::string> more) {
    std::vector<std::string> args = {
        program, "-h", "localhost", "-p", std::to_string(port_), "--cafile", authority_.ca_file()};
    if (!name.empty()) {
      const Certificate own = IssueTo(name);
      args.insert(args.end(), {"--cert", own.certificate_file, "--key", own.key_file});
    }
    args.insert(args.end(), more.begin(), more.end());
    return args;
  }

  int Publish(const std::string& name, const std::string& topic) {
    return RunChild({.args = Client("mosquitto_pub", name, {"-q", "1", "-t", topic, "-m", "x"}),
                     .output_file = folder_.File("clients.log")});
  }

  // The topic of the first message that `listener` gets, of what `speaker` says to both in turn.
  std::string FirstHeard(const std::string& listener, const std::string& speaker,
                         const std::string& topic, const std::string& then) {
    const std::string heard = folder_.File("heard");
    Child sub({.args = Client("mosquitto_sub", listener,
                              {"-C", "1", "-F", "%t", "-t", topic, "-t", then, "-i", "listener"}),
               .output_file = heard});
    EXPECT_TRUE(Until([&] { return Log().find("Sending SUBACK to listener") != Log().npos; }, 20))
        << Log();
    Publish(speaker, topic);
    EXPECT_EQ(Publish(speaker, then), 0);
    EXPECT_TRUE(sub.Wait(seconds(20))) << Log();
    return ReadFile(heard);
  }

  std::string Log() const { return ReadFile(folder_.File("broker.log")); }

  TempDir folder_;
  CertificateAuthority authority_;
  const std::uint16_t port_ = FreePort();
  std::unique_ptr<Child> broker_;
};

TEST_F(MosquittoExampleTest, ADeviceAndTheCloudGetInStepOverIt) {
  const Certificate cloud_own = IssueTo("edgetwin-cloud");
  const std::uint16_t cloud_port = FreePort();
  Child cloud(
      {.args = {EDGETWIN_BIN_DIR "/edgetwin-cloud", "--broker", Url(), "--store",
                folder_.File("cloud"), "--listen", "127.0.0.1:" + std::to_string(cloud_port),
                "--ca-file", authority_.ca_file(), "--certificate-file", cloud_own.certificate_file,
                "--key-file", cloud_own.key_file},
       .output_file = folder_.File("cloud.log")});
  ASSERT_TRUE(WaitForPort(cloud_port, seconds(20))) << ReadFile(folder_.File("cloud.log"));

  const Certificate own = IssueTo("plant-7");
  std::filesystem::create_directory(folder_.File("device"));
  const std::string config = folder_.Write(
      "edgetwin.toml",
      "[device]\nid = \"plant-7\"\n[store]\ndirectory = \"device\"\n[api]\nsocket = \"sock\"\n"
      "[drivers.host]\n[cloud]\nbrokers = [\"" +
          Url() + "\"]\nca_file = \"" + authority_.ca_file() + "\"\ncertificate_file = \"" +
          own.certificate_file + "\"\nkey_file = \"" + own.key_file + "\"\n");
  Child agent({.args = {EDGETWIN_BIN_DIR "/edgetwind", "--config", config},
               .output_file = folder_.File("agent.log")});

  HttpRequest local;
  local.url = "http://localhost/v1/sync";
  local.unix_socket = folder_.File("sock");
  const auto live = [&local] {
    const auto sync = nlohmann::json::parse(Ask(local).body, nullptr, false);
    return sync.is_object() && sync.value("state", "") == "live";
  };
  EXPECT_TRUE(Until(live, 30)) << ReadFile(folder_.File("agent.log")) << Log();
  HttpRequest remote;
  remote.url = "http://127.0.0.1:" + std::to_string(cloud_port) + "/v1/twins/plant-7";
  const HttpAnswer twin = Ask(remote);
  EXPECT_EQ(twin.status, 200);
  EXPECT_THAT(twin.body, HasSubstr("host"));
}

TEST_F(MosquittoExampleTest, NobodyGetsInWithoutACertificate) {
  EXPECT_NE(Publish("", "et/plant-7/u"), 0);
  EXPECT_EQ(Publish("plant-7", "et/plant-7/u"), 0) << ReadFile(folder_.File("clients.log"));
}

TEST_F(MosquittoExampleTest, ADeviceSpeaksForItselfOnly) {
  EXPECT_EQ(FirstHeard("edgetwin-cloud", "plant-8", "et/plant-7/u", "et/plant-8/u"),
            "et/plant-8/u\n");
}

TEST_F(MosquittoExampleTest, ADeviceHearsWhatIsMeantForItOnly) {
  EXPECT_EQ(FirstHeard("plant-8", "edgetwin-cloud", "et/plant-7/d", "et/plant-8/d"),
            "et/plant-8/d\n");
}

TEST_F(MosquittoExampleTest, ADeviceHearsWhatIsMeantForAll) {
  EXPECT_EQ(FirstHeard("plant-8", "edgetwin-cloud", "et/plant-7/d", "et/*/d"), "et/*/d\n");
}

}  // namespace
}  // namespace edgetwin::tests

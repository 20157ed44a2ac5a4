// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// edgetwin doctor and edgetwin bundle, of a whole site.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "agent/cli/failure.h"
#include "tests/support/command.h"
#include "tests/support/http_client.h"
#include "tests/support/port.h"
#include "tests/support/site.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"

namespace edgetwin::cli {
namespace {

using testing::HasSubstr;
using testing::Not;
using tests::Ran;
using tests::Site;

constexpr const char* kBin = EDGETWIN_BIN_DIR;
constexpr const char* kPassword = "correct horse \"staple\"";

tests::SiteOptions Options() {
  tests::SiteOptions options;
  options.bin = kBin;
  return options;
}

class DoctorTest : public testing::Test {
 protected:
  DoctorTest() : site_(Options()) {}
  void SetUp() override { ASSERT_EQ(site_.trouble(), ""); }

  Ran Ask(std::vector<std::string> args) {
    args.insert(args.begin(), {std::string(kBin) + "/edgetwin", "--config", site_.config_file()});
    return tests::RunCommand(std::move(args));
  }
  // Text and advice of all that have this verdict, by check.
  static std::string Told(const Json& document, const std::string& check,
                          const std::string& verdict) {
    std::string text;
    for (const Json& finding : document["findings"]) {
      if (finding["check"] != check || finding["verdict"] != verdict) continue;
      text += finding["text"].get<std::string>() + "\n";
      if (finding["advice"].is_string()) text += finding["advice"].get<std::string>() + "\n";
    }
    return text;
  }
  Json Examined() {
    const Ran ran = Ask({"doctor", "--json"});
    Json document = Json::parse(ran.out, nullptr, false);
    if (!document.is_object() || !document.contains("failed")) {
      ADD_FAILURE() << ran.out << ran.err;
      return {{"findings", Json::array()}, {"failed", 0}, {"warnings", 0}};
    }
    const bool well = document["failed"] == 0 && document["warnings"] == 0;
    EXPECT_EQ(ran.exit, well ? 0 : 1);
    return document;
  }
  void StopAgent() {
    site_.agent()->Kill(SIGTERM);
    ASSERT_EQ(site_.agent()->Wait(std::chrono::seconds(20)), 0);
  }

  Site site_;
};

TEST_F(DoctorTest, FindsNothingFailedWhereAllIsWell) {
  const Json document = Examined();
  EXPECT_EQ(document["failed"], 0) << document.dump(1);
  EXPECT_THAT(Told(document, "configuration", "ok"), HasSubstr("1 driver instance, a cloud"));
  EXPECT_THAT(Told(document, "daemon", "ok"), HasSubstr("has been up for"));
  EXPECT_THAT(Told(document, "cloud", "ok"), HasSubstr("In session with the cloud"));
  EXPECT_THAT(Told(document, "drivers", "ok"), HasSubstr("1 driver instance runs"));
  EXPECT_THAT(Ask({"doctor"}).out, HasSubstr("ok       daemon"));
}

TEST_F(DoctorTest, SaysWhatIsWrongAndWhatToDo) {
  site_.broker().Kill();
  ASSERT_TRUE(tests::Until([&] { return Told(Examined(), "link_down", "failed") != ""; }, 20));
  EXPECT_THAT(Told(Examined(), "link_down", "failed"), HasSubstr("Nothing is lost meanwhile"));
  ASSERT_NO_FATAL_FAILURE(StopAgent());
  // By itself now.
  Json document = Examined();
  EXPECT_THAT(Told(document, "daemon", "failed"), HasSubstr("systemctl start edgetwind"));
  EXPECT_THAT(Told(document, "broker", "failed"), HasSubstr("Connection refused"));
  EXPECT_THAT(Told(document, "store", "ok"), HasSubstr("twin.db can be read"));
  site_.broker().Start();
  document = Examined();
  EXPECT_THAT(Told(document, "broker", "ok"), HasSubstr("Logged in at mqtt://"));
  EXPECT_EQ(Told(document, "broker", "failed"), "");

  std::ofstream(site_.config_file(), std::ios::app) << "[stoer]\n";
  document = Examined();
  EXPECT_THAT(Told(document, "configuration", "failed"), HasSubstr("did you mean \"store\""));
  EXPECT_THAT(Told(document, "store", "ok"), HasSubstr("twin.db can be read"))
      << "still looked for";
  std::filesystem::resize_file(site_.store_file(), 1'000);
  EXPECT_THAT(Told(Examined(), "store", "failed"), HasSubstr("puts it aside at its next start"));
}

TEST_F(DoctorTest, MetricsAreServedOnLoopbackWhereTheConfigurationSaysSo) {
  ASSERT_NO_FATAL_FAILURE(StopAgent());
  const std::uint16_t port = tests::FreePort();
  const auto folder = std::filesystem::path(site_.config_file()).parent_path() / "conf.d";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "api.toml") << "[api]\nmetrics = \"127.0.0.1:" << port << "\"\n";
  ASSERT_TRUE(site_.StartAgent());
  ASSERT_TRUE(tests::WaitForPort(port, std::chrono::seconds(20)));
  const auto ask = [port](const std::string& method, const std::string& path) {
    tests::HttpRequest request;
    request.method = method;
    request.url = "http://127.0.0.1:" + std::to_string(port) + path;
    return tests::Ask(request);
  };
  EXPECT_THAT(ask("GET", "/metrics").body, HasSubstr("edgetwin_live"));
  EXPECT_THAT(ask("GET", "/healthz").body, HasSubstr("status"));
  EXPECT_EQ(ask("GET", "/v1/properties").status, 404) << "nothing but that";
  EXPECT_EQ(ask("PUT", "/v1/override/tank/level").status, 404);
  EXPECT_EQ(ask("POST", "/v1/reload").status, 404);
}

TEST_F(DoctorTest, ABundleHoldsEverythingButSecrets) {
  const tests::TempDir folder;
  folder.Write("password", std::string(kPassword) + "\n");
  folder.Write("client.key",
               "-----BEGIN PRIVATE KEY-----\nVERYSECRETKEY\n-----END PRIVATE KEY-----\n");
  // What no configuration that works would hold is in comments, and counts as text.
  std::ofstream(site_.config_file(), std::ios::app)
      << "[drivers.program]\nkind = \"exec\"\n"
      << "command = [\"/bin/cat\", \"--token\", \"a-token-on-the-line\"]\n"
      << "# " << kPassword << "\n# https://me:in-the-url@host/\n# api_key = \"in-a-comment\"\n"
      << "# password_file = \"" << folder.File("password") << "\"\n";
  const std::filesystem::path confd =
      std::filesystem::path(site_.config_file()).parent_path() / "conf.d";
  std::filesystem::create_directories(confd);
  std::ofstream(confd / "10-http.toml")
      << "[drivers.web]\nkind = \"http\"\npassword_file = \"" << folder.File("password")
      << "\"\nkey_file = \"" << folder.File("client.key") << "\"\n";

  const std::string file = folder.File("out.tar.gz");
  const Ran made = Ask({"bundle", file, "--json"});
  ASSERT_EQ(made.exit, 0) << made.err;
  const Json report = Json::parse(made.out);
  EXPECT_EQ(report["file"], file);
  struct stat state {};
  ASSERT_EQ(stat(file.c_str(), &state), 0);
  EXPECT_EQ(state.st_mode & 0777, 0600u) << "not for everybody";
  EXPECT_EQ(Ask({"bundle", file}).exit, 4) << "there already";
  EXPECT_EQ(Ask({"bundle", file, "--force", "--without-values"}).exit, 0);

  const Ran again = Ask({"bundle", folder.File("all.tar.gz")});
  EXPECT_THAT(again.out, HasSubstr("without secrets"));
  const Ran all = tests::RunCommand({"tar", "-xzOf", folder.File("all.tar.gz")});
  ASSERT_EQ(all.exit, 0) << all.err;
  for (const char* secret : {"correct horse", "staple", "VERYSECRETKEY", "a-token-on-the-line",
                             "in-the-url", "in-a-comment"}) {
    EXPECT_EQ(all.out.find(secret), std::string::npos) << secret;
  }
  for (const char* there : {"[drivers.program]", "[drivers.web]", "tank/level", "edgetwin_",
                            "\"findings\"", "MemAvailable", "twin.db"}) {
    EXPECT_NE(all.out.find(there), std::string::npos) << there;
  }
  const Ran names = tests::RunCommand({"tar", "-tzf", file});
  EXPECT_THAT(names.out, HasSubstr("agent/status.json"));
  EXPECT_THAT(names.out, Not(HasSubstr("agent/properties.json"))) << "--without-values";

  ASSERT_NO_FATAL_FAILURE(StopAgent());
  EXPECT_EQ(Ask({"bundle", file, "--force"}).exit, 0);
  const Ran stored = tests::RunCommand({"tar", "-xzOf", file});
  for (const char* there :
       {"\"daemon\": \"down\"", "drivers.json: not there: the daemon is not running"}) {
    EXPECT_NE(stored.out.find(there), std::string::npos) << there;
  }
}

}  // namespace
}  // namespace edgetwin::cli

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Version 3 against snmpd: users, passwords, and agents that start again.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "drivers/snmp/snmp_driver_test_base.h"

namespace edgetwin::snmp_driver {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class SnmpUserTest : public SnmpDriverTest {
 protected:
  // `users`: createUser and rwuser lines. None is in the agent that the constructor started.
  void Serve(const std::string& users, TestAgent* agent = nullptr) {
    TestAgent& to = agent != nullptr ? *agent : agent_;
    to.Kill();
    to.Forget();
    to.Configure(users);
    to.Start();
  }
  static std::string User(const std::string& name, const std::string& protocols) {
    std::string line = "createUser " + name;
    if (!protocols.empty()) {
      const std::size_t blank = protocols.find(' ');
      line += " " + protocols.substr(0, blank) + " \"" + TestAgent::kPassword + "\"";
      if (blank != std::string::npos) {
        line += " " + protocols.substr(blank + 1) + " \"" + TestAgent::kPassword + "\"";
      }
    }
    return line + "\nrwuser " + name + " " + (protocols.empty() ? "noauth" : "auth") + "\n";
  }
  // An engine that has started so often.
  static std::string Engine(int starts) {
    const std::string name = "0x80001f88040102030405\n";
    return "exactEngineID " + name + "oldEngineID " + name + "engineBoots " +
           std::to_string(starts) + "\n";
  }
  std::string Password(const std::string& key, const std::string& file = "password") const {
    return key + "_password_file = \"" + agent_.File(file) + "\"\n";
  }
  std::string OptionsOf(const std::string& user, const std::string& auth, const std::string& priv,
                        const std::string& more = "period = \"100ms\"\n") const {
    std::string text = "version = \"3\"\nuser = \"" + user + "\"\n";
    if (!auth.empty()) text += "auth = \"" + auth + "\"\n" + Password("auth");
    if (!priv.empty()) text += "priv = \"" + priv + "\"\n" + Password("priv");
    return text + "breaker_max = \"200ms\"\n" + more;
  }
  void Begin(const std::string& options) {
    Start(agent_.Place() + options + PropertyOf("a", "1.0", "writable = true"));
  }
  TestAgent agent_;
};

TEST_F(SnmpUserTest, EveryProtocolIsSpoken) {
  struct Case {
    const char* theirs;
    const char* auth;
    const char* priv;
  };
  const std::vector<Case> cases = {{"", "", ""},
                                   {"MD5", "md5", ""},
                                   {"SHA", "sha", ""},
                                   {"SHA-224", "sha224", ""},
                                   {"SHA-256", "sha256", ""},
                                   {"SHA-384", "sha384", ""},
                                   {"SHA-512", "sha512", ""},
                                   {"MD5 DES", "md5", "des"},
                                   {"SHA AES", "sha", "aes"},
                                   {"SHA AES-192", "sha", "aes192"},
                                   {"SHA AES-256", "sha", "aes256"},
                                   {"SHA AES-256-C", "sha", "aes256c"},
                                   {"SHA-256 AES-192-C", "sha256", "aes192c"},
                                   {"SHA-512 AES-256", "sha512", "aes256"}};
  std::string users;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    users += User("user" + std::to_string(i), cases[i].theirs);
  }
  Serve(users);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    Renew();
    const auto node = driver::testing::ParseOptions(
        agent_.Place() + OptionsOf("user" + std::to_string(i), cases[i].auth, cases[i].priv) +
        PropertyOf("a", "1.0"));
    ASSERT_TRUE(node);
    ConfigProblems problems;
    ConfigReader config(*node, "drivers.t" + std::to_string(i), problems);
    ASSERT_TRUE(driver_->Init(config)) << problems.ToString();
    ASSERT_TRUE(driver_->Start(loop_, sink_));
    EXPECT_TRUE(UntilGood("t" + std::to_string(i) + "/a", 42))
        << cases[i].theirs << ": " << Failures();
    driver_->Stop();
  }
}

TEST_F(SnmpUserTest, AUserWrites) {
  Serve(User("operator", "SHA-256 AES"));
  Begin(OptionsOf("operator", "sha256", "aes"));
  ASSERT_TRUE(UntilGood("t/a", 42)) << Failures();
  EXPECT_TRUE(Write("t/a", 7));
  EXPECT_EQ(Write("t/a", 3'001).error().code, ErrorCode::kInvalid);
}

TEST_F(SnmpUserTest, AWrongPasswordIsToldAndNotShown) {
  Serve(User("operator", "SHA AES"));
  Begin("version = \"3\"\nuser = \"operator\"\nauth = \"sha\"\npriv = \"aes\"\n" +
        Password("auth", "wrong") + Password("priv"));
  ASSERT_TRUE(UntilFailure("the agent refuses the auth_password")) << Failures();
  EXPECT_EQ(sink_.polls().back().result.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(Failures(), Not(HasSubstr("battery")));
  EXPECT_TRUE(UntilBad("t/a"));
  EXPECT_EQ(driver_->parts().at(0).state, "failing");  // Somebody is there: no pause.
}

// snmpd drops what it can't understand once it is decrypted; other agents report decryptionErrors.
TEST_F(SnmpUserTest, AWrongEncryptionIsTold) {
  Serve(User("operator", "SHA AES"));
  Begin(
      "version = \"3\"\nuser = \"operator\"\nauth = \"sha\"\npriv = \"aes\"\ntimeout = "
      "\"100ms\"\n" +
      Password("auth") + Password("priv", "wrong"));
  EXPECT_TRUE(UntilFailure("2 times (a wrong priv_password may not be answered either)"));
}

TEST_F(SnmpUserTest, AnUnknownUserAndAMissingRightAreTold) {
  Serve(User("operator", "SHA AES") + "createUser lowly SHA \"" + TestAgent::kPassword + "\"\n");
  Begin(OptionsOf("nobody", "sha", "aes"));
  EXPECT_TRUE(UntilFailure("the agent knows no user 'nobody'")) << Failures();
  driver_->Stop();
  Renew();
  Begin(OptionsOf("lowly", "sha", ""));
  EXPECT_TRUE(UntilFailure("authorizationError")) << Failures();
  driver_->Stop();
  Renew();
  Begin(OptionsOf("lowly", "sha", "aes"));
  EXPECT_TRUE(UntilFailure("the agent has other auth or priv for user 'lowly'")) << Failures();
}

TEST_F(SnmpUserTest, ANewPasswordIsTakenWithoutARestart) {
  Serve(User("operator", "SHA AES"));
  std::filesystem::copy_file(agent_.File("wrong"), agent_.File("changing"));
  Begin(
      "version = \"3\"\nuser = \"operator\"\nauth = \"sha\"\npriv = \"aes\"\nperiod = \"100ms\"\n" +
      Password("auth", "changing") + Password("priv"));
  ASSERT_TRUE(UntilFailure("the agent refuses the auth_password"));
  std::ofstream(agent_.File("changing")) << TestAgent::kPassword << "\n";
  EXPECT_TRUE(UntilGood("t/a", 42)) << Failures();
}

// The library keeps users by engine and name; see library.h.
TEST_F(SnmpUserTest, AnotherInstancesWrongPasswordIsItsOwn) {
  Serve(User("operator", "SHA AES"));
  Begin(OptionsOf("operator", "sha", "aes"));
  ASSERT_TRUE(UntilGood("t/a", 42)) << Failures();
  const auto other = SnmpKind().make();
  const auto node = driver::testing::ParseOptions(
      agent_.Place() +
      "version = \"3\"\nuser = \"operator\"\nauth = \"sha\"\nperiod = \"100ms\"\n" +
      Password("auth", "wrong") + PropertyOf("b", "1.0"));
  ASSERT_TRUE(node);
  ConfigProblems problems;
  ConfigReader config(*node, "drivers.other", problems);
  ASSERT_TRUE(other->Init(config)) << problems.ToString();
  driver::testing::RecordingSink others(clock_);
  ASSERT_TRUE(other->Start(loop_, others));
  ASSERT_TRUE(Until([&] { return others.polls().size() > 5; }));
  for (const auto& poll : others.polls()) {
    ASSERT_TRUE(poll.result || poll.result.error().code == ErrorCode::kInvalid);
  }
  const std::size_t before = sink_.Samples("t/a").size();
  EXPECT_TRUE(Until([&] { return sink_.Samples("t/a").size() > before + 3; })) << Failures();
  EXPECT_EQ(Failures(), "");
  other->Stop();
}

TEST_F(SnmpUserTest, APasswordThatIsTooShortOrGoneIsTold) {
  std::ofstream(agent_.File("short")) << "sesame\n";
  Begin("version = \"3\"\nuser = \"operator\"\nauth = \"sha\"\n" + Password("auth", "short"));
  EXPECT_TRUE(UntilFailure("the auth_password has fewer than 8 bytes"));
  EXPECT_THAT(Failures(), Not(HasSubstr("sesame")));
  driver_->Stop();
  Renew();
  Begin("version = \"3\"\nuser = \"operator\"\nauth = \"sha\"\n" + Password("auth", "gone"));
  EXPECT_TRUE(UntilFailure("/gone can't be opened"));
}

// Its clock begins anew, and its starts are one more.
TEST_F(SnmpUserTest, AnAgentThatStartsAgainIsReadAgain) {
  Serve(User("operator", "SHA AES"));
  Begin(OptionsOf("operator", "sha", "aes"));
  ASSERT_TRUE(UntilGood("t/a", 42)) << Failures();
  for (int i = 0; i < 2; ++i) {
    agent_.Kill();
    ASSERT_TRUE(UntilBad("t/a"));
    agent_.Start();
    ASSERT_TRUE(UntilGood("t/a", 42)) << Failures();
  }
}

// With no failed poll between: the session lives on.
TEST_F(SnmpUserTest, ASessionOutlivesTheAgentsStart) {
  Serve(Engine(1) + User("operator", "SHA AES"));
  Begin(OptionsOf("operator", "sha", "aes", "period = \"1h\"\n"));
  ASSERT_TRUE(UntilGood("t/a", 42)) << Failures();
  Serve(Engine(2) + User("operator", "SHA AES"));
  const auto read = Read("t/a");
  EXPECT_TRUE(read) << read.error().text;
  Serve(Engine(3) + User("operator", "SHA AES"));
  const auto written = Write("t/a", 8);
  EXPECT_TRUE(written) << written.error().text;
  EXPECT_EQ(Failures(), "");
}

TEST_F(SnmpUserTest, AnAgentWithAnotherEngineIsReadAgain) {
  Serve(User("operator", "SHA AES"));
  Begin(OptionsOf("operator", "sha", "aes", "period = \"100ms\"\ntimeout = \"200ms\"\n"));
  ASSERT_TRUE(UntilGood("t/a", 42)) << Failures();
  Serve(User("operator", "SHA AES"));
  agent_.Serve({{"1.0", "integer", "-", "43"}});
  EXPECT_TRUE(UntilGood("t/a", 43)) << Failures();
}

// A factory reset: it counts its starts from 1 again, and the same engine is in an earlier time.
TEST_F(SnmpUserTest, AnAgentThatForgotItsStartsIsReadAgain) {
  Serve(Engine(7) + User("operator", "SHA AES"));
  Begin(OptionsOf("operator", "sha", "aes", "period = \"100ms\"\ntimeout = \"200ms\"\n"));
  ASSERT_TRUE(UntilGood("t/a", 42)) << Failures();
  Serve(Engine(1) + User("operator", "SHA AES"));
  agent_.Serve({{"1.0", "integer", "-", "43"}});
  EXPECT_TRUE(UntilGood("t/a", 43)) << Failures();
}

// Devices whose makers gave all of them one engine's name.
TEST_F(SnmpUserTest, TwoAgentsWithOneEngineAndOtherPasswordsAreBothRead) {
  Serve(Engine(1) + User("operator", "SHA AES"));
  TestAgent second;
  Serve(Engine(1) +
            "createUser operator SHA \"battery staple\" AES \"battery staple\"\nrwuser operator\n",
        &second);
  second.Serve({{"1.0", "integer", "-", "43"}});
  Begin(OptionsOf("operator", "sha", "aes"));
  const auto other = SnmpKind().make();
  const auto node = driver::testing::ParseOptions(
      second.Place() + "version = \"3\"\nuser = \"operator\"\nauth = \"sha\"\npriv = \"aes\"\n" +
      "period = \"100ms\"\n" + Password("auth", "wrong") + Password("priv", "wrong") +
      PropertyOf("b", "1.0"));
  ASSERT_TRUE(node);
  ConfigProblems problems;
  ConfigReader config(*node, "drivers.other", problems);
  ASSERT_TRUE(other->Init(config)) << problems.ToString();
  driver::testing::RecordingSink others(clock_);
  ASSERT_TRUE(other->Start(loop_, others));
  EXPECT_TRUE(UntilGood("t/a", 42)) << Failures();
  EXPECT_TRUE(Until([&] {
    return others.Has("other/b") && others.Last("other/b").value == model::Value(std::int64_t{43});
  }));
  const std::size_t mine = sink_.Samples("t/a").size();
  const std::size_t theirs = others.Samples("other/b").size();
  EXPECT_TRUE(Until([&] {
    return sink_.Samples("t/a").size() > mine + 3 && others.Samples("other/b").size() > theirs + 3;
  })) << Failures();
  other->Stop();
}

TEST_F(SnmpUserTest, NothingIsStoredOrReadElsewhere) {
  // Where the library would look and store.
  setenv("SNMP_PERSISTENT_DIR", agent_.File("ours").c_str(), 1);
  setenv("SNMPCONFPATH", agent_.File("conf").c_str(), 1);
  Serve(User("operator", "SHA AES"));
  Begin(OptionsOf("operator", "sha", "aes"));
  ASSERT_TRUE(UntilGood("t/a", 42)) << Failures();
  driver_->Stop();
  EXPECT_FALSE(std::filesystem::exists(agent_.File("ours")));
  unsetenv("SNMP_PERSISTENT_DIR");
  unsetenv("SNMPCONFPATH");
}

}  // namespace
}  // namespace edgetwin::snmp_driver

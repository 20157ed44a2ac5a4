// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Writes to a real server.

#include <gmock/gmock.h>

#include "drivers/http/http_driver_test_base.h"
#include "tests/support/port.h"

namespace edgetwin::http_driver {
namespace {

using model::Quality;
using model::Value;
using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::HasSubstr;

class HttpWriteTest : public HttpDriverTest {
 protected:
  // Only written, to `target`.
  void StartWriteOnly(const std::string& target, const std::string& lines = "") {
    Start("[[property]]\nname = \"a\"\n[property.write]\nurl = \"" + server_.Url(target) +
          "\"\nbody = \"{value}\"\n" + lines);
  }
  // Polled from /files/`file` and written to `target`.
  void StartBoth(const std::string& file, const std::string& target,
                 const std::string& lines = "") {
    Start(RequestOf(server_.Url("/files/" + file), "period = \"1h\"\n") + lines +
          "[request.property.write]\nurl = \"" + server_.Url(target) +
          "\"\nbody = \"{\\\"a\\\": {value}}\"\n");
    ASSERT_TRUE(Until([&] { return !sink_.polls().empty(); }));
  }
  std::string Refusal(const Value& value = Value(1.5)) {
    const Result<Value> written = Write("t/a", value);
    return written ? "" : written.error().text;
  }

  TestServer server_;
};

TEST_F(HttpWriteTest, IsReadBackThroughTheOwnRequest) {
  server_.Serve("state", R"({"a": 10})");
  StartBoth("state", "/files/state", "scale = 0.1\n");
  ASSERT_EQ(sink_.Last("t/a").value, Value(1.0));
  const Result<Value> written = Write("t/a", Value(21.5));
  ASSERT_TRUE(written) << written.error().text;
  EXPECT_EQ(*written, Value(21.5));
  EXPECT_EQ(server_.Served("state"), "{\"a\": 215}");
  EXPECT_EQ(sink_.Last("t/a").value, Value(21.5));
  const auto asked = server_.Asked();
  ASSERT_EQ(asked.size(), 3u);
  EXPECT_THAT(asked[1], AllOf(HasSubstr("POST /files/state"), HasSubstr("type=application/json")));
  EXPECT_THAT(asked[2], ::testing::Not(HasSubstr("if-none-match")));
}

TEST_F(HttpWriteTest, WhatTheDeviceMadeOfItIsTheOutcome) {
  server_.Serve("state", R"({"a": 10})");
  server_.Serve("other", "");
  StartBoth("state", "/files/other");  // The device says yes and does nothing.
  const Result<Value> written = Write("t/a", Value(21.5));
  ASSERT_TRUE(written) << written.error().text;
  EXPECT_EQ(*written, Value(10.0));
}

TEST_F(HttpWriteTest, WhatCannotBeReadBackIsNotConfirmed) {
  StartBoth("state", "/files/other");
  EXPECT_EQ(Refusal(), "written, but not confirmed: http 404");
}

TEST_F(HttpWriteTest, AWriteOnlyPropertyIsAsWritten) {
  StartWriteOnly("/files/set", "method = \"PUT\"\n");
  const Result<Value> written = Write("t/a", Value(21.5));
  ASSERT_TRUE(written) << written.error().text;
  EXPECT_EQ(*written, Value(21.5));
  EXPECT_EQ(server_.Served("set"), "21.5");
  EXPECT_THAT(server_.Asked().front(), HasSubstr("PUT /files/set"));
  EXPECT_EQ(Part().name, "a");
  EXPECT_EQ(driver_->Read(sink_.IdOf("t/a"), {}).error().code, ErrorCode::kUnsupported);
}

TEST_F(HttpWriteTest, ATextIsEncodedIntoTheTemplate) {
  Start(
      "[[property]]\nname = \"a\"\ntype = \"string\"\n[property.write]\nmethod = \"PATCH\"\nurl = "
      "\"" +
      server_.Url("/files/set") + "\"\nbody = \"{\\\"x\\\":{value},\\\"y\\\":{value}}\"\n");
  ASSERT_TRUE(Write("t/a", Value(std::string("say \"{value}\"\n"))));
  EXPECT_EQ(server_.Served("set"), R"({"x":"say \"{value}\"\n","y":"say \"{value}\"\n"})");
  EXPECT_THAT(server_.Asked().front(), HasSubstr("PATCH /files/set"));
}

TEST_F(HttpWriteTest, ARefusalIsRejectedWithItsStatus) {
  StartWriteOnly("/status/422");
  const Result<Value> written = Write("t/a", Value(1.5));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error(), Invalid("http 422"));
  EXPECT_EQ(Part().last_error, "http 422");
  EXPECT_EQ(Part().state, "failing");
}

TEST_F(HttpWriteTest, AServersErrorIsRejectedAndLaterIsLater) {
  StartWriteOnly("/status/500");
  EXPECT_EQ(Write("t/a", Value(1.5)).error(), Invalid("http 500"));
  Renew();
  StartWriteOnly("/status/503");
  EXPECT_EQ(Write("t/a", Value(1.5)).error(), Unavailable("http 503"));
}

TEST_F(HttpWriteTest, ARedirectIsNoSuccess) {
  StartWriteOnly("/to/307?/files/set");
  EXPECT_EQ(Write("t/a", Value(1.5)).error(), Invalid("http 307"));
  EXPECT_EQ(server_.Asked().size(), 1u);
}

TEST_F(HttpWriteTest, IsNeverSentTwice) {
  // The server takes the write and closes. On a kept connection libcurl would send it once more.
  server_.Serve("state", R"({"a": 10})");
  StartBoth("state", "/dropped?write");
  EXPECT_EQ(Refusal(), "the connection was closed without an answer");
  EXPECT_EQ(server_.Asked("/dropped?write").size(), 1u);
}

TEST_F(HttpWriteTest, IsNotSentTwiceAfterAChallengeEither) {
  tests::TempDir folder;
  StartWriteOnly("/challenged",
                 "[property.write.auth]\ntype = \"digest\"\nuser = \"poller\"\n"
                 "password_file = \"" +
                     folder.Write("secret", "open sesame") + "\"\n");
  EXPECT_EQ(Refusal(), "the connection was closed without an answer");
  EXPECT_EQ(server_.Asked("authorization=Digest").size(), 1u);
}

TEST_F(HttpWriteTest, SilenceEndsAtTheDeadline) {
  StartWriteOnly("/silent", "timeout = \"1s\"\n");
  const Result<Value> written = Write("t/a", Value(1.5));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kTimeout);
  EXPECT_THAT(written.error().text, HasSubstr("no answer within"));
}

TEST_F(HttpWriteTest, ABusyHostEndsItAtTheDeadlineUnsent) {
  Start(RequestOf(server_.Url("/silent")) +
        "[[property]]\nname = \"b\"\n[property.write]\nurl = \"" + server_.Url("/files/set") +
        "\"\nbody = \"{value}\"\ntimeout = \"200ms\"\n");
  ASSERT_TRUE(Until([&] { return server_.Asked("/silent").size() == 1; }));
  const Result<Value> written = Write("t/b", Value(1.5));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(written.error().text, HasSubstr("not sent"));
  EXPECT_EQ(server_.Served("set"), "");
}

TEST_F(HttpWriteTest, AReadingBackThatHangsEndsAtTheDeadline) {
  Start(RequestOf(server_.Url("/silent"), "period = \"1h\"\ntimeout = \"1s\"\n") +
        "[request.property.write]\nurl = \"" + server_.Url("/files/set") +
        "\"\nbody = \"{value}\"\ntimeout = \"1m\"\n");
  ASSERT_TRUE(Until([&] { return !sink_.polls().empty(); }));
  EXPECT_EQ(Refusal(), "written, but not confirmed: no answer within 1s");
  EXPECT_EQ(server_.Served("set"), "1.5");
}

TEST_F(HttpWriteTest, GoesBeforePolls) {
  server_.Serve("fast", R"({"a": 1})");
  std::string options;
  for (int i = 0; i < 20; ++i) {
    const std::string name = "p" + std::to_string(i);
    options += "[[request]]\nname = \"" + name + "\"\nperiod = \"100ms\"\nurl = \"" +
               server_.Url("/files/fast") + "\"\n[[request.property]]\nname = \"" + name +
               "\"\npointer = \"/a\"\n";
  }
  Start(options + "[[property]]\nname = \"a\"\n[property.write]\nurl = \"" +
        server_.Url("/files/set") + "\"\nbody = \"{value}\"\n");
  ASSERT_TRUE(Write("t/a", Value(1.5)));
  // Nothing was sent before Write, so at most one poll went first.
  const auto asked = server_.Asked();
  EXPECT_TRUE(asked[0].starts_with("POST") || asked[1].starts_with("POST"));
}

TEST_F(HttpWriteTest, WhatIsReadOnlyIsRefused) {
  server_.Serve("state", R"({"a": 10})");
  Start(RequestOf(server_.Url("/files/state")));
  EXPECT_EQ(Write("t/a", Value(1.5)).error().code, ErrorCode::kUnsupported);
}

TEST_F(HttpWriteTest, AnotherTypeIsRefused) {
  StartWriteOnly("/files/set");
  EXPECT_EQ(Write("t/a", Value(std::string("x"))).error().code, ErrorCode::kInvalid);
  EXPECT_TRUE(server_.Asked().empty());
}

TEST_F(HttpWriteTest, ADeadHostIsProbedByTheNextWriteOnly) {
  const std::string port = std::to_string(tests::FreePort());
  Start(
      "breaker_failures = 1\nbreaker_max = \"1s\"\n[[property]]\nname = \"a\"\n"
      "[property.write]\nurl = \"http://127.0.0.1:" +
      port + "/\"\nbody = \"{value}\"\n");
  EXPECT_THAT(Refusal(), HasSubstr("Connection refused"));
  EXPECT_EQ(Part().state, "open");
  EXPECT_THAT(Refusal(), HasSubstr("does not answer: no connection to 127.0.0.1"));
  ASSERT_TRUE(Until([&] { return Part().next_try == milliseconds(0); }));
  EXPECT_EQ(Refusal(), "no connection to 127.0.0.1: Connection refused");
}

}  // namespace
}  // namespace edgetwin::http_driver

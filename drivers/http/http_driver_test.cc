// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Polls of a real server, over real sockets.

#include "drivers/http/http_driver.h"

#include <gmock/gmock.h>
#include <stdlib.h>

#include <set>

#include "drivers/http/http_driver_test_base.h"
#include "tests/support/port.h"

namespace edgetwin::http_driver {
namespace {

using model::Quality;
using model::Value;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class HttpPollTest : public HttpDriverTest {
 protected:
  static void SetUpTestSuite() { server_ = new TestServer; }
  static void TearDownTestSuite() {
    delete server_;
    server_ = nullptr;
  }
  static TestServer& server() { return *server_; }
  // What one poll of `target` gives.
  std::string ErrorOf(const std::string& target, const std::string& lines = "") {
    Start(RequestOf(server().Url(target), lines));
    return FirstError();
  }

 private:
  static TestServer* server_;
};
TestServer* HttpPollTest::server_ = nullptr;

TEST_F(HttpPollTest, ReadsEachTypeFromOneAnswer) {
  server().Serve("types", R"({"sensors":[{"t":"21.55"},{"t":215}],"n":9223372036854775807,
    "large":18446744073709551615,"on":true,"mode":"OFF","name":"Größe"})");
  Start("thing = \"boiler\"\n[[request]]\nurl = \"" + server().Url("/files/types") + R"toml("
[[request.property]]
name = "text"
pointer = "/sensors/0/t"
decimals = 1
[[request.property]]
name = "scaled"
pointer = "/sensors/1/t"
scale = 0.1
offset = -1
decimals = 2
unit = "Cel"
[[request.property]]
name = "count"
pointer = "/n"
type = "int"
[[request.property]]
name = "large"
pointer = "/large"
[[request.property]]
name = "on"
pointer = "/on"
type = "bool"
[[request.property]]
name = "mode"
pointer = "/mode"
type = "bool"
true_text = "ON"
false_text = "OFF"
[[request.property]]
name = "name"
pointer = "/name"
type = "string"
[[request.property]]
name = "found"
regex = "\"t\":([0-9]+)"
type = "int"
)toml");
  EXPECT_EQ(FirstError(), "");
  EXPECT_EQ(sink_.Last("boiler/text").value, Value(21.6));
  EXPECT_EQ(sink_.Last("boiler/scaled").value, Value(20.5));
  EXPECT_EQ(sink_.DefOf("boiler/scaled").unit, "Cel");
  EXPECT_EQ(sink_.Last("boiler/count").value, Value(std::int64_t{9223372036854775807}));
  EXPECT_EQ(sink_.Last("boiler/large").value, Value(18446744073709551615.0));
  EXPECT_EQ(sink_.Last("boiler/on").value, Value(true));
  EXPECT_EQ(sink_.Last("boiler/mode").value, Value(false));
  EXPECT_EQ(sink_.Last("boiler/name").value, Value(std::string("Größe")));
  EXPECT_EQ(sink_.Last("boiler/found").value, Value(std::int64_t{215}));
  EXPECT_EQ(Part().name, "/files/types");
  EXPECT_EQ(Part().state, "ok");
}

TEST_F(HttpPollTest, SaysWhatStandsThere) {
  server().Serve("shown", R"({"a":215,"b":"warm"})");
  Start("[[request]]\nurl = \"" + server().Url("/files/shown") + R"toml("
[[request.property]]
name = "scaled"
pointer = "/a"
scale = 0.1
[[request.property]]
name = "matched"
regex = "\"a\":([0-9]+)"
[[request.property]]
name = "wrong"
pointer = "/b"
[[request.property]]
name = "absent"
pointer = "/c"
)toml");
  ASSERT_TRUE(UntilGood("t/scaled", 21.5));
  EXPECT_EQ(sink_.RawOf("t/scaled"), "215");
  EXPECT_EQ(sink_.RawOf("t/matched"), "'215'");
  EXPECT_EQ(sink_.RawOf("t/wrong"), "'warm'");
  EXPECT_EQ(sink_.RawOf("t/absent"), "");
}

TEST_F(HttpPollTest, PollsOverOneConnectionAndFollowsTheValue) {
  server().Serve("value", R"({"a":1})");
  Start(RequestOf(server().Url("/files/value?who=one"), "period = \"100ms\""));
  ASSERT_TRUE(UntilGood("t/a", 1));
  server().Serve("value", R"({"a":2})");
  ASSERT_TRUE(UntilGood("t/a", 2));
  std::set<std::string> connections;
  for (const std::string& line : server().Asked("who=one")) {
    connections.insert(line.substr(line.find("conn="), 8));
  }
  EXPECT_EQ(connections.size(), 1u);
}

TEST_F(HttpPollTest, AServerThatClosesEachTimeCostsNoSample) {
  for (const std::string target : {"/closing", "/leaving"}) {
    Start(RequestOf(server().Url(target), "period = \"100ms\""));
    const std::size_t before = sink_.polls().size();
    ASSERT_TRUE(Until([&] { return sink_.polls().size() >= before + 4; }));
    for (std::size_t i = before; i < sink_.polls().size(); ++i) {
      EXPECT_TRUE(sink_.polls()[i].result) << target;
    }
    Renew();
  }
}

TEST_F(HttpPollTest, AnUnchangedAnswerConfirmsTheValue) {
  server().Serve("tagged", R"({"a":7})");
  Start(RequestOf(server().Url("/files/tagged"), "period = \"100ms\""));
  ASSERT_TRUE(Until([&] { return server().Asked("/files/tagged").size() >= 3; }));
  ASSERT_TRUE(Until([&] { return sink_.Samples("t/a").size() >= 3; }));
  EXPECT_THAT(server().Asked("/files/tagged")[0], Not(HasSubstr("if-none-match")));
  EXPECT_THAT(server().Asked("/files/tagged")[2], HasSubstr("if-none-match=\""));
  EXPECT_EQ(sink_.Last("t/a").value, Value(7.0));
  server().Serve("tagged", R"({"a":8})");
  EXPECT_TRUE(UntilGood("t/a", 8));
}

TEST_F(HttpPollTest, ADateServesWhereThereIsNoTag) {
  Start(RequestOf(server().Url("/dated"), "period = \"100ms\""));
  ASSERT_TRUE(Until([&] { return sink_.Samples("t/a").size() >= 3; }));
  EXPECT_THAT(server().Asked("/dated").back(), HasSubstr("if-modified-since=Wed, 21 Oct 2015"));
}

TEST_F(HttpPollTest, AnAnswerThatLackedSomethingIsAskedForWhole) {
  server().Serve("lacking", R"({"b":7})");
  Start(RequestOf(server().Url("/files/lacking"), "period = \"100ms\""));
  EXPECT_EQ(FirstError(), "a: no /a in the JSON");
  ASSERT_TRUE(Until([&] { return server().Asked("/files/lacking").size() >= 3; }));
  EXPECT_THAT(server().Asked("/files/lacking").back(), Not(HasSubstr("if-none-match")));
  EXPECT_EQ(sink_.Last("t/a").quality, Quality::kBad);
}

TEST_F(HttpPollTest, AnUnaskedNotModifiedIsAnError) {
  EXPECT_EQ(ErrorOf("/same"), "http 304");
}

TEST_F(HttpPollTest, AnOverlongTagIsNotSentBack) {
  Start(RequestOf(server().Url("/header"), "period = \"100ms\""));
  ASSERT_TRUE(Until([&] { return server().Asked("/header").size() >= 3; }));
  EXPECT_THAT(server().Asked("/header").back(), Not(HasSubstr("if-none-match")));
}

TEST_F(HttpPollTest, TheStatusIsTold) {
  EXPECT_EQ(ErrorOf("/status/503"), "http 503");
  EXPECT_EQ(Part().state, "failing");
  EXPECT_EQ(Part().last_error, "http 503");
  EXPECT_EQ(sink_.Last("t/a").quality, Quality::kBad);
}

TEST_F(HttpPollTest, TheStatusMattersMoreThanALongPageAboutIt) {
  EXPECT_EQ(ErrorOf("/refused"), "http 404");
}

TEST_F(HttpPollTest, AnEmptyAnswerIsNoJson) {
  EXPECT_EQ(ErrorOf("/status/204"), "the body is empty, not JSON");
}

TEST_F(HttpPollTest, BadJsonIsToldWithItsPlace) {
  server().Serve("bad", R"({"a":1,})");
  EXPECT_EQ(ErrorOf("/files/bad"), "no JSON at byte 8");
}

TEST_F(HttpPollTest, DeepJsonIsRefused) {
  server().Serve("deep", std::string(500'000, '['));
  EXPECT_EQ(ErrorOf("/files/deep"), "the JSON is deeper than 64 levels");
}

TEST_F(HttpPollTest, ChunksAreJoined) {
  Start(RequestOf(server().Url("/chunked")));
  EXPECT_TRUE(UntilGood("t/a", 12.5));
}

TEST_F(HttpPollTest, ABodyOverTheLimitIsNotTaken) {
  EXPECT_EQ(ErrorOf("/big"), "body over 1 MiB");
  EXPECT_EQ(LimitOf("response_bytes").hits, 1u);
}

TEST_F(HttpPollTest, ABodyWithoutEndIsCutAtTheLimit) {
  EXPECT_EQ(ErrorOf("/endless", "response_max = \"100KiB\""), "body over 100 KiB");
}

TEST_F(HttpPollTest, ABodyCutOffIsNoValue) {
  EXPECT_EQ(ErrorOf("/cut"), "the answer was cut off after 7 bytes of its body");
}

TEST_F(HttpPollTest, AConnectionClosedWithoutAnAnswerIsTold) {
  EXPECT_EQ(ErrorOf("/dropped"), "the connection was closed without an answer");
}

TEST_F(HttpPollTest, AnotherProtocolIsTold) {
  EXPECT_EQ(ErrorOf("/garbage"), "what 127.0.0.1 answers is no HTTP");
}

TEST_F(HttpPollTest, SilenceEndsAtTheTimeout) {
  EXPECT_EQ(ErrorOf("/silent", "timeout = \"1s\""), "no answer within 1s");
}

TEST_F(HttpPollTest, AStalledBodyEndsAtTheTimeout) {
  EXPECT_EQ(ErrorOf("/stalled", "timeout = \"2s\""),
            "the answer was not complete within 2s (5 bytes came)");
}

TEST_F(HttpPollTest, ARefusedConnectionIsTold) {
  const std::string port = std::to_string(tests::FreePort());
  Start(RequestOf("http://127.0.0.1:" + port + "/"));
  EXPECT_EQ(FirstError(), "no connection to 127.0.0.1: Connection refused");
}

TEST_F(HttpPollTest, RedirectsAreFollowedUpToTheLimit) {
  server().Serve("target", R"({"a":3})");
  Start(RequestOf(server().Url("/to?/files/target")));
  EXPECT_TRUE(UntilGood("t/a", 3));
}

TEST_F(HttpPollTest, ALoopOfRedirectsEnds) {
  EXPECT_EQ(ErrorOf("/loop", "redirects_max = 5"), "it redirects more than 5 times");
  EXPECT_EQ(server().Asked("/loop").size(), 6u);
}

TEST_F(HttpPollTest, RedirectsCanBeForbidden) {
  EXPECT_EQ(ErrorOf("/to?/files/types", "redirects_max = 0"), "it redirects, which isn't allowed");
}

TEST_F(HttpPollTest, ARedirectToAFileIsRefused) {
  EXPECT_EQ(ErrorOf("/to?file:///etc/passwd"),
            "it redirects to what must begin with http:// or https://");
}

TEST_F(HttpPollTest, ARedirectWithAPasswordIsRefused) {
  EXPECT_EQ(ErrorOf("/to?http://me:secret@127.0.0.1/"),
            "it redirects to what holds a user or password; use 'auth' for them");
}

TEST_F(HttpPollTest, ARedirectedAnswersTagIsNotKept) {
  server().Serve("elsewhere", R"({"a":3})");
  Start(RequestOf(server().Url("/to?/files/elsewhere"), "period = \"100ms\""));
  ASSERT_TRUE(Until([&] { return sink_.Samples("t/a").size() >= 3; }));
  for (const std::string& line : server().Asked("elsewhere")) {
    EXPECT_THAT(line, Not(HasSubstr("if-none-match")));
  }
}

TEST_F(HttpPollTest, APostIsNotSentOn) {
  EXPECT_EQ(ErrorOf("/to/307?/files/types", "method = \"POST\"\nbody = \"q\""), "http 307");
}

TEST_F(HttpPollTest, APostAsksWithItsBodyAndHeaders) {
  Start(RequestOf(
      server().Url("/echo"),
      "method = \"POST\"\nbody = \"{\\\"a\\\":5}\"\n[request.headers]\nX-Made = \"up\"\n"));
  EXPECT_TRUE(UntilGood("t/a", 5));
  const std::string asked = server().Asked("/echo").back();
  EXPECT_THAT(asked, AllOf(HasSubstr("content-type=application/json"), HasSubstr("x-made=up")));
}

TEST_F(HttpPollTest, AProxyOfTheEnvironmentIsNotUsed) {
  server().Serve("direct", R"({"a":5})");
  setenv("http_proxy", "http://127.0.0.1:1", 1);
  Start(RequestOf(server().Url("/files/direct")));
  EXPECT_EQ(FirstError(), "");
  unsetenv("http_proxy");
}

TEST_F(HttpPollTest, APartHasItsOwnErrorAndState) {
  server().Serve("fine", R"({"a":1})");
  Start(RequestOf(server().Url("/files/fine")) + "[[request]]\nname = \"broken\"\nurl = \"" +
        server().Url("/status/404") + "\"\n[[request.property]]\nname = \"b\"\npointer = \"/b\"\n");
  ASSERT_TRUE(Until([&] { return sink_.polls().size() >= 2; }));
  EXPECT_EQ(Part(0).state, "ok");
  EXPECT_EQ(Part(1).state, "failing");
  EXPECT_EQ(Part(1).last_error, "http 404");
}

TEST_F(HttpPollTest, OneRequestIsUnderWayAtAHostAndOthersGoOn) {
  TestServer other;
  for (const TestServer* each : {&server(), &other}) each->Serve("fine", R"({"a":1})");
  const auto next = [](const std::string& name, const std::string& url) {
    return "[[request]]\nname = \"" + name + "\"\nurl = \"" + url +
           "\"\n[[request.property]]\nname = \"" + name + "\"\npointer = \"/a\"\n";
  };
  Start("period = \"100ms\"\n" + RequestOf(server().Url("/silent?serial"), "timeout = \"5m\"") +
        next("same", server().Url("/files/fine?serial")) + next("other", other.Url("/files/fine")));
  ASSERT_TRUE(Until([&] { return !server().Asked("/silent?serial").empty(); }));
  ASSERT_TRUE(Until([&] { return sink_.Has("t/other") && sink_.Samples("t/other").size() >= 3; }));
  EXPECT_TRUE(server().Asked("/files/fine?serial").empty());
}

TEST_F(HttpPollTest, ASilentHostIsLeftAloneAndProbed) {
  Start("breaker_failures = 2\nbreaker_max = \"100ms\"\n" +
        RequestOf(server().Url("/dropped?probed"), "period = \"100ms\""));
  const auto id = sink_.IdOf("t/a");
  Status refused;
  ASSERT_TRUE(Until([&] {
    if (Part().state == "open") refused = driver_->Read(id, [](Result<Value>) {});
    return !refused.has_value();
  }));
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(refused.error().text, HasSubstr("does not answer: the connection was closed"));
  EXPECT_GE(server().Asked("/dropped?probed").size(), 2u);
  EXPECT_TRUE(Until([&] { return server().Asked("/dropped?probed").size() >= 6; }));
}

// `count` requests that get no answer.
std::string Silent(const TestServer& server, int count) {
  std::string options;
  for (int i = 0; i < count; ++i) {
    const std::string name = "s" + std::to_string(i);
    options += "[[request]]\nname = \"" + name + "\"\nperiod = \"100ms\"\nurl = \"" +
               server.Url("/dropped?silent") + "\"\n[[request.property]]\nname = \"" + name +
               "\"\npointer = \"/a\"\n";
  }
  return options;
}

TEST_F(HttpPollTest, ASilentHostIsProbedByOneRequestAtATime) {
  const MonoTime begin = clock_.Now();
  Start("breaker_failures = 1\nbreaker_max = \"100ms\"\n" + Silent(server(), 20));
  ASSERT_TRUE(Until([&] { return sink_.polls().size() >= 10; }));
  // One to open the breaker, then one a pause.
  const auto pauses = static_cast<std::size_t>((clock_.Now() - begin) / milliseconds(100));
  EXPECT_LE(sink_.polls().size(), 2 + pauses);
}

TEST_F(HttpPollTest, EachRequestOfASilentHostComesToBeTheProbe) {
  server().Serve("alive", R"({"a":1})");
  // The silent ones would always be first, and keep the breaker open.
  Start("breaker_failures = 1\nbreaker_max = \"100ms\"\n" + Silent(server(), 5) +
        "[[request]]\nname = \"alive\"\nurl = \"" + server().Url("/files/alive") +
        "\"\n[[request.property]]\nname = \"b\"\npointer = \"/a\"\n");
  EXPECT_TRUE(UntilGood("t/b", 1));
}

TEST_F(HttpPollTest, RetryAfterIsHeeded) {
  Start(RequestOf(server().Url("/status/429/3600"), "period = \"100ms\""));
  EXPECT_EQ(FirstError(), "http 429");
  ASSERT_TRUE(Until([&] { return LimitOf("polls_due").used == 1; }));
  loop_.RunFor(milliseconds(400));
  EXPECT_EQ(server().Asked("/status/429/3600").size(), 1u);
  // Whoever asks by hand is not held up.
  EXPECT_EQ(Read("t/a").error().text, "http 429");
}

TEST_F(HttpPollTest, ReadsOnDemandAfresh) {
  server().Serve("demand", R"({"a":1})");
  Start(RequestOf(server().Url("/files/demand"), "period = \"1h\""));
  ASSERT_TRUE(UntilGood("t/a", 1));
  server().Serve("demand", R"({"a":2})");
  const Result<Value> read = Read("t/a");
  ASSERT_TRUE(read) << read.error().text;
  EXPECT_EQ(*read, Value(2.0));
  EXPECT_EQ(sink_.Last("t/a").value, Value(2.0));
  EXPECT_THAT(server().Asked("/files/demand").back(), Not(HasSubstr("if-none-match")));
}

TEST_F(HttpPollTest, ReadsOfOneRequestShareAnExchange) {
  server().Serve("shared", R"({"a":1})");
  Start(RequestOf(server().Url("/files/shared"), "period = \"1h\""));
  ASSERT_TRUE(UntilGood("t/a", 1));
  const auto id = sink_.IdOf("t/a");
  int done = 0;
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(driver_->Read(id, [&](Result<Value> value) { done += value ? 1 : 0; }));
  }
  ASSERT_TRUE(Until([&] { return done == 20; }));
  EXPECT_EQ(server().Asked("/files/shared").size(), 3u);  // The poll, the first, all others.
}

TEST_F(HttpPollTest, WaitingCallsAreLimited) {
  Start(RequestOf(server().Url("/silent?limited"), "timeout = \"1m\""));
  const auto id = sink_.IdOf("t/a");
  for (std::size_t i = 0; i < HttpDriver::kCallsMax; ++i) {
    ASSERT_TRUE(driver_->Read(id, [](Result<Value>) { FAIL(); }));
  }
  const Status refused = driver_->Read(id, [](Result<Value>) { FAIL(); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kExhausted);
  EXPECT_EQ(LimitOf("calls_under_way").hits, 1u);
}

TEST_F(HttpPollTest, StopLeavesNothingBehindAndStartComesAgain) {
  server().Serve("again", R"({"a":1})");
  Start(RequestOf(server().Url("/files/again")));
  ASSERT_TRUE(UntilGood("t/a", 1));
  ASSERT_TRUE(driver_->Read(sink_.IdOf("t/a"), [](Result<Value>) { FAIL(); }));
  driver_->Stop();
  driver_->Stop();
  loop_.RunFor(milliseconds(50));
  server().Serve("again", R"({"a":2})");
  ASSERT_TRUE(driver_->Start(loop_, sink_));
  EXPECT_TRUE(UntilGood("t/a", 2));
}

TEST_F(HttpPollTest, TheSinkMayStopTheDriver) {
  server().Serve("stopping", R"({"a":1})");
  Start(RequestOf(server().Url("/files/stopping"), "period = \"1h\""));
  bool stopped = false;
  ASSERT_TRUE(driver_->Read(sink_.IdOf("t/a"), [&](Result<Value>) {
    driver_->Stop();
    stopped = true;
  }));
  EXPECT_TRUE(Until([&] { return stopped; }));
}

// Credentials.

class HttpAuthTest : public HttpPollTest {
 protected:
  std::string SecretFile(const std::string& text) { return folder_.Write("secret", text); }
  void ExpectNoSecretIn(const std::string& text) {
    EXPECT_THAT(text, Not(HasSubstr("sesame")));
    EXPECT_THAT(text, Not(HasSubstr("c2VzYW1l")));
  }
  tests::TempDir folder_;
};

TEST_F(HttpAuthTest, BasicDigestBearerAndHeader) {
  const std::string password = SecretFile("open sesame\n");
  const std::string token = folder_.Write("token", "opensesame");
  const auto request = [](const std::string& type, const std::string& auth) {
    return "[[request]]\nurl = \"" + server().Url("/auth/" + type) +
           "\"\n[request.auth]\ntype = \"" + type + "\"\n" + auth +
           "\n[[request.property]]\nname = \"" + type + "\"\npointer = \"/a\"\n";
  };
  Start(request("basic", "user = \"poller\"\npassword_file = \"" + password + "\"") +
        request("digest", "user = \"poller\"\npassword_file = \"" + password + "\"") +
        request("bearer", "token_file = \"" + token + "\"") +
        request("header", "header = \"X-Key\"\nvalue_file = \"" + password + "\""));
  for (const std::string type : {"basic", "digest", "bearer", "header"}) {
    EXPECT_TRUE(UntilGood("t/" + type, 1)) << type << ": " << Part().last_error;
  }
  EXPECT_EQ(server().Asked("/auth/digest").size(), 2u);
}

TEST_F(HttpAuthTest, ASecretMayBePartOfTheAddress) {
  server().Serve("key", R"({"a":6})");
  Start(RequestOf(
      server().Url("/files/key?k={secret}"),
      "[request.auth]\ntype = \"url\"\nsecret_file = \"" + SecretFile("open&sesame") + "\"\n"));
  EXPECT_TRUE(UntilGood("t/a", 6));
  EXPECT_EQ(server().Asked("/files/key?k=open%26sesame").size(), 1u);
  ExpectNoSecretIn(sink_.DefOf("t/a").source);
}

TEST_F(HttpAuthTest, WhoWasAwayIsTrustedNoMore) {
  TestServer other;
  server().Serve("home", R"({"a":9})");
  Start(RequestOf(
      server().Url("/to?" + other.Url("/to%3F" + server().Url("/files/home"))),
      "[request.auth]\ntype = \"bearer\"\ntoken_file = \"" + SecretFile("opensesame") + "\"\n"));
  ASSERT_TRUE(UntilGood("t/a", 9));
  EXPECT_THAT(server().Asked("GET /files/home").back(), Not(HasSubstr("authorization")));
}

TEST_F(HttpAuthTest, RefusedCredentialsAreToldWithoutThem) {
  const std::string error = ErrorOf("/auth/basic",
                                    "[request.auth]\ntype = \"basic\"\nuser = \"poller\"\n"
                                    "password_file = \"" +
                                        SecretFile("wrong sesame") + "\"\n");
  EXPECT_EQ(error, "http 401: the credentials were refused");
}

TEST_F(HttpAuthTest, MissingCredentialsAreTold) {
  EXPECT_EQ(ErrorOf("/auth/basic"), "http 401: it wants 'auth'");
}

TEST_F(HttpAuthTest, AMissingSecretIsToldByItsFile) {
  const std::string error =
      ErrorOf("/auth/bearer", "[request.auth]\ntype = \"bearer\"\ntoken_file = \"/no/token\"\n");
  EXPECT_EQ(error, "/no/token can't be opened: No such file or directory");
}

TEST_F(HttpAuthTest, ANewSecretIsTakenWithoutARestart) {
  const std::string file = SecretFile("old");
  EXPECT_THAT(ErrorOf("/auth/bearer",
                      "period = \"100ms\"\n[request.auth]\ntype = \"bearer\"\n"
                      "token_file = \"" +
                          file + "\"\n"),
              HasSubstr("refused"));
  SecretFile("opensesame");
  EXPECT_TRUE(UntilGood("t/a", 1));
}

TEST_F(HttpAuthTest, SecretsDoNotFollowARedirectToAnotherHost) {
  TestServer other;
  double value = 4;
  const std::string file = SecretFile("open sesame");
  for (const std::string& auth : std::vector<std::string>{
           "type = \"basic\"\nuser = \"poller\"\npassword_file = \"" + file + "\"",
           "type = \"header\"\nheader = \"X-Key\"\nvalue_file = \"" + file + "\""}) {
    other.Serve("target", R"({"a":)" + Format(Value(++value)) + "}");
    Start(RequestOf(server().Url("/to?" + other.Url("/files/target")),
                    "[request.headers]\nX-Own = \"sesame\"\n[request.auth]\n" + auth + "\n"));
    ASSERT_TRUE(UntilGood("t/a", value));
    const std::string first = server().Asked(other.port()).back();
    EXPECT_THAT(first, HasSubstr("x-own"));
    EXPECT_TRUE(first.find("authorization") != first.npos || first.find("x-key") != first.npos);
    const std::string second = other.Asked("target").back();
    EXPECT_THAT(second, AllOf(Not(HasSubstr("authorization")), Not(HasSubstr("x-key")),
                              Not(HasSubstr("x-own"))));
    Renew();
  }
}

TEST_F(HttpAuthTest, SecretsAreInNoErrorAndNoPart) {
  const std::string file = SecretFile("open sesame");
  std::string options = "breaker_failures = 1000\n";
  int number = 0;
  for (const std::string target :
       {"/status/500?key=sesame", "/cut?key=sesame", "/dropped?key=sesame", "/garbage?key=sesame",
        "/loop?key=sesame", "/to?file:///sesame", "/auth/basic?key=sesame", "/echo?key=sesame"}) {
    const std::string name = "p" + std::to_string(++number);
    options += "[[request]]\nname = \"" + name + "\"\nurl = \"" + server().Url(target) +
               "\"\n[request.headers]\nCookie = \"sesame\"\n[request.auth]\ntype = \"header\"\n"
               "header = \"X-Key\"\nvalue_file = \"" +
               file + "\"\n[[request.property]]\nname = \"" + name + "\"\npointer = \"/a\"\n";
  }
  Start(options);
  ASSERT_TRUE(Until([&] { return sink_.polls().size() >= 8; }));
  for (const auto& poll : sink_.polls()) {
    ASSERT_FALSE(poll.result) << poll.part;
    ExpectNoSecretIn(poll.result.error().text);
  }
  for (const auto& part : driver_->parts()) ExpectNoSecretIn(part.name + part.last_error);
  for (const std::string& path : sink_.paths()) ExpectNoSecretIn(sink_.DefOf(path).source);
}

}  // namespace
}  // namespace edgetwin::http_driver

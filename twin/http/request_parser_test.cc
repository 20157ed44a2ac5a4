// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/http/request_parser.h"

#include <gtest/gtest.h>

#include <random>

#include "twin/http/uri.h"

namespace edgetwin::http {
namespace {

using State = RequestParser::State;

// Feeds all of `input` in pieces of at most `step` bytes; returns what was left over.
std::string_view FeedAll(RequestParser& parser, std::string_view input, std::size_t step) {
  while (!input.empty() && parser.state() != State::kComplete && parser.state() != State::kFailed) {
    input.remove_prefix(parser.Feed(input.substr(0, step)));
  }
  return input;
}

int StatusOf(std::string_view input, ParserLimits limits = {}) {
  RequestParser parser(limits);
  FeedAll(parser, input, input.size());
  return parser.state() == State::kFailed ? parser.failure_status() : 0;
}

TEST(RequestParserTest, ReadsTheSameRequestHoweverItIsCut) {
  const std::string_view bytes =
      "\r\nPATCH /v1/a%2Fb/c?x=1%202&y HTTP/1.1\r\nHost: h\r\nX-A:  1 \r\nx-a: 2\r\n"
      "Transfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhello\r\n1\r\n!\r\n0\r\nAuthorization: "
      "x\r\n\r\n"
      "GET / HTTP/1.1\r\n";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    RequestParser parser({});
    const std::string_view rest = FeedAll(parser, bytes, step);
    ASSERT_EQ(parser.state(), State::kComplete) << step << parser.failure();
    EXPECT_EQ(rest, "GET / HTTP/1.1\r\n");
    const Request& request = parser.request();
    EXPECT_EQ(request.method, "PATCH");
    EXPECT_EQ(request.path, "/v1/a/b/c");
    EXPECT_EQ(parser.raw_path(), "/v1/a%2Fb/c");
    EXPECT_EQ(request.query.at("x"), "1 2");
    EXPECT_EQ(request.query.at("y"), "");
    EXPECT_EQ(request.Header("x-a"), "1, 2");
    EXPECT_EQ(request.body, "hello!");
    EXPECT_EQ(request.headers.count("authorization"), 0u) << "a trailer must not become a header";
  }
}

TEST(RequestParserTest, RefusesWhatTwoReadersCouldReadInTwoWays) {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\n";
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\nHost: h\n\n"), 400) << "LF alone";
  EXPECT_EQ(StatusOf(head + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf(head + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf(head + "Content-Length: +1\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf(head + "Content-Length: 1x\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf(head + "Content-Length: -1\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf(head + "Content-Length: 99999999999999999999\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf(head + "Transfer-Encoding: gzip, chunked\r\n\r\n"), 501);
  EXPECT_EQ(StatusOf(head + "Bad : 1\r\n\r\n"), 400) << "a blank before the colon";
  EXPECT_EQ(StatusOf(head + "A: 1\r\n folded\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf(head + std::string("A: \0\r\n\r\n", 8)), 400);
  EXPECT_EQ(StatusOf(head + "A: \x01\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\r\n\r\n"), 400) << "no host";
  EXPECT_EQ(StatusOf("GET / HTTP/1.0\r\n\r\n"), 0);
  EXPECT_EQ(StatusOf("GET / HTTP/2.0\r\nHost: h\r\n\r\n"), 505);
  EXPECT_EQ(StatusOf("GET /a b HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf("GET\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf("G@T / HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf("GET * HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf("GET /#x HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf("GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf("GET /%0a HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf("GET http://other/x HTTP/1.1\r\nHost: h\r\n\r\n"), 0);
  EXPECT_EQ(StatusOf(head + "Expect: cake\r\n\r\n"), 417);
}

TEST(RequestParserTest, RefusesBadChunks) {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(StatusOf(head + "x\r\n"), 400);
  EXPECT_EQ(StatusOf(head + "-1\r\n"), 400);
  EXPECT_EQ(StatusOf(head + "\r\n"), 400);
  EXPECT_EQ(StatusOf(head + "1\r\nab\r\n"), 400);
  EXPECT_EQ(StatusOf(head + "1\nab"), 400);
  EXPECT_EQ(StatusOf(head + "ffffffffffffffff\r\n"), 413);
  EXPECT_EQ(StatusOf(head + "11111111111111111\r\n"), 400);
  EXPECT_EQ(StatusOf(head + "0" + std::string(300, ';')), 400);
}

TEST(RequestParserTest, LimitsHeadBodyAndTrailers) {
  const ParserLimits limits{100, 10};
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\n";
  EXPECT_EQ(StatusOf("GET /" + std::string(200, 'a'), limits), 431);
  EXPECT_EQ(StatusOf(head + "Content-Length: 11\r\n\r\n", limits), 413);
  EXPECT_EQ(StatusOf(head + "Content-Length: 10\r\n\r\n0123456789", limits), 0);
  const std::string chunked = head + "Transfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(StatusOf(chunked + "6\r\n012345\r\n5\r\n", limits), 413);
  std::string trailers = chunked + "0\r\n";
  for (int i = 0; i < 50; ++i) trailers += "a: b\r\n";
  EXPECT_EQ(StatusOf(trailers, limits), 431);
}

TEST(RequestParserTest, SurvivesDamagedRequests) {
  const std::string good =
      "PUT /v1/%61?b=c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab";
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = good;
    for (auto i = random() % 6; i > 0; --i)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    RequestParser parser({64 + random() % 200, random() % 64});
    std::string_view rest = bytes;
    while (!rest.empty() && parser.state() != State::kFailed) {
      const std::size_t used = parser.Feed(rest.substr(0, 1 + random() % 40));
      ASSERT_LE(used, rest.size());
      rest.remove_prefix(used);
      if (parser.state() == State::kComplete) parser.Next();
      ASSERT_LE(parser.request().body.size(), 64u);
    }
  }
}

TEST(UriTest, DecodesStrictly) {
  EXPECT_EQ(PercentDecode("a%2fb%C3%A9"), "a/b\xc3\xa9");
  EXPECT_EQ(PercentDecode("a+b"), "a+b");
  for (const char* bad : {"%", "%4", "%4g", "%00", "%1f", "%7f", "%ff", "%c0%af", "%ed%a0%80"}) {
    EXPECT_EQ(PercentDecode(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(PercentEncode("a/b \xc3\xa9~"), "a%2Fb%20%C3%A9~");
  EXPECT_EQ(ParseQuery("a=1&&b&a=2=3")->at("a"), "2=3");
  EXPECT_EQ(ParseQuery("a=%"), std::nullopt);
}

}  // namespace
}  // namespace edgetwin::http

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Options that golden cases can't spell, and the parts that options are made of.

#include "drivers/http/http_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "drivers/sdk/testing/options.h"

namespace edgetwin::http_driver {
namespace {

using ::testing::HasSubstr;

std::string UrlProblem(const std::string& text) {
  const Result<Url> url = ParseUrl(text);
  return url ? "" : url.error().text;
}

TEST(UrlTest, OnlyHttpAndHttps) {
  EXPECT_EQ(UrlProblem("http://device/"), "");
  EXPECT_EQ(UrlProblem("https://[::1]:8443/x?y=z"), "");
  for (const char* other : {"file:///etc/passwd", "ftp://device/", "gopher://device/",
                            "javascript:alert(1)", "dict://device/"}) {
    EXPECT_EQ(UrlProblem(other), "must begin with http:// or https://") << other;
  }
  EXPECT_NE(UrlProblem("/state"), "");
  EXPECT_NE(UrlProblem(""), "");
  EXPECT_NE(UrlProblem("http://"), "");
  EXPECT_NE(UrlProblem("http://device:99999/"), "");
  EXPECT_NE(UrlProblem("http://de vice/"), "");
  EXPECT_NE(UrlProblem("http://device/\r\nX-Injected: 1"), "");
  EXPECT_EQ(UrlProblem(std::string("http://device\0.example/", 23)), "has a NUL byte");
  EXPECT_EQ(UrlProblem("http://device/" + std::string(3'000, 'a')), "is longer than 2048 bytes");
}

TEST(UrlTest, UsersAndPasswordsAreRefused) {
  for (const char* url : {"http://me@device/", "http://me:secret@device/", "http://:secret@device/",
                          "https://me:@device/"}) {
    EXPECT_EQ(UrlProblem(url), "holds a user or password; use 'auth' for them") << url;
  }
}

TEST(UrlTest, HostsOfOneOriginAreOne) {
  EXPECT_EQ(ParseUrl("http://Device/a")->origin, "http://device:80");
  EXPECT_EQ(ParseUrl("http://device:80/b")->origin, "http://device:80");
  EXPECT_EQ(ParseUrl("https://device/b")->origin, "https://device:443");
}

TEST(UrlTest, WhatIsShownHasNoQuery) {
  const Result<Url> url = ParseUrl("http://device/state?key=secret#part");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->shown, "http://device/state");
  EXPECT_EQ(url->path, "/state");
  EXPECT_EQ(url->text, "http://device/state?key=secret");
}

ConfigNode Text(const std::string& text) {
  ConfigNode node;
  node.value = text;
  return node;
}

// The problems of one request with `headers`, which tests' TOML can't spell.
std::string HeaderProblems(ConfigNode::Table headers) {
  auto root = driver::testing::ParseOptions(
      "[[request]]\nurl = \"http://d/\"\n[[request.property]]\nname = \"a\"\npointer = \"/a\"\n");
  EXPECT_TRUE(root);
  ConfigNode::Table& table = std::get<ConfigNode::Table>(root->value);
  ConfigNode::Array& requests = std::get<ConfigNode::Array>(table.front().second.value);
  ConfigNode node;
  node.value = std::move(headers);
  std::get<ConfigNode::Table>(requests.front().value).emplace_back("headers", std::move(node));
  ConfigProblems problems;
  ConfigReader config(*root, "drivers.t", problems);
  ReadHttpOptions(config);
  return problems.ToString();
}

TEST(HttpOptionsTest, AHeaderIsOneLine) {
  EXPECT_EQ(HeaderProblems({{"X-Made", Text("up, with\ttabs")}}), "");
  EXPECT_THAT(HeaderProblems({{"X-Made", Text("up\r\nX-Injected: 1")}}), HasSubstr("one line"));
  EXPECT_THAT(HeaderProblems({{"X-Made", Text(std::string(5'000, 'x'))}}), HasSubstr("4096 bytes"));
  EXPECT_THAT(HeaderProblems({{"X Made", Text("up")}}), HasSubstr("can't be a header's name"));
  EXPECT_THAT(HeaderProblems({{"X:", Text("up")}}), HasSubstr("can't be a header's name"));
  EXPECT_THAT(HeaderProblems({{"AUTHORIZATION", Text("Bearer x")}}), HasSubstr("set by 'auth'"));
}

TEST(HttpOptionsTest, ListsHaveLimits) {
  ConfigNode::Table headers;
  for (int i = 0; i < 51; ++i) headers.emplace_back("X-" + std::to_string(i), Text("x"));
  EXPECT_THAT(HeaderProblems(std::move(headers)), HasSubstr("more than 50"));
  std::string text;
  for (std::size_t i = 0; i <= kRequestsMax; ++i) {
    text += "[[request]]\nurl = \"http://d/" + std::to_string(i) +
            "\"\n[[request.property]]\nname = \"p" + std::to_string(i) + "\"\npointer = \"/a\"\n";
  }
  for (std::size_t i = 0; i <= kPropertiesMax; ++i) {
    text += "[[property]]\nname = \"w" + std::to_string(i) +
            "\"\n[property.write]\nurl = \"http://d/\"\nbody = \"{value}\"\n";
  }
  const auto root = driver::testing::ParseOptions(text);
  ASSERT_TRUE(root);
  ConfigProblems problems;
  ConfigReader config(*root, "drivers.t", problems);
  const HttpOptions options = ReadHttpOptions(config);
  EXPECT_EQ(options.requests.size(), kRequestsMax);
  EXPECT_EQ(options.properties.size(), kPropertiesMax);
  EXPECT_THAT(problems.ToString(), HasSubstr("more than 100 requests"));
  EXPECT_THAT(problems.ToString(), HasSubstr("more than 1000 properties"));
}

}  // namespace
}  // namespace edgetwin::http_driver

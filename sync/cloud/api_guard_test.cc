// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/api_guard.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "sync/cloud/cloud_server.h"

namespace edgetwin::cloud {
namespace {

http::Request RequestOf(std::map<std::string, std::string> headers) {
  http::Request request;
  request.path = "/v1/twins";
  request.headers = std::move(headers);
  return request;
}

int StatusFor(const ApiGuard& guard, std::map<std::string, std::string> headers) {
  const auto refusal = guard.Check(RequestOf(std::move(headers)));
  return refusal ? refusal->status : 200;
}

TEST(ApiGuardTest, KnowsItsOwnNames) {
  const ApiGuard guard("");
  for (const char* own :
       {"localhost", "localhost:8080", "127.0.0.1:1", "127.9.9.9", "[::1]", "[::1]:8080"}) {
    EXPECT_EQ(StatusFor(guard, {{"host", own}}), 200) << own;
  }
  for (const char* other : {"", "example.org", "127.0.0.1.example.org", "localhost.example.org",
                            "10.0.0.1", "[::2]:80", "127.0.0.1:80:x.org"}) {
    EXPECT_EQ(StatusFor(guard, {{"host", other}}), 421) << other;
  }
}

TEST(ApiGuardTest, APageOfAnotherOriginIsRefusedWithOrWithoutToken) {
  for (const char* token : {"", "0123456789abcdef"}) {
    const ApiGuard guard(token);
    for (const char* origin : {"null", "http://localhost:9", "http://evil.example", "file://"}) {
      EXPECT_EQ(StatusFor(guard, {{"host", "localhost:8080"},
                                  {"origin", origin},
                                  {"authorization", "Bearer 0123456789abcdef"}}),
                403)
          << origin;
    }
    EXPECT_EQ(StatusFor(guard, {{"host", "localhost:8080"},
                                {"origin", "http://localhost:8080"},
                                {"sec-fetch-site", "same-origin"},
                                {"authorization", "Bearer 0123456789abcdef"}}),
              200);
  }
}

TEST(ApiGuardTest, ComparesSecretsWhole) {
  EXPECT_TRUE(SameSecret("abc", "abc"));
  for (const char* wrong : {"", "a", "abd", "abcabc", "xbc", "abcd"}) {
    EXPECT_FALSE(SameSecret(wrong, "abc")) << wrong;
  }
}

TEST(ApiGuardTest, ATokenFileIsPrivateAndLongEnough) {
  const std::string folder = testing::TempDir() + "token_" + std::to_string(getpid());
  std::filesystem::create_directories(folder);
  const std::string path = folder + "/token";
  const auto write = [&](const std::string& text, mode_t mode) {
    std::ofstream(path) << text;
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
  };
  write("0123456789abcdef\r\nrest\n", 0640);
  EXPECT_EQ(ReadTokenFile(path).value_or(""), "0123456789abcdef");
  write("0123456789abcdef\n", 0644);
  EXPECT_EQ(ReadTokenFile(path).error().code, ErrorCode::kPermission);
  for (const char* bad : {"", "short\n", "0123456789 abcdef\n", "0123456789abcde\xff\n"}) {
    write(bad, 0600);
    EXPECT_EQ(ReadTokenFile(path).error().code, ErrorCode::kInvalid) << bad;
  }
  EXPECT_EQ(ReadTokenFile(folder + "/none").error().code, ErrorCode::kNotFound);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace edgetwin::cloud

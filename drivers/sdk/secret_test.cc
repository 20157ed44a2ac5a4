// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/secret.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/support/temp_dir.h"

namespace edgetwin::driver {
namespace {

using ::testing::HasSubstr;

class SecretTest : public ::testing::Test {
 protected:
  std::string Error(const std::string& text) {
    const Result<std::string> secret = ReadSecret({folder_.Write("secret", text), {}});
    return secret ? "" : secret.error().text;
  }
  tests::TempDir folder_;
};

TEST_F(SecretTest, IsTheFilesTextWithoutItsLineBreak) {
  EXPECT_EQ(*ReadSecret({folder_.Write("a", " open sesame \r\n"), {}}), " open sesame ");
  EXPECT_EQ(*ReadSecret({folder_.Write("b", "x"), {}}), "x");
}

TEST_F(SecretTest, WhatCantBeOneIsRefused) {
  EXPECT_THAT(Error(""), HasSubstr("is empty"));
  EXPECT_THAT(Error("\n"), HasSubstr("is empty"));
  EXPECT_THAT(Error("a\r\nX-Injected: 1"), HasSubstr("more than one line"));
  EXPECT_THAT(Error(std::string("a\0b", 3)), HasSubstr("or a NUL"));
  EXPECT_EQ(Error(std::string(kSecretBytesMax, 'x')), "");
  EXPECT_THAT(Error(std::string(kSecretBytesMax + 1, 'x')), HasSubstr("is larger than 4096 bytes"));
}

TEST_F(SecretTest, APipeDoesNotHoldTheLoopUp) {
  const std::string pipe = folder_.File("pipe");
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(ReadSecret({pipe, {}}).error().text, pipe + " is not a regular file");
  EXPECT_FALSE(ReadSecret({folder_.path().string(), {}}));
}

TEST_F(SecretTest, ACredentialIsTheServices) {
  unsetenv("CREDENTIALS_DIRECTORY");
  EXPECT_THAT(ReadSecret({{}, "token"}).error().text, HasSubstr("has no LoadCredential="));
  folder_.Write("token", "sesame");
  setenv("CREDENTIALS_DIRECTORY", folder_.path().c_str(), 1);
  EXPECT_EQ(*ReadSecret({{}, "token"}), "sesame");
  unsetenv("CREDENTIALS_DIRECTORY");
}

}  // namespace
}  // namespace edgetwin::driver

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/doctor/redact.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/config/toml_loader.h"
#include "tests/support/temp_dir.h"

namespace edgetwin::doctor {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(RedactTest, WhatStandsBehindATellingNameGoes) {
  const Redactor redactor;
  for (const auto& [text, clean] : std::vector<std::pair<std::string, std::string>>{
           {"password = \"hunter2\"", "password = (removed)"},
           {"password = \"hun\\\"ter2\" # mine", "password = (removed) # mine"},
           {"token = '''a\nb''' x", "token = (removed) x"},
           {"community=public,port=161", "community=(removed),port=161"},
           {"{\"auth_password\": \"x1\", \"a\": 1}", "{\"auth_password\": (removed), \"a\": 1}"},
           {"X-Api-Key: abc\nnext", "X-Api-Key: (removed)\nnext"},
           {"Authorization: Bearer a.b.c\nnext", "Authorization: (removed)\nnext"},
           {"prog --token abc --port 1", "prog --token (removed) --port 1"},
           {"[\"prog\", \"--token\", \"abc\", \"-v\"]",
            "[\"prog\", \"--token\", (removed), \"-v\"]"},
           {"Environment=API_TOKEN=abc", "Environment=API_TOKEN=(removed)"},
           {"key http://u:p@h/x", "key http://(removed)@h/x"},
           {"mqtt://user@host", "mqtt://(removed)@host"},
       }) {
    EXPECT_EQ(redactor.CleanForeign(text), clean);
  }
}

TEST(RedactTest, WhatTellsOnlyWhereASecretIsStays) {
  const Redactor redactor;
  for (const std::string text :
       {"password_file = \"/etc/edgetwin/password\"", "key_credential = \"mqtt\"", "unit = \"bar\"",
        "http://host/a@b", "the password is wrong", "password =\nnext", "password",
        "https://host:8883/x?y=z", "tokens", "--token"}) {
    EXPECT_EQ(redactor.CleanForeign(text), text);
  }
}

TEST(RedactTest, PrivateKeysGoAndCertificatesStay) {
  const Redactor redactor;
  const std::string certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
  const std::string key = "-----BEGIN EC PRIVATE KEY-----\nMHcC\n-----END EC PRIVATE KEY-----";
  EXPECT_EQ(redactor.Clean(certificate + key + "\nx"), certificate + "(removed)\nx");
  EXPECT_EQ(redactor.Clean(key.substr(0, 40)), "(removed)") << "cut in the middle";
  EXPECT_EQ(redactor.Clean("-----BEGIN "), "-----BEGIN ");
}

TEST(RedactTest, WhatTheConfigurationNamesGoesWhereverItStands) {
  const tests::TempDir folder;
  folder.Write("password", "s3cr%t \"word\"\n");
  folder.Write("ca.pem", "authority");
  folder.Write("short", "abc");
  ConfigProblems problems;
  const auto root = config::ParseToml(
      "[cloud]\npassword_file = \"password\"\nca_file = \"ca.pem\"\nkey_file = \"missing\"\n"
      "pin_file = \"short\"\n"
      "[drivers.a.request]\nheaders = { X-Api-Key = \"inline-value\" }\n"
      "[[drivers.a.list]]\ncommunity = \"plant-ro\"\n",
      "a.toml", problems);
  ASSERT_TRUE(root);
  Redactor redactor;
  redactor.Learn(*root, folder.path().string());
  EXPECT_EQ(redactor.Clean("x s3cr%t \"word\" y"), "x (removed) y");
  EXPECT_EQ(redactor.Clean("{\"a\":\"s3cr%t \\\"word\\\"\"}"), "{\"a\":\"(removed)\"}");
  EXPECT_EQ(redactor.Clean("GET /s3cr%25t%20%22word%22/x"), "GET /(removed)/x");
  EXPECT_EQ(redactor.Clean("inline-value plant-ro"), "(removed) (removed)");
  EXPECT_EQ(redactor.Clean("authority abc"), "authority abc") << "no secret; too short for one";
}

}  // namespace
}  // namespace edgetwin::doctor

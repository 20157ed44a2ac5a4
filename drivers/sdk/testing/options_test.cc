// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/testing/options.h"

#include <gtest/gtest.h>

namespace edgetwin::driver::testing {
namespace {

TEST(OptionsTest, ReadsWhatDriversOptionsNeed) {
  const Result<ConfigNode> root = ParseOptions(R"(# a comment
[drivers.boiler]
kind = "modbus"   # another
port = 502
scale = -0.1
on = true
names = ["a", "b\"c\\d"]

[[drivers.boiler.register]]
address = 1
[[drivers.boiler.register]]
address = 2
)");
  ASSERT_TRUE(root) << root.error().text;
  const ConfigNode& boiler = *root->Find("drivers")->Find("boiler");
  EXPECT_EQ(std::get<std::string>(boiler.Find("kind")->value), "modbus");
  EXPECT_EQ(boiler.Find("kind")->source.line, 3);
  EXPECT_EQ(std::get<std::int64_t>(boiler.Find("port")->value), 502);
  EXPECT_EQ(std::get<double>(boiler.Find("scale")->value), -0.1);
  EXPECT_EQ(std::get<bool>(boiler.Find("on")->value), true);
  EXPECT_EQ(std::get<std::string>((*boiler.Find("names")->array())[1].value), "b\"c\\d");
  ASSERT_EQ(boiler.Find("register")->array()->size(), 2u);
  EXPECT_EQ(std::get<std::int64_t>((*boiler.Find("register")->array())[1].Find("address")->value),
            2);
}

TEST(OptionsTest, SaysWhichLineItDoesNotUnderstand) {
  for (const char* text : {"a = 1\nb = \"open\n", "a = 1\nb = 12x\n", "a = 1\n[b\n", "a = 1\nb\n",
                           "a = 1\nb = [1, 2\n", "a = 1\n[a]\n", "a = 1\nb = 2 3\n"}) {
    const Result<ConfigNode> root = ParseOptions(text);
    ASSERT_FALSE(root) << text;
    EXPECT_TRUE(root.error().text.starts_with("driver.toml:2: ")) << root.error().text;
  }
}

}  // namespace
}  // namespace edgetwin::driver::testing

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/http/listen_address.h"

#include <gtest/gtest.h>

namespace edgetwin::http {
namespace {

TEST(ListenTest, ReadsAddressAndPort) {
  EXPECT_EQ(*ParseListen("127.0.0.1:8080"),
            std::pair(std::string("127.0.0.1"), std::uint16_t{8080}));
  EXPECT_EQ(ParseListen("[::1]:0")->first, "::1");
  for (const char* bad : {"", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", "::1:80",
                          "127.0.0.1:8x", "[]:80"}) {
    EXPECT_FALSE(ParseListen(bad).has_value()) << bad;
  }
}

TEST(ListenTest, KnowsWhatNobodyElseReaches) {
  for (const char* inside : {"127.0.0.1", "127.1.2.3", "::1"}) EXPECT_TRUE(IsLoopback(inside));
  for (const char* outside : {"0.0.0.0", "::", "128.0.0.1", "localhost", "", "::ffff:1.2.3.4"}) {
    EXPECT_FALSE(IsLoopback(outside)) << outside;
  }
}

}  // namespace
}  // namespace edgetwin::http

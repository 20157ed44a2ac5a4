// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/conformance/no_io.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

namespace edgetwin::driver::testing {
namespace {

TEST(NoIoTest, WhatOnlyComputesIsWithoutCalls) {
  EXPECT_EQ(CallsOf([] {
              const auto text = std::make_unique<std::string>(100'000, 'x');
              if (text->size() != 100'000) abort();
            }),
            "");
}

TEST(NoIoTest, NamesTheCall) {
  EXPECT_EQ(CallsOf([] { (void)open("/etc/hostname", O_RDONLY); }), "openat");
  EXPECT_EQ(CallsOf([] { (void)socket(AF_INET, SOCK_STREAM, 0); }), "socket");
  EXPECT_NE(CallsOf([] { std::thread([] {}).join(); }), "");
}

TEST(NoIoTest, TellsHowElseItEnded) {
  EXPECT_EQ(CallsOf([] { throw std::runtime_error("no"); }), "threw an exception");
  EXPECT_EQ(CallsOf([] { _exit(7); }), "ended with status 7");
  EXPECT_EQ(CallsOf([] { raise(SIGTERM); }), "ended by Terminated");
}

}  // namespace
}  // namespace edgetwin::driver::testing

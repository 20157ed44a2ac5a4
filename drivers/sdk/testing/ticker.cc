// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/testing/ticker.h"

#include <chrono>
#include <utility>

namespace edgetwin::driver::testing {
namespace {

constexpr std::chrono::milliseconds kEvery{20};

}  // namespace

Ticker::Ticker(std::function<void()> turn) : turn_(std::move(turn)), thread_([this] { Run(); }) {}

Ticker::~Ticker() {
  {
    const auto held = Hold();
    ended_ = true;
  }
  end_.notify_one();
  thread_.join();
}

void Ticker::Run() {
  auto held = Hold();
  while (!end_.wait_for(held, kEvery, [this] { return ended_; })) turn_();
}

}  // namespace edgetwin::driver::testing

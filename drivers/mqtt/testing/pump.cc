// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A pump for the conformance tests: `pump URL` keeps its set point, and tells it to everybody.

#include <cstdio>

#include "drivers/mqtt/testing/peer.h"
#include "twin/base/event_loop.h"

int main(int argc, char** argv) {
  using namespace edgetwin;  // NOLINT: this program is about nothing else.
  if (argc != 2 || !mqtt::ParseBrokerUrl(argv[1])) {
    std::fprintf(stderr, "usage: %s URL\n", argv[0]);
    return 2;
  }
  const SystemClock clock;
  EventLoop loop(clock);
  mqtt_driver::Peer pump(loop, argv[1], {"pump/set"});
  std::string state = R"({"speed": 900})";
  pump.greet = [&] { pump.Publish("pump/state", state, true); };
  pump.answer = [&](const std::string&, const std::string& wanted) {
    state = wanted;
    pump.Publish("pump/state", state, true);
  };
  loop.Run();
}

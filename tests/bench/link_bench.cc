// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The time from publishing a small frame to its receipt, over a real broker on loopback: through
// two links on one loop, and through bare libmosquitto as a yardstick.

#include <mosquitto.h>
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "sync/link/mqtt_link.h"
#include "tests/support/broker.h"
#include "twin/base/event_loop.h"

namespace edgetwin::sync {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kFrames = 20'000;
const std::string kFrame(100, 'x');

void Print(const char* name, std::vector<double>& times_us) {
  std::ranges::sort(times_us);
  std::printf("%-28s p50 %6.1f us  p99 %6.1f us\n", name, times_us[times_us.size() / 2],
              times_us[times_us.size() * 99 / 100]);
}

double Microseconds(Clock::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

class Endpoint final : public LinkEvents {
 public:
  Endpoint(EventLoop& loop, int& ready) : loop_(loop), ready_(ready) {}
  void OnLinkUp() override {
    if (++ready_ == 2) loop_.Stop();
  }
  void OnLinkDown(const Error& why) override { std::fprintf(stderr, "%s\n", why.text.c_str()); }
  void OnLinkFrame(std::string_view, std::span<const std::byte>) override {
    received = Clock::now();
    loop_.Stop();
  }
  Clock::time_point received;

 private:
  EventLoop& loop_;
  int& ready_;
};

void MeasureLinks(const tests::TestBroker& broker) {
  const SystemClock clock;
  EventLoop loop(clock);
  int ready = 0;
  Endpoint device_end(loop, ready);
  Endpoint cloud_end(loop, ready);
  MqttOptions options;
  options.brokers = {ParseBrokerUrl(broker.url()).value()};
  options.random = [](std::uint64_t) { return 0; };
  options.client_id = "cloud";
  const auto cloud = MakeMqttLink(loop, options);
  options.device = options.client_id = "device";
  const auto device = MakeMqttLink(loop, options);
  if (!cloud->Open(cloud_end) || !device->Open(device_end)) return;
  loop.Run();
  std::vector<double> times_us;
  for (int i = 0; i < kFrames; ++i) {
    const auto start = Clock::now();
    if (!device->Send("device",
                      {reinterpret_cast<const std::byte*>(kFrame.data()), kFrame.size()})) {
      return;
    }
    loop.Run();
    times_us.push_back(Microseconds(cloud_end.received - start));
  }
  Print("two links, one loop", times_us);
}

struct Bare {
  explicit Bare(const char* id) : handle(mosquitto_new(id, true, this)) {
    const auto subscribed = [](mosquitto*, void* self, int, int, const int*) {
      static_cast<Bare*>(self)->ready = true;
    };
    const auto message = [](mosquitto*, void* self, const mosquitto_message*) {
      static_cast<Bare*>(self)->received = true;
    };
    mosquitto_subscribe_callback_set(handle, subscribed);
    mosquitto_message_callback_set(handle, message);
    mosquitto_int_option(handle, MOSQ_OPT_TCP_NODELAY, 1);
  }
  ~Bare() { mosquitto_destroy(handle); }
  Bare(const Bare&) = delete;
  Bare& operator=(const Bare&) = delete;
  bool Connect(const tests::TestBroker& broker) {
    if (mosquitto_connect(handle, "127.0.0.1", broker.port(), 60) != 0) return false;
    mosquitto_loop(handle, 1000, 1);
    return mosquitto_subscribe(handle, nullptr, "et/+/u", 0) == 0;
  }
  void Step() {
    pollfd one{mosquitto_socket(handle), POLLIN, 0};
    poll(&one, 1, 1000);
    mosquitto_loop_read(handle, 1);
  }
  mosquitto* handle;
  bool ready = false;
  bool received = false;
};

void MeasureBare(const tests::TestBroker& broker) {
  mosquitto_lib_init();
  {
    Bare cloud("bare-cloud");
    Bare device("bare-device");
    if (!cloud.Connect(broker)) return;
    while (!cloud.ready) cloud.Step();
    if (mosquitto_connect(device.handle, "127.0.0.1", broker.port(), 60) != 0) return;
    mosquitto_loop(device.handle, 1000, 1);
    std::vector<double> times_us;
    for (int i = 0; i < kFrames; ++i) {
      cloud.received = false;
      const auto start = Clock::now();
      mosquitto_publish(device.handle, nullptr, "et/device/u", static_cast<int>(kFrame.size()),
                        kFrame.data(), 0, false);
      while (!cloud.received) cloud.Step();
      times_us.push_back(Microseconds(Clock::now() - start));
    }
    Print("bare libmosquitto, poll", times_us);
  }
  mosquitto_lib_cleanup();
}

}  // namespace
}  // namespace edgetwin::sync

int main() {
  const edgetwin::tests::TestBroker broker({.lines = {"log_type none"}});
  for (int round = 0; round < 3; ++round) {
    edgetwin::sync::MeasureBare(broker);
    edgetwin::sync::MeasureLinks(broker);
  }
}

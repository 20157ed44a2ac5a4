// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/raw_delivery.h"

#include <mosquitto.h>
#include <sqlite3.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <random>
#include <vector>

#include "tests/bench/measure.h"

namespace edgetwin::bench {
namespace {

constexpr const char* kUp = "raw/delivery/up";
constexpr const char* kDown = "raw/delivery/down";

// Both ends; each callback's thread has its own part, but for what `mutex` guards.
struct Ends {
  sqlite3* db = nullptr;  // The receiver's.
  sqlite3_stmt* insert = nullptr;
  std::mutex mutex;
  std::condition_variable changed;
  int subscribed = 0;
  int answered = 0;

  explicit Ends(const std::string& file) {
    sqlite3_open(file.c_str(), &db);
    sqlite3_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t(bytes BLOB)",
                 nullptr, nullptr, nullptr);
    sqlite3_prepare_v2(db, "INSERT INTO t VALUES(?1)", -1, &insert, nullptr);
  }
  ~Ends() {
    sqlite3_finalize(insert);
    sqlite3_close(db);
  }
  Ends(const Ends&) = delete;
  Ends& operator=(const Ends&) = delete;

  void Count(int& what) {
    std::lock_guard lock(mutex);
    ++what;
    changed.notify_all();
  }
  bool Keep(const mosquitto_message& message) {
    sqlite3_bind_blob(insert, 1, message.payload, message.payloadlen, SQLITE_STATIC);
    const bool done = sqlite3_step(insert) == SQLITE_DONE;
    sqlite3_reset(insert);
    return done;
  }
};

using OnMessage = void (*)(mosquitto*, void*, const mosquitto_message*);

mosquitto* Start(Ends& ends, std::uint16_t port, const char* name, const char* topic,
                 OnMessage on_message) {
  mosquitto* client = mosquitto_new(name, true, &ends);
  mosquitto_subscribe_callback_set(client, [](mosquitto*, void* data, int, int, const int*) {
    auto* subscribed = static_cast<Ends*>(data);
    subscribed->Count(subscribed->subscribed);
  });
  mosquitto_message_callback_set(client, on_message);
  mosquitto_connect(client, "127.0.0.1", port, 60);
  mosquitto_subscribe(client, nullptr, topic, 0);
  mosquitto_loop_start(client);
  return client;
}

}  // namespace

RawDelivery DeliverRaw(std::uint16_t port, const std::string& file, std::size_t message_bytes,
                       int messages) {
  RawDelivery raw;
  Ends ends(file);
  mosquitto* receiver = Start(ends, port, "raw-receiver", kUp,
                              [](mosquitto* client, void* data, const mosquitto_message* message) {
                                if (!static_cast<Ends*>(data)->Keep(*message)) return;
                                mosquitto_publish(client, nullptr, kDown, 8, "answered", 0, false);
                              });
  mosquitto* sender =
      Start(ends, port, "raw-sender", kDown, [](mosquitto*, void* data, const mosquitto_message*) {
        auto* answered = static_cast<Ends*>(data);
        answered->Count(answered->answered);
      });
  std::mt19937 random(1);
  std::vector<char> payload(message_bytes);
  for (char& byte : payload) byte = static_cast<char>(random());
  std::unique_lock lock(ends.mutex);
  const auto wait = [&](const auto& done) {
    return ends.changed.wait_for(lock, std::chrono::seconds(5), done);
  };
  if (wait([&] { return ends.subscribed == 2; })) {
    const double begin = NowUs();
    for (int i = 0; i < messages; ++i) {
      lock.unlock();
      mosquitto_publish(sender, nullptr, kUp, static_cast<int>(payload.size()), payload.data(), 0,
                        false);
      lock.lock();
      if (!wait([&] { return ends.answered > i; })) break;
    }
    raw.messages = ends.answered;
    raw.seconds = (NowUs() - begin) / 1e6;
  }
  lock.unlock();
  for (mosquitto* client : {sender, receiver}) {
    mosquitto_disconnect(client);
    mosquitto_loop_stop(client, true);
    mosquitto_destroy(client);
  }
  return raw;
}

}  // namespace edgetwin::bench

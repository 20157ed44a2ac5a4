// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/floor.h"

#include <mosquitto.h>
#include <sqlite3.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "floor.pb.h"
#include "tests/bench/measure.h"
#include "tests/bench/workload.h"

namespace edgetwin::bench {
namespace {

constexpr const char* kTopic = "et/bench-gw-0001/u";

// Fixed header, topic and payload of a QoS 0 PUBLISH of MQTT 3.1.1.
std::size_t PublishBytes(std::size_t payload) {
  const std::size_t rest = 2 + std::char_traits<char>::length(kTopic) + payload;
  return 1 + (rest < 128 ? 1 : rest < 16'384 ? 2 : 3) + rest;
}

}  // namespace

int RunFloor(const FloorOptions& options) {
  sqlite3* db = nullptr;
  if (sqlite3_open(options.store.c_str(), &db) != SQLITE_OK) return 1;
  sqlite3_exec(db,
               "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
               "CREATE TABLE v(id INTEGER PRIMARY KEY, time INTEGER, value REAL)",
               nullptr, nullptr, nullptr);
  sqlite3_stmt* upsert = nullptr;
  sqlite3_prepare_v2(db,
                     "INSERT INTO v VALUES(?1,?2,?3) ON CONFLICT(id) DO UPDATE SET "
                     "time=excluded.time, value=excluded.value",
                     -1, &upsert, nullptr);
  mosquitto_lib_init();
  mosquitto* link = mosquitto_new("floor", true, nullptr);
  if (mosquitto_connect(link, options.host.c_str(), options.port, 60) != MOSQ_ERR_SUCCESS) return 1;
  const Workload workload(static_cast<std::size_t>(options.properties), options.full_precision);

  std::size_t bytes = 0;
  std::size_t frames = 0;
  const double begin = NowUs();
  FloorDelta delta;
  std::string payload;
  for (std::size_t round = 0; NowUs() - begin < options.seconds * 1e6; ++round) {
    const auto time_ms = static_cast<std::int64_t>(NowUs() / 1e3);
    delta.Clear();
    delta.set_time_ms(time_ms);
    sqlite3_exec(db, "BEGIN", nullptr, nullptr, nullptr);
    for (int i = 0; i < options.properties; ++i) {
      const double value = workload.At(round, static_cast<std::size_t>(i));
      delta.add_id(static_cast<std::uint32_t>(i));
      delta.add_value(value);
      sqlite3_bind_int(upsert, 1, i);
      sqlite3_bind_int64(upsert, 2, time_ms);
      sqlite3_bind_double(upsert, 3, value);
      sqlite3_step(upsert);
      sqlite3_reset(upsert);
    }
    sqlite3_exec(db, "COMMIT", nullptr, nullptr, nullptr);
    delta.SerializeToString(&payload);
    mosquitto_publish(link, nullptr, kTopic, static_cast<int>(payload.size()), payload.data(), 0,
                      false);
    if (NowUs() - begin >= options.warmup_s * 1e6) {
      bytes += PublishBytes(payload.size());
      ++frames;
    }
    mosquitto_loop(link, 0, 1);
    const double next = begin + static_cast<double>(round + 1) * 1e6 / options.hz;
    std::this_thread::sleep_for(
        std::chrono::microseconds(static_cast<std::int64_t>(std::max(0.0, next - NowUs()))));
  }
  std::printf("{\"mqtt_bytes\":%zu,\"values\":%zu}\n", bytes,
              frames * static_cast<std::size_t>(options.properties));
  mosquitto_disconnect(link);
  mosquitto_destroy(link);
  sqlite3_finalize(upsert);
  sqlite3_close(db);
  return 0;
}

}  // namespace edgetwin::bench

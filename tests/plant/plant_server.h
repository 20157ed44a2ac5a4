// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The plant behind a Modbus TCP server on 127.0.0.1, by libmodbus, that can misbehave on request.

#pragma once

#include <chrono>
#include <cstdint>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "tests/plant/plant.h"
#include "twin/base/clock.h"
#include "twin/base/result.h"

struct _modbus;

namespace edgetwin::tests {

// How a unit treats its requests. The numbers are those of the control unit's registers.
enum class Fault : std::uint16_t {
  kNone = 0,
  kSilent = 1,            // Accepts and never answers.
  kGatewayTarget = 2,     // Exception 11, as a gateway gives for a unit that is unplugged.
  kClose = 3,             // Closes the connection instead of answering.
  kSlow = 4,              // Answers after the unit's delay.
  kGarbage = 5,           // Answers with bytes that are no Modbus.
  kShort = 6,             // Sends the beginning of an answer and no more.
  kWrongTransaction = 7,  // A well-formed answer with another transaction's number.
  kLate = 8,  // Keeps the answer back and sends it just before the next one on the connection.
  kBusy = 9,  // Exception 6.
  kIgnoreWrites = 10,  // Says yes to writes and changes nothing.
};
inline constexpr std::uint16_t kFaultMax = 10;
// "silent", "gateway_target", …; kNotFound for another name.
Result<Fault> ParseFault(std::string_view name);

// Holding registers of this unit: at N the fault of unit N, at 300 + N its delay in milliseconds.
inline constexpr int kControlUnit = 247;
inline constexpr std::size_t kControlDelayBase = 300;

struct PlantOptions {
  std::uint16_t port = 0;  // 0: any free one.
  int units = 4;
  std::string log_file;  // A line a request; empty: none.
};

struct PlantRequest {
  MonoTime time;
  int connection = 0;  // Counted from 1.
  int unit = 0;
  int function = 0;
  int address = 0;
  int count = 0;
  std::vector<std::uint16_t> values;  // Written ones; masks for FC22.
  // "time_us=… connection=1 unit=2 fc=6 address=0 count=1 values=1500".
  std::string ToString() const;
};

// Answers any number of clients from the thread that calls Run. The rest is thread-safe.
class PlantServer {
 public:
  explicit PlantServer(PlantOptions options);
  ~PlantServer();
  PlantServer(const PlantServer&) = delete;
  PlantServer& operator=(const PlantServer&) = delete;

  // Binds the port; clients may connect from here on.
  Status Listen();
  std::uint16_t port() const { return port_; }
  // Serves until Stop.
  void Run();
  // Also from a signal handler.
  void Stop();

  void SetFault(int unit, Fault fault, std::chrono::milliseconds delay = {});
  std::vector<PlantRequest> requests() const;
  std::size_t connections_accepted() const;
  // A register as it is now.
  std::uint16_t Holding(int unit, int address);
  std::uint8_t Coil(int unit, int address);

 private:
  struct Client {
    int number = 0;
    std::vector<std::uint8_t> kept_back;  // A request that is answered late.
  };
  struct Delayed {
    MonoTime due;
    int number = 0;
    std::vector<std::uint8_t> request;
  };

  void Accept();
  // False when the connection is to be closed.
  bool Receive(int fd);
  bool Serve(int fd, std::vector<std::uint8_t> request);
  bool Misbehave(int fd, Fault fault, std::vector<std::uint8_t>& request, bool& answered);
  bool Reply(int fd, const std::vector<std::uint8_t>& request);
  int ExceptionFor(const PlantRequest& request);
  void Note(int fd, const std::vector<std::uint8_t>& request);
  void SendDelayed();
  UnitTables* TablesOf(int unit);
  Fault FaultOf(int unit) const;

  const PlantOptions options_;
  const SystemClock clock_;
  _modbus* modbus_ = nullptr;
  int listener_ = -1;
  int wake_ = -1;
  std::uint16_t port_ = 0;
  std::ofstream log_;

  mutable std::mutex mutex_;  // All below.
  Plant plant_;
  UnitTables control_;
  std::map<int, Client> clients_;
  std::vector<Delayed> delayed_;
  std::vector<PlantRequest> requests_;
  int accepted_ = 0;
};

}  // namespace edgetwin::tests

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The bus's side of the driver: reads the sensors of one bus master.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drivers/sdk/blocking_driver.h"
#include "drivers/sdk/breaker.h"
#include "drivers/w1/w1_files.h"
#include "drivers/w1/w1_text.h"

namespace edgetwin::w1 {

struct W1Sensor {
  std::string id;                // "28-0316a2795aff".
  std::string folder;            // Empty: it is wanted, and on no bus.
  bool has_temperature = false;  // The file; older kernels have `w1_slave` only.
  bool has_slave = false;
  Family family;
  std::optional<int> decimals;
};

struct W1Master {
  std::vector<W1Sensor> sensors;
  std::string bulk;                     // The file `therm_bulk_read`; empty: don't.
  std::chrono::milliseconds period{0};  // Of the polls.
};

// One part, whose properties are the sensors in their order. A poll first lets all sensors measure
// at once, if the kernel and its permissions allow that, and then reads one in each step; else each
// is read with a measurement of its own. A sensor that failed several times in a row is tried only
// now and then, since the kernel asks it again and again while all others wait.
class W1Bus final : public driver::BlockingBus {
 public:
  // `random` seeds when a failing sensor is tried again.
  W1Bus(const W1Master& master, std::unique_ptr<W1Files> files, std::uint64_t random);

  driver::PollStep Poll(std::size_t part, bool first, MonoTime deadline) override;
  driver::BusAnswer Write(std::size_t property, const model::Value& value,
                          MonoTime deadline) override;
  driver::BusAnswer Read(std::size_t property, MonoTime deadline) override;
  void Interrupt() override { files_->Interrupt(); }

  // How often all sensors measured at once.
  std::uint64_t bulk_conversions() const { return bulk_conversions_; }

 private:
  struct Known {
    W1Sensor sensor;
    driver::Breaker breaker;
    Status failure;                    // Of its last try.
    std::optional<std::int32_t> last;  // In thousandths; without what was doubtful.
  };

  bool WantsBulk() const;
  // Returns whether the sensors still measure.
  bool Convert();
  bool StillMeasures();
  void ReadNext(driver::PollStep& step);
  Result<std::int32_t> ReadSensor(const W1Sensor& sensor);
  Result<std::int32_t> ReadOnce(const W1Sensor& sensor);
  Result<std::int32_t> ReadSlave(const W1Sensor& sensor);

  const std::unique_ptr<W1Files> files_;
  std::vector<Known> sensors_;
  const std::string bulk_;
  bool bulk_allowed_ = true;
  std::uint64_t bulk_conversions_ = 0;
  // Of the running poll.
  bool measuring_ = false;
  MonoTime measuring_since_;
  std::size_t next_ = 0;
  bool answered_ = false;
  Status failure_;
};

}  // namespace edgetwin::w1

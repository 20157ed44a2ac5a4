// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What every driver is held to, whatever it reads. A driver's test says how its device is made to
// answer, to be gone and to hang, and gets the tests:
//
//   class TankBench final : public testing::Bench { … };
//   EDGETWIN_DRIVER_CONFORMS(TankConformance, acme::TankKind, TankBench)
//
// The driver runs on a real event loop and a real clock, against whatever the bench has: the real
// device, or a server or a tree of files in its place. Nothing here measures time: a test fails
// when something hasn't happened within kPatience, which no machine is too slow for.

#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drivers/sdk/driver.h"

namespace edgetwin::driver::testing {

// Of one test. As it is made, the device answers.
class Bench {
 public:
  struct Writing {
    std::string path;
    model::Value value;                   // The device takes it.
    std::optional<model::Value> refused;  // The device is asked, and doesn't.
  };

  virtual ~Bench() = default;

  // What stands below [drivers.NAME], as testing::ParseOptions reads it. Periods are best short.
  virtual std::string options() const = 0;
  // Lines of which each makes the options wrong when it is added to them.
  virtual std::vector<std::string> mistakes() const = 0;
  // The properties that have good values while the device answers.
  virtual std::vector<std::string> paths() const = 0;

  // The device is gone, and comes back. False: it has no such fault, and those tests are skipped.
  virtual bool Unplug() { return false; }
  virtual void Replug() {}
  // It is there and says nothing, and whoever reads it waits; and goes on.
  virtual bool Hang() { return false; }
  virtual void Resume() {}
  // Nothing: it is only read.
  virtual std::optional<Writing> writing() const { return {}; }
};

struct Subject {
  DriverKind kind;
  std::function<std::unique_ptr<Bench>()> bench;
};

inline constexpr std::chrono::seconds kPatience{60};
// For the suite's own tests, in which much happens never.
void SetPatience(std::chrono::milliseconds patience);

// Init opens nothing, calls nobody and starts no thread: a configuration is checked on any machine.
void CheckInitDoesNoIo(const Subject& subject);
// Each mistake is reported with file, line and key, and so is a key that nobody knows.
void CheckMistakesAreReported(const Subject& subject);
// All paths get good values, of their property's type; again after Stop and Start.
void CheckTheDeviceIsRead(const Subject& subject);
// After Stop the sink is not touched, and no timer, watch, descriptor or thread is left.
void CheckStopIsFinal(const Subject& subject);
// Values become bad or go, the failure is kUnavailable, kTimeout, kNotFound or kCorrupt (what is
// read makes no sense; kInvalid would be the operator's mistake), and values come back by
// themselves. A Start without the device fails with kUnavailable at most.
void CheckUnplugAndReplug(const Subject& subject);
// The loop goes on, the failure is told, values come back afterwards; and Stop waits for nobody.
void CheckAHungDeviceIsContained(const Subject& subject);
// `done` is called once, with what the device has now; what it refuses is an error; an unknown id
// is refused; and after Stop `done` isn't called.
void CheckWritesReportTheirOutcome(const Subject& subject);

}  // namespace edgetwin::driver::testing

#define EDGETWIN_DRIVER_CONFORMS_(suite, test, check, make_kind, BenchClass) \
  TEST(suite, test) {                                                        \
    ::edgetwin::driver::testing::check(                                      \
        {make_kind(), [] { return std::make_unique<BenchClass>(); }});       \
  }
#define EDGETWIN_DRIVER_CONFORMS(suite, make_kind, BenchClass)                                     \
  EDGETWIN_DRIVER_CONFORMS_(suite, InitDoesNoIo, CheckInitDoesNoIo, make_kind, BenchClass)         \
  EDGETWIN_DRIVER_CONFORMS_(suite, MistakesAreReported, CheckMistakesAreReported, make_kind,       \
                            BenchClass)                                                            \
  EDGETWIN_DRIVER_CONFORMS_(suite, TheDeviceIsRead, CheckTheDeviceIsRead, make_kind, BenchClass)   \
  EDGETWIN_DRIVER_CONFORMS_(suite, StopIsFinal, CheckStopIsFinal, make_kind, BenchClass)           \
  EDGETWIN_DRIVER_CONFORMS_(suite, UnplugAndReplug, CheckUnplugAndReplug, make_kind, BenchClass)   \
  EDGETWIN_DRIVER_CONFORMS_(suite, AHungDeviceIsContained, CheckAHungDeviceIsContained, make_kind, \
                            BenchClass)                                                            \
  EDGETWIN_DRIVER_CONFORMS_(suite, WritesReportTheirOutcome, CheckWritesReportTheirOutcome,        \
                            make_kind, BenchClass)                                                 \
  static_assert(true)

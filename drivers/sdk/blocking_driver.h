// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Base for drivers whose device API blocks.
//
// An instance is one bus (a TCP endpoint, a serial line) with one or more parts (the devices on
// it). All device access happens on one thread, in a BlockingBus; schedule, circuit breakers, the
// sink and every callback stay on the loop's thread, in BlockingDriver. Between them: a bounded
// queue of requests, one queued poll a part, and results handed back through an event descriptor
// that the loop watches.
//
// A thread blocked in the kernel or in a library cannot be killed. So the thread owns everything it
// touches (never the driver, the sink or the loop): Stop lets go of it at once, and an abandoned
// thread ends whenever its operation returns. Until then no second thread is started for the same
// bus name, not even by another driver object, so a device that hangs costs one thread however
// often it is reconfigured.

#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "drivers/sdk/breaker.h"
#include "drivers/sdk/driver.h"

namespace edgetwin::driver {

// What one reading gave. A value of none means that the property could not be read.
struct Reading {
  std::size_t property = 0;  // Index into BusOptions::properties.
  model::Value value;
  model::Quality quality = model::Quality::kGood;
  std::string raw = {};  // See SampleSink::Raw; may stay empty where nobody wants it.
};

// One operation of a poll.
struct PollStep {
  Status status;  // An error for people, even when some readings are good.
  bool answered =
      true;  // False: the part is silent or out of reach; ends the poll and counts for the breaker.
  bool more = false;  // Call Poll again for the rest. Other parts and requests may come in between.
  std::vector<Reading> readings;
};

// What a write or a single read gave.
struct BusAnswer {
  Result<model::Value> value;
  bool answered = true;  // As in PollStep.
  bool sampled = true;   // The value was read from the device, not only sent to it.
};

// The device side. Made on the loop's thread (its constructor does no I/O); everything but
// Interrupt is then called on the bus's thread only, and so is the destructor. It may block, for as
// long as the device does; it must try to return by `deadline`, which is of SystemClock. It knows
// nothing of the driver, which may be gone.
class BlockingBus {
 public:
  virtual ~BlockingBus() = default;

  // One operation of part `part`'s poll, no longer than one deadline; `first` begins a new poll.
  virtual PollStep Poll(std::size_t part, bool first, MonoTime deadline) = 0;
  virtual BusAnswer Write(std::size_t property, const model::Value& value, MonoTime deadline) = 0;
  virtual BusAnswer Read(std::size_t property, MonoTime deadline) = 0;

  // Makes a running operation return soon, if that is possible. Any thread; must not block. The bus
  // is not used for anything but destruction after it.
  virtual void Interrupt() {}

  // Before the first operation.
  void WantRaw() { raw_wanted_ = true; }

 protected:
  bool raw_wanted() const { return raw_wanted_; }

 private:
  bool raw_wanted_ = false;
};

struct BusPart {
  std::string name;  // "unit 3".
  std::chrono::milliseconds period{10'000};
};

struct BusProperty {
  std::size_t part = 0;  // Index into BusOptions::parts.
  model::PropertyDef def;
};

struct BusOptions {
  std::string name;  // Unique in the process for as long as the instance is configured:
                     // ConfigReader::prefix().
  std::vector<BusPart> parts;
  std::vector<BusProperty> properties;
  std::chrono::milliseconds operation_deadline{1'000};  // Of one poll step and one read.
  std::chrono::milliseconds write_deadline{2'000};      // Of one write, with its reading back.
  std::chrono::milliseconds request_wait_max{5'000};    // Of a write or read in the queue.
  std::chrono::milliseconds stuck_after{
      2'000};                     // This long past its deadline, an operation is stuck.
  std::size_t requests_max = 64;  // Writes and reads waiting.
  int breaker_failures_max = 3;
  std::chrono::milliseconds breaker_max{60'000};
};

// Loop thread only. A callback (`done`, the sink) may call anything but the destructor.
class BlockingDriver : public Driver {
 public:
  BlockingDriver() = default;
  ~BlockingDriver() override;
  BlockingDriver(const BlockingDriver&) = delete;
  BlockingDriver& operator=(const BlockingDriver&) = delete;

  // Defines the properties and begins polling: every part at once, then in its period, with phases
  // spread over the period. kUnavailable when no thread could be made.
  Status Start(Loop& loop, SampleSink& sink) final;
  void Stop() final;
  // kExhausted when `requests_max` wait; kUnavailable at once for a part whose breaker is open and
  // on a stuck bus. `done` gets kUnavailable when the request waited too long and was not sent,
  // kTimeout when the device didn't answer.
  Status Write(model::PropertyId id, const model::Value& value, WriteDone done) final;
  Status Read(model::PropertyId id, ReadDone done) final;
  std::vector<PartStatus> parts() const final;
  // "queued_requests", and "polls_under_way": hits are polls skipped since the part's last one
  // wasn't over.
  std::vector<LimitReport> limits() const final;

  // Whether a thread of that bus name exists in this process, abandoned ones included. Thread-safe.
  static bool ThreadLives(const std::string& bus_name);

 protected:
  // Called by Init, once it read its options. Each part needs a period above 0.
  void Configure(BusOptions options);
  // Called by Start; no I/O.
  virtual std::unique_ptr<BlockingBus> MakeBus() = 0;

 private:
  struct Shared;
  struct Job;
  struct Outcome;
  enum class Kind { kPoll, kWrite, kRead };

  struct Part {
    Breaker breaker;
    std::chrono::microseconds period;
    MonoTime due;
    bool in_flight = false;
    std::string failing;  // The first error of the last poll, or of the running one; empty when it
                          // was good.
    std::string last_error;
    bool poll_failed = false;  // Of the running poll.
  };
  struct Request {
    WriteDone done;
    std::size_t property = 0;
    MonoTime queue_deadline;
  };

  static void RunThread(std::shared_ptr<Shared> shared);
  bool TryLaunch();
  void LaunchLater();
  void Dispatch();
  void ArmDispatch();
  void CountPolls();
  void OnOutcomes();
  void OnPoll(const Outcome& outcome);
  void OnAnswer(const Outcome& outcome);
  void OnWatchdog();
  void ExpireRequests(MonoTime now);
  void BecomeStuck(std::size_t part, std::string why);
  void FailRequest(std::uint64_t id, Error error);
  Status Enqueue(Kind kind, model::PropertyId id, model::Value value, WriteDone done);
  void ReportReading(const Reading& reading);
  void ReportPartBad(std::size_t part);
  void ReportPropertyBad(std::size_t property);
  void NoteFailure(std::size_t part);
  bool started() const { return sink_ != nullptr; }

  BusOptions options_;
  Loop* loop_ = nullptr;
  SampleSink* sink_ = nullptr;
  std::uint64_t generation_ = 0;  // Of Start; callbacks may stop and start the driver below us.
  std::shared_ptr<Shared> shared_;
  std::vector<Part> parts_;
  std::vector<model::PropertyId> ids_;  // By property index.
  std::map<model::PropertyId, std::size_t> by_id_;
  std::vector<bool> bad_;  // Reported as bad, by property index.
  std::map<std::uint64_t, Request> requests_;
  std::uint64_t last_request_ = 0;
  MonoTime started_at_{};
  bool launched_ = false;
  std::chrono::milliseconds launch_wait_{1};
  bool stuck_ = false;
  std::string stuck_text_;
  Loop::Id watch_ = Loop::Id::kNone;
  Loop::Id dispatch_timer_ = Loop::Id::kNone;
  Loop::Id watchdog_timer_ = Loop::Id::kNone;
  Loop::Id launch_timer_ = Loop::Id::kNone;
  std::unique_ptr<Limit> requests_limit_;
  std::unique_ptr<Limit> polls_limit_;
};

}  // namespace edgetwin::driver

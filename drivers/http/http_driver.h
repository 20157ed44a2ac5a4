// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Polls HTTP servers and writes by HTTP; README.md describes its options.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "drivers/http/client.h"
#include "drivers/http/http_options.h"
#include "drivers/sdk/breaker.h"
#include "drivers/sdk/driver.h"
#include "drivers/sdk/extract/extraction.h"
#include "drivers/sdk/poll_schedule.h"

namespace edgetwin::http_driver {

// A host (scheme, name and port) gets one exchange at a time: first writes and reads that somebody
// waits for, then the polls that are due, the longest waiting first. One that doesn't answer is
// left alone by its breaker; the polls stay due meanwhile, so that each comes to be the probe once.
class HttpDriver final : public driver::Driver {
 public:
  static constexpr std::size_t kCallsMax = 64;  // Writes and reads under way.
  static constexpr std::chrono::hours kRetryAfterMax{1};

  HttpDriver() = default;
  ~HttpDriver() override { Stop(); }
  HttpDriver(const HttpDriver&) = delete;
  HttpDriver& operator=(const HttpDriver&) = delete;

  bool Init(ConfigReader& config) override;
  // Every request is sent at once, then in its period, spread over it by chance.
  Status Start(Loop& loop, driver::SampleSink& sink) override;
  void Stop() override;
  Status Write(model::PropertyId id, const model::Value& value, driver::WriteDone done) override;
  // Sends the property's request; its other properties are reported, too.
  Status Read(model::PropertyId id, driver::ReadDone done) override;

  // The requests, and the properties that are only written.
  std::vector<driver::PartStatus> parts() const override;
  std::vector<LimitReport> limits() const override;

 private:
  struct Host {
    std::string origin;
    std::optional<driver::Breaker> breaker;
    bool busy = false;
    MonoTime not_before;  // As the host asked by Retry-After.
    Loop::Id timer = Loop::Id::kNone;
  };
  struct Part {
    std::string name;
    std::size_t host = 0;
    std::string failing;  // Empty when the last exchange was good.
    std::string last_error;
  };
  struct Poll {  // Of a request; its part has the same index.
    extract::Extraction extraction;
    std::vector<std::size_t> properties;  // In the extraction's order.
    driver::PollSchedule schedule;
    Loop::Id timer = Loop::Id::kNone;
    bool due = false;
    bool slot = false;  // It is due by the schedule, not only by the start.
    MonoTime sent;      // When it was last.
    std::string etag;
    std::string last_modified;
  };
  struct Property {
    model::PropertyId id = model::kNoProperty;
    std::size_t part = 0;
    std::size_t write_host = 0;
    model::Value last;  // As it was last read; none when it couldn't be.
    std::string raw;    // What stood there, if the sink wants it.
    bool bad = false;   // Reported as bad.
  };
  // A write or a read that somebody waits for.
  struct Call {
    enum class Phase { kWrite, kWriteSent, kRead, kReadSent };
    Phase phase = Phase::kRead;
    std::size_t property = 0;
    model::Value value;
    bool written = false;  // What is read is its outcome.
    driver::WriteDone done;
    MonoTime deadline;
    Loop::Id timer = Loop::Id::kNone;
  };
  using Calls = std::map<std::uint64_t, Call>;  // By age.

  std::size_t HostOf(const std::string& origin);
  // The shortest of the host's requests.
  std::chrono::milliseconds PeriodOf(std::size_t host) const;
  void ArmPoll(std::size_t request);
  void WakeAt(std::size_t host, MonoTime at);
  void Dispatch(std::size_t host);
  std::size_t HostOf(const Call& call) const;
  void SendWrite(std::uint64_t id, Call& call);
  void SendRequest(std::size_t request);
  void OnWritten(std::uint64_t id, MonoTime sent, const Outcome& outcome);
  void OnAnswer(std::size_t request, MonoTime sent, bool conditional, const Outcome& outcome);
  // What the answer says of the request's properties, in their order.
  std::vector<Result<model::Value>> Values(std::size_t request, bool conditional,
                                           const Outcome& outcome);
  void NoteHost(std::size_t host, const Outcome& outcome);
  void NotePart(std::size_t part, const Status& status);
  // False when the sink stopped the driver for what it heard.
  bool ReportAll(std::size_t request, const std::vector<Result<model::Value>>& values);
  Error Silent(std::size_t property, std::size_t host) const;
  Status Enter(Call call, std::chrono::milliseconds within);
  void OnCallDeadline(std::uint64_t id);
  void EndCall(std::uint64_t id, Result<model::Value> result);
  Result<std::size_t> Find(model::PropertyId id) const;
  std::uint64_t missed() const;

  HttpOptions options_;
  std::unique_ptr<Limit> body_limit_;
  Limit calls_limit_{kCallsMax};
  std::vector<Host> hosts_;
  std::vector<Part> parts_;

  Loop* loop_ = nullptr;  // Null while stopped.
  driver::SampleSink* sink_ = nullptr;
  std::uint64_t generation_ = 0;  // Of Start; callbacks may stop and start the driver below us.
  std::unique_ptr<Client> client_;
  std::vector<Poll> polls_;
  std::vector<Property> properties_;
  std::map<model::PropertyId, std::size_t> by_id_;
  Calls calls_;
  std::uint64_t last_call_ = 0;
  std::uint64_t missed_before_ = 0;  // By earlier Starts.
};

driver::DriverKind HttpKind();

}  // namespace edgetwin::http_driver

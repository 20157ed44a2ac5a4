// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Runs a program that speaks the protocol of README.md, and starts it again when it ends.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "drivers/exec/exec_options.h"
#include "drivers/exec/program.h"
#include "drivers/exec/protocol.h"
#include "drivers/sdk/breaker.h"
#include "drivers/sdk/driver.h"

namespace edgetwin::exec {

class ExecDriver final : public driver::Driver, private Program::Listener {
 public:
  static constexpr std::uint64_t kWritesMax = 64;     // Under way.
  static constexpr std::uint64_t kBadLinesMax = 100;  // In a row; the program is ended then.
  static constexpr std::chrono::seconds kComplaintEvery{10};  // Told no more often.
  // Properties that a misspelled path is compared with.
  static constexpr std::size_t kComparedMax = 1'000;

  // `seed` gives the jitter of the pauses between starts; called once a Start.
  explicit ExecDriver(std::function<std::uint64_t()> seed) : seed_(std::move(seed)) {}
  ~ExecDriver() override { Stop(); }
  ExecDriver(const ExecDriver&) = delete;
  ExecDriver& operator=(const ExecDriver&) = delete;

  bool Init(ConfigReader& config) override;
  // Always succeeds: what is wrong with the program shows in parts(), and it is tried again.
  Status Start(Loop& loop, driver::SampleSink& sink) override;
  // The program has `stop_within` to end, and as long again after SIGTERM; the Undertaker waits.
  void Stop() override;
  Status Write(model::PropertyId id, const model::Value& value, driver::WriteDone done) override;

  // The program: "ok"; "failing" until it is ready; "open" while it waits for its next start;
  // "stuck" while an earlier run of it can't be ended.
  std::vector<driver::PartStatus> parts() const override;
  std::vector<LimitReport> limits() const override;

  // For tests: 0 while none runs.
  pid_t pid() const { return program_ ? program_->pid() : 0; }

 private:
  enum class State { kStopped, kWaiting, kLingering, kStarting, kRunning };

  struct Property {
    model::PropertyId id = model::kNoProperty;
    model::PropertyDef def;
    bool bad = false;
    bool seen = false;  // Defined by the program's present run.
  };
  using Properties = std::map<std::string, Property, std::less<>>;  // By the program's path.

  struct PendingWrite {
    model::PropertyId property = model::kNoProperty;
    model::Value value;
    driver::WriteDone done;
    Loop::Id timer = Loop::Id::kNone;
  };

  void OnLine(std::string_view line, bool too_long) override;
  void OnEnded(const std::string& how) override;

  void Launch();
  void Linger();
  void Fail(const std::string& why);
  void FailWrites();
  void ArmTimer(std::chrono::microseconds wait, void (ExecDriver::*then)());

  void Handle(Ready&);
  void Handle(Define& define);
  void Handle(Report& report);
  void Handle(Bad& bad);
  void Handle(Remove& remove);
  void Handle(ReadDone& done);
  void Handle(WriteDone& done);
  void Handle(Log&) {}
  void Handle(Complaint& complaint);

  void DefineOne(Define::Item& item);
  void ReportOne(Report::Item& item);
  void TellRaw(const Property& property, const nlohmann::json& said);
  void ReportBad(Property& property);
  void RemoveUnseen();
  Property* Known(const char* what, const std::string& path);
  Property* ById(model::PropertyId id);
  void EndWrite(std::uint64_t id, Result<model::Value> result);

  void OnReadDue();
  void OnSilenceCheck();
  void OnReadyDeadline();
  void OnSteady();
  // Whether what is wrong may be told now, other than as it was told last.
  bool MayTell() const;
  // Tells of something that is wrong without ending the program, not more often than is bearable.
  void Complain(Error error);
  // Counts a definition that the sink is to hear of; false when there were too many.
  bool TakeDefinition();

  const std::function<std::uint64_t()> seed_;
  ExecOptions options_;
  std::unique_ptr<ProgramLimits> program_limits_;
  std::unique_ptr<Limit> properties_limit_;
  std::unique_ptr<Limit> definitions_limit_;
  Limit writes_limit_{kWritesMax};
  Limit bad_lines_limit_{kBadLinesMax};
  Limit reads_limit_{1};
  std::uint64_t failures_ = 0;

  Loop* loop_ = nullptr;  // Null while stopped.
  driver::SampleSink* sink_ = nullptr;
  std::uint64_t generation_ = 0;  // Of starts and ends: changes when what was under way is over.
  State state_ = State::kStopped;
  std::unique_ptr<driver::Breaker> breaker_;
  std::unique_ptr<Program> program_;
  Loop::Id timer_ = Loop::Id::kNone;  // Of the state.
  Loop::Id read_timer_ = Loop::Id::kNone;
  Loop::Id silence_timer_ = Loop::Id::kNone;
  std::chrono::microseconds linger_wait_{0};
  MonoTime linger_since_;

  Properties properties_;
  std::map<std::uint64_t, PendingWrite> writes_;
  std::uint64_t last_write_ = 0;
  bool reading_ = false;  // Asked, and not answered.
  MonoTime asked_at_;
  MonoTime heard_at_;
  std::string_view line_;          // That is being taken.
  std::uint64_t bad_lines_ = 0;    // In a row.
  std::uint64_t definitions_ = 0;  // Since definitions_since_.
  std::optional<MonoTime> definitions_since_;
  std::optional<MonoTime> told_at_;
  std::string told_;
  std::string last_error_;
};

driver::DriverKind ExecKind();

}  // namespace edgetwin::exec

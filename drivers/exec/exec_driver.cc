// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/exec/exec_driver.h"

#include <algorithm>

#include "drivers/exec/undertaker.h"
#include "twin/base/check.h"
#include "twin/base/random.h"

namespace edgetwin::exec {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

std::string FileName(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

bool ExecDriver::Init(ConfigReader& config) {
  const std::size_t problems = config.problems().list().size();
  options_ = ReadExecOptions(config);
  program_limits_ = std::make_unique<ProgramLimits>(options_.lines_per_second_max);
  properties_limit_ = std::make_unique<Limit>(options_.properties_max);
  definitions_limit_ = std::make_unique<Limit>(2 * options_.properties_max);
  return config.problems().list().size() == problems;
}

Status ExecDriver::Start(Loop& loop, driver::SampleSink& sink) {
  EDGETWIN_CHECK(loop_ == nullptr);
  loop_ = &loop;
  sink_ = &sink;
  properties_.clear();
  told_at_.reset();
  definitions_since_.reset();
  last_error_.clear();
  const driver::BreakerOptions restarts{1, options_.restart_min, options_.restart_max};
  breaker_ = std::make_unique<driver::Breaker>(restarts, seed_());
  linger_wait_ = microseconds(0);
  linger_since_ = loop_->Now();
  // From the loop, so that whoever starts drivers is done with it before the sink is used.
  state_ = State::kLingering;
  ArmTimer(microseconds(0), &ExecDriver::Launch);
  return {};
}

void ExecDriver::Stop() {
  if (loop_ == nullptr) return;
  ++generation_;
  for (auto& [id, write] : writes_) loop_->Cancel(write.timer);
  writes_.clear();
  writes_limit_.Use(0);
  for (Loop::Id* timer : {&timer_, &read_timer_, &silence_timer_}) {
    loop_->Cancel(std::exchange(*timer, Loop::Id::kNone));
  }
  program_.reset();
  state_ = State::kStopped;
  loop_ = nullptr;
  sink_ = nullptr;
}

void ExecDriver::ArmTimer(microseconds wait, void (ExecDriver::*then)()) {
  loop_->Cancel(timer_);
  timer_ = loop_->After(wait, [this, then] {
    timer_ = Loop::Id::kNone;
    (this->*then)();
  });
}

void ExecDriver::Launch() {
  // Never two at once: they would share the device.
  if (Undertaker::Get().Has(options_.instance)) return Linger();
  if (state_ == State::kWaiting) breaker_->Allow(loop_->Now());
  for (auto& [path, property] : properties_) property.seen = false;
  reading_ = false;
  reads_limit_.Use(0);
  bad_lines_ = 0;
  bad_lines_limit_.Use(0);
  auto program = Program::Start(*loop_, options_.instance, options_.child, options_.stop_within,
                                *program_limits_, *this);
  if (!program) return Fail(program.error().text);
  program_ = *std::move(program);
  state_ = State::kStarting;
  Hello hello{options_.instance, options_.thing, options_.period,
              options_.options ? &*options_.options : nullptr};
  if (!program_->Send(HelloLine(hello))) return Fail("the options are too long to be sent");
  ArmTimer(options_.ready_within, &ExecDriver::OnReadyDeadline);
}

void ExecDriver::Linger() {
  if (state_ != State::kLingering) {
    // The wait is over; what is waited for now is another thing.
    if (state_ == State::kWaiting) breaker_->Allow(loop_->Now());
    state_ = State::kLingering;
    linger_wait_ = microseconds(0);
    linger_since_ = loop_->Now();
  }
  linger_wait_ = std::clamp<microseconds>(linger_wait_ * 2, milliseconds(5), seconds(1));
  ArmTimer(linger_wait_, &ExecDriver::Launch);
}

void ExecDriver::OnReadyDeadline() {
  Fail("was not ready within " + FormatDuration(options_.ready_within));
}

void ExecDriver::OnSteady() {
  breaker_->Succeeded();
}

void ExecDriver::OnEnded(const std::string& how) {
  Fail(how);
}

void ExecDriver::Fail(const std::string& why) {
  const std::uint64_t generation = ++generation_;
  ++failures_;
  program_.reset();
  for (Loop::Id* timer : {&timer_, &read_timer_, &silence_timer_}) {
    loop_->Cancel(std::exchange(*timer, Loop::Id::kNone));
  }
  breaker_->Failed(loop_->Now());
  state_ = State::kWaiting;
  last_error_ = FileName(options_.child.program) + " " + why;
  ArmTimer(breaker_->next_try() - loop_->Now(), &ExecDriver::Launch);
  FailWrites();
  if (generation != generation_) return;
  for (auto& [path, property] : properties_) {
    ReportBad(property);
    if (generation != generation_) return;
  }
  sink_->Polled("", microseconds(0), Unavailable(last_error_));
}

void ExecDriver::FailWrites() {
  const std::uint64_t generation = generation_;
  while (generation == generation_ && !writes_.empty()) {
    EndWrite(writes_.begin()->first,
             TimedOut("the program ended before it answered: " + last_error_));
  }
}

void ExecDriver::OnLine(std::string_view line, bool too_long) {
  Result<Message> message =
      too_long ? Invalid("a line is longer than " + std::to_string(kLineBytesMax) + " bytes")
               : ParseLine(line);
  if (!message) {
    ++bad_lines_;
    bad_lines_limit_.Use(bad_lines_);
    bad_lines_limit_.Hit();
    if (bad_lines_ >= kBadLinesMax) {
      return Fail("wrote " + std::to_string(bad_lines_) +
                  " lines in a row that are no messages, at last: " + message.error().text);
    }
    return Complain(message.error());
  }
  bad_lines_ = 0;
  bad_lines_limit_.Use(0);
  heard_at_ = loop_->Now();
  line_ = line;
  std::visit([this](auto& body) { Handle(body); }, *message);
}

// The program's line, or of a long one what it says of this.
void ExecDriver::TellRaw(const Property& property, const nlohmann::json& said) {
  if (!sink_->wants_raw()) return;
  constexpr std::size_t kWholeBytesMax = 100;
  const bool whole = line_.size() <= kWholeBytesMax;
  sink_->Raw(property.id, whole ? Words(line_, kWholeBytesMax) : ShownJson(said));
}

bool ExecDriver::MayTell() const {
  return !told_at_ || loop_->Now() >= *told_at_ + kComplaintEvery;
}

void ExecDriver::Complain(Error error) {
  last_error_ = error.text;
  if (!MayTell()) return;
  told_at_ = loop_->Now();
  told_ = error.text;
  sink_->Polled("", microseconds(0), std::move(error));
}

void ExecDriver::Handle(Ready&) {
  if (state_ != State::kStarting) return Complain(Invalid("ready: said already"));
  state_ = State::kRunning;
  ArmTimer(options_.steady_after, &ExecDriver::OnSteady);
  if (options_.silence.count() > 0) {
    silence_timer_ =
        loop_->Every(std::clamp<microseconds>(options_.silence / 8, milliseconds(5), seconds(10)),
                     [this] { OnSilenceCheck(); });
  }
  const std::uint64_t generation = generation_;
  RemoveUnseen();
  if (generation != generation_) return;
  sink_->Polled("", microseconds(0), {});
  if (generation != generation_ || !options_.period) return;
  read_timer_ = loop_->Every(*options_.period, [this] { OnReadDue(); });
  OnReadDue();
}

void ExecDriver::RemoveUnseen() {
  const std::uint64_t generation = generation_;
  for (auto it = properties_.begin(); it != properties_.end();) {
    if (it->second.seen) {
      ++it;
      continue;
    }
    const model::PropertyId id = it->second.id;
    it = properties_.erase(it);
    properties_limit_->Use(properties_.size());
    sink_->Remove(id);
    if (generation != generation_) return;
  }
}

void ExecDriver::Handle(Define& define) {
  const std::uint64_t generation = generation_;
  for (Define::Item& item : define.items) {
    DefineOne(item);
    if (generation != generation_) return;
  }
}

void ExecDriver::DefineOne(Define::Item& item) {
  auto path = model::Path::Parse(options_.thing + "/" + item.path);
  if (!path) {
    return Complain(Invalid("define: " + Shown(item.path) +
                            " can't be a path: " + Words(path.error().text, kTextBytesMax)));
  }
  const auto known = properties_.find(item.path);
  if (known == properties_.end() && properties_.size() >= options_.properties_max) {
    properties_limit_->Hit();
    return Complain(Exhausted("define: '" + item.path + "' is more than properties_max, " +
                              std::to_string(options_.properties_max)));
  }
  item.def.path = *std::move(path);
  if (item.def.source.empty()) item.def.source = FileName(options_.child.program);
  options_.policy.Apply(item.path, item.def);
  if (known != properties_.end() && known->second.def == item.def) {
    known->second.seen = true;
    return;
  }
  if (!TakeDefinition()) {
    return Complain(Exhausted("define: more than " + std::to_string(definitions_limit_->max()) +
                              " new or changed definitions within a minute, at last '" + item.path +
                              "'"));
  }
  const std::uint64_t generation = generation_;
  const Result<model::PropertyId> id = sink_->Define(item.def);
  if (generation != generation_) return;
  if (!id) return Complain(MakeError(id.error().code, "define: " + id.error().text));
  Property& property = properties_[item.path];
  property.id = *id;
  property.def = std::move(item.def);
  property.seen = true;
  properties_limit_->Use(properties_.size());
}

// Each definition goes to flash and to the cloud, and the sink logs each that it refuses.
bool ExecDriver::TakeDefinition() {
  const MonoTime now = loop_->Now();
  if (!definitions_since_ || now >= *definitions_since_ + minutes(1)) {
    definitions_since_ = now;
    definitions_ = 0;
  }
  if (!definitions_limit_->Fits(definitions_ + 1)) {
    definitions_limit_->Hit();
    return false;
  }
  definitions_limit_->Use(++definitions_);
  return true;
}

ExecDriver::Property* ExecDriver::Known(const char* what, const std::string& path) {
  const auto found = properties_.find(path);
  if (found != properties_.end() && found->second.seen) return &found->second;
  // A thousand such paths may stand in one line: only what is told is worth a comparison.
  std::vector<std::string> names;
  for (auto it = properties_.begin(); MayTell() && it != properties_.end(); ++it) {
    if (it->second.seen) names.push_back(it->first);
    if (names.size() >= kComparedMax) break;
  }
  const std::string near = Nearest(path, names);
  Complain(NotFound(std::string(what) + ": no property " + Shown(path) + " is defined" +
                    (near.empty() ? "" : "; did you mean '" + near + "'?")));
  return nullptr;
}

void ExecDriver::Handle(Report& report) {
  const std::uint64_t generation = generation_;
  for (Report::Item& item : report.items) {
    ReportOne(item);
    if (generation != generation_) return;
  }
  // With a period, read_done is the poll.
  if (!options_.period && state_ == State::kRunning) sink_->Polled("", microseconds(0), {});
}

void ExecDriver::ReportOne(Report::Item& item) {
  Property* property = Known("report", item.path);
  if (property == nullptr) return;
  TellRaw(*property, item.value);
  Result<model::Value> value = ToValue(item.value, property->def.type);
  if (!value) {
    const std::uint64_t generation = generation_;
    ReportBad(*property);
    if (generation == generation_) {
      Complain(Invalid("report: '" + item.path + "': " + value.error().text));
    }
    return;
  }
  if (value->type() == model::ValueType::kDouble) {
    value = model::Value(driver::Rounded(value->real(), property->def.decimals));
  }
  property->bad = false;
  if (!item.time) return sink_->Report(property->id, *std::move(value), item.quality);
  model::Sample sample;
  sample.value = *std::move(value);
  sample.time = *item.time;
  sample.quality = item.quality;
  sink_->ReportAt(property->id, std::move(sample));
}

void ExecDriver::ReportBad(Property& property) {
  if (!std::exchange(property.bad, true)) sink_->ReportBad(property.id);
}

void ExecDriver::Handle(Bad& bad) {
  const std::uint64_t generation = generation_;
  for (const std::string& path : bad.paths) {
    if (Property* property = Known("bad", path)) {
      TellRaw(*property, "bad");
      ReportBad(*property);
    }
    if (generation != generation_) return;
  }
}

void ExecDriver::Handle(Remove& remove) {
  const std::uint64_t generation = generation_;
  for (const std::string& path : remove.paths) {
    if (const Property* property = Known("remove", path)) {
      const model::PropertyId id = property->id;
      properties_.erase(path);
      properties_limit_->Use(properties_.size());
      sink_->Remove(id);
    }
    if (generation != generation_) return;
  }
}

void ExecDriver::Handle(Complaint& complaint) {
  Complain(Unavailable(complaint.text));
}

void ExecDriver::OnReadDue() {
  if (reading_) return reads_limit_.Hit();
  if (!program_->Send(ReadLine())) return;
  reading_ = true;
  asked_at_ = loop_->Now();
  reads_limit_.Use(1);
}

void ExecDriver::Handle(ReadDone& done) {
  if (!std::exchange(reading_, false)) return Complain(Invalid("read_done: nothing was asked for"));
  reads_limit_.Use(0);
  Status status;
  if (!done.error.empty()) {
    last_error_ = done.error;
    // A failed poll is counted in any case; it is logged when its text is another than the last.
    if (MayTell()) {
      told_at_ = loop_->Now();
      told_ = std::move(done.error);
    }
    status = Unavailable(told_);
  }
  sink_->Polled("", loop_->Now() - asked_at_, status);
}

void ExecDriver::OnSilenceCheck() {
  const MonoTime now = loop_->Now();
  if (options_.period) {
    if (!reading_ || now < asked_at_ + options_.silence) return;
    return Fail("has not answered a read for " + FormatDuration(options_.silence));
  }
  if (now < heard_at_ + options_.silence) return;
  Fail("was silent for " + FormatDuration(options_.silence));
}

ExecDriver::Property* ExecDriver::ById(model::PropertyId id) {
  const auto found = std::find_if(properties_.begin(), properties_.end(),
                                  [&](const auto& known) { return known.second.id == id; });
  return found == properties_.end() ? nullptr : &found->second;
}

Status ExecDriver::Write(model::PropertyId id, const model::Value& value, driver::WriteDone done) {
  if (loop_ == nullptr) return Unavailable("the driver is not started");
  const Property* property = ById(id);
  if (property == nullptr) return NotFound("the driver has no such property");
  if (!property->def.writable) {
    return Unsupported("'" + property->def.path.text() + "' is read-only");
  }
  if (state_ != State::kRunning || !property->seen) {
    return Unavailable("the program does not run: " + last_error_);
  }
  if (!writes_limit_.Fits(writes_.size() + 1)) {
    writes_limit_.Hit();
    return Exhausted(std::to_string(kWritesMax) + " writes are under way");
  }
  const std::string path = property->def.path.text().substr(options_.thing.size() + 1);
  const std::uint64_t number = ++last_write_;
  if (!program_->Send(WriteLine(number, path, value))) {
    return Unavailable("the program does not read what it is sent");
  }
  const Loop::Id timer = loop_->After(options_.write_within, [this, number] {
    EndWrite(number, TimedOut("the program has not answered the write within " +
                              FormatDuration(options_.write_within)));
  });
  writes_.emplace(number, PendingWrite{id, value, std::move(done), timer});
  writes_limit_.Use(writes_.size());
  return {};
}

void ExecDriver::EndWrite(std::uint64_t id, Result<model::Value> result) {
  const auto found = writes_.find(id);
  if (found == writes_.end()) return;
  PendingWrite write = std::move(found->second);
  writes_.erase(found);
  writes_limit_.Use(writes_.size());
  loop_->Cancel(write.timer);
  write.done(std::move(result));
}

void ExecDriver::Handle(WriteDone& done) {
  const auto found = writes_.find(done.id);
  if (found == writes_.end()) {
    return Complain(NotFound("write_done: no write " + std::to_string(done.id) + " is under way"));
  }
  if (!done.error.empty()) {
    last_error_ = done.error;
    return EndWrite(done.id, done.retry ? Unavailable(done.error) : Invalid(done.error));
  }
  Property* property = ById(found->second.property);
  if (property == nullptr) return EndWrite(done.id, NotFound("the property was removed"));
  if (done.value.is_null()) {
    if (found->second.value.type() != property->def.type) {
      return EndWrite(done.id, Corrupt("write_done: the property's type has changed meanwhile"));
    }
    return EndWrite(done.id, found->second.value);
  }
  Result<model::Value> value = ToValue(done.value, property->def.type);
  if (!value) {
    return EndWrite(done.id, Corrupt("write_done: " + value.error().text));
  }
  if (value->type() == model::ValueType::kDouble) {
    value = model::Value(driver::Rounded(value->real(), property->def.decimals));
  }
  property->bad = false;
  const std::uint64_t generation = generation_;
  sink_->Report(property->id, *value);
  if (generation == generation_) EndWrite(done.id, *std::move(value));
}

std::vector<driver::PartStatus> ExecDriver::parts() const {
  driver::PartStatus part;
  part.name = FileName(options_.child.program);
  part.last_error = last_error_;
  switch (state_) {
    case State::kRunning: part.state = "ok"; break;
    case State::kWaiting:
      part.state = "open";
      part.next_try = std::max(
          milliseconds(0), std::chrono::ceil<milliseconds>(breaker_->next_try() - loop_->Now()));
      break;
    case State::kLingering:
      // Twice the grace is what it takes when all goes well.
      part.state = loop_->Now() > linger_since_ + 2 * options_.stop_within + seconds(1) ? "stuck"
                                                                                        : "failing";
      if (part.state == "stuck") part.last_error = "an earlier run of the program can't be ended";
      break;
    default: part.state = "failing";
  }
  return {part};
}

std::vector<LimitReport> ExecDriver::limits() const {
  LimitReport restarts;
  restarts.name = "restart_pause_ms";
  restarts.max = static_cast<std::uint64_t>(options_.restart_max.count());
  if (state_ == State::kWaiting) {
    restarts.used = static_cast<std::uint64_t>(parts().front().next_try.count());
  }
  restarts.hits = failures_;
  return {program_limits_->lines_per_second.Report("lines_per_second"),
          program_limits_->line_bytes.Report("line_bytes"),
          program_limits_->error_bytes_per_second.Report("stderr_bytes_per_second"),
          program_limits_->input_backlog_bytes.Report("stdin_backlog_bytes"),
          bad_lines_limit_.Report("bad_lines"),
          properties_limit_->Report("program_properties"),
          definitions_limit_->Report("definitions_per_minute"),
          reads_limit_.Report("reads_under_way"),
          writes_limit_.Report("writes_under_way"),
          restarts};
}

driver::DriverKind ExecKind() {
  return {
      "exec", "A program in any language, by lines of JSON on its stdin and stdout",
      []() -> std::unique_ptr<driver::Driver> { return std::make_unique<ExecDriver>(RandomBits); }};
}

}  // namespace edgetwin::exec

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/blocking_driver.h"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include "twin/base/check.h"
#include "twin/base/random.h"

namespace edgetwin::driver {
namespace {

// The names of buses that have a thread. A process-wide fact, since an abandoned thread outlives
// its driver object and the next object for the same instance has to know of it.
class LiveBuses {
 public:
  // False when it is there already.
  bool Claim(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return names_.insert(name).second;
  }
  void Release(const std::string& name) {
    const std::lock_guard lock(mutex_);
    names_.erase(name);
  }
  bool Has(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return names_.contains(name);
  }

 private:
  std::mutex mutex_;
  std::set<std::string> names_;
};

LiveBuses& live_buses() {
  static auto* buses = new LiveBuses;  // Never destroyed: abandoned threads may end after main did.
  return *buses;
}

// A thread that takes no signals: those are the loop's.
Status StartDetached(std::function<void()> run) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  Status status;
  try {
    std::thread(std::move(run)).detach();
  } catch (const std::system_error& error) {
    status = Unavailable(std::string("no thread for the bus: ") + error.what());
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return status;
}

std::string Seconds(std::chrono::microseconds time) {
  return FormatDuration(std::max(std::chrono::duration_cast<std::chrono::milliseconds>(time),
                                 std::chrono::milliseconds(1)));
}

}  // namespace

struct BlockingDriver::Job {
  Kind kind = Kind::kPoll;
  bool first = true;  // Polls.
  std::uint64_t request = 0;
  std::size_t part = 0;
  std::size_t property = 0;
  model::Value value;
};

struct BlockingDriver::Outcome {
  Kind kind = Kind::kPoll;
  std::uint64_t request = 0;
  std::size_t part = 0;
  std::chrono::microseconds took{0};
  PollStep step;
  BusAnswer answer{model::Value()};
};

// What the loop and the bus's thread share. It lives as long as either.
struct BlockingDriver::Shared {
  struct Running {
    Kind kind = Kind::kPoll;
    std::uint64_t request = 0;
    std::size_t part = 0;
    MonoTime since;
    MonoTime deadline;
  };

  Shared(const BusOptions& options, std::unique_ptr<BlockingBus> bus_in)
      : name(options.name),
        operation_deadline(options.operation_deadline),
        write_deadline(options.write_deadline),
        event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        bus(std::move(bus_in)) {}
  ~Shared() {
    if (event >= 0) close(event);
  }

  void Wake() const {
    const std::uint64_t one = 1;
    // Fails only when the counter is full, and then the loop is awake already.
    [[maybe_unused]] const ssize_t written = write(event, &one, sizeof one);
  }
  Outcome Execute(const Job& job, MonoTime deadline) const;

  const std::string name;
  const std::chrono::microseconds operation_deadline;
  const std::chrono::microseconds write_deadline;
  const int event;
  const SystemClock clock;

  std::mutex mutex;
  std::condition_variable wake;
  // All below: under `mutex`. Outcomes are bounded by the jobs and the operations of one poll a
  // part.
  std::unique_ptr<BlockingBus> bus;
  std::deque<Job> requests;
  std::deque<Job> polls;
  std::vector<Outcome> outcomes;
  std::optional<Running> running;
  bool stopping = false;
};

BlockingDriver::Outcome BlockingDriver::Shared::Execute(const Job& job, MonoTime deadline) const {
  Outcome outcome;
  outcome.kind = job.kind;
  outcome.request = job.request;
  outcome.part = job.part;
  const MonoTime begin = clock.Now();
  switch (job.kind) {
    case Kind::kPoll: outcome.step = bus->Poll(job.part, job.first, deadline); break;
    case Kind::kWrite: outcome.answer = bus->Write(job.property, job.value, deadline); break;
    case Kind::kRead: outcome.answer = bus->Read(job.property, deadline); break;
  }
  outcome.took = clock.Now() - begin;
  if (!outcome.step.answered) outcome.step.more = false;
  return outcome;
}

void BlockingDriver::RunThread(std::shared_ptr<Shared> shared) {
  pthread_setname_np(pthread_self(), "bus");
  std::unique_lock lock(shared->mutex);
  while (true) {
    shared->wake.wait(lock, [&] {
      return shared->stopping || !shared->requests.empty() || !shared->polls.empty();
    });
    if (shared->stopping) break;
    auto& queue = shared->requests.empty() ? shared->polls : shared->requests;
    Job job = std::move(queue.front());
    queue.pop_front();
    const MonoTime now = shared->clock.Now();
    const MonoTime deadline =
        now + (job.kind == Kind::kWrite ? shared->write_deadline : shared->operation_deadline);
    shared->running = Shared::Running{job.kind, job.request, job.part, now, deadline};
    lock.unlock();
    Outcome outcome = shared->Execute(job, deadline);
    lock.lock();
    shared->running.reset();
    if (shared->stopping) break;
    if (job.kind == Kind::kPoll && outcome.step.more) {
      job.first = false;
      shared->polls.push_back(
          std::move(job));  // Behind the others: a part with much to read delays none.
    }
    shared->outcomes.push_back(std::move(outcome));
    shared->Wake();
  }
  std::unique_ptr<BlockingBus> bus = std::move(shared->bus);
  lock.unlock();
  bus.reset();
  live_buses().Release(shared->name);
}

BlockingDriver::~BlockingDriver() {
  Stop();
}

bool BlockingDriver::ThreadLives(const std::string& bus_name) {
  return live_buses().Has(bus_name);
}

void BlockingDriver::Configure(BusOptions options) {
  for (const BusPart& part : options.parts) EDGETWIN_CHECK(part.period.count() > 0);
  for (const BusProperty& property : options.properties) {
    EDGETWIN_CHECK(property.part < options.parts.size());
  }
  options_ = std::move(options);
  requests_limit_ = std::make_unique<Limit>(options_.requests_max);
  polls_limit_ = std::make_unique<Limit>(options_.parts.size());
}

Status BlockingDriver::Start(Loop& loop, SampleSink& sink) {
  EDGETWIN_CHECK(!started());
  ids_.clear();
  by_id_.clear();
  for (std::size_t i = 0; i < options_.properties.size(); ++i) {
    Result<model::PropertyId> id = sink.Define(options_.properties[i].def);
    if (!id) return id.error();
    ids_.push_back(*id);
    by_id_[*id] = i;
  }
  bad_.assign(ids_.size(), false);
  std::unique_ptr<BlockingBus> bus = MakeBus();
  if (sink.wants_raw()) bus->WantRaw();
  shared_ = std::make_shared<Shared>(options_, std::move(bus));
  if (shared_->event < 0) {
    shared_.reset();
    return Unavailable("no event descriptor for the bus: too many open files");
  }
  loop_ = &loop;
  sink_ = &sink;
  ++generation_;
  started_at_ = loop.Now();
  stuck_ = false;
  launched_ = false;
  launch_wait_ = std::chrono::milliseconds(1);
  stuck_text_.clear();
  parts_.clear();
  for (const BusPart& part : options_.parts) {
    const BreakerOptions breaker{options_.breaker_failures_max, part.period, options_.breaker_max};
    parts_.push_back(
        Part{Breaker(breaker, RandomBits()), part.period, started_at_, false, {}, {}, false});
  }
  watch_ = loop.Watch(shared_->event, Loop::kReadable, [this](unsigned) { OnOutcomes(); });
  watchdog_timer_ = loop.Every(
      std::clamp<std::chrono::microseconds>(options_.stuck_after / 4, std::chrono::milliseconds(20),
                                            std::chrono::seconds(1)),
      [this] { OnWatchdog(); });
  if (!TryLaunch()) LaunchLater();
  Dispatch();
  return {};
}

bool BlockingDriver::TryLaunch() {
  if (!live_buses().Claim(options_.name)) return false;
  const Status status = StartDetached([shared = shared_] { RunThread(shared); });
  if (!status) {
    live_buses().Release(options_.name);
    stuck_text_ = status.error().text;
    return false;
  }
  launched_ = true;
  return true;
}

void BlockingDriver::LaunchLater() {
  // The thread before us was told to end and mostly does within a millisecond; if it hangs, there
  // is no hurry.
  launch_wait_ = std::min<std::chrono::milliseconds>(launch_wait_ * 2, std::chrono::seconds(1));
  launch_timer_ = loop_->After(launch_wait_, [this] {
    launch_timer_ = Loop::Id::kNone;
    if (!TryLaunch()) LaunchLater();
  });
}

void BlockingDriver::Stop() {
  if (!started()) return;
  ++generation_;
  for (Loop::Id* timer : {&watch_, &dispatch_timer_, &watchdog_timer_, &launch_timer_}) {
    loop_->Cancel(*timer);
    *timer = Loop::Id::kNone;
  }
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->stopping = true;
    shared_->requests.clear();
    shared_->polls.clear();
    if (shared_->bus) shared_->bus->Interrupt();
    shared_->wake.notify_all();
  }
  shared_.reset();
  sink_ = nullptr;
  loop_ = nullptr;
  requests_.clear();
  requests_limit_->Use(0);
}

void BlockingDriver::Dispatch() {
  dispatch_timer_ = Loop::Id::kNone;
  const MonoTime now = loop_->Now();
  const auto count = static_cast<std::int64_t>(parts_.size());
  std::vector<std::size_t> ready;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    Part& part = parts_[i];
    if (part.due > now) continue;
    if (part.due == started_at_) {
      // The first poll comes at once; from then on the phases are spread, no gap being longer
      // than 1.5 periods.
      const auto phase = part.period * static_cast<std::int64_t>(i) / count;
      part.due += phase * 2 >= part.period ? phase : part.period + phase;
    } else {
      part.due += part.period;
    }
    if (part.due <= now) part.due += part.period * ((now - part.due) / part.period + 1);
    if (part.in_flight) {
      polls_limit_->Hit();
    } else if (!stuck_ && part.breaker.Allow(now)) {
      part.in_flight = true;
      part.poll_failed = false;
      ready.push_back(i);
    }
  }
  if (!ready.empty()) {
    const std::lock_guard lock(shared_->mutex);
    for (const std::size_t i : ready) {
      Job job;
      job.part = i;
      shared_->polls.push_back(std::move(job));
    }
    shared_->wake.notify_all();
  }
  CountPolls();
  ArmDispatch();
}

void BlockingDriver::CountPolls() {
  polls_limit_->Use(static_cast<std::uint64_t>(std::count_if(
      parts_.begin(), parts_.end(), [](const Part& part) { return part.in_flight; })));
}

void BlockingDriver::ArmDispatch() {
  if (parts_.empty()) return;
  const auto next = std::min_element(parts_.begin(), parts_.end(),
                                     [](const Part& a, const Part& b) { return a.due < b.due; });
  dispatch_timer_ = loop_->After(next->due - loop_->Now(), [this] { Dispatch(); });
}

void BlockingDriver::OnOutcomes() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = read(shared_->event, &count, sizeof count);
  std::vector<Outcome> outcomes;
  {
    const std::lock_guard lock(shared_->mutex);
    outcomes.swap(shared_->outcomes);
  }
  if (!outcomes.empty()) stuck_ = false;
  const std::uint64_t generation = generation_;
  for (const Outcome& outcome : outcomes) {
    if (outcome.kind == Kind::kPoll) {
      OnPoll(outcome);
    } else {
      OnAnswer(outcome);
    }
    if (generation != generation_) return;
  }
}

void BlockingDriver::OnPoll(const Outcome& outcome) {
  const std::uint64_t generation = generation_;
  Part& part = parts_[outcome.part];
  const PollStep& step = outcome.step;
  if (!step.status) {
    if (!part.poll_failed) part.failing = step.status.error().text;
    part.poll_failed = true;
    part.last_error = step.status.error().text;
  }
  if (!step.more) {
    part.in_flight = false;
    CountPolls();
    if (!part.poll_failed) part.failing.clear();
    if (step.answered) {
      part.breaker.Succeeded();
    } else {
      part.breaker.Failed(loop_->Now());
    }
  }
  for (const Reading& reading : step.readings) {
    ReportReading(reading);
    if (generation != generation_) return;
  }
  if (!step.answered) {
    ReportPartBad(outcome.part);
    if (generation != generation_) return;
  }
  sink_->Polled(options_.parts[outcome.part].name, outcome.took, step.status);
}

void BlockingDriver::OnAnswer(const Outcome& outcome) {
  const auto found = requests_.find(outcome.request);
  Part& part = parts_[outcome.part];
  const BusAnswer& answer = outcome.answer;
  if (!answer.value) part.last_error = answer.value.error().text;
  // While the breaker isn't closed, its probe decides.
  if (part.breaker.state() == Breaker::State::kClosed && !answer.answered) {
    part.breaker.Failed(loop_->Now());
    part.failing = part.last_error;
  }
  const std::uint64_t generation = generation_;
  Status status;
  if (!answer.value) status = answer.value.error();
  sink_->Polled(options_.parts[outcome.part].name, outcome.took, status);
  if (generation != generation_ || found == requests_.end()) return;
  Request request = std::move(found->second);
  requests_.erase(found);
  requests_limit_->Use(requests_.size());
  if (answer.value && answer.sampled) {
    ReportReading(Reading{request.property, *answer.value});
    if (generation != generation_) return;
  }
  request.done(answer.value);
}

void BlockingDriver::ReportReading(const Reading& reading) {
  if (!reading.raw.empty()) sink_->Raw(ids_[reading.property], reading.raw);
  if (reading.value.none()) return ReportPropertyBad(reading.property);
  bad_[reading.property] = false;
  sink_->Report(ids_[reading.property], reading.value, reading.quality);
}

void BlockingDriver::ReportPartBad(std::size_t part) {
  const std::uint64_t generation = generation_;
  for (std::size_t i = 0; i < options_.properties.size(); ++i) {
    if (options_.properties[i].part == part) ReportPropertyBad(i);
    if (generation != generation_) return;
  }
}

void BlockingDriver::ReportPropertyBad(std::size_t property) {
  if (bad_[property]) return;
  bad_[property] = true;
  sink_->ReportBad(ids_[property]);
}

void BlockingDriver::OnWatchdog() {
  const MonoTime now = loop_->Now();
  const std::uint64_t generation = generation_;
  ExpireRequests(now);
  if (generation != generation_ || stuck_) return;
  if (!launched_) {
    if (now - started_at_ < options_.stuck_after) return;
    std::string why = stuck_text_.empty()
                          ? "the bus's earlier thread still hangs in an operation; waiting for it"
                          : stuck_text_;
    return BecomeStuck(parts_.size(), std::move(why));
  }
  std::optional<Shared::Running> running;
  {
    const std::lock_guard lock(shared_->mutex);
    running = shared_->running;
  }
  // The operation's own times are of SystemClock, which the thread reads.
  const MonoTime real_now = shared_->clock.Now();
  if (!running || real_now < running->deadline + options_.stuck_after) return;
  BecomeStuck(running->part, "an operation hangs for " + Seconds(real_now - running->since) + ", " +
                                 Seconds(real_now - running->deadline) + " past its deadline");
  if (generation != generation_ || running->request == 0) return;
  FailRequest(running->request, TimedOut("the bus hangs: " + stuck_text_));
}

void BlockingDriver::ExpireRequests(MonoTime now) {
  std::vector<std::uint64_t> expired;
  {
    const std::lock_guard lock(shared_->mutex);
    std::erase_if(shared_->requests, [&](const Job& job) {
      const auto found = requests_.find(job.request);
      if (found != requests_.end() && found->second.queue_deadline > now) return false;
      expired.push_back(job.request);
      return true;
    });
  }
  const std::uint64_t generation = generation_;
  for (const std::uint64_t id : expired) {
    FailRequest(id, Unavailable("not sent: the bus was busy for " +
                                FormatDuration(options_.request_wait_max)));
    if (generation != generation_) return;
  }
}

void BlockingDriver::BecomeStuck(std::size_t part, std::string why) {
  stuck_ = true;
  stuck_text_ = std::move(why);
  if (part < parts_.size()) parts_[part].last_error = stuck_text_;
  const std::uint64_t generation = generation_;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    ReportPartBad(i);
    if (generation != generation_) return;
  }
}

void BlockingDriver::FailRequest(std::uint64_t id, Error error) {
  const auto found = requests_.find(id);
  if (found == requests_.end()) return;
  Request request = std::move(found->second);
  requests_.erase(found);
  requests_limit_->Use(requests_.size());
  request.done(std::move(error));
}

Status BlockingDriver::Write(model::PropertyId id, const model::Value& value, WriteDone done) {
  return Enqueue(Kind::kWrite, id, value, std::move(done));
}

Status BlockingDriver::Read(model::PropertyId id, ReadDone done) {
  return Enqueue(Kind::kRead, id, model::Value(), std::move(done));
}

Status BlockingDriver::Enqueue(Kind kind, model::PropertyId id, model::Value value,
                               WriteDone done) {
  if (!started()) return Unavailable("the driver is not started");
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return NotFound("the driver has no such property");
  const BusProperty& property = options_.properties[found->second];
  if (kind == Kind::kWrite && !property.def.writable) {
    return Unsupported("'" + property.def.path.text() + "' is read-only");
  }
  if (stuck_) return Unavailable("the bus is stuck: " + stuck_text_);
  const Part& part = parts_[property.part];
  if (part.breaker.state() != Breaker::State::kClosed) {
    return Unavailable(options_.parts[property.part].name + " does not answer: " + part.last_error);
  }
  if (!requests_limit_->Fits(requests_.size() + 1)) {
    requests_limit_->Hit();
    return Exhausted(std::to_string(requests_.size()) +
                     " writes and reads are waiting for the bus");
  }
  const std::uint64_t request = ++last_request_;
  requests_[request] = {std::move(done), found->second, loop_->Now() + options_.request_wait_max};
  requests_limit_->Use(requests_.size());
  Job job;
  job.kind = kind;
  job.request = request;
  job.part = property.part;
  job.property = found->second;
  job.value = std::move(value);
  const std::lock_guard lock(shared_->mutex);
  shared_->requests.push_back(std::move(job));
  shared_->wake.notify_all();
  return {};
}

std::vector<PartStatus> BlockingDriver::parts() const {
  std::vector<PartStatus> result;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const Part& part = parts_[i];
    PartStatus status{options_.parts[i].name, "ok", part.last_error, {}};
    if (stuck_) {
      status.state = "stuck";
      if (status.last_error.empty()) status.last_error = stuck_text_;
    } else if (part.breaker.state() != Breaker::State::kClosed) {
      status.state = "open";
      const MonoTime at = std::max(part.due, part.breaker.next_try());
      if (loop_) {
        status.next_try = std::max(std::chrono::ceil<std::chrono::milliseconds>(at - loop_->Now()),
                                   std::chrono::milliseconds(0));
      }
    } else if (!part.failing.empty()) {
      status.state = "failing";
    }
    result.push_back(std::move(status));
  }
  return result;
}

std::vector<LimitReport> BlockingDriver::limits() const {
  if (!requests_limit_) return {};
  return {requests_limit_->Report("queued_requests"), polls_limit_->Report("polls_under_way")};
}

}  // namespace edgetwin::driver

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/isolation.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "twin/base/check.h"

namespace edgetwin::sim {
namespace {

class Writer {
 public:
  void Number(std::uint64_t number) {
    char bytes[sizeof number];
    std::memcpy(bytes, &number, sizeof number);
    out_.append(bytes, sizeof bytes);
  }
  void Text(const std::string& text) {
    Number(text.size());
    out_ += text;
  }
  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
};

class Reader {
 public:
  explicit Reader(const std::string& bytes) : bytes_(bytes) {}
  std::uint64_t Number() {
    std::uint64_t number = 0;
    EDGETWIN_CHECK(at_ + sizeof number <= bytes_.size());
    std::memcpy(&number, bytes_.data() + at_, sizeof number);
    at_ += sizeof number;
    return number;
  }
  std::string Text() {
    const std::uint64_t size = Number();
    EDGETWIN_CHECK(at_ + size <= bytes_.size());
    at_ += size;
    return bytes_.substr(at_ - size, size);
  }

 private:
  const std::string& bytes_;
  std::size_t at_ = 0;
};

// Every number of a result, for both directions.
template <class Result, class Each>
void EachNumber(Result& result, const Each& each) {
  for (auto& n : result.happened) each(n);
  for (auto& n : result.checks) each(n);
  each(result.violations_n);
  auto& network = result.network;
  for (auto* n :
       {&network.sent, &network.sent_bytes, &network.delivered, &network.lost, &network.repeated,
        &network.overtaken, &network.unsent, &network.connects, &network.cuts, &network.partitions,
        &network.broker_crashes, &network.wills, &network.backlog_bytes_peak}) {
    each(*n);
  }
  auto& disks = result.disks;
  for (auto& n : disks.calls) each(n);
  for (auto* n :
       {&disks.bytes_read, &disks.bytes_written, &disks.io_errors, &disks.full, &disks.kills,
        &disks.power_losses, &disks.unsynced.kept, &disks.unsynced.lost, &disks.unsynced.torn}) {
    each(*n);
  }
  each(result.faults);
  each(result.idle_steps);
}

// Whether all of it was written.
bool WriteAll(int file, const std::string& bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t wrote = write(file, bytes.data() + done, bytes.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    done += static_cast<std::size_t>(wrote);
  }
  return true;
}

std::string ReadAll(int file) {
  std::string bytes;
  char buffer[16'384];
  while (true) {
    const ssize_t got = read(file, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return bytes;
    bytes.append(buffer, static_cast<std::size_t>(got));
  }
}

}  // namespace

std::string Pack(const WorldResult& result) {
  Writer writer;
  EachNumber(result, [&writer](const std::uint64_t& n) { writer.Number(n); });
  writer.Number(static_cast<std::uint64_t>(result.simulated.count()));
  writer.Number(static_cast<std::uint64_t>(result.settling.count()));
  writer.Number(result.devices);
  writer.Number(result.violations.size());
  for (const Violation& violation : result.violations) {
    writer.Number(static_cast<std::uint64_t>(violation.invariant));
    writer.Number(static_cast<std::uint64_t>(violation.at.time_since_epoch().count()));
    writer.Text(violation.text);
  }
  return writer.Take();
}

WorldResult Unpack(const std::string& bytes) {
  WorldResult result;
  Reader reader(bytes);
  EachNumber(result, [&reader](std::uint64_t& n) { n = reader.Number(); });
  result.simulated = std::chrono::microseconds(reader.Number());
  result.settling = std::chrono::microseconds(reader.Number());
  result.devices = static_cast<std::uint32_t>(reader.Number());
  for (std::uint64_t n = reader.Number(); n > 0; --n) {
    Violation violation;
    violation.invariant = static_cast<int>(reader.Number());
    violation.at = MonoTime(std::chrono::microseconds(reader.Number()));
    violation.text = reader.Text();
    result.violations.push_back(std::move(violation));
  }
  return result;
}

double CpuSeconds() {
  double sum = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage{};
    getrusage(who, &usage);
    for (const timeval& time : {usage.ru_utime, usage.ru_stime}) {
      sum += static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    }
  }
  return sum;
}

void Isolated::Run(const std::function<WorldResult()>& work, Done done) {
  if (Fork(std::move(done))) Finish(work());
}

bool Isolated::Fork(Done done) {
  while (children_.size() >= at_once_) Collect();
  int ends[2];
  EDGETWIN_CHECK(pipe(ends) == 0);
  std::fflush(nullptr);
  const pid_t pid = fork();
  EDGETWIN_CHECK(pid >= 0);
  if (pid == 0) {
    close(ends[0]);
    for (const Child& child : children_) close(child.pipe);
    children_.clear();
    to_parent_ = ends[1];
    return true;
  }
  close(ends[1]);
  children_.push_back({pid, ends[0], std::move(done)});
  return false;
}

void Isolated::Finish(const WorldResult& result) {
  EDGETWIN_CHECK(to_parent_ >= 0);
  const bool told = WriteAll(to_parent_, Pack(result));
  // Not exit: what the parent registered to run at its end is not ours to run.
  _exit(told ? 0 : 1);
}

void Isolated::Collect() {
  Child child = std::move(children_.front());
  children_.pop_front();
  const std::string bytes = ReadAll(child.pipe);
  close(child.pipe);
  int status = 0;
  while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
  }
  Outcome outcome;
  if (WIFSIGNALED(status)) {
    outcome.died = std::string("died of signal ") + strsignal(WTERMSIG(status));
  } else if (WEXITSTATUS(status) != 0 || bytes.empty()) {
    outcome.died = "ended with status " + std::to_string(WEXITSTATUS(status));
  } else {
    outcome.result = Unpack(bytes);
  }
  child.done(outcome);
}

void Isolated::Wait() {
  while (!children_.empty()) Collect();
}

}  // namespace edgetwin::sim

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/longform.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "tests/sim/exhaustive.h"
#include "tests/sim/isolation.h"
#include "tests/sim/profile.h"
#include "tests/sim/report.h"
#include "tests/sim/seeds.h"

namespace edgetwin::sim {
namespace {

using Clock = std::chrono::steady_clock;

// A batch that is cut counts as nothing: so long may be lost, in seconds of a processor.
constexpr double kBatchCpuSeconds = 20;
constexpr std::uint64_t kBatchSeedsMax = 500;
constexpr std::uint64_t kFirstBatchSeeds = 4;

Status Failed(const std::string& what, const std::string& path) {
  return Unavailable(what + " " + path + ": " + std::strerror(errno));
}

// Held open for appending, by nobody else at the same time.
class LedgerFile {
 public:
  LedgerFile() = default;
  ~LedgerFile() {
    if (file_ >= 0) close(file_);
  }
  LedgerFile(const LedgerFile&) = delete;
  LedgerFile& operator=(const LedgerFile&) = delete;

  Status Open(const std::string& path) {
    path_ = path;
    file_ = open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (file_ < 0) return Failed("can't open", path);
    if (flock(file_, LOCK_EX | LOCK_NB) != 0) return Unavailable("another run writes " + path);
    struct stat state {};
    if (fstat(file_, &state) != 0) return Failed("can't look at", path);
    char last = '\n';
    if (state.st_size > 0 && pread(file_, &last, 1, state.st_size - 1) != 1) {
      return Failed("can't read", path);
    }
    return last == '\n' ? Status() : Append("\n");  // After what was cut.
  }

  Status Append(const std::string& line) {
    const ssize_t wrote = write(file_, line.data(), line.size());
    if (wrote != static_cast<ssize_t>(line.size())) return Failed("can't write", path_);
    return {};
  }

 private:
  std::string path_;
  int file_ = -1;
};

// How near it is to what a release needs; 1: there.
double Done(const Tally& tally, std::string_view profile) {
  if (profile.empty()) {
    return static_cast<double>(tally.crashes.crash_points) / static_cast<double>(kCrashPointsAim);
  }
  const double each = static_cast<double>(kSeedsAim) / static_cast<double>(Profiles().size());
  return static_cast<double>(tally.PartOf(profile).seeds_counted) / each;
}

BatchOfSeeds NextBatch(const Tally& tally) {
  BatchOfSeeds batch;
  batch.profile = Profiles().front().name;
  for (const Profile& profile : Profiles()) {
    if (Done(tally, profile.name) < Done(tally, batch.profile)) batch.profile = profile.name;
  }
  // Seeds first: what they find ends the ledger, and they have found the most.
  const double seeds_done = Done(tally, batch.profile);
  if (seeds_done >= 1 && Done(tally, {}) < seeds_done) batch.profile.clear();
  const Tally::Part& part = tally.PartOf(batch.profile);
  std::uint64_t seeds = batch.profile.empty() ? 1 : kFirstBatchSeeds;
  if (part.seeds != 0 && part.cpu_s > 0) {
    const double cpu_s = part.cpu_s / static_cast<double>(part.seeds);
    seeds = std::clamp(static_cast<std::uint64_t>(kBatchCpuSeconds / cpu_s), std::uint64_t{1},
                       kBatchSeedsMax);
  }
  batch.first = part.last_seed + 1;
  batch.last = part.last_seed + seeds;
  return batch;
}

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string RunBatch(const BatchOfSeeds& batch, std::size_t at_once, std::ostream& progress) {
  const auto start = Clock::now();
  const double cpu_before = CpuSeconds();
  const auto seconds = [&] { return std::pair(SecondsSince(start), CpuSeconds() - cpu_before); };
  if (batch.profile.empty()) {
    CrashChoice choice;
    choice.first_seed = batch.first;
    choice.last_seed = batch.last;
    choice.at_once = at_once;
    const CrashReport report =
        RunExhaustive(choice, [&progress](const CrashReport::Failure& failure) {
          progress << "VIOLATION I" << failure.invariant << ": " << failure.scenario << " seed "
                   << failure.seed << " " << failure.point.text() << ": " << failure.text
                   << std::endl;
        });
    const auto [wall_s, cpu_s] = seconds();
    return ToJson(report, wall_s, cpu_s);
  }
  Choice choice;
  choice.profile = batch.profile;
  const Summary summary = RunSeeds(
      batch.first, batch.last, choice, at_once, [&progress](const Summary::Failure& failure) {
        progress << "VIOLATION I" << failure.invariant << ": " << failure.profile << " seed "
                 << failure.seed << ": " << failure.text << std::endl;
      });
  const auto [wall_s, cpu_s] = seconds();
  return ToJson(summary, wall_s, cpu_s);
}

}  // namespace

Status RunLong(const LongOptions& options, std::ostream& progress) {
  LedgerFile file;
  if (const Status opened = file.Open(options.ledger); !opened) return opened;
  auto tally = ReadTally(options.ledger);
  if (!tally) return tally.error();
  const auto start = Clock::now();
  while (SecondsSince(start) < static_cast<double>(options.length.count())) {
    const BatchOfSeeds batch = NextBatch(*tally);
    const std::string line =
        BatchLine(batch, options.commit, RunBatch(batch, options.at_once, progress));
    if (const Status done = file.Append(line); !done) return done;
    if (const Status added = AddBatch(*tally, line); !added) return added;
    progress << static_cast<std::uint64_t>(SecondsSince(start))
             << " s: " << (batch.profile.empty() ? "crash points" : batch.profile) << ", seeds "
             << batch.first << ".." << batch.last << " done; in all " << tally->seeds_counted()
             << " seeds, " << tally->crashes.crash_points << " crash points, "
             << tally->violations() << " violations" << std::endl;
  }
  return {};
}

}  // namespace edgetwin::sim

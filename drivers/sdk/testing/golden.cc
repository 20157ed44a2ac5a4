// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/testing/golden.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>

#include "drivers/sdk/testing/manual_loop.h"
#include "drivers/sdk/testing/options.h"
#include "drivers/sdk/testing/recording_sink.h"

namespace edgetwin::driver::testing {
namespace {

namespace fs = std::filesystem;

std::string ReadText(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string ReplaceAll(std::string text, std::string_view what, const std::string& with) {
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

std::vector<fs::path> Snapshots(const fs::path& input) {
  std::vector<fs::path> result;
  for (int step = 1; fs::is_directory(input / std::to_string(step)); ++step) {
    result.push_back(input / std::to_string(step));
  }
  if (result.empty()) result.push_back(input);
  return result;
}

// Makes `to` equal to `from`. Files that stay are rewritten in place, so that open descriptors see
// it.
void CopyOver(const fs::path& from, const fs::path& to) {
  std::set<fs::path> kept;
  fs::create_directories(to);
  if (!fs::exists(from)) return;
  for (const auto& entry : fs::recursive_directory_iterator(from)) {
    const fs::path relative = entry.path().lexically_relative(from);
    const fs::path target = to / relative;
    kept.insert(relative);
    const fs::file_type before = fs::symlink_status(target).type();
    if (before != entry.symlink_status().type() || entry.is_symlink()) fs::remove_all(target);
    if (entry.is_symlink()) {
      fs::copy_symlink(entry.path(), target);
    } else if (entry.is_directory()) {
      fs::create_directories(target);
    } else {
      std::ofstream(target, std::ios::binary | std::ios::trunc) << ReadText(entry.path());
    }
  }
  std::vector<fs::path> gone;
  for (const auto& entry : fs::recursive_directory_iterator(to)) {
    if (!kept.contains(entry.path().lexically_relative(to))) gone.push_back(entry.path());
  }
  for (const fs::path& path : gone) fs::remove_all(path);
}

std::string Problems(const ConfigProblems& problems) {
  std::string result;
  for (const ConfigProblem& problem : problems.list())
    result += "init: " + problem.ToString() + "\n";
  return result;
}

// As the agent does it: the common keys are known, what nobody asked for is a problem.
bool InitAs(Driver& driver, ConfigReader& config) {
  config.Has("kind");
  config.Has("enabled");
  const bool ready = driver.Init(config);
  config.Finish();
  return ready;
}

// Whether a thread of the driver reads something that was asked for.
bool PollsAreUnderWay(const Driver& driver) {
  const std::vector<LimitReport> limits = driver.limits();
  return std::any_of(limits.begin(), limits.end(), [](const LimitReport& limit) {
    return limit.name == "polls_under_way" && limit.used > 0;
  });
}

// A prefix that no other run has had: a thread of an earlier one may still be ending, and a bus has
// one only.
std::string OwnPrefix() {
  static int runs = 0;
  return "golden" + std::to_string(++runs);
}

std::string RunIn(const GoldenRunner& runner, const fs::path& folder, const fs::path& work) {
  const std::string text = ReplaceAll(ReadText(folder / "driver.toml"), "{input}", work.string());
  const Result<ConfigNode> options = ParseOptions(text);
  if (!options) return "options: " + options.error().text + "\n";

  ConfigProblems problems;
  const std::string prefix = OwnPrefix();
  ConfigReader config(*options, prefix + "." + runner.instance, problems);
  // The driver last: it must not outlive the loop and the sink.
  ManualClock clock;
  ManualLoop loop(clock);
  RecordingSink sink(clock);
  if (runner.show_times) sink.ShowTimes();
  const std::unique_ptr<Driver> driver = runner.make();
  const bool ready = InitAs(*driver, config);
  if (!ready || !problems.empty()) return ReplaceAll(Problems(problems), prefix, "drivers");
  loop.AwaitWhile([&] { return PollsAreUnderWay(*driver); });

  std::string transcript;
  bool started = false;
  for (const fs::path& snapshot : Snapshots(folder / "input")) {
    CopyOver(snapshot, work);
    // What is due at a step's first moment belongs to it, what is due at its last to the next one.
    if (!started) {
      const Status status = driver->Start(loop, sink);
      if (!status) {
        return "start: " + std::string(ToString(status.error().code)) + ": " + status.error().text +
               "\n";
      }
      started = true;
    }
    loop.Run(runner.step - std::chrono::microseconds(1));
    transcript += "# " + snapshot.filename().string() + "\n" + sink.TakeTranscript();
    clock.Advance(std::chrono::microseconds(1));
  }
  driver->Stop();
  sink.Revoke();
  loop.Run(runner.step);
  if (loop.pending() != 0) transcript += "left timers or watches behind\n";
  return transcript;
}

}  // namespace

std::vector<fs::path> FindGoldenCases(const fs::path& testcases) {
  std::vector<fs::path> result;
  if (!fs::is_directory(testcases)) return result;
  for (const auto& entry : fs::directory_iterator(testcases)) {
    if (entry.is_directory()) result.push_back(entry.path());
  }
  std::sort(result.begin(), result.end());
  return result;
}

std::string RunGoldenCase(const GoldenRunner& runner, const fs::path& folder) {
  std::string scratch = fs::temp_directory_path() / "edgetwin-golden-XXXXXX";
  if (mkdtemp(scratch.data()) == nullptr) return "no folder like " + scratch;
  const fs::path work = fs::path(scratch) / "input";
  const std::string transcript = RunIn(runner, folder, work);
  fs::remove_all(scratch);
  return ReplaceAll(transcript, work.string(), "{input}");
}

std::string SampleProblems(const GoldenRunner& runner, const fs::path& file) {
  const Result<ConfigNode> root = ParseOptions(ReadText(file), file.filename().string());
  if (!root) return root.error().text + "\n";
  ConfigProblems problems;
  ConfigReader config(*root, "", problems);
  std::optional<ConfigReader> drivers = config.Table("drivers");
  if (!drivers) return "no [drivers.NAME]\n";
  for (auto& [name, instance] : drivers->Members()) InitAs(*runner.make(), instance);
  return Problems(problems);
}

std::string ExpectedOf(const fs::path& folder, const std::string& reported) {
  const char* mode = std::getenv("EDGETWIN_GOLDEN");
  if (mode != nullptr && std::string_view(mode) == "update") {
    std::ofstream(folder / "expected", std::ios::binary | std::ios::trunc) << reported;
  }
  return ReadText(folder / "expected");
}

}  // namespace edgetwin::driver::testing

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// For tests that run real programs under the driver.

#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "drivers/exec/exec_driver.h"
#include "drivers/exec/undertaker.h"
#include "drivers/sdk/testing/options.h"
#include "drivers/sdk/testing/recording_sink.h"
#include "twin/base/event_loop.h"

namespace edgetwin::exec {

// What most programs here begin with: one property of each kind, then whatever the test wants.
inline constexpr char kBegin[] = R"(read -r hello
echo '{"define":[{"path":"level","type":"double","unit":"m","decimals":1,"writable":true},'\
'{"path":"count","type":"int"}]}'
echo '{"ready":{}}'
)";

inline std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// Zombies of other parents don't count: whoever is their parent reaps them when it likes.
inline bool Lives(pid_t pid) {
  const std::string stat = ReadFile("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t name_end = stat.rfind(')');
  return name_end != stat.npos && stat.size() > name_end + 2 && stat[name_end + 2] != 'Z';
}

// Of this thread.
inline std::chrono::nanoseconds CpuTime() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

class ExecDriverTest : public ::testing::Test {
 protected:
  static constexpr std::chrono::seconds kPatience{30};

  ExecDriverTest() {
    signal(SIGPIPE, SIG_IGN);
    folder_ = (std::filesystem::path(::testing::TempDir()) / "edgetwin-exec-XXXXXX").string();
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    instance_ = ::testing::UnitTest::GetInstance()->current_test_info()->name();
  }
  ~ExecDriverTest() override {
    driver_.Stop();
    sink_.Revoke();
    EXPECT_TRUE(Until([&] { return !Undertaker::Get().Has(instance_); }));
    std::filesystem::remove_all(folder_);
  }

  // Runs `script` by the shell with "$1" being a folder of its own; `options` are more lines.
  void Start(const std::string& script, const std::string& options = "") {
    std::ofstream(std::filesystem::path(folder_) / "script") << script;
    StartProgram("program = \"/bin/sh\"\nargs = [\"" + folder_ + "/script\", \"" + folder_ +
                 "\"]\n" + options);
  }
  void StartProgram(const std::string& options) {
    const auto node =
        driver::testing::ParseOptions("restart_min = \"10ms\"\nthing = \"t\"\n" + options);
    ASSERT_TRUE(node) << node.error().text;
    ConfigProblems problems;
    ConfigReader config(*node, "drivers." + instance_, problems);
    ASSERT_TRUE(driver_.Init(config)) << problems.ToString();
    ASSERT_TRUE(driver_.Start(loop_, sink_));
  }

  template <class Holds>
  bool Until(Holds holds) {
    const MonoTime end = clock_.Now() + kPatience;
    while (!holds()) {
      if (clock_.Now() > end) return false;
      const std::chrono::nanoseconds before = CpuTime();
      loop_.RunFor(std::chrono::milliseconds(2));
      longest_turn_ = std::max(longest_turn_, CpuTime() - before);
    }
    return true;
  }
  bool UntilValue(std::string_view path, const model::Value& value) {
    return Until([&] {
      return sink_.Has(path) && sink_.Last(path).quality == model::Quality::kGood &&
             sink_.Last(path).value == value;
    });
  }
  bool UntilError(std::string_view text) {
    return Until([&] { return Part().last_error.find(text) != std::string::npos; });
  }
  bool UntilFile(const std::string& name) {
    return Until([&] { return !ReadFile(std::filesystem::path(folder_) / name).empty(); });
  }
  std::string InFile(const std::string& name) {
    return ReadFile(std::filesystem::path(folder_) / name);
  }
  driver::PartStatus Part() { return driver_.parts().front(); }
  LimitReport LimitOf(std::string_view name) {
    for (LimitReport& limit : driver_.limits()) {
      if (limit.name == name) return limit;
    }
    ADD_FAILURE() << "no limit " << name;
    return {};
  }

  std::string folder_;
  std::string instance_;
  SystemClock clock_;
  EventLoop loop_{clock_};
  driver::testing::RecordingSink sink_{clock_};
  ExecDriver driver_{[] { return std::uint64_t{1}; }};
  std::chrono::nanoseconds longest_turn_{0};  // CPU time, which a busy machine doesn't lengthen.
};

}  // namespace edgetwin::exec

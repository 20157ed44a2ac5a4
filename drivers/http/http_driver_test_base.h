// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// For tests that run the driver against test_server.py.

#pragma once

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/http/http_driver.h"
#include "drivers/sdk/testing/options.h"
#include "drivers/sdk/testing/recording_sink.h"
#include "tests/support/child.h"
#include "tests/support/temp_dir.h"
#include "tests/support/wait.h"
#include "twin/base/event_loop.h"

namespace edgetwin::http_driver {

class TestServer {
 public:
  // `tls`: certificate, key, and if clients need one, their authority.
  explicit TestServer(std::vector<std::string> tls = {})
      : secure_(!tls.empty()), child_(Options(std::move(tls))) {
    EXPECT_TRUE(tests::Until([&] { return std::filesystem::exists(folder_.File("port")); }, 60))
        << tests::ReadFile(folder_.File("out"));
    port_ = tests::ReadFile(folder_.File("port"));
  }

  std::string Url(const std::string& target, const std::string& host = "127.0.0.1") const {
    return (secure_ ? "https://" : "http://") + host + ":" + port_ + target;
  }
  const std::string& port() const { return port_; }
  // Connections are taken all the same, by the kernel: nobody answers.
  void Stand(bool still) { child_.Kill(still ? SIGSTOP : SIGCONT); }
  // What /files/NAME serves from now on.
  void Serve(const std::string& name, std::string_view text) const {
    folder_.Write(name + ".tmp", text);
    std::filesystem::rename(folder_.File(name + ".tmp"), folder_.File(name));
  }
  std::string Served(const std::string& name) const { return tests::ReadFile(folder_.File(name)); }
  // The requests that hold `text`, a line each.
  std::vector<std::string> Asked(std::string_view text = "") const {
    std::ifstream log(folder_.File("log"));
    std::vector<std::string> lines;
    for (std::string line; std::getline(log, line);) {
      if (line.find(text) != line.npos) lines.push_back(line);
    }
    return lines;
  }

 private:
  tests::ChildOptions Options(std::vector<std::string> tls) const {
    tests::ChildOptions options;
    options.args = {"python3", EDGETWIN_SOURCE_DIR "/drivers/http/test_server.py",
                    folder_.path().string()};
    options.args.insert(options.args.end(), tls.begin(), tls.end());
    options.output_file = folder_.File("out");
    return options;
  }

  const bool secure_;
  tests::TempDir folder_;
  tests::Child child_;
  std::string port_;
};

// "[[request]]" of `url` with one double, "a", at /a, and further lines for the request.
inline std::string RequestOf(const std::string& url, const std::string& lines = "") {
  return "[[request]]\nname = \"r\"\nurl = \"" + url + "\"\n" + lines +
         "\n[[request.property]]\nname = \"a\"\npointer = \"/a\"\n";
}

class HttpDriverTest : public ::testing::Test {
 protected:
  static constexpr std::chrono::seconds kPatience{60};

  HttpDriverTest() { signal(SIGPIPE, SIG_IGN); }
  ~HttpDriverTest() override {
    driver_->Stop();
    sink_.Revoke();
    loop_.RunFor(std::chrono::milliseconds(1));
  }

  void Start(const std::string& options) {
    const auto node = driver::testing::ParseOptions(options);
    ASSERT_TRUE(node) << node.error().text;
    ConfigProblems problems;
    ConfigReader config(*node, "drivers.t", problems);
    ASSERT_TRUE(driver_->Init(config)) << problems.ToString();
    config.Finish();
    ASSERT_TRUE(problems.empty()) << problems.ToString();
    ASSERT_TRUE(driver_->Start(loop_, sink_));
  }

  // For another Start in one test.
  void Renew() { driver_ = std::make_unique<HttpDriver>(); }

  template <class Holds>
  bool Until(Holds holds) {
    const MonoTime end = clock_.Now() + kPatience;
    while (!holds()) {
      if (clock_.Now() > end) return false;
      loop_.RunFor(std::chrono::milliseconds(2));
    }
    return true;
  }
  bool UntilGood(std::string_view path, const model::Value& value) {
    return Until([&] {
      return sink_.Has(path) && sink_.Last(path).quality == model::Quality::kGood &&
             sink_.Last(path).value == value;
    });
  }
  bool UntilGood(std::string_view path, double value) {
    return UntilGood(path, model::Value(value));
  }
  // The error of the first poll that ends, "" for a success.
  std::string FirstError() {
    EXPECT_TRUE(Until([&] { return !sink_.polls().empty(); }));
    if (sink_.polls().empty()) return "no poll ended";
    const Status& result = sink_.polls().front().result;
    return result ? "" : result.error().text;
  }
  Result<model::Value> Call(bool write, std::string_view path, const model::Value& value) {
    std::optional<Result<model::Value>> result;
    const auto done = [&](Result<model::Value> got) { result = std::move(got); };
    const model::PropertyId id = sink_.IdOf(path);
    const Status begun = write ? driver_->Write(id, value, done) : driver_->Read(id, done);
    if (!begun) return begun.error();
    EXPECT_FALSE(result) << "answered while it was asked";
    EXPECT_TRUE(Until([&] { return result.has_value(); }));
    return result.value_or(TimedOut("the test waited in vain"));
  }
  Result<model::Value> Write(std::string_view path, const model::Value& value) {
    return Call(true, path, value);
  }
  Result<model::Value> Read(std::string_view path) { return Call(false, path, model::Value()); }
  driver::PartStatus Part(std::size_t index = 0) { return driver_->parts().at(index); }
  LimitReport LimitOf(std::string_view name) {
    for (LimitReport& limit : driver_->limits()) {
      if (limit.name == name) return limit;
    }
    ADD_FAILURE() << "no limit " << name;
    return {};
  }

  SystemClock clock_;
  EventLoop loop_{clock_};
  driver::testing::RecordingSink sink_{clock_};
  std::unique_ptr<HttpDriver> driver_ = std::make_unique<HttpDriver>();
};

}  // namespace edgetwin::http_driver

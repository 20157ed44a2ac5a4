// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/daemon/daemon.h"

#include <signal.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <utility>

#include "agent/api/api_server.h"
#include "agent/config/agent_config.h"
#include "agent/runtime/agent.h"
#include "twin/base/event_loop.h"
#include "twin/base/log.h"

namespace edgetwin {
namespace {

// sysexits.h; systemd shows them by these names.
enum Exit {
  kOk = 0,
  kUsage = 64,
  kUnavailable = 69,
  kStore = 74,
  kRetry = 75,
  kNoPermission = 77,
  kConfig = 78
};

int ExitFor(const Error& error) {
  switch (error.code) {
    case ErrorCode::kConflict: return kRetry;
    case ErrorCode::kPermission: return kNoPermission;
    case ErrorCode::kInvalid: return kConfig;
    case ErrorCode::kUnavailable: return kUnavailable;
    default: return kStore;
  }
}

// A card may stall for longer than the watchdog waits; a thread that is stuck stalls for ever.
constexpr int kStoreTimeouts = 3;

class Daemon {
 public:
  Daemon(std::string config_path, std::string level)
      : path_(std::move(config_path)), level_(std::move(level)) {}

  int Run() {
    auto config = Load(runtime::BadModule::kFailsItsInstances);
    if (!config) {
      std::fputs(problems_.c_str(), stderr);
      return kConfig;
    }
    InitLog("edgetwind", config->log_level);
    for (const ConfigProblem& warning : config->warnings)
      Log(LogLevel::kWarning, warning.ToString());
    Log(LogLevel::kNotice, "edgetwind " EDGETWIN_VERSION " starting",
        {{"device", config->device.id}});
    auto agent = runtime::Agent::Open(loop_, std::move(*config));
    if (!agent) return Fail("cannot open the store", agent.error());
    agent_ = std::move(*agent);
    auto api = api::ApiServer::Listen(loop_, *agent_, [this] { return Reload(); });
    if (!api) return Fail("cannot serve the local API", api.error());
    api_ = std::move(*api);

    loop_.OnSignal(SIGTERM, [this] { Stop("SIGTERM"); });
    loop_.OnSignal(SIGINT, [this] { Stop("SIGINT"); });
    loop_.OnSignal(SIGHUP, [this] { Reload(); });
    agent_->SetTimeTold([this](MonoTime at, WallTime wall) { clock_.Map(at, wall); });
    agent_->Start();
    sd_notify(0, "READY=1");
    StartWatchdog();
    StartStatus();
    loop_.Run();
    api_.reset();
    agent_.reset();
    return exit_;
  }

 private:
  std::optional<config::AgentConfig> Load(runtime::BadModule bad) {
    ConfigProblems problems;
    auto config = config::LoadAgentConfig(path_, runtime::DriverKinds().names(), problems,
                                          runtime::MakeDriverCheck(runtime::DriverKinds(), bad));
    problems_ = problems.ToString();
    if (config && level_ == "debug") config->log_level = LogLevel::kDebug;
    return config;
  }

  static int Fail(const std::string& what, const Error& error) {
    Log(LogLevel::kError, what + ": " + error.text);
    sd_notifyf(0, "STATUS=%s: %s", what.c_str(), error.text.c_str());
    return ExitFor(error);
  }

  // Checked whole before anything of it is applied: a mistake leaves the running configuration as
  // it is.
  api::ReloadReport Reload() {
    // sd_notify(3) wants CLOCK_MONOTONIC; our own clock also counts while suspended.
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
               static_cast<long long>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1'000);
    api::ReloadReport report;
    auto config = Load(runtime::BadModule::kIsAProblem);
    if (config) {
      report.applied = true;
      report.kept = agent_->Reload(std::move(*config));
      std::string kept;
      for (const std::string& table : report.kept) kept += " [" + table + "]";
      Log(LogLevel::kNotice, kept.empty()
                                 ? "configuration reloaded"
                                 : "configuration reloaded; a restart is needed for" + kept);
    } else {
      report.problems = problems_;
      Log(LogLevel::kError, "configuration not reloaded, the running one stays:\n" + problems_);
    }
    sd_notify(0, "READY=1");
    return report;
  }

  void Stop(const char* why) {
    if (stopping_) return;
    stopping_ = true;
    Log(LogLevel::kNotice, "stopping", {{"signal", why}});
    sd_notify(0, "STOPPING=1");
    agent_->Stop([this](const Status& status) {
      if (!status) {
        Log(LogLevel::kError, "the last commit failed: " + status.error().text);
        exit_ = kStore;
      }
      loop_.Stop();
    });
  }

  // Fed by what moves: the loop, on which drivers are supervised too, turns or nobody is here; the
  // store's thread must get done with what it was given.
  void StartWatchdog() {
    std::uint64_t timeout_us = 0;
    if (sd_watchdog_enabled(0, &timeout_us) <= 0) return;
    const std::chrono::microseconds timeout(timeout_us);
    loop_.Every(timeout / 2, [this, timeout] {
      const auto since = agent_->store_since();
      const bool hangs = since && loop_.Now() - *since > kStoreTimeouts * timeout;
      const bool began = hangs && !store_hangs_;
      store_hangs_ = hangs;
      if (began) {
        Log(LogLevel::kError, "the store hangs: the watchdog is not fed until it goes on");
      }
      if (!hangs) sd_notify(0, "WATCHDOG=1");
    });
  }

  void StartStatus() {
    loop_.Every(std::chrono::seconds(5), [this] {
      const sync::EdgeStatus status = agent_->engine().status();
      const std::string text = std::string(ToString(status.state)) + ", revision " +
                               std::to_string(status.state_head) + ", acknowledged " +
                               std::to_string(status.state_acked);
      if (std::exchange(said_, text) != text) sd_notifyf(0, "STATUS=%s", text.c_str());
    });
  }

  const std::string path_;
  const std::string level_;
  std::string problems_;
  SystemClock own_clock_;
  MappedClock clock_{own_clock_};
  EventLoop loop_{clock_};
  std::unique_ptr<runtime::Agent> agent_;
  std::unique_ptr<api::ApiServer> api_;
  bool store_hangs_ = false;
  bool stopping_ = false;
  int exit_ = kOk;
  std::string said_;
};

}  // namespace

int RunDaemon(int argc, char** argv) {
  CLI::App app("edgetwind: samples this device's sensors and keeps its twin in the cloud in step");
  std::string config = "/etc/edgetwin/edgetwin.toml";
  std::string level;
  app.add_option("-c,--config", config, "Configuration file; conf.d/*.toml beside it is read too")
      ->capture_default_str();
  app.add_flag_callback(
      "--debug", [&level] { level = "debug"; }, "Log debug messages too");
  app.set_version_flag("--version", "edgetwind " EDGETWIN_VERSION);
  app.footer(
      "Exit codes: 0 stopped as asked, 64 wrong options, 69 the store or the socket can't be\n"
      "reached, 74 the store failed, 75 it is in use, 77 no permission, 78 the configuration is "
      "wrong. SIGHUP reloads the configuration, SIGTERM drains and stops.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kUsage;
  }
  umask(027);  // What the twin holds is the owner's and the group's business.
  signal(SIGPIPE, SIG_IGN);
  return Daemon(config, level).Run();
}

}  // namespace edgetwin

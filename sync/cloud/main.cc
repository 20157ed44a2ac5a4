// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// edgetwin-cloud: the cloud twin as a service.

#include <signal.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sync/cloud/api_guard.h"
#include "sync/cloud/cli/operator.h"
#include "sync/cloud/cloud_server.h"
#include "twin/base/check.h"
#include "twin/base/config_node.h"
#include "twin/base/event_loop.h"
#include "twin/base/log.h"
#include "twin/base/random.h"
#include "twin/http/listen_address.h"

namespace edgetwin::cloud {
namespace {

// sysexits.h; systemd shows them by these names.
enum Exit { kOk = 0, kUsage = 64, kStore = 74, kRetry = 75, kNoPermission = 77 };

// How long stopping waits for the last commits.
constexpr std::chrono::seconds kStopTime{10};

int ExitFor(const Error& error) {
  switch (error.code) {
    case ErrorCode::kConflict: return kRetry;
    case ErrorCode::kPermission: return kNoPermission;
    case ErrorCode::kInvalid:
    case ErrorCode::kNotFound: return kUsage;
    default: return kStore;
  }
}

struct Arguments {
  std::vector<std::string> brokers;
  std::string store;
  std::string listen = "127.0.0.1:8080";
  std::string token_file;
  std::string port_file;
  std::string runtime_dir;
  std::uint64_t history_bytes_max = std::uint64_t{16} << 30;
  std::string history_age_max;
  std::string ca_file, certificate_file, key_file, username, password_file;
  bool debug = false;
};

Result<std::string> FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return NotFound("nothing can be read from " + path);
  return line;
}

// What the arguments say, checked before anything is opened.
Result<CloudServerOptions> ToOptions(const Arguments& arguments) {
  CloudServerOptions options;
  options.random = &RandomBelow;
  options.store_folder = arguments.store;
  auto listen = http::ParseListen(arguments.listen);
  if (!listen) return listen.error();
  std::tie(options.address, options.port) = *std::move(listen);
  for (const std::string& url : arguments.brokers) {
    auto broker = sync::ParseBrokerUrl(url);
    if (!broker) return broker.error();
    options.mqtt.brokers.push_back(*std::move(broker));
  }
  if (!arguments.token_file.empty()) {
    auto token = ReadTokenFile(arguments.token_file);
    if (!token) return token.error();
    options.token = *std::move(token);
  }
  options.history_bytes_max = arguments.history_bytes_max;
  if (!arguments.history_age_max.empty()) {
    const auto age = ParseDuration(arguments.history_age_max);
    if (!age || *age < std::chrono::hours(1)) {
      return Invalid("--history-age-max is a duration of at least 1h, such as 400d; not '" +
                     arguments.history_age_max + "'");
    }
    options.history_age_max = *age;
  }
  if (!arguments.password_file.empty()) {
    auto password = FirstLine(arguments.password_file);
    if (!password) return password.error();
    options.mqtt.password = *std::move(password);
  }
  if (const std::string& folder = arguments.runtime_dir; !folder.empty()) {
    if (!sync::CrashMarks::InMemory(folder)) {
      return Invalid("--runtime-dir " + folder + " is not a folder in memory (tmpfs)");
    }
    options.crash_file = folder + "/crash";
  }
  options.mqtt.username = arguments.username;
  options.mqtt.ca_file = arguments.ca_file;
  options.mqtt.certificate_file = arguments.certificate_file;
  options.mqtt.key_file = arguments.key_file;
  // One link carries the frames of every device.
  options.mqtt.backlog_bytes_max = 16 << 20;
  options.http.connections_max = 512;
  options.http.streams_max = 256;
  return options;
}

// Written under another name first: whoever waits for the file finds the whole number in it.
Status WritePort(const std::string& path, std::uint16_t port) {
  const std::string temporary = path + ".new";
  std::ofstream file(temporary);
  file << port << '\n';
  file.close();
  if (!file || std::rename(temporary.c_str(), path.c_str()) != 0) {
    return Unavailable("cannot write " + path);
  }
  return {};
}

class Service {
 public:
  int Run(const Arguments& arguments) {
    InitLog("edgetwin-cloud", arguments.debug ? LogLevel::kDebug : LogLevel::kInfo);
    auto options = ToOptions(arguments);
    if (!options) return Fail("cannot start", options.error());
    const std::string address = options->address;
    auto server = CloudServer::Start(loop_, *std::move(options));
    if (!server) return Fail("cannot start", server.error());
    server_ = *std::move(server);
    if (!arguments.port_file.empty()) {
      if (const Status written = WritePort(arguments.port_file, server_->port()); !written) {
        return Fail("cannot start", written.error());
      }
    }
    loop_.OnSignal(SIGTERM, [this] { Stop("SIGTERM"); });
    loop_.OnSignal(SIGINT, [this] { Stop("SIGINT"); });
    Log(LogLevel::kNotice, "edgetwin-cloud " EDGETWIN_VERSION " is serving",
        {{"address", address}, {"port", std::to_string(server_->port())}});
    sd_notify(0, "READY=1");
    StartWatchdog();
    loop_.Run();
    server_.reset();
    return exit_;
  }

 private:
  static int Fail(const std::string& what, const Error& error) {
    Log(LogLevel::kError, what + ": " + error.text);
    sd_notifyf(0, "STATUS=%s: %s", what.c_str(), error.text.c_str());
    return ExitFor(error);
  }

  void Stop(const char* signal) {
    if (std::exchange(stopping_, true)) return;
    Log(LogLevel::kNotice, "stopping", {{"signal", signal}});
    sd_notify(0, "STOPPING=1");
    loop_.After(kStopTime, [this] { Stopped(TimedOut("the store has not answered")); });
    server_->Stop([this](const Status& status) { Stopped(status); });
  }

  void Stopped(const Status& status) {
    if (!status) {
      Log(LogLevel::kError, "the last commit failed: " + status.error().text);
      exit_ = kStore;
    }
    loop_.Stop();
  }

  void StartWatchdog() {
    std::uint64_t timeout_us = 0;
    if (sd_watchdog_enabled(0, &timeout_us) <= 0) return;
    loop_.Every(std::chrono::microseconds(timeout_us / 2), [] { sd_notify(0, "WATCHDOG=1"); });
  }

  SystemClock clock_;
  EventLoop loop_{clock_};
  std::unique_ptr<CloudServer> server_;
  bool stopping_ = false;
  int exit_ = kOk;
};

}  // namespace
}  // namespace edgetwin::cloud

int main(int argc, char** argv) {
  CLI::App app(
      "edgetwin-cloud: keeps the twins of all devices, and serves them over HTTP. With a command,\n"
      "it asks the one that is running.");
  edgetwin::cloud::Arguments arguments;
  app.add_option("--broker", arguments.brokers,
                 "MQTT broker, mqtt://HOST[:PORT] or mqtts://…; may be given again, in order of "
                 "preference");
  app.add_option("--store", arguments.store, "Folder of the store; made when it is missing");
  app.add_option("--listen", arguments.listen, "ADDRESS:PORT of the HTTP API; port 0: a free one")
      ->capture_default_str();
  app.add_option("--token-file", arguments.token_file,
                 "File whose first line every request must bring as its bearer token; needed "
                 "beyond loopback");
  app.add_option("--port-file", arguments.port_file,
                 "File to write the port to once the API is served");
  app.add_option("--runtime-dir", arguments.runtime_dir,
                 "Folder in memory, as systemd's RuntimeDirectory=, where the next process finds "
                 "what ended this one")
      ->envname("RUNTIME_DIRECTORY");
  app.add_option("--history-bytes-max", arguments.history_bytes_max,
                 "Size of the file of history, such as 50GiB; the oldest samples make room. 0: any")
      ->transform(CLI::AsSizeValue(false))
      ->capture_default_str();
  app.add_option("--history-age-max", arguments.history_age_max,
                 "How long samples are kept, such as 400d; else only their number counts");
  app.add_option("--ca-file", arguments.ca_file,
                 "PEM certificates that the broker's is checked against; else the system's");
  auto* certificate =
      app.add_option("--certificate-file", arguments.certificate_file, "PEM client certificate");
  auto* key = app.add_option("--key-file", arguments.key_file, "PEM key of that certificate");
  certificate->needs(key);
  key->needs(certificate);
  app.add_option("--username", arguments.username, "For the broker");
  app.add_option("--password-file", arguments.password_file,
                 "File whose first line is the password for the broker");
  app.add_flag("--debug", arguments.debug, "Log debug messages too");
  app.set_version_flag("--version", "edgetwin-cloud " EDGETWIN_VERSION);
  app.footer(
      "Exit codes: 0 stopped as asked, 64 an argument is wrong, 74 the store failed, 75 the store "
      "or\nthe address is in use, 77 no permission. SIGTERM commits what came and stops.");
  edgetwin::cloudcli::Operator commands(app);
  app.require_subcommand(0, 1);
  try {
    app.parse(argc, argv);
    // Only the service needs them.
    if (app.get_subcommands().empty()) {
      if (arguments.brokers.empty()) throw CLI::RequiredError("--broker");
      if (arguments.store.empty()) throw CLI::RequiredError("--store");
    } else if (!arguments.brokers.empty() || !arguments.store.empty()) {
      throw CLI::ValidationError("--broker and --store are the service's; a command takes --url");
    }
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : edgetwin::cloud::kUsage;
  }
  if (const auto done = commands.Run()) return *done;
  umask(027);  // What the twins hold is the owner's and the group's business.
  signal(SIGPIPE, SIG_IGN);
  return edgetwin::cloud::Service().Run(arguments);
}

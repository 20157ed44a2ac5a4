// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/cli/commands.h"
#include "agent/cli/table.h"
#include "agent/config/toml_loader.h"
#include "agent/runtime/driver_kinds.h"
#include "agent/runtime/trial.h"
#include "twin/base/clock.h"
#include "twin/base/log.h"

namespace edgetwin::cli {
namespace {

using std::chrono::milliseconds;

// What drivers find by themselves is defined at the start; a bus that takes its time is waited for
// so long.
constexpr milliseconds kScanWait{500};
constexpr std::chrono::seconds kSayEvery{2};
constexpr const char* kNothing = "nothing was found";

// "KEY=VALUE" as the configuration would have it; a text needs no quotes.
Outcome<ConfigNode> ReadOptions(const ScanArguments& arguments) {
  ConfigNode::Table table;
  if (!arguments.root.empty()) {
    table.emplace_back("root", ConfigNode{std::filesystem::absolute(arguments.root).string(), {}});
  }
  for (const std::string& option : arguments.options) {
    const std::size_t sign = option.find('=');
    const std::string key = option.substr(0, sign);
    if (sign == option.npos || key.empty() ||
        key.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != key.npos) {
      return Fail(Exit::kUsage, "'" + option + "' is no KEY=VALUE");
    }
    std::string value = option.substr(sign + 1);
    ConfigProblems ignored;
    auto parsed = config::ParseToml(key + " = " + value, "", ignored);
    const ConfigNode* node = parsed && ignored.empty() ? parsed->Find(key) : nullptr;
    table.emplace_back(key, node != nullptr ? *node : ConfigNode{std::move(value), {}});
  }
  ConfigNode node;
  node.value = std::move(table);
  return node;
}

// SIGINT and SIGTERM wait meanwhile: a scan that is told to end shows what it has.
class HeldSignals {
 public:
  HeldSignals() {
    sigemptyset(&held_);
    sigaddset(&held_, SIGINT);
    sigaddset(&held_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &held_, &before_);
  }
  // Those that came are over with it.
  ~HeldSignals() {
    const timespec at_once{};
    while (came() && sigtimedwait(&held_, nullptr, &at_once) > 0) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

  bool came() const {
    sigset_t waiting;
    sigpending(&waiting);
    return sigismember(&waiting, SIGINT) == 1 || sigismember(&waiting, SIGTERM) == 1;
  }

 private:
  sigset_t held_{};
  sigset_t before_{};
};

class Scanner {
 public:
  Scanner(const Output& out, const ScanArguments& arguments, ConfigNode options)
      : out_(out), arguments_(arguments), options_(std::move(options)) {}

  Done Run() {
    if (const auto chosen = Choose(); !chosen) return tl::unexpected(chosen.error());
    SetLogLevel(LogLevel::kError);  // What drivers say is in the answer, too.
    Watch();
    for (const driver::DriverKind& kind : asked_) {
      if (const auto done = Ask(kind); !done) return tl::unexpected(done.error());
    }
    if (out_.json()) {
      out_.Document({{"devices", std::move(devices_)}, {"problems", std::move(problems_)}});
    } else {
      if (table_.empty()) return Fail(Exit::kNotFound, kNothing);
      table_.Print(out_);
      ShowConfiguration();
    }
    return devices_found_ == 0 ? Exit::kNotFound : Exit::kOk;
  }

 private:
  // Sorts the kinds by how they are scanned.
  Outcome<void> Choose() {
    std::vector<std::string> scanning;
    const runtime::DriverKinds kinds;
    for (const std::string& name : kinds.names()) {
      const bool named = name == arguments_.kind;
      const auto found = kinds.Find(name);
      // Asked for by its name, it is missed.
      if (!found && named) return Fail(Exit::kUsage, found.error().text);
      if (!found) continue;
      const driver::DriverKind& kind = *found;
      if (!kind.finds && kind.scan == nullptr) {
        if (!named) continue;
        return Fail(Exit::kUsage, "'" + name +
                                      "' can't look for its devices; they are named in the "
                                      "configuration");
      }
      scanning.push_back(name);
      if (!arguments_.kind.empty() && !named) continue;
      if (kind.finds) {
        config::DriverInstanceConfig& instance = instances_.emplace_back();
        instance.name = instance.kind = name;
        instance.node = options_;
      } else {
        asked_.push_back(kind);
      }
    }
    if (!instances_.empty() || !asked_.empty()) return {};
    const std::string near = Nearest(arguments_.kind, scanning);
    return Fail(Exit::kUsage, "there is no kind of driver '" + arguments_.kind +
                                  "' that looks for devices" +
                                  (near.empty() ? "" : "; did you mean '" + near + "'?"));
  }

  void AddProblem(const std::string& kind, const std::string& text) {
    problems_.push_back({{"kind", kind}, {"text", text}});
    if (!out_.json()) out_.Say(kind + ": " + Printable(text));
  }

  void Add(Json device, const std::string& what) {
    table_.Add({{device["kind"].get<std::string>(), Style::kBold},
                Printable(device["device"].get<std::string>()),
                Cut(Printable(what), 80)});
    devices_.push_back(std::move(device));
    ++devices_found_;
  }

  // Those that find their devices by themselves, by running them.
  void Watch() {
    if (instances_.empty()) return;
    const SystemClock clock{};
    runtime::Trial trial(clock);
    trial.Start(instances_, {});
    trial.Run(kScanWait, [&trial] { return trial.ReadOnce(); });
    // What is below a device: the path's second segment.
    std::map<std::pair<std::string, std::string>, std::vector<std::string>> devices;
    for (const runtime::TrialValue& value : trial.values()) {
      const std::string& path = value.def.path.text();
      const std::size_t begin = path.find('/') + 1;
      const std::size_t end = std::min(path.find('/', begin), path.size());
      devices[{value.def.instance, path.substr(begin, end - begin)}].push_back(
          end < path.size() ? path.substr(end + 1) : path.substr(begin));
    }
    for (const runtime::InstanceStatus& instance : trial.status()) {
      if (!instance.last_error.empty()) AddProblem(instance.kind, instance.last_error);
    }
    trial.Stop();
    std::string last;
    for (const auto& [device, properties] : devices) {
      const auto& [kind, name] = device;
      std::string names;
      for (const std::string& property : properties) names += (names.empty() ? "" : " ") + property;
      Add({{"kind", kind}, {"device", name}, {"properties", properties}}, names);
      if (std::exchange(last, kind) != kind) configuration_ += "[drivers." + kind + "]\n";
    }
  }

  Outcome<void> Ask(const driver::DriverKind& kind) {
    ConfigProblems mistakes;
    ConfigReader options(options_, "", mistakes);
    const HeldSignals signals;
    const SystemClock clock{};
    MonoTime say_at = clock.Now() + kSayEvery;
    const auto found = kind.scan(options, [&](const std::string& doing) {
      if (clock.Now() >= say_at) {
        say_at = clock.Now() + kSayEvery;
        out_.Say(doing);
      }
      return !signals.came();
    });
    options.Finish();
    if (!mistakes.empty()) {
      std::string text;
      for (const ConfigProblem& mistake : mistakes.list()) {
        text += (text.empty() ? "" : "; ") + mistake.key + ": " + mistake.text;
      }
      return Fail(Exit::kUsage, kind.name + ": " + text);
    }
    if (signals.came()) out_.Say("ended by a signal");
    if (!found) {
      AddProblem(kind.name, found.error().text);
      return {};
    }
    for (const driver::Found& device : *found) {
      Add({{"kind", kind.name},
           {"device", device.device},
           {"what", device.what},
           {"configuration", device.config}},
          device.what);
      suggestions_ += (suggestions_.empty() ? "" : "\n") + device.config;
    }
    return {};
  }

  void ShowConfiguration() const {
    out_.Line();
    out_.Line(out_.Paint("# for edgetwind's configuration; each driver's README has its options",
                         Style::kDim));
    ShowLines(configuration_, "");
    // Of all kinds at once, they are only what could be: two may name the same port.
    ShowLines(suggestions_, arguments_.kind.empty() ? "# " : "");
  }
  void ShowLines(const std::string& text, const std::string& before) const {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      const std::string line = text.substr(at, end - at);
      out_.Line(line.empty() ? "" : before + Printable(line));
      at = end + 1;
    }
  }

  const Output& out_;
  const ScanArguments& arguments_;
  const ConfigNode options_;
  std::vector<config::DriverInstanceConfig> instances_;  // Of kinds that find their devices.
  std::vector<driver::DriverKind> asked_;
  Table table_{{"KIND", "DEVICE", "WHAT IT HAS"}};
  Json devices_ = Json::array();
  Json problems_ = Json::array();
  std::size_t devices_found_ = 0;
  std::string configuration_;
  std::string suggestions_;
};

}  // namespace

Done ScanDrivers(const Output& out, const ScanArguments& arguments) {
  if (arguments.kind.find('=') != std::string::npos) {
    return Fail(Exit::kUsage, "'" + arguments.kind + "' belongs to a kind: name that first");
  }
  auto options = ReadOptions(arguments);
  if (!options) return tl::unexpected(std::move(options.error()));
  return Scanner(out, arguments, std::move(*options)).Run();
}

}  // namespace edgetwin::cli

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/cli/command_line.h"

#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/api/events.h"
#include "agent/cli/commands.h"
#include "twin/base/config_node.h"
#include "twin/history/gather/excerpt.h"

namespace edgetwin::cli {
namespace {

constexpr const char* kFooter =
    "Exit codes: 0 ok, 1 something is wrong on the device or not applied yet, 2 wrong usage,\n"
    "3 not found, 4 refused, 5 no permission, 69 the daemon can't be reached, 74 a store or "
    "backup\n"
    "can't be used, 78 the configuration is wrong.\n"
    "While the daemon is down, status, ls, get, why, sync, events, alarms, history, export and "
    "backup\nread its store.\n";

struct Options {
  std::string socket;
  std::string config = kConfigDefault;
  std::string store;
  std::string format = "table";
  std::string color = "auto";

  std::string pattern;
  std::string path;
  std::vector<std::string> paths;
  std::string value;
  std::string duration;
  std::string file;
  std::string name;
  std::string write;
  std::string root;
  std::uint64_t count = 0;
  std::uint64_t limit = api::kEventsDefault;
  HistoryArguments history;
  ExportArguments carried;
  ScanArguments scan;
  bool quiet = false;
  bool kinds = false;
  bool json = false;
  bool follow = false;
  bool force = false;
  bool purge = false;
  bool yes = false;
  bool without_values = false;
};

// What main needs of the command line once it is parsed.
struct Chosen {
  std::function<Done(const Context&)> run;
  bool from_store = false;  // Can answer from the store alone.
  bool alone = false;       // Asks neither.
};

const CLI::Validator& IsDuration() {
  static const CLI::Validator kValidator(
      [](const std::string& text) {
        const auto duration = ParseDuration(text);
        if (!duration) return "'" + text + "' is no duration: write it as 30s, 15m, 2h or 1d";
        if (duration->count() < 1) return "'" + text + "' is too short";
        return std::string();
      },
      "DURATION", "duration");
  return kValidator;
}

class CommandLine {
 public:
  CommandLine() {
    app_.fallthrough();
    app_.require_subcommand(1);
    app_.footer(kFooter);
    app_.set_version_flag("--version", "edgetwin " EDGETWIN_VERSION);
    app_.add_option("--socket", options_.socket,
                    "The daemon's socket; without it the configuration's");
    config_ = app_.add_option("-c,--config", options_.config, "The daemon's configuration")
                  ->capture_default_str();
    store_ = app_.add_option("--store", options_.store,
                             "Read the store in this directory and don't ask the daemon")
                 ->type_name("DIR");
    app_.add_option("-o,--output", options_.format, "table for people, json for programs")
        ->check(CLI::IsMember({"table", "json"}))
        ->capture_default_str();
    app_.add_flag("--json", options_.json, "The same as -o json");
    app_.add_option("--color", options_.color, "When to use colours; NO_COLOR is heeded")
        ->check(CLI::IsMember({"auto", "always", "never"}))
        ->capture_default_str();
    AddReads();
    AddEvents();
    AddHistory();
    AddCarry();
    AddChanges();
    AddStore();
    AddAgent();
  }

  int Main(int argc, char** argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      return Stop(error, argc, argv);
    }
    return Run();
  }

 private:
  CLI::App* Command(const std::string& name, const std::string& help,
                    std::function<Done(const Context&)> run, bool from_store = false) {
    CLI::App* command = app_.add_subcommand(name, help);
    Choose(command, std::move(run), from_store);
    return command;
  }
  void Choose(CLI::App* command, std::function<Done(const Context&)> run, bool from_store) {
    command->callback([this, run = std::move(run), from_store] {
      chosen_.run = run;
      chosen_.from_store = from_store;
    });
  }

  // Asks neither daemon nor store through the context.
  void Alone(CLI::App* command, std::function<Done(const Context&)> run) {
    command->callback([this, run = std::move(run)] {
      chosen_.run = run;
      chosen_.alone = true;
    });
  }

  void AddReads() {
    Command("status", "How the device is, what is wrong first", Status, true);
    Command(
        "ls", "Properties with their values",
        [this](const Context& context) { return List(context, options_.pattern); }, true)
        ->add_option("pattern", options_.pattern,
                     "Only these: * is any run within a segment, ** any run; pump is all of pump/");
    CLI::App* get = Command(
        "get", "Single values",
        [this](const Context& context) { return Get(context, options_.paths, options_.quiet); },
        true);
    get->add_option("path", options_.paths, "Which")->required();
    get->add_flag("-q,--quiet", options_.quiet, "Nothing but the value, without its unit");
    Command(
        "why", "Where a value comes from and what became of it",
        [this](const Context& context) { return Why(context, options_.path); }, true)
        ->add_option("path", options_.path, "Which")
        ->required();
    CLI::App* watch = Command("watch", "Changes as they happen", [this](const Context& context) {
      const auto at_most = ParseDuration(options_.duration).value_or(std::chrono::milliseconds(0));
      return Watch(context, options_.pattern, at_most, options_.count);
    });
    watch->add_option("pattern", options_.pattern, "Only these, as for ls");
    watch->add_option("--for", options_.duration, "End after this time")->check(IsDuration());
    watch->add_option("--count", options_.count, "End after so many changes")
        ->check(CLI::PositiveNumber);
  }

  void AddEvents() {
    CLI::App* sync = app_.add_subcommand("sync", "The sync with the cloud");
    sync->require_subcommand(1);
    Choose(sync->add_subcommand("status", "Whether it works, what is owed, and what to do"),
           SyncStatus, true);
    CLI::App* events = Command(
        "events", "What happened on the device, newest last",
        [this](const Context& context) {
          const auto limit = static_cast<std::size_t>(options_.limit);
          if (!options_.follow) return Events(context, limit);
          const auto at_most = ParseDuration(options_.duration);
          return FollowEvents(context, limit, at_most.value_or(std::chrono::milliseconds(0)),
                              options_.count);
        },
        true);
    events->add_option("--limit", options_.limit, "At most so many, the newest")
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{api::kEventsMax}))
        ->capture_default_str();
    CLI::Option* follow =
        events->add_flag("-f,--follow", options_.follow, "Go on with what happens from now on");
    events->add_option("--for", options_.duration, "End after this time")
        ->needs(follow)
        ->check(IsDuration());
    events->add_option("--count", options_.count, "End after so many")
        ->needs(follow)
        ->check(CLI::PositiveNumber);
    CLI::App* alarms = app_.add_subcommand("alarms", "Alarms that are raised or not acknowledged");
    alarms->require_subcommand(0, 1);
    CLI::App* ack = alarms->add_subcommand("ack", "Say that you have seen a property's alarms");
    ack->add_option("path", options_.path, "Which")->required();
    // The callbacks of both are called.
    alarms->callback([this, ack] {
      chosen_.from_store = !ack->parsed();
      if (ack->parsed()) {
        chosen_.run = [this](const Context& context) {
          return AcknowledgeAlarms(context, options_.path);
        };
      } else {
        chosen_.run = Alarms;
      }
    });
  }

  void AddHistory() {
    CLI::App* history = app_.add_subcommand("history", "What a property's values were");
    history->require_subcommand(0, 1);
    HistoryArguments& arguments = options_.history;
    history->add_option("path", arguments.path, "Which; a plot of the last hour");
    history->add_option("--from", arguments.from, "How long ago, or when: 2h, 7d");
    history->add_option("--to", arguments.to, "Likewise; now");
    CLI::Option* points =
        history
            ->add_option("--points", arguments.points,
                         "Minimum, mean and maximum of so many intervals instead of every sample")
            ->check(CLI::Range(std::size_t{1}, history::kExcerptPointsMax));
    CLI::Option* table = history->add_flag("--table", arguments.table, "A table instead of a plot");
    history->add_flag("--csv", arguments.csv, "Comma-separated values instead of a plot")
        ->excludes(table);
    CLI::App* gaps =
        history->add_subcommand("gaps", "Which samples are gone, and why; all are accounted for");
    gaps->add_option("path", options_.path, "Only this one's");
    CLI::App* audit =
        history->add_subcommand("audit", "Whether every sample is stored or accounted for");
    // The callbacks of both are called.
    history->callback([this, gaps, audit, points] {
      chosen_.from_store = true;
      if (gaps->parsed()) {
        chosen_.run = [this](const Context& context) {
          return HistoryGaps(context, options_.path);
        };
      } else if (audit->parsed()) {
        chosen_.run = HistoryAudit;
      } else {
        if (options_.history.path.empty()) {
          throw CLI::RequiredError("which property's? A path, or gaps, or audit");
        }
        // Who says how many wants to see them.
        options_.history.table = options_.history.table || points->count() > 0;
        chosen_.run = [this](const Context& context) { return History(context, options_.history); };
      }
    });
  }

  void AddCarry() {
    ExportArguments& arguments = options_.carried;
    CLI::App* carry = Command(
        "export", "Write what the cloud doesn't have of the history to a file, to be carried there",
        [this](const Context& context) { return Export(context, options_.carried); }, true);
    carry->add_option("file", arguments.file, "Where to; edgetwin-cloud import takes it")
        ->required();
    carry->add_flag("--since-last", arguments.since_last, "Only what came after the last export");
    carry->add_option("--from", arguments.from, "Only of this time on: how long ago, or when");
    carry->add_option("--to", arguments.to, "Only up to this time");
    carry->add_option("--path", arguments.pattern, "Only these properties, as for ls");
    carry->add_flag("--force", arguments.force, "Replace the file whatever it is");
    Command("receipt", "Take the cloud's word for it that it has what was exported",
            [this](const Context& context) { return TakeReceipt(context, options_.file); })
        ->add_option("file", options_.file, "The receipt; edgetwin-cloud import writes it")
        ->required();
  }

  void AddStore() {
    CLI::App* backup = Command(
        "backup", "A copy of the store, also while the daemon runs",
        [this](const Context& context) { return Backup(context, options_.file, options_.force); },
        true);
    backup->add_option("file", options_.file, "Where to")->required();
    backup->add_flag("--force", options_.force, "Replace the file if it is there");
    CLI::App* restore = Command(
        "restore", "Put a backup in the place of the store; the daemon must be stopped",
        [this](const Context& context) { return Restore(context, options_.file, options_.yes); },
        true);
    restore->add_option("file", options_.file, "The backup")->required();
    restore->add_flag("-y,--yes", options_.yes, "Don't ask; without it nothing is changed unseen");
    CLI::App* reset = Command(
        "factory-reset", "Begin with an empty store; the daemon must be stopped",
        [this](const Context& context) {
          return FactoryReset(context, options_.purge, options_.yes);
        },
        true);
    reset->add_flag("--purge", options_.purge, "Remove the old store instead of keeping it aside");
    reset->add_flag("-y,--yes", options_.yes, "Don't ask; without it nothing is changed unseen");
  }

  void AddChanges() {
    const auto hold = [this](const Context& context) {
      return Override(context, options_.path, options_.value, ParseDuration(options_.duration));
    };
    const auto add = [&](const std::string& name, const std::string& help) {
      CLI::App* command = Command(name, help, hold);
      command->add_option("path", options_.path, "Which")->required();
      command->add_option("value", options_.value, "In the property's unit")->required();
      return command->add_option("--for", options_.duration, "How long: 30s, 15m, 2h; up to 30d")
          ->check(IsDuration());
    };
    add("set", "Hold a value, for 15 minutes unless told otherwise");
    add("override", "Hold a value for a stated time")->required();
    Command("release", "Give a held value back to the cloud",
            [this](const Context& context) { return Release(context, options_.path); })
        ->add_option("path", options_.path, "Which")
        ->required();
  }

  void AddDrivers() {
    CLI::App* drivers = app_.add_subcommand("drivers", "Driver instances and their devices");
    drivers->require_subcommand(0, 1);
    drivers->add_flag("--kinds", options_.kinds, "The kinds of driver that there are instead");
    CLI::App* scan = drivers->add_subcommand(
        "scan", "What this machine has, with a configuration to begin with");
    scan->add_option("kind", options_.scan.kind,
                     "Only this kind's: can, gpio, host, hwmon, iio, modbus, nmea, thermal, w1");
    scan->add_option("options", options_.scan.options,
                     "KEY=VALUE, as in the configuration: of modbus, endpoint=tcp://HOST or "
                     "device=/dev/… with baud=, and units=1-247, to ask who is on a bus");
    scan->add_option("--root", options_.scan.root, "Look at a recorded tree instead of /")
        ->type_name("DIR");
    CLI::App* probe = drivers->add_subcommand(
        "probe", "Read one instance of the configuration once; without the daemon");
    probe->add_option("name", options_.name, "Which")->required();
    probe
        ->add_option("--write", options_.write,
                     "Then write this, and show what the device has; otherwise it is only read")
        ->type_name("PATH=VALUE");
    CLI::App* test = drivers->add_subcommand(
        "test", "Run a configuration's drivers for some time; without the daemon");
    test->add_option("file", options_.file, "Which; without it that of --config");
    for (CLI::App* command : {probe, test}) {
      command->add_option("--for", options_.duration, "At most so long; 10s")->check(IsDuration());
    }
    // The callbacks of all that were named are called.
    drivers->callback([this, scan, probe, test] {
      chosen_.alone = scan->parsed() || probe->parsed() || test->parsed();
      chosen_.run = [this, scan, probe, test](const Context& context) {
        const auto at_most =
            ParseDuration(options_.duration).value_or(std::chrono::milliseconds(10'000));
        const Output& out = context.out;
        if (scan->parsed()) return ScanDrivers(out, options_.scan);
        if (probe->parsed())
          return ProbeDriver(out, options_.config, options_.name, at_most, options_.write);
        if (test->parsed()) {
          const bool given = !options_.file.empty();
          return TestDrivers(out, given ? options_.file : options_.config, at_most);
        }
        return options_.kinds ? DriverKindList(out) : Drivers(context);
      };
    });
  }

  void AddAgent() {
    AddDrivers();
    CLI::App* doctor = app_.add_subcommand(
        "doctor", "Looks for what is wrong, from the machine to the cloud, and says what to do");
    doctor
        ->add_option("--root", options_.root,
                     "For what the kernel says of the machine: a recorded tree instead of /")
        ->type_name("DIR");
    const auto doctor_arguments = [this] {
      return DoctorArguments{options_.config, options_.socket, options_.root};
    };
    Alone(doctor, [doctor_arguments](const Context& context) {
      return Doctor(context.out, doctor_arguments());
    });
    CLI::App* bundle =
        app_.add_subcommand("bundle", "An archive for whoever is asked for help, without secrets");
    bundle->add_option("file", options_.file, "Where to; edgetwin-DEVICE-TIME.tar.gz");
    bundle->add_flag("--force", options_.force, "Replace the file if it is there");
    bundle->add_flag("--without-values", options_.without_values,
                     "Leave out properties, alarms and events");
    Alone(bundle, [this, doctor_arguments](const Context& context) {
      return Bundle(context.out,
                    {doctor_arguments(), options_.file, options_.force, !options_.without_values});
    });
    Command("limits", "Limits, and how often they bit", Limits);
    Command("reload", "Let the daemon read its configuration again", Reload);
    CLI::App* config = app_.add_subcommand("config", "The configuration");
    config->require_subcommand(1);
    CLI::App* check = config->add_subcommand("check", "Everything that is wrong with it, at once");
    check->add_option("file", options_.file, "Which; without it that of --config");
    Alone(check, [this](const Context& context) {
      return CheckConfig(context.out, options_.file.empty() ? options_.config : options_.file);
    });
    Command("version", "Versions of this program and of the daemon", Version);
  }

  int Stop(const CLI::ParseError& error, int argc, char** argv) {
    if (error.get_exit_code() == 0) return app_.exit(error);
    std::vector<std::string> names;
    for (const CLI::App* command : app_.get_subcommands({})) names.push_back(command->get_name());
    std::string text = error.what();
    if (argc == 1) text = "what is to be done? For a start: edgetwin status";
    if (app_.get_subcommands().empty()) {
      for (int i = 1; i < argc; ++i) {
        const std::string near = argv[i][0] == '-' ? "" : Nearest(argv[i], names);
        if (near.empty() || near == argv[i]) continue;
        text = "there is no command '" + std::string(argv[i]) + "'; did you mean '" + near + "'?";
        break;
      }
    }
    Output(false, Color::kNever).Say(text + "\nedgetwin --help says more");
    return static_cast<int>(Exit::kUsage);
  }

  int Run() {
    const std::map<std::string, Color> colors = {
        {"auto", Color::kAuto}, {"always", Color::kAlways}, {"never", Color::kNever}};
    const Output out(options_.json || options_.format == "json", colors.at(options_.color));
    const Done done = Execute(out);
    Exit exit = done ? *done : done.error().exit;
    if (!done) out.Say(done.error().text);
    if (std::fflush(stdout) != 0 && exit == Exit::kOk) {
      out.Say("the answer could not be written");
      exit = Exit::kProblems;
    }
    return static_cast<int>(exit);
  }

  Done Execute(const Output& out) {
    const bool store_only = store_->count() > 0;
    if (store_only && !chosen_.from_store && !chosen_.alone) {
      return Fail(Exit::kUsage, "this needs the daemon; a store alone can't answer it");
    }
    auto places = chosen_.alone ? Outcome<Places>(Places())
                                : FindPlaces(options_.config, config_->count() > 0);
    if (!places) return tl::unexpected(std::move(places.error()));
    if (!options_.socket.empty()) places->socket = options_.socket;
    if (store_only) places->store = options_.store;
    const Client client(places->socket);
    Reader reader(client, *places, store_only, [&out](const std::string& text) { out.Say(text); });
    return chosen_.run({out, client, reader, *places, store_only});
  }

  CLI::App app_{"edgetwin: looks at this device's twin, holds values, and explains them"};
  CLI::Option* config_ = nullptr;
  CLI::Option* store_ = nullptr;
  Options options_;
  Chosen chosen_;
};

}  // namespace

int RunCommandLine(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  return CommandLine().Main(argc, argv);
}

}  // namespace edgetwin::cli

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/cloud/cli/operator.h"

#include "sync/cloud/api_guard.h"
#include "sync/cloud/cli/text.h"

namespace edgetwin::cloudcli {
namespace {

constexpr const char* kFooter =
    "Exit codes: 0 ok, 1 the command failed on the device or was not answered in time, or not all "
    "of "
    "a\nfile could be taken, 3 not found, 4 refused, 5 no permission, 64 wrong usage, 69 "
    "edgetwin-cloud can't be reached.";

}  // namespace

CLI::App* Operator::Add(CLI::App& parent, const std::string& name, const std::string& what,
                        Command command, bool device) {
  CLI::App* app = parent.add_subcommand(name, what);
  app->footer(kFooter);
  app->add_option("--url", asked_.url, "Where edgetwin-cloud serves its API")
      ->envname("EDGETWIN_CLOUD_URL")
      ->capture_default_str();
  app->add_option("--token-file", asked_.token_file,
                  "File whose first line is the token that edgetwin-cloud asks for")
      ->envname("EDGETWIN_CLOUD_TOKEN_FILE");
  app->add_flag("--json", asked_.json, "Print the API's document");
  if (device) app->add_option("ID", asked_.device, "The device's id")->required();
  app->callback([this, command] { chosen_ = command; });
  return app;
}

Operator::Operator(CLI::App& app) {
  CLI::App* devices =
      app.add_subcommand("devices", "Show devices, and decide who may speak for them");
  devices->require_subcommand(1);
  devices->footer(kFooter);
  Add(*devices, "list", "All devices and where they stand", &ListDevices, false);
  Add(*devices, "show", "Everything about one device", &ShowDevice, true);
  Add(*devices, "why", "Why a device stands as it does, and what can be done", &WhyDevice, true);
  Add(*devices, "unfence", "Let in the one that was refused: it is the right one", &Unfence, true);
  Add(*devices, "adopt", "Let the next one in that says it is this device: a replacement board",
      &Adopt, true);
  Add(*devices, "withdraw", "Take back what unfence or adopt allowed, while nobody has used it",
      &Withdraw, true);
  Add(*devices, "decommission", "Let nobody speak for the device any more", &Decommission, true)
      ->add_flag("--yes", asked_.yes, "Do it without asking");
  Add(app, "events", "What a device told of, the newest first", &ListEvents, true)
      ->add_option("--limit", asked_.limit, "At most so many")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  CLI::App* commands =
      Add(app, "commands", "What a device was asked for, and its answers", &ListCommands, true);
  commands->add_option("--limit", asked_.limit, "At most so many")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  commands->add_flag("--open", asked_.open, "Only those without an answer");
  CLI::App* command = Add(app, "command", "Ask a device to do something once", &GiveCommand, true);
  command->add_option("NAME", asked_.name, "write, read or ack_alarm")->required();
  command->add_option("PATH", asked_.path, "The property, as in valve/position");
  command->add_option("VALUE", asked_.value, "JSON; what is not JSON is taken as a text");
  command->add_option("--expires-in", asked_.expires_in, "Seconds in which it must begin")
      ->check(CLI::Range(1, 30 * 86'400))
      ->capture_default_str();
  command->add_flag("--wait", asked_.wait, "Wait for the answer, and show it");
  CLI::App* import =
      Add(app, "import", "Take the history that `edgetwin export` wrote to a file", &Import, false);
  import->add_option("FILE", asked_.file, "The file")->required();
  import->add_option("--receipt", asked_.receipt,
                     "Write there, for `edgetwin receipt` on the device, what it needs not send");
}

std::optional<int> Operator::Run() const {
  if (chosen_ == nullptr) return std::nullopt;
  std::string token;
  if (!asked_.token_file.empty()) {
    auto read = cloud::ReadTokenFile(asked_.token_file);
    if (!read) {
      Say(read.error().text);
      return static_cast<int>(read.error().code == ErrorCode::kPermission ? Exit::kPermission
                                                                          : Exit::kUsage);
    }
    token = *std::move(read);
  }
  std::string url = asked_.url;
  while (url.ends_with('/')) url.pop_back();
  const Done done = chosen_(Client(std::move(url), std::move(token)), asked_);
  if (!done) Say(done.error().text);
  return static_cast<int>(done ? *done : done.error().exit);
}

}  // namespace edgetwin::cloudcli

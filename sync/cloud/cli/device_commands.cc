// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <unistd.h>

#include <iostream>

#include "sync/cloud/cli/operator.h"
#include "sync/cloud/cli/text.h"
#include "twin/http/uri.h"

namespace edgetwin::cloudcli {
namespace {

constexpr int kPagesMax = 1'000;  // Of a thousand devices each.

std::string Target(const Asked& asked, std::string_view what = {}) {
  return "/v1/devices/" + http::PercentEncode(asked.device) + std::string(what);
}

// What to say in one line of the list.
std::string Note(const Json& device) {
  if (At(device, "probing").is_boolean()) return "another one says that he is this device";
  const Json& claim = At(device, "claim");
  if (claim.is_object()) return "refused " + AgoAt(claim, "at") + ": " + TextAt(claim, "why");
  return TextAt(device, "trouble", "");
}

std::string Revision(const Json& device, std::string_view side) {
  return std::to_string(NumberAt(At(device, "revision"), side));
}

void PrintStanding(const Json& device) {
  Line(TextAt(device, "id") + " is " + TextAt(device, "state") + ": " +
       TextAt(device, "explanation"));
}

void PrintClaim(const Json& device) {
  const Json& claim = At(device, "claim");
  if (!claim.is_object()) return;
  Line("");
  Line("Who was refused");
  Table table({});
  table.Add({"  why", TextAt(claim, "why")});
  table.Add({"  hardware", TextAt(claim, "hardware")});
  table.Add({"  store", TextAt(claim, "inc")});
  table.Add({"  first, by its clock", WhenAt(claim, "at")});
  table.Add({"  last, by ours", WhenAt(claim, "last_refused")});
  table.Print();
}

void PrintActions(const Json& device) {
  Line("");
  Line("What you can do");
  const std::string id = TextAt(device, "id");
  const bool refused = At(device, "claim").is_object();
  Table table({});
  for (const Json& action : At(device, "actions")) {
    const std::string what = TextAt(action, "do");
    const std::string word = what != "admit" ? what : refused ? "unfence" : "adopt";
    table.Add({"  edgetwin-cloud devices " + word + " " + id, TextAt(action, "text")});
  }
  table.Print();
}

// What was decided, said; the document with --json.
Done Decided(const Asked& asked, const Outcome<Json>& device, const std::string& text) {
  if (!device) return tl::unexpected(device.error());
  if (asked.json) {
    Document(*device);
  } else {
    Line(text);
  }
  return Exit::kOk;
}

// Asks on the terminal. The id is longer than a "y" that slips out.
bool Confirmed(const std::string& device) {
  std::cout << "Type the device's id to decommission it: " << std::flush;
  std::string answer;
  return std::getline(std::cin, answer) && answer == device;
}

}  // namespace

Done ListDevices(const Client& client, const Asked& asked) {
  Json all = Json::array();
  std::string target = "/v1/devices?limit=1000";
  for (int pages = 0; !target.empty(); ++pages) {
    if (pages == kPagesMax) {
      return Fail(Exit::kUnreachable, "the list does not end: is that edgetwin-cloud?");
    }
    const auto page = client.Get(target);
    if (!page) return tl::unexpected(page.error());
    for (const Json& device : At(*page, "devices")) all.push_back(device);
    target = TextAt(*page, "next", "");
  }
  if (asked.json) {
    Document({{"devices", std::move(all)}});
    return Exit::kOk;
  }
  Table table({"ID", "STATE", "LAST HEARD", "EPOCH", "REPORTED", "DESIRED", "SOFTWARE", "HARDWARE",
               "NOTE"});
  for (const Json& device : all) {
    table.Add({TextAt(device, "id"), TextAt(device, "state"), AgoAt(device, "last_heard"),
               std::to_string(NumberAt(device, "epoch")), Revision(device, "reported"),
               Revision(device, "desired"), TextAt(device, "software"), TextAt(device, "hardware"),
               Note(device)});
  }
  if (table.empty()) Say("no device has ever said Hello");
  if (!table.empty()) table.Print();
  return Exit::kOk;
}

Done ShowDevice(const Client& client, const Asked& asked) {
  const auto device = client.Get(Target(asked));
  if (!device) return tl::unexpected(device.error());
  if (asked.json) {
    Document(*device);
    return Exit::kOk;
  }
  PrintStanding(*device);
  Line("");
  Table table({});
  const auto number = [&](std::string_view key) { return std::to_string(NumberAt(*device, key)); };
  const auto both = [&](std::string_view side) {
    return Revision(*device, side) + ", on disk " +
           std::to_string(NumberAt(At(*device, "durable"), side));
  };
  table.Add({"registered", WhenAt(*device, "registered")});
  table.Add({"last heard", WhenAt(*device, "last_heard")});
  table.Add({"software", TextAt(*device, "software")});
  table.Add({"hardware", TextAt(*device, "hardware")});
  table.Add({"trouble", TextAt(*device, "trouble")});
  table.Add({"epoch", number("epoch")});
  table.Add({"admission", TextAt(*device, "admission")});
  table.Add({"properties", number("properties")});
  table.Add({"reported", both("reported")});
  table.Add({"control", both("control")});
  table.Add({"desired", both("desired") + ", acknowledged " + number("desired_acknowledged")});
  table.Add({"events", "up to " + number("events")});
  table.Add({"commands open", number("commands_open")});
  table.Add({"refuses of ours", number("quarantined")});
  table.Add({"stores given up", number("stores_given_up")});
  table.Print();
  PrintClaim(*device);
  Line("");
  Line("Since edgetwin-cloud started");
  Table counters({});
  for (const auto& [name, value] : At(*device, "since_start").items()) {
    counters.Add({"  " + name, value.dump()});
  }
  counters.Print();
  return Exit::kOk;
}

Done WhyDevice(const Client& client, const Asked& asked) {
  const auto device = client.Get(Target(asked));
  if (!device) return tl::unexpected(device.error());
  if (asked.json) {
    Json why = Json::object();
    for (const char* key : {"id", "state", "explanation", "claim", "actions"}) {
      if (device->contains(key)) why[key] = (*device)[key];
    }
    Document(why);
    return Exit::kOk;
  }
  PrintStanding(*device);
  PrintClaim(*device);
  PrintActions(*device);
  return Exit::kOk;
}

Done Unfence(const Client& client, const Asked& asked) {
  const auto device = client.Get(Target(asked));
  if (!device) return tl::unexpected(device.error());
  const bool refused = At(*device, "claim").is_object();
  if (!refused && TextAt(*device, "admission") != "nobody") {
    return Fail(Exit::kRefused, "nobody was refused: '" + asked.device + "' is " +
                                    TextAt(*device, "state") +
                                    "; to put another board in its place, use adopt");
  }
  return Decided(asked, client.Post(Target(asked, "/admit"), {}),
                 "the next one that says it is " + asked.device +
                     " is let in; who is there was asked to say so now");
}

Done Adopt(const Client& client, const Asked& asked) {
  return Decided(asked, client.Post(Target(asked, "/admit"), {}),
                 "the next board that says it is " + asked.device +
                     " takes over; give it the same [device] id, an empty store, and start it");
}

Done Withdraw(const Client& client, const Asked& asked) {
  return Decided(asked, client.Post(Target(asked, "/withdraw"), {}),
                 "nobody is let in; " + asked.device + " stands as it did before");
}

Done Decommission(const Client& client, const Asked& asked) {
  const auto device = client.Get(Target(asked));
  if (!device) return tl::unexpected(device.error());
  if (!asked.yes) {
    std::cerr << Printable(asked.device) << " is " << Printable(TextAt(*device, "state"))
              << ", last heard " << AgoAt(*device, "last_heard") << ".\n"
              << "Once it is decommissioned:\n"
              << "- nobody may speak for it: its session ends, and it is refused from then on;\n"
              << "- what it has not sent yet stays on it, unseen, and it goes on with what was "
                 "desired last;\n"
              << "- " << NumberAt(*device, "commands_open")
              << " open commands will not be answered, and no new ones are taken;\n"
              << "- its twin and its events stay here and can be read.\n"
              << "`edgetwin-cloud devices adopt " << Printable(asked.device) << "` undoes it.\n";
    if (isatty(STDIN_FILENO) == 0) {
      return Fail(Exit::kUsage, "nothing was done: give --yes where nobody can be asked");
    }
    if (!Confirmed(asked.device)) return Fail(Exit::kRefused, "nothing was done");
  }
  return Decided(asked, client.Post(Target(asked, "/decommission"), {{"confirm", asked.device}}),
                 asked.device + " is decommissioned: nobody may speak for it");
}

}  // namespace edgetwin::cloudcli

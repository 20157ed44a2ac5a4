// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "agent/api/events.h"
#include "agent/api/text.h"
#include "agent/cli/document.h"
#include "agent/cli/examine.h"
#include "agent/cli/new_file.h"
#include "agent/config/toml_loader.h"
#include "agent/doctor/bundle.h"
#include "agent/doctor/doctor.h"
#include "twin/base/clock.h"

namespace edgetwin::cli {
namespace {

using doctor::BundlePart;

// "edgetwin-pump-7-20260921T120000Z".
std::string NameOf(const std::string& device) {
  std::string time = api::TimeJson(SystemClock().UntrustedWall()).dump();
  time.erase(std::min(time.find('.'), time.size()));
  std::erase_if(time, [](char c) { return c == '-' || c == ':' || c == '"'; });
  return "edgetwin-" + (device.empty() ? "device" : device) + "-" + time + "Z";
}

// What the agent, or its store, says of itself.
std::vector<BundlePart> AgentParts(const Client& client, const Places& places, bool values,
                                   const doctor::Redactor& redactor) {
  std::vector<BundlePart> parts;
  const auto add = [&](const std::string& name, const Outcome<Json>& document) {
    BundlePart part{"agent/" + name, "", ""};
    if (document) {
      part.text =
          redactor.Clean(document->dump(1, ' ', false, Json::error_handler_t::replace) + "\n");
    } else {
      part.missing = document.error().text;
    }
    parts.push_back(std::move(part));
  };
  Reader reader(client, places, false, [](const std::string&) {});
  add("status.json", reader.Status());
  add("sync.json", reader.Sync());
  add("drivers.json", client.Get("/v1/drivers"));
  add("history-gaps.json", client.Get("/v1/history/gaps"));
  if (values) {
    add("properties.json", reader.Properties(""));
    add("alarms.json", reader.Alarms());
    add("events.json", reader.Events(0, api::kEventsMax));
  }
  const auto metrics = client.Download("GET", "/metrics");
  parts.push_back({"agent/metrics.txt", metrics ? redactor.Clean(*metrics) : "",
                   metrics ? "" : metrics.error().text});
  return parts;
}

void Report(const Output& out, const std::string& file, std::size_t bytes,
            const std::vector<BundlePart>& parts) {
  Json names = Json::array();
  Json missing = Json::array();
  for (const BundlePart& part : parts) {
    if (part.missing.empty()) {
      names.push_back(part.name);
    } else {
      missing.push_back({{"name", part.name}, {"why", part.missing}});
    }
  }
  if (out.json()) {
    return out.Document({{"file", file}, {"bytes", bytes}, {"parts", names}, {"missing", missing}});
  }
  out.Line(Printable(file) + ": " + Bytes(bytes) + ", " +
           api::Count(names.size(), "part", "parts") + " without secrets" +
           (missing.empty() ? ""
                            : "; " + api::Grouped(missing.size()) +
                                  " could not be had, see its "
                                  "README.txt"));
  if (geteuid() != 0) out.Line("with sudo the service's journal may be in it, too");
}

}  // namespace

Done Bundle(const Output& out, const BundleArguments& arguments) {
  if (!arguments.file.empty() && !arguments.replace && access(arguments.file.c_str(), F_OK) == 0) {
    return Fail(Exit::kRefused, arguments.file + " is there already; --force replaces it");
  }
  const auto progress = [&out](const std::string& asked) {
    if (out.terminal()) out.Say("asking " + asked + " …");
  };
  const auto examined = Examine(out, arguments.doctor);
  if (!examined) return tl::unexpected(examined.error());
  const Places& places = examined->places;

  ConfigProblems ignored;  // The findings have them.
  const config::LoadedToml loaded = config::LoadToml(arguments.doctor.config, ignored);
  std::error_code error;
  const auto absolute = std::filesystem::absolute(arguments.doctor.config, error);
  doctor::Redactor redactor;
  redactor.Learn(loaded.root, absolute.parent_path().string());

  std::vector<BundlePart> parts = {
      {"doctor.json",
       redactor.Clean(doctor::FindingsJson(examined->findings)
                          .dump(1, ' ', false, Json::error_handler_t::replace) +
                      "\n"),
       ""},
      {"version.txt", "edgetwin " EDGETWIN_VERSION "\n", ""},
  };
  const auto append = [&parts](std::vector<BundlePart> more) {
    for (BundlePart& part : more) parts.push_back(std::move(part));
  };
  append(AgentParts(Client(places.socket), places, arguments.values, redactor));
  append(doctor::ConfigurationParts(loaded.files, redactor));
  std::vector<std::string> folders = {places.store};
  if (places.history != places.store) folders.push_back(places.history);
  append(doctor::MachineParts(folders, redactor, progress));

  const std::string name = NameOf(places.device);
  const std::string file = arguments.file.empty() ? name + ".tar.gz" : arguments.file;
  const auto packed = doctor::Pack(name, parts);
  if (!packed) return Fail(ExitOf(packed.error()), packed.error().text);
  const auto fine = [](const std::string&) { return edgetwin::Status(); };
  if (const auto done = WriteNewFile(file, *packed, arguments.replace, fine); !done) {
    return Fail(done.error().code == ErrorCode::kConflict ? Exit::kRefused : ExitOf(done.error()),
                "no bundle was made: " + done.error().text);
  }
  Report(out, file, packed->size(), parts);
  return Exit::kOk;
}

}  // namespace edgetwin::cli

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/support/site.h"

#include <chrono>
#include <filesystem>
#include <thread>
#include <utility>

#include "tests/support/port.h"
#include "tests/support/wait.h"

namespace edgetwin::tests {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Addresses as tests/plant/plant.h lays them out.
constexpr const char* kPlant = R"(
[[drivers.plant.unit]]
id = 1
thing = "tank"
register = [
  { name = "level", kind = "input", address = 0, type = "float32", unit = "m", decimals = 3 },
  { name = "inflow", kind = "input", address = 3, type = "float32", unit = "L/s", decimals = 2 },
  { name = "temperature", kind = "input", address = 5, type = "int16", scale = 0.1, unit = "Cel" },
]

[[drivers.plant.unit]]
id = 2
thing = "pump"
register = [
  { name = "speed_setpoint", kind = "holding", address = 0, writable = true,)"
                               R"( unit = "/min", min = 0, max = 3000 },
  { name = "speed", kind = "input", address = 0, unit = "/min" },
  { name = "current", kind = "input", address = 1, scale = 0.01, unit = "A" },
  { name = "running", kind = "coil", address = 0, writable = true },
]

[[drivers.plant.unit]]
id = 3
thing = "valve"
register = [
  { name = "position_setpoint", kind = "holding", address = 0, scale = 0.1, writable = true,)"
                               R"( unit = "%", min = 0, max = 100 },
  { name = "position", kind = "input", address = 0, scale = 0.1, unit = "%" },
]

[[drivers.plant.unit]]
id = 4
thing = "meter"
register = [
  { name = "energy", kind = "input", address = 0, type = "uint32", unit = "W.h" },
]
)";

}  // namespace

Site::Site(SiteOptions options, bool start)
    : options_(std::move(options)),
      broker_(options_.broker),
      plant_port_(FreePort()),
      cloud_port_(FreePort()),
      store_(options_.store_directory.empty() ? folder_.File("device") : options_.store_directory),
      cloud_url_("http://127.0.0.1:" + std::to_string(cloud_port_)),
      socket_(folder_.File("edgetwind.sock")),
      twins_(socket_, cloud_url_, kDevice) {
  std::filesystem::create_directory(folder_.path() / "cloud");
  if (options_.store_directory.empty()) std::filesystem::create_directory(store_);
  std::string config = "[device]\nid = \"" + std::string(kDevice) +
                       "\"\n\n[store]\ndirectory = \"" + store_ + "\"\n" + options_.store_keys +
                       "\n[cloud]\nbrokers = [\"" + broker_.url() + "\"]\n" + options_.cloud_keys +
                       "\n[api]\nsocket = \"" + socket_ + "\"\n\n" + options_.drivers;
  if (options_.plant) {
    config += "\n[drivers.plant]\nkind = \"modbus\"\nendpoint = \"tcp://127.0.0.1:" +
              std::to_string(plant_port_) + "\"\nperiod = \"500ms\"\n" + kPlant;
  }
  config_file_ = folder_.Write("edgetwin.toml", config);
  if (!start) return;
  if (options_.plant && !StartPlant()) return;
  if (!StartCloud() || !StartAgent()) return;
  // The cloud shows the twin before the device has heard its Welcome.
  if (WaitForTwin(15)) WaitForLive(15);
}

Site::Site(SiteOptions options) : Site(std::move(options), true) {}

bool Site::StartPlant(std::vector<std::string> more_args) {
  std::vector<std::string> args = {"--port", std::to_string(plant_port_), "--log",
                                   folder_.File("requests")};
  args.insert(args.end(), more_args.begin(), more_args.end());
  if (!Start(plant_, "edgetwin-plant", std::move(args))) return false;
  return WaitForPort(plant_port_, seconds(10)) || Fail("the plant did not start", "edgetwin-plant");
}

bool Site::StartCloud() {
  std::vector<std::string> args = {"--broker", broker_.url(),
                                   "--store",  folder_.File("cloud"),
                                   "--listen", "127.0.0.1:" + std::to_string(cloud_port_)};
  args.insert(args.end(), options_.cloud_args.begin(), options_.cloud_args.end());
  if (!Start(cloud_, "edgetwin-cloud", std::move(args))) return false;
  return WaitForPort(cloud_port_, seconds(10)) || Fail("the cloud did not start", "edgetwin-cloud");
}

bool Site::StartAgent() {
  return Start(agent_, "edgetwind", {"--config", config_file_});
}

bool Site::WaitForTwin(double at_most_s) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(at_most_s);
  while (std::chrono::steady_clock::now() < end) {
    const nlohmann::json twin = nlohmann::json::parse(twins_.AskCloud("").body, nullptr, false);
    if (twin.is_object() && twin.value("connected", false)) return true;
    if (!(trouble_ = Fallen()).empty()) return false;
    std::this_thread::sleep_for(milliseconds(10));
  }
  Fail("the twin did not appear in the cloud", "edgetwind");
  trouble_ += Log("edgetwin-cloud");
  return false;
}

bool Site::WaitForLive(double at_most_s) {
  const auto live = [this] {
    const auto sync = nlohmann::json::parse(twins_.AskDevice("/v1/sync").body, nullptr, false);
    return sync.is_object() && sync.value("state", "") == "live";
  };
  if (Until(live, at_most_s)) return true;
  return Fail("the device did not become live", "edgetwind");
}

bool Site::Fail(const std::string& what, const std::string& program) {
  trouble_ = what + "\n" + Log(program);
  return false;
}

bool Site::Start(std::unique_ptr<Child>& child, const std::string& name,
                 std::vector<std::string> args) {
  if (!std::filesystem::exists(options_.bin + "/" + name)) {
    trouble_ = options_.bin + "/" + name + " is missing: build it first";
    return false;
  }
  ChildOptions options;
  options.args = {options_.bin + "/" + name};
  options.args.insert(options.args.end(), args.begin(), args.end());
  options.output_file = folder_.File(name + ".log");
  child = std::make_unique<Child>(std::move(options));
  return true;
}

std::string Site::Log(const std::string& program) const {
  const std::string log = ReadFile(folder_.File(program + ".log"));
  return log.size() > 4'000 ? log.substr(log.size() - 4'000) : log;
}

std::string Site::Fallen() {
  for (const auto& [child, name] :
       {std::pair{&plant_, "edgetwin-plant"}, std::pair{&cloud_, "edgetwin-cloud"},
        std::pair{&agent_, "edgetwind"}}) {
    if (*child && !(*child)->running())
      return std::string(name) + " ended by itself:\n" + Log(name);
  }
  return {};
}

}  // namespace edgetwin::tests

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/demo/site.h"

#include <chrono>
#include <filesystem>
#include <thread>

#include "tests/support/port.h"

namespace edgetwin::demo {
namespace {

using std::chrono::seconds;

constexpr const char* kDevice = "demo-gateway-1";

// Addresses as tests/plant/plant.h lays them out.
constexpr const char* kPlant = R"(
[[drivers.plant.unit]]
id = 1
thing = "tank"
register = [
  { name = "level", kind = "input", address = 0, type = "float32", unit = "m", decimals = 3, deadband = 0.002 },
  { name = "inflow", kind = "input", address = 3, type = "float32", unit = "L/s", decimals = 2 },
  { name = "temperature", kind = "input", address = 5, type = "int16", scale = 0.1, unit = "Cel" },
]

[[drivers.plant.unit]]
id = 2
thing = "pump"
register = [
  { name = "speed_setpoint", kind = "holding", address = 0, unit = "/min", writable = true, min = 0, max = 3000 },
  { name = "speed", kind = "input", address = 0, unit = "/min" },
  { name = "current", kind = "input", address = 1, scale = 0.01, unit = "A" },
  { name = "running", kind = "coil", address = 0, writable = true },
]

[[drivers.plant.unit]]
id = 3
thing = "valve"
register = [
  { name = "position_setpoint", kind = "holding", address = 0, scale = 0.1, unit = "%", writable = true, min = 0, max = 100 },
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

Site::Site(const std::string& bin) : bin_(bin) {
  const std::uint16_t plant_port = tests::FreePort();
  const std::uint16_t cloud_port = tests::FreePort();
  socket_ = folder_.File("edgetwind.sock");
  cloud_url_ = "http://127.0.0.1:" + std::to_string(cloud_port);
  std::filesystem::create_directory(folder_.path() / "cloud");
  std::filesystem::create_directory(folder_.path() / "device");
  config_file_ = folder_.Write(
      "edgetwin.toml", "[device]\nid = \"" + std::string(kDevice) +
                           "\"\n\n[store]\ndirectory = \"" + folder_.File("device") +
                           "\"\n\n[cloud]\nbrokers = [\"" + broker_.url() +
                           "\"]\n\n[api]\nsocket = \"" + socket_ +
                           "\"\n\n[drivers.host]\nperiod = \"1s\"\n\n[drivers.plant]\n"
                           "kind = \"modbus\"\nendpoint = \"tcp://127.0.0.1:" +
                           std::to_string(plant_port) + "\"\nperiod = \"500ms\"\n" + kPlant);
  if (!Start(plant_, "edgetwin-plant", {"--port", std::to_string(plant_port)})) return;
  if (!tests::WaitForPort(plant_port, seconds(10))) {
    trouble_ = "the plant did not start\n" + LogEnd("edgetwin-plant");
    return;
  }
  if (!Start(cloud_, "edgetwin-cloud",
             {"--broker", broker_.url(), "--store", folder_.File("cloud"), "--listen",
              "127.0.0.1:" + std::to_string(cloud_port)})) {
    return;
  }
  if (!tests::WaitForPort(cloud_port, seconds(10))) {
    trouble_ = "the cloud did not start\n" + LogEnd("edgetwin-cloud");
    return;
  }
  if (!Start(agent_, "edgetwind", {"--config", config_file_})) return;
  twins_ = std::make_unique<tests::TwinPair>(socket_, cloud_url_, kDevice);
  const auto end = std::chrono::steady_clock::now() + seconds(15);
  while (twins_->AskCloud("").status != 200) {
    const std::string fallen = Fallen();
    if (!fallen.empty() || std::chrono::steady_clock::now() > end) {
      trouble_ = fallen.empty() ? "the twin did not appear in the cloud\n" + LogEnd("edgetwind") +
                                      LogEnd("edgetwin-cloud")
                                : fallen;
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

bool Site::Start(std::unique_ptr<tests::Child>& child, const std::string& name,
                 std::vector<std::string> args) {
  if (!std::filesystem::exists(bin_ + "/" + name)) {
    trouble_ = bin_ + "/" + name + " is missing: build it first";
    return false;
  }
  tests::ChildOptions options;
  options.args = {bin_ + "/" + name};
  options.args.insert(options.args.end(), args.begin(), args.end());
  options.output_file = folder_.File(name + ".log");
  child = std::make_unique<tests::Child>(std::move(options));
  return true;
}

std::string Site::LogEnd(const std::string& name) const {
  const std::string log = tests::ReadFile(folder_.File(name + ".log"));
  return log.size() > 2'000 ? log.substr(log.size() - 2'000) : log;
}

std::string Site::Fallen() {
  for (const auto& [child, name] : {std::pair{&plant_, "edgetwin-plant"},
                                    std::pair{&cloud_, "edgetwin-cloud"},
                                    std::pair{&agent_, "edgetwind"}}) {
    if (*child && !(*child)->running()) {
      return std::string(name) + " ended by itself:\n" + LogEnd(name);
    }
  }
  return {};
}

}  // namespace edgetwin::demo

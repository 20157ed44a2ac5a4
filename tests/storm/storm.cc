// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/storm/storm.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "tests/support/port.h"
#include "tests/support/wait.h"

namespace edgetwin::tests {
namespace {

using std::chrono::milliseconds;

constexpr double kPatienceS = 60;
constexpr const char* kProgram = EDGETWIN_SOURCE_DIR "/tests/storm/count.sh";
// Of one exchange: nothing that is well takes so long, on the slowest machine …
constexpr const char* kPatient = "timeout = \"20s\"\n";
// … and what hangs is asked again soon.
constexpr const char* kImpatient = "timeout = \"400ms\"\nbreaker_max = \"1s\"\n";

// A UDP socket on a free port of loopback that takes everything and says nothing.
int SilentSocket(std::uint16_t& port) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (fd < 0 || bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("no UDP socket on loopback");
  }
  port = ntohs(address.sin_port);
  return fd;
}

void Write(const std::filesystem::path& file, const std::string& text) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << text;
}

}  // namespace

const char* ToString(Fault fault) {
  switch (fault) {
    case Fault::kNone: return "none";
    case Fault::kHung: return "hung";
    case Fault::kFlapping: return "flapping";
    case Fault::kLying: return "lying";
    case Fault::kSlow: return "slow";
  }
  return "";
}

Storm::Storm(std::string bin, bool faults, milliseconds period)
    : bin_(std::move(bin)),
      faults_(faults),
      period_(period),
      satellites_([this] { TellPosition(); }) {
  plant_port_ = FreePort();
  StartPlant(plant_, plant_port_, {});
  faulty_port_ = FreePort();
  StartPlant(faulty_plant_, faulty_port_, {"1=silent", "2=garbage", "3=slow:300"});
  flapping_port_ = FreePort();
  StartPlant(flapping_plant_, flapping_port_, {});
  StartWebServer();
  StartSnmpd();
  silent_socket_ = SilentSocket(silent_port_);
  for (int i = 1; i <= 4; ++i) {
    const std::string number = std::to_string(i);
    AddModbus("modbus" + number, plant_port_, 4 + i, Fault::kNone);
    AddHttp("http" + number, "count/" + number, Fault::kNone);
    AddReplay("replay" + number, folder_.File("rows.csv"));
    AddExec("exec" + number, Fault::kNone);
  }
  const auto add_tree = [this](const std::string& name, const std::string& kind, Fault fault) {
    if (kind == "hwmon") {
      AddTree(name, kind, "sys/class/hwmon/hwmon0/temp1_input", "lm75/temp1", fault);
    } else if (kind == "thermal") {
      AddTree(name, kind, "sys/class/thermal/thermal_zone0/temp", "cpu/temperature", fault);
    } else if (kind == "iio") {
      AddTree(name, kind, "sys/bus/iio/devices/iio:device0/in_voltage0_raw", "mcp3008/voltage0",
              fault);
    } else {
      AddTree(name, kind, "sys/bus/w1/devices/w1_bus_master1/28-0316a2795aff/temperature",
              "28-0316a2795aff", fault);
    }
  };
  for (const char* name : {"hwmon1", "thermal1", "thermal2", "w11", "w12", "iio1"}) {
    const std::string_view text = name;
    add_tree(name, std::string(text.substr(0, text.size() - 1)), Fault::kNone);
  }
  AddHost("host1");
  AddNmea("nmea1");
  AddMqtt("mqtt1");
  AddSnmp("snmp1", Fault::kNone);

  AddModbus("modbus_hung", faulty_port_, 1, Fault::kHung);
  AddModbus("modbus_lying", faulty_port_, 2, Fault::kLying);
  AddModbus("modbus_slow", faulty_port_, 3, Fault::kSlow);
  AddModbus("modbus_flapping", flapping_port_, 5, Fault::kFlapping);
  AddHttp("http_hung", "silent", Fault::kHung);
  AddHttp("http_lying", "garbage", Fault::kLying);
  AddHttp("http_slow", "stalled", Fault::kSlow);
  AddExec("exec_hung", Fault::kHung);
  AddExec("exec_lying", Fault::kLying);
  AddExec("exec_flapping", Fault::kFlapping);
  add_tree("w1_hung", "w1", Fault::kHung);
  add_tree("thermal_lying", "thermal", Fault::kLying);
  add_tree("hwmon_flapping", "hwmon", Fault::kFlapping);
  AddSnmp("snmp_hung", Fault::kHung);
}

Storm::~Storm() {
  if (silent_socket_ >= 0) close(silent_socket_);
}

// Ten times a second; lost while nobody listens, as on a line.
void Storm::TellPosition() {
  constexpr std::string_view kSentence =
      "$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n";
  if (turns_++ == 0) fcntl(receiver_.fd(), F_SETFL, fcntl(receiver_.fd(), F_GETFL) | O_NONBLOCK);
  if (turns_ % 5 != 0) return;
  [[maybe_unused]] const ssize_t taken = write(receiver_.fd(), kSentence.data(), kSentence.size());
}

void Storm::Flap() {
  if (!faults_) return;
  gone_ = !gone_;
  const std::string away = flapping_tree_ + ".away";
  if (gone_) {
    flapping_plant_.reset();
    std::filesystem::rename(flapping_tree_, away);
  } else {
    StartPlant(flapping_plant_, flapping_port_, {});
    std::filesystem::rename(away, flapping_tree_);
  }
}

std::string Storm::drivers() const {
  std::string toml;
  for (const StormInstance& instance : instances_) toml += instance.toml;
  return toml;
}

std::string Storm::Period() const {
  return "period = \"" + std::to_string(period_.count()) + "ms\"\n";
}

void Storm::Add(StormInstance instance, const std::string& options) {
  instance.toml =
      "[drivers." + instance.name + "]\nkind = \"" + instance.kind + "\"\n" + options + "\n";
  instances_.push_back(std::move(instance));
}

void Storm::AddModbus(const std::string& name, std::uint16_t port, int unit, Fault fault) {
  const bool well = fault == Fault::kNone || !faults_;
  Add({.name = name,
       .kind = "modbus",
       .fault = fault,
       .path = name + "/level",
       .period = period_,
       .place = std::to_string(well ? plant_port_ : port)},
      "endpoint = \"tcp://127.0.0.1:" + std::to_string(well ? plant_port_ : port) + "\"\n" +
          Period() + (well ? kPatient : kImpatient) + "[[drivers." + name +
          ".unit]]\nid = " + std::to_string(unit) +
          "\nregister = [ { name = \"level\", kind = \"input\", address = 2 } ]\n");
}

void Storm::AddHttp(const std::string& name, const std::string& route, Fault fault) {
  const bool well = fault == Fault::kNone || !faults_;
  Add({.name = name,
       .kind = "http",
       .fault = fault,
       .path = name + "/n",
       .counts = true,
       .period = period_,
       .place = web_ + (well ? "/count/" + name : "/" + route)},
      Period() + std::string(well ? kPatient : kImpatient) + "[[drivers." + name +
          ".request]]\nurl = \"" + web_ + (well ? "/count/" + name : "/" + route) +
          "\"\nproperty = [ { name = \"n\", pointer = \"/n\", type = \"int\" } ]\n");
}

void Storm::AddExec(const std::string& name, Fault fault) {
  const bool well = fault == Fault::kNone || !faults_;
  Add({.name = name,
       .kind = "exec",
       .fault = fault,
       .path = name + "/n",
       .counts = true,
       .period = period_,
       .place = kProgram},
      "program = \"" + std::string(kProgram) + "\"\nargs = [\"" +
          std::string(well ? "steady" : ToString(fault)) + "\"]\nready_within = \"1m\"\n" +
          Period() +
          (well ? "silence = \"1m\"\n"
                : "silence = \"1s\"\nrestart_min = \"200ms\"\nrestart_max = \"1s\"\n"));
}

void Storm::AddReplay(const std::string& name, const std::string& file) {
  constexpr int kRows = 60'000;  // A hundred minutes.
  if (!std::filesystem::exists(file)) {
    std::ofstream rows(file);
    rows << "time,n\n";
    for (int row = 0; row < kRows; ++row) rows << row / 10 << "." << row % 10 << "," << row << "\n";
  }
  Add({.name = name, .kind = "replay", .path = name + "/n", .counts = true, .place = file},
      "file = \"" + file +
          "\"\ntime_format = \"unix_s\"\ncolumn = [ { column = \"n\", type = \"int\" } ]\n");
}

// `file` below the instance's own root is what is read, and `below` the property that it gives.
void Storm::AddTree(const std::string& name, const std::string& kind, const std::string& file,
                    const std::string& below, Fault fault) {
  const std::filesystem::path root = folder_.path() / name;
  const std::filesystem::path device = (root / file).parent_path();
  const bool lies = fault == Fault::kLying && faults_;
  const bool hangs = fault == Fault::kHung && faults_;
  Write(root / file, lies ? "warm\n" : kind == "iio" ? "512\n" : "21500\n");
  if (kind == "hwmon") Write(device / "name", "lm75\n");
  if (kind == "thermal") Write(device / "type", "cpu\n");
  if (kind == "iio") {
    Write(device / "name", "mcp3008\n");
    Write(device / "in_voltage_scale", "3.222656250\n");
  }
  if (kind == "w1") {
    Write(device / "name", "28-0316a2795aff\n");
    Write(device.parent_path() / "w1_master_slave_count", "1\n");
  }
  if (hangs) {  // Whoever opens it waits.
    std::filesystem::remove(root / file);
    if (mkfifo((root / file).c_str(), 0600) != 0) throw std::runtime_error("no FIFO");
  }
  if (fault == Fault::kFlapping) flapping_tree_ = device;
  Add({.name = name,
       .kind = kind,
       .fault = fault,
       .path = name + "/" + below,
       .period = period_,
       .place = root / file},
      "root = \"" + root.string() + "\"\nrescan = \"1s\"\n" + Period());
}

void Storm::AddHost(const std::string& name) {
  Add({.name = name,
       .kind = "host",
       .path = name + "/load/1min",
       .period = period_,
       .place = "/proc/loadavg"},
      Period());
}

void Storm::AddNmea(const std::string& name) {
  Add({.name = name,
       .kind = "nmea",
       .path = name + "/altitude",
       .period = period_,
       .place = receiver_.device()},
      "device = \"" + receiver_.device() + "\"\ntimeout = \"1m\"\n" + Period());
}

void Storm::AddMqtt(const std::string& name) {
  ChildOptions options;
  // Whoever kills the shell ends it all: what it waits for at the time ends by itself.
  options.args = {"/bin/sh", "-c",
                  "i=0; while sleep 0.2; do i=$((i + 1)); mosquitto_pub -q 1 -t storm/n -m $i -p " +
                      std::to_string(local_broker_.port()) + "; done"};
  publisher_ = std::make_unique<Child>(std::move(options));
  Add({.name = name,
       .kind = "mqtt",
       .path = name + "/n",
       .counts = true,
       .place = std::to_string(local_broker_.port())},
      "broker = \"" + local_broker_.url() + "\"\nqos = 1\n[[drivers." + name +
          ".topic]]\ntopic = \"storm/n\"\n"
          "property = [ { name = \"n\", pointer = \"\", type = \"int\" } ]\n");
}

void Storm::AddSnmp(const std::string& name, Fault fault) {
  const bool well = fault == Fault::kNone || !faults_;
  Add({.name = name,
       .kind = "snmp",
       .fault = fault,
       .path = name + "/up",
       .period = period_,
       .place = std::to_string(well ? snmp_port_ : silent_port_)},
      "host = \"127.0.0.1\"\nport = " + std::to_string(well ? snmp_port_ : silent_port_) + "\n" +
          Period() + (well ? kPatient : kImpatient) +
          "property = [ { name = \"up\", oid = \"1.3.6.1.2.1.1.3.0\" } ]\n");
}

void Storm::StartPlant(std::unique_ptr<Child>& plant, std::uint16_t port,
                       const std::vector<std::string>& faults) {
  ChildOptions options;
  options.args = {bin_ + "/edgetwin-plant", "--port", std::to_string(port), "--units", "20"};
  if (faults_) {
    for (const std::string& fault : faults) {
      options.args.insert(options.args.end(), {"--fault", fault});
    }
  }
  options.output_file = folder_.File("plant.log");
  plant = std::make_unique<Child>(std::move(options));
  if (!WaitForPort(port, std::chrono::seconds(60))) {
    throw std::runtime_error("the plant did not start: " + ReadFile(folder_.File("plant.log")));
  }
}

void Storm::StartWebServer() {
  ChildOptions options;
  options.args = {"/usr/bin/python3", EDGETWIN_SOURCE_DIR "/drivers/http/test_server.py",
                  folder_.path().string()};
  options.output_file = folder_.File("web.log");
  web_server_ = std::make_unique<Child>(std::move(options));
  if (!Until([&] { return std::filesystem::exists(folder_.File("port")); }, kPatienceS)) {
    throw std::runtime_error("the web server did not start: " + ReadFile(folder_.File("web.log")));
  }
  web_ = "http://127.0.0.1:" + ReadFile(folder_.File("port"));
}

void Storm::StartSnmpd() {
  close(SilentSocket(snmp_port_));
  const std::string log = folder_.File("snmpd.log");
  ChildOptions options;
  options.args = {"/usr/sbin/snmpd",
                  "-f",
                  "-Le",
                  "-C",
                  "-c",
                  folder_.Write("snmpd.conf", "rocommunity public\n"),
                  "udp:127.0.0.1:" + std::to_string(snmp_port_)};
  options.env = {"SNMP_PERSISTENT_DIR=" + folder_.File("snmp"),
                 "SNMPCONFPATH=" + folder_.File("snmp"), "MIBS="};
  options.output_file = log;
  snmpd_ = std::make_unique<Child>(std::move(options));
  const auto started = [&] {
    return std::filesystem::exists(log) &&
           ReadFile(log).find("NET-SNMP version") != std::string::npos;
  };
  if (!Until(started, kPatienceS))
    throw std::runtime_error("snmpd did not start: " + ReadFile(log));
}

}  // namespace edgetwin::tests

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/modbus/modbus_config.h"

#include <algorithm>
#include <map>
#include <set>

#include "drivers/sdk/policy.h"

namespace edgetwin::driver {
namespace {

using std::chrono::milliseconds;

constexpr int kAddressMax = 65'535;
constexpr int kUnitMax = 247;  // Of a serial line; libmodbus takes these and 255.
constexpr int kBroadcast = 0;  // Of a serial line: to all units, and none answers.
constexpr int kUnitNotUsed =
    255;  // "The device itself" (MODBUS Messaging on TCP/IP V1.0b, 4.4.2.1).
constexpr milliseconds kPeriodMin{10};
constexpr milliseconds kRequestGapMax{1'000};
constexpr milliseconds kPeriodMax = std::chrono::hours(24);

// What units inherit from their instance.
struct UnitDefaults {
  std::string thing;
  milliseconds period{10'000};
  ReadLimits limits;
  bool write_multiple = false;
  milliseconds request_gap{0};
  bool little_words = false;
  bool little_bytes = false;
};

std::string InstanceName(const std::string& prefix) {
  return prefix.substr(prefix.rfind('.') + 1);  // npos + 1 is 0.
}

bool ReadOrder(ConfigReader& config, std::string_view key, bool little) {
  return config.Choice<bool>(key, little, {{"big", false}, {"little", true}});
}

void ReadUnitDefaults(ConfigReader& config, UnitDefaults& defaults) {
  defaults.period = config.Duration("period", defaults.period, kPeriodMin, kPeriodMax);
  ReadLimits& limits = defaults.limits;
  limits.gap_max = static_cast<int>(config.Int("max_gap", limits.gap_max, 0, 124));
  limits.registers_max =
      static_cast<int>(config.Int("max_registers", limits.registers_max, 1, 125));
  limits.bits_max = static_cast<int>(config.Int("max_bits", limits.bits_max, 1, 2'000));
  defaults.write_multiple = config.Bool("write_multiple", defaults.write_multiple);
  defaults.request_gap =
      config.Duration("request_gap", defaults.request_gap, milliseconds(0), kRequestGapMax);
  defaults.little_words = ReadOrder(config, "word_order", defaults.little_words);
  defaults.little_bytes = ReadOrder(config, "byte_order", defaults.little_bytes);
}

const std::vector<std::pair<std::string, TableKind>>& KindChoices() {
  static const auto* choices =
      new std::vector<std::pair<std::string, TableKind>>{{"holding", TableKind::kHolding},
                                                         {"input", TableKind::kInput},
                                                         {"coil", TableKind::kCoil},
                                                         {"discrete", TableKind::kDiscrete}};
  return *choices;
}

const std::vector<std::pair<std::string, RegisterType>>& TypeChoices() {
  static const auto* choices = [] {
    auto* made = new std::vector<std::pair<std::string, RegisterType>>;
    for (int i = 0; i <= static_cast<int>(RegisterType::kString); ++i) {
      const auto type = static_cast<RegisterType>(i);
      made->emplace_back(ToString(type), type);
    }
    return made;
  }();
  return *choices;
}

// A key that this register's type can't have.
void Refuse(ConfigReader& config, std::string_view key, const std::string& why) {
  if (config.Has(key)) config.Problem(key, why);
}

void ReadBit(ConfigReader& config, RegisterSpec& spec) {
  if (IsBits(spec.kind)) {
    return Refuse(config, "bit",
                  "is for registers; a " + std::string(ToString(spec.kind)) + " is one bit");
  }
  if (spec.type != RegisterType::kBool) {
    return Refuse(config, "bit",
                  "is for type = \"bool\", not \"" + std::string(ToString(spec.type)) + "\"");
  }
  if (!config.Has("bit")) {
    return config.Problem("type", "a bool in a " + std::string(ToString(spec.kind)) +
                                      " register needs 'bit', 0 (least significant) to 15");
  }
  spec.bit = static_cast<int>(config.Int("bit", 0, 0, 15));
}

void ReadLayout(ConfigReader& config, RegisterSpec& spec, const UnitDefaults& defaults) {
  const std::string type(ToString(spec.type));
  if (spec.type == RegisterType::kString) {
    if (config.Require("length")) {
      spec.length_bytes = static_cast<int>(config.Int("length", 2, 1, kStringBytesMax));
    } else {
      spec.length_bytes = 2;
    }
  } else {
    Refuse(config, "length", "is for type = \"string\", not \"" + type + "\"");
  }
  if (spec.type == RegisterType::kString || spec.count() < 2) {
    Refuse(config, "word_order", "is for values of two and more registers, not \"" + type + "\"");
  } else {
    spec.little_words = ReadOrder(config, "word_order", defaults.little_words);
  }
  if (spec.type == RegisterType::kBool && IsBits(spec.kind)) {
    Refuse(config, "byte_order", "is for registers");
  } else {
    spec.little_bytes = ReadOrder(config, "byte_order", defaults.little_bytes);
  }
}

void ReadScale(ConfigReader& config, RegisterSpec& spec) {
  if (!IsInteger(spec.type) && spec.type != RegisterType::kFloat32 &&
      spec.type != RegisterType::kFloat64) {
    const std::string why = "is for numbers, not \"" + std::string(ToString(spec.type)) + "\"";
    Refuse(config, "scale", why);
    Refuse(config, "offset", why);
    return;
  }
  spec.scaled = config.Has("scale") || config.Has("offset");
  spec.scale = config.OptionalDouble("scale").value_or(1);
  spec.offset = config.OptionalDouble("offset").value_or(0);
  if (spec.scale == 0) {
    config.Problem("scale", "must not be 0");
    spec.scale = 1;
  }
}

RegisterSpec ReadSpec(ConfigReader& config, const UnitDefaults& defaults) {
  RegisterSpec spec;
  config.Require("kind");
  spec.kind = config.Choice<TableKind>("kind", TableKind::kHolding, KindChoices());
  config.Require("address");
  spec.address = static_cast<int>(config.Int("address", 0, 0, kAddressMax));
  const bool bits = IsBits(spec.kind);
  spec.type = config.Choice<RegisterType>(
      "type", bits ? RegisterType::kBool : RegisterType::kUint16, TypeChoices());
  if (bits && spec.type != RegisterType::kBool) {
    config.Problem("type", "a " + std::string(ToString(spec.kind)) + " is a bool, not \"" +
                               std::string(ToString(spec.type)) + "\"");
    spec.type = RegisterType::kBool;
  }
  ReadBit(config, spec);
  ReadLayout(config, spec, defaults);
  ReadScale(config, spec);
  if (spec.end() > kAddressMax + 1) {
    config.Problem("address", std::to_string(spec.address) + " and the " +
                                  std::to_string(spec.count() - 1) +
                                  " after it reach past the last address, 65535");
  }
  return spec;
}

void ReadWriting(ConfigReader& config, ModbusRegister& reg) {
  ReadWriteOptions(config, reg.def);
  if (!reg.def.writable) return;
  if (reg.spec.kind == TableKind::kInput || reg.spec.kind == TableKind::kDiscrete) {
    config.Problem("writable", "a device's " + std::string(ToString(reg.spec.kind)) +
                                   (reg.spec.kind == TableKind::kInput ? " registers" : " inputs") +
                                   " can't be written");
  }
}

ModbusRegister ReadRegister(ConfigReader& config, const ModbusUnit& unit,
                            const UnitDefaults& options) {
  ModbusRegister reg;
  config.Require("name");
  const std::string name = config.String("name", "");
  reg.spec = ReadSpec(config, options);
  reg.def.type = ValueTypeOf(reg.spec);
  if (reg.def.type == model::ValueType::kDouble && IsInteger(reg.spec.type)) {
    reg.def.decimals = ImpliedDecimals(reg.spec.scale, reg.spec.offset);
  }
  ReadPropertyOptions(config, reg.def);
  reg.spec.decimals = reg.def.decimals;
  ReadWriting(config, reg);
  reg.def.source = "unit " + std::to_string(unit.id) + " " + Describe(reg.spec);
  const Result<model::Path> path = model::Path::Parse(options.thing + "/" + name);
  if (path) {
    reg.def.path = *path;
  } else if (config.Has("name")) {
    config.Problem("name", "'" + name + "': " + path.error().text);
  }
  config.Finish();
  return reg;
}

// Two values that share some addresses but not all are nearly always one mistyped address. The same
// register read twice (as a number and as its bits) is fine.
bool Collide(const RegisterSpec& a, const RegisterSpec& b) {
  if (a.kind != b.kind || a.bit || b.bit) return false;
  const bool same = a.address == b.address && a.end() == b.end();
  return !same && a.address < b.end() && b.address < a.end();
}

class Reader {
 public:
  explicit Reader(ConfigReader& config) : config_(config) {}

  // Where the bus is, without its units.
  ModbusConfig ReadPlaceOnly(milliseconds timeout) {
    result_.instance = config_.prefix();
    result_.timeout = timeout;
    ReadPlace();
    return std::move(result_);
  }

  ModbusConfig Read() {
    result_.instance = config_.prefix();
    ReadPlace();
    result_.breaker_failures =
        static_cast<int>(config_.Int("breaker_failures", result_.breaker_failures, 1, 1'000));
    result_.breaker_max = config_.Duration("breaker_max", result_.breaker_max, milliseconds(100),
                                           std::chrono::hours(24));
    defaults_.thing = config_.String("thing", InstanceName(config_.prefix()));
    ReadUnitDefaults(config_, defaults_);
    config_.Require("unit");
    std::vector<ConfigReader> units = config_.Tables("unit");
    if (config_.Has("unit") && units.empty()) config_.Problem("unit", "names no unit");
    for (ConfigReader& unit : units) ReadUnit(unit, units.size() > 1);
    return std::move(result_);
  }

 private:
  void ReadPlace() {
    result_.timeout =
        config_.Duration("timeout", result_.timeout, milliseconds(10), std::chrono::minutes(1));
    if (config_.Has("device")) return ReadSerial();
    const std::string why = "is for a serial line, which 'device' names";
    serial::RefusePortOptions(config_, why);
    Refuse(config_, "byte_timeout", why);
    Refuse(config_, "echo", why);
    if (!config_.Has("endpoint")) {
      return config_.Problem("endpoint", "is required, or a serial line's device");
    }
    ReadEndpoint();
  }

  void ReadSerial() {
    Refuse(config_, "endpoint", "can't stand beside 'device': an instance is one bus");
    result_.serial.emplace();
    serial::ReadPortOptions(config_, *result_.serial);
    if (result_.serial->data_bits != 8) {
      config_.Problem("data_bits", "Modbus RTU has 8");  // MODBUS over Serial Line V1.02, 2.5.1.
    }
    result_.byte_timeout = config_.Duration("byte_timeout", result_.byte_timeout, milliseconds(1),
                                            std::chrono::minutes(1));
    result_.echo = config_.Bool("echo", result_.echo);
  }

  void ReadEndpoint() {
    const std::string text = config_.String("endpoint", "");
    if (text.empty()) return config_.Problem("endpoint", "must be \"tcp://host:port\"");
    Result<Endpoint> endpoint = ParseEndpoint(text);
    if (endpoint) {
      result_.endpoint = *std::move(endpoint);
    } else {
      config_.Problem("endpoint", endpoint.error().text);
    }
  }

  void CheckId(ConfigReader& config, int id) {
    if (result_.serial && (id == kBroadcast || id > kUnitMax)) {
      config.Problem("id", "must be 1 to 247 on a serial line, is " + std::to_string(id));
    } else if (id > kUnitMax && id != kUnitNotUsed) {
      config.Problem(
          "id", "must be 0 to 247, or 255 for a device without units, is " + std::to_string(id));
    }
    if (!unit_ids_.insert(id).second) {
      config.Problem(
          "id", std::to_string(id) + " is configured twice; put all of its registers in one unit");
    }
  }

  void ReadUnit(ConfigReader& config, bool several) {
    ModbusUnit unit;
    config.Require("id");
    unit.id = static_cast<int>(config.Int("id", 1, 0, kUnitNotUsed));
    CheckId(config, unit.id);
    const std::string name = config.String("name", "");
    const std::string own = name.empty() ? std::to_string(unit.id) : name;
    std::string thing = name.empty() && !several ? defaults_.thing : defaults_.thing + "_" + own;
    thing = config.String("thing", thing);
    if (const auto path = model::Path::Parse(thing + "/x"); !path) {
      config.Problem("thing", "'" + thing + "' can't begin a path: " + path.error().text);
      thing = "x";
    }
    unit.name = "unit " + std::to_string(unit.id) + (name.empty() ? "" : " (" + name + ")");
    UnitDefaults own_options = defaults_;
    own_options.thing = thing;
    ReadUnitDefaults(config, own_options);
    unit.period = own_options.period;
    unit.limits = own_options.limits;
    unit.write_multiple = own_options.write_multiple;
    unit.request_gap = own_options.request_gap;
    ReadRegisters(config, unit, own_options);
    config.Finish();
    result_.units.push_back(std::move(unit));
  }

  void ReadRegisters(ConfigReader& config, ModbusUnit& unit, const UnitDefaults& options) {
    config.Require("register");
    std::vector<ConfigReader> tables = config.Tables("register");
    for (ConfigReader& table : tables) {
      if (++registers_ > kRegistersMax) {
        return table.Problem({}, "is register " + std::to_string(registers_) +
                                     " of the instance; " + std::to_string(kRegistersMax) +
                                     " are the most");
      }
      ModbusRegister reg = ReadRegister(table, unit, options);
      CheckFits(table, reg, unit);
      CheckName(table, reg);
      unit.registers.push_back(std::move(reg));
    }
    CheckCollisions(tables, unit);
  }

  static void CheckFits(ConfigReader& table, const ModbusRegister& reg, const ModbusUnit& unit) {
    if (IsBits(reg.spec.kind) || reg.spec.count() <= unit.limits.registers_max) return;
    table.Problem("type", "needs " + std::to_string(reg.spec.count()) +
                              " registers, more than max_registers, " +
                              std::to_string(unit.limits.registers_max));
  }

  void CheckName(ConfigReader& table, const ModbusRegister& reg) {
    if (reg.def.path.empty()) return;
    const auto [found, added] = lines_.emplace(reg.def.path.text(), table.source().line);
    if (added) return;
    table.Problem("name",
                  "'" + reg.def.path.text() + "' is the path of another register" +
                      (found->second > 0 ? ", in line " + std::to_string(found->second) : ""));
  }

  static void CheckCollisions(std::vector<ConfigReader>& tables, const ModbusUnit& unit) {
    std::vector<std::size_t> sorted;
    for (std::size_t i = 0; i < unit.registers.size(); ++i) {
      if (!unit.registers[i].spec.bit) sorted.push_back(i);
    }
    const auto where = [&](std::size_t i) {
      return std::pair(unit.registers[i].spec.kind, unit.registers[i].spec.address);
    };
    std::stable_sort(sorted.begin(), sorted.end(),
                     [&](std::size_t a, std::size_t b) { return where(a) < where(b); });
    for (std::size_t i = 1; i < sorted.size(); ++i) {
      const ModbusRegister& a = unit.registers[sorted[i - 1]];
      const ModbusRegister& b = unit.registers[sorted[i]];
      if (!Collide(a.spec, b.spec)) continue;
      tables[sorted[i]].Problem(
          "address", "'" + std::string(b.def.path.property()) + "' (" + Describe(b.spec) +
                         ") overlaps '" + std::string(a.def.path.property()) + "' (" +
                         Describe(a.spec) + ", " + std::to_string(a.spec.count()) + " registers)");
    }
  }

  ConfigReader& config_;
  ModbusConfig result_;
  UnitDefaults defaults_;
  std::set<int> unit_ids_;
  std::map<std::string, int> lines_;  // By path.
  std::size_t registers_ = 0;
};

}  // namespace

ModbusConfig ReadModbusConfig(ConfigReader& config) {
  return Reader(config).Read();
}

ModbusConfig ReadModbusPlace(ConfigReader& config) {
  return Reader(config).ReadPlaceOnly(milliseconds(300));
}

}  // namespace edgetwin::driver

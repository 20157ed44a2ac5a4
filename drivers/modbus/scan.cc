// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/modbus/scan.h"

#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "drivers/modbus/modbus_bus.h"
#include "drivers/modbus/modbus_config.h"
#include "drivers/sdk/serial/find_ports.h"

namespace edgetwin::driver {
namespace {

constexpr int kUnitMax = 247;
// Of requests in a row that don't reach the bus, when it is given up.
constexpr int kUnreachedMax = 3;

// "17", "1-32".
std::optional<std::pair<int, int>> ParseUnits(std::string_view text) {
  const auto number = [](std::string_view part) {
    int value = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    const bool whole = error == std::errc() && end == part.data() + part.size();
    return whole && value >= 1 && value <= kUnitMax ? std::optional(value) : std::nullopt;
  };
  const std::size_t dash = text.find('-');
  const auto first = number(text.substr(0, dash));
  const auto last = dash == text.npos ? first : number(text.substr(dash + 1));
  if (!first || !last || *last < *first) return std::nullopt;
  return std::pair(*first, *last);
}

std::string Describe(ModbusClient& client, int unit, std::chrono::milliseconds request_time) {
  const SystemClock clock;
  std::string answers;
  std::string refuses;
  for (const TableKind kind :
       {TableKind::kHolding, TableKind::kInput, TableKind::kCoil, TableKind::kDiscrete}) {
    const auto read = client.ReadTable(unit, kind, 0, 1, clock.Now() + request_time);
    // An address that it doesn't have is in a table that it does.
    const bool knows = read || (read.error().answered && read.error().exception != 1);
    std::string& names = knows ? answers : refuses;
    names += (names.empty() ? "" : ", ") + std::string(ToString(kind));
  }
  if (answers.empty()) return "answers, and refuses " + refuses;
  return "answers " + answers + (refuses.empty() ? "" : "; refuses " + refuses);
}

// What a person has to write so that `config` is found again.
std::string PlaceText(const ModbusConfig& config) {
  if (!config.serial) return "endpoint = \"" + config.endpoint.ToString() + "\"\n";
  const serial::PortOptions& port = *config.serial;
  std::string text = "device = \"" + port.device + "\"\nbaud = " + std::to_string(port.baud) + "\n";
  if (port.parity != serial::Parity::kNone) {
    text += port.parity == serial::Parity::kEven ? "parity = \"even\"\n" : "parity = \"odd\"\n";
  }
  if (port.stop_bits != 1) text += "stop_bits = " + std::to_string(port.stop_bits) + "\n";
  return text;
}

}  // namespace

Result<std::vector<FoundUnit>> AskUnits(ModbusClient& client, int first, int last,
                                        std::chrono::milliseconds request_time, const GoOn& go_on) {
  const SystemClock clock;
  std::vector<FoundUnit> list;
  int unreached = 0;
  std::optional<Error> last_error;
  for (int unit = first; unit <= last; ++unit) {
    if (!go_on("asking unit " + std::to_string(unit) + " of " + std::to_string(last))) break;
    const auto read = client.ReadTable(unit, TableKind::kHolding, 0, 1, clock.Now() + request_time);
    if (read || read.error().answered) {
      unreached = 0;
      list.push_back({unit, Describe(client, unit, request_time)});
      continue;
    }
    const Error& error = last_error.emplace(read.error().error);
    if (error.code == ErrorCode::kPermission || error.code == ErrorCode::kUnsupported) return error;
    unreached = error.code == ErrorCode::kUnavailable ? unreached + 1 : 0;
    if (unreached == kUnreachedMax) break;
  }
  if (list.empty() && last_error) {
    return MakeError(last_error->code, "no unit answered: " + last_error->text);
  }
  return list;
}

Result<std::vector<Found>> ScanModbus(ConfigReader& options, const GoOn& go_on) {
  if (!options.Has("endpoint") && !options.Has("device")) {
    return serial::ScanPorts(options, "bus", "`scan modbus device=…` asks who is on it",
                             "kind = \"modbus\"\nbaud = 9600\n");
  }
  // One alone may be written as a number.
  const ConfigNode* const one = options.Raw("units");
  const auto* const number = one == nullptr ? nullptr : std::get_if<std::int64_t>(&one->value);
  const std::string units_text =
      number != nullptr ? std::to_string(*number) : options.String("units", "1-247");
  const auto units = ParseUnits(units_text);
  if (!units) options.Problem("units", "'" + units_text + "' is no range of 1 to 247, as 1-32");
  const ModbusConfig config = ReadModbusPlace(options);
  options.Finish();
  std::vector<Found> list;
  if (!options.problems().empty()) return list;
  const std::unique_ptr<ModbusClient> client = MakeClient(config);
  const auto found = AskUnits(*client, units->first, units->second, RequestTime(config), go_on);
  if (!found) return found.error();
  for (const FoundUnit& unit : *found) {
    list.push_back({"unit " + std::to_string(unit.id), unit.what,
                    "[[drivers.bus.unit]]\nid = " + std::to_string(unit.id) +
                        "\n# profile = …, or [[drivers.bus.unit.register]] for each value\n"});
  }
  if (!list.empty()) {
    list.front().config =
        "[drivers.bus]\nkind = \"modbus\"\n" + PlaceText(config) + "\n" + list.front().config;
  }
  return list;
}

}  // namespace edgetwin::driver

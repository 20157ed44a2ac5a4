// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/can/can_config.h"

#include <linux/can.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "drivers/can/dbc.h"
#include "drivers/can/dbc_file.h"
#include "drivers/sdk/policy.h"

namespace edgetwin::can {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kTimeoutOtherwise{10'000};
constexpr int kCyclesMissed = 10;
// A busy gateway looks at its bus too late now and then, which is not the bus's silence.
constexpr milliseconds kTimeoutMin{1'000};

// What a DBC file says already.
constexpr std::array kLayoutKeys = {"start",  "length", "byte_order",  "type",
                                    "factor", "offset", "multiplexor", "multiplex"};

// The lengths that a data length code can say (ISO 11898-1:2015, table 5).
bool IsFrameLength(int bytes) {
  constexpr std::array kFd = {12, 16, 20, 24, 32, 48, 64};
  return (bytes >= 0 && bytes <= 8) || std::ranges::count(kFd, bytes) > 0;
}

std::string Hex(std::uint32_t id) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), (id & CAN_EFF_FLAG) != 0 ? "%08X" : "%03X",
                id & CAN_EFF_MASK);
  return text.data();
}

// As in UCUM, where people write something else.
std::string Ucum(const std::string& unit) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kUnits = {
      {{"°C", "Cel"}, {"degC", "Cel"}, {"rpm", "/min"}, {"1/min", "/min"}, {"°", "deg"}}};
  for (const auto& [written, meant] : kUnits) {
    if (unit == written) return std::string(meant);
  }
  return unit;
}

class Reader {
 public:
  explicit Reader(ConfigReader& config) : config_(config) {}

  CanConfig Read() {
    ReadInstance();
    std::vector<ConfigReader> tables = config_.Tables("message");
    if (!config_.Has("dbc") && !config_.Has("message")) {
      config_.Problem({}, "needs a 'dbc' file, or [[message]]");
    }
    for (ConfigReader& table : tables) ReadMessage(table);
    if (tables.empty()) {
      for (const DbcMessage& message : dbc_.messages) {
        if (!message.signals.empty()) TakeWhole(message);
      }
      if (result_.messages.size() > kMessagesMax) {
        config_.Problem("dbc", "has " + std::to_string(result_.messages.size()) +
                                   " messages, and the kernel takes filters for " +
                                   std::to_string(kMessagesMax) +
                                   "; name those of interest by [[message]]");
      }
    }
    return std::move(result_);
  }

 private:
  void ReadInstance() {
    thing_ = driver::ReadThing(config_);
    config_.Require("interface");
    result_.interface = config_.String("interface", "");
    const bool bad = result_.interface.empty() || result_.interface.size() >= IFNAMSIZ ||
                     result_.interface.find_first_of("/ \t\n") != std::string::npos;
    if (bad && config_.Has("interface")) {
      config_.Problem("interface", "'" + result_.interface + "' can't be an interface's name");
    }
    result_.period = config_.Duration("period", result_.period, milliseconds(0), hours(24));
    result_.write_within =
        config_.Duration("write_within", result_.write_within, milliseconds(10), hours(1));
    if (config_.Has("timeout")) {
      timeout_ = config_.Duration("timeout", milliseconds(0), milliseconds(0), hours(24));
    }
    check_range_ = config_.Bool("check_range", false);
    policy_.Read(config_);
    ReadDbcFile();
  }

  void ReadDbcFile() {
    if (!config_.Has("dbc")) return;
    const std::string path = config_.String("dbc", "");
    if (!path.starts_with('/')) {
      return config_.Problem("dbc", "'" + path + "' is no absolute path");
    }
    dbc_path_ = path;
    const Result<std::string> text = ReadDbc(path);
    if (!text) return config_.Problem("dbc", text.error().text);
    dbc_ = ParseDbc(*text);
    for (const DbcProblem& problem : dbc_.problems) DbcProblemOf(problem);
    dbc_read_ = dbc_.problems.empty();
    if (!dbc_read_) dbc_.messages.clear();
  }

  void DbcProblemOf(const DbcProblem& problem) {
    config_.problems().Add({dbc_path_, problem.line}, DottedKey(config_.prefix(), "dbc"),
                           problem.text);
  }

  // All of a message's signals, as the DBC file has them.
  void TakeWhole(const DbcMessage& from) {
    CanMessage message = Begin(from);
    for (const DbcSignal& signal : from.signals) message.signals.push_back(Taken(from, signal));
    message.timeout = timeout_.value_or(DefaultTimeout(message, from.cycle));
    for (const CanSignal& signal : message.signals) {
      if (signal.def.path.empty()) {
        DbcProblemOf({from.line, path_problem_});
      } else if (!paths_.emplace(signal.def.path.text(), 0).second) {
        DbcProblemOf({from.line, "'" + signal.def.path.text() + "' is the path of another signal"});
      }
    }
    Keep(std::move(message), nullptr);
  }

  CanMessage Begin(const DbcMessage& from) {
    for (const DbcProblem& problem : from.problems) DbcProblemOf(problem);
    CanMessage message;
    message.name = from.name;
    message.id = from.id | (from.extended ? CAN_EFF_FLAG : 0);
    message.length = from.length;
    for (const DbcSignal& signal : from.signals) {
      if (signal.multiplexor) message.multiplexor = signal.bits;
    }
    return message;
  }

  CanSignal Taken(const DbcMessage& message, const DbcSignal& from) {
    CanSignal signal;
    signal.name = from.name;
    signal.spec.bits = from.bits;
    signal.spec.factor = from.factor;
    signal.spec.offset = from.offset;
    signal.spec.min = from.min;
    signal.spec.max = from.max;
    signal.spec.check_range = check_range_;
    signal.multiplex = from.multiplex;
    signal.def.type = ValueTypeOf(signal.spec);
    signal.def.unit = Ucum(from.unit);
    signal.def.description = from.labels;
    Complete(signal, message.name, std::string());
    return signal;
  }

  // What follows from its layout: decimals, its path, and what rules say.
  void Complete(CanSignal& signal, const std::string& message, const std::string& property) {
    signal.def.decimals = ImpliedDecimals(signal.spec);
    const std::string name = property.empty()
                                 ? model::ToSegment(message) + "/" + model::ToSegment(signal.name)
                                 : property;
    policy_.Apply(name, signal.def);
    signal.spec.decimals = signal.def.decimals;
    if (const Result<model::Path> path = model::Path::Parse(thing_ + "/" + name)) {
      signal.def.path = *path;
    } else {
      path_problem_ = "'" + name + "': " + path.error().text;
    }
  }

  static milliseconds DefaultTimeout(const CanMessage& message, std::optional<milliseconds> cycle) {
    if (message.send_every.count() > 0) cycle = message.send_every;
    if (!cycle || cycle->count() == 0) {
      const bool sent = std::ranges::any_of(
          message.signals, [](const CanSignal& signal) { return signal.def.writable; });
      return sent ? milliseconds(0) : kTimeoutOtherwise;
    }
    // Multiplexed signals take turns.
    std::set<std::uint64_t> turns;
    for (const CanSignal& signal : message.signals) {
      if (signal.multiplex) turns.insert(*signal.multiplex);
    }
    const auto count = static_cast<int>(std::max<std::size_t>(1, turns.size()));
    return std::max(kTimeoutMin, *cycle * kCyclesMissed * count);
  }

  void ReadMessage(ConfigReader& table) {
    table.Require("name");
    const std::string name = table.String("name", "");
    const DbcMessage* from = nullptr;
    if (!table.Has("id")) {
      from = FindMessage(table, name);
      if (from == nullptr) return;  // All that follows depends on it.
      for (const char* key : {"extended", "length"}) table.Refuse(key, "comes from the DBC file");
    }
    CanMessage message = from != nullptr ? Begin(*from) : ReadFrame(table, name);
    std::optional<milliseconds> cycle = from != nullptr ? from->cycle : std::nullopt;
    if (table.Has("cycle")) cycle = table.Duration("cycle", seconds(1), milliseconds(1), hours(1));
    ReadSending(table, message);
    check_range_of_message_ = table.Bool("check_range", check_range_);
    std::vector<ConfigReader> signals = table.Tables("signal");
    for (ConfigReader& signal : signals) ReadSignal(signal, message, from);
    if (from == nullptr) CheckMultiplex(signals, message);
    if (signals.empty() && from != nullptr) {
      for (const DbcSignal& signal : from->signals) message.signals.push_back(Taken(*from, signal));
      for (CanSignal& signal : message.signals) {
        signal.spec.check_range = check_range_of_message_;
        CheckPath(table, signal);
      }
    }
    if (signals.empty() && from == nullptr && table.Has("id")) table.Require("signal");
    message.timeout = timeout_.value_or(DefaultTimeout(message, cycle));
    if (table.Has("timeout")) {
      message.timeout = table.Duration("timeout", message.timeout, milliseconds(0), hours(24));
    }
    CheckSending(table, message);
    table.Finish();
    Keep(std::move(message), &table);
  }

  const DbcMessage* FindMessage(ConfigReader& table, const std::string& name) {
    if (!config_.Has("dbc")) {
      table.Problem("id", "is required, since there is no 'dbc' file");
      return nullptr;
    }
    std::vector<std::string> names;
    for (const DbcMessage& message : dbc_.messages) {
      if (message.name == name) return &message;
      names.push_back(message.name);
    }
    if (dbc_read_ && table.Has("name")) {
      const std::string near = Nearest(name, names);
      table.Problem("name", "the DBC file has no message '" + name + "'" +
                                (near.empty() ? "" : "; did you mean '" + near + "'?"));
    }
    return nullptr;
  }

  CanMessage ReadFrame(ConfigReader& table, const std::string& name) {
    CanMessage message;
    message.name = name;
    const auto id = static_cast<std::uint32_t>(table.Int("id", 0, 0, CAN_EFF_MASK));
    const bool extended = table.Bool("extended", id > CAN_SFF_MASK);
    if (!extended && id > CAN_SFF_MASK) {
      table.Problem("extended", "the id " + std::to_string(id) + " has more than 11 bits");
    }
    message.id = id | (extended ? CAN_EFF_FLAG : 0);
    message.length = static_cast<int>(table.Int("length", 8, 0, kPayloadBytesMax));
    if (!IsFrameLength(message.length)) {
      table.Problem("length", "a frame has up to 8, 12, 16, 20, 24, 32, 48 or 64 bytes, not " +
                                  std::to_string(message.length));
    }
    return message;
  }

  static void ReadSending(ConfigReader& table, CanMessage& message) {
    message.fd = table.Bool("fd", message.length > 8);
    if (!message.fd && message.length > 8) {
      table.Problem("fd", "a message of " + std::to_string(message.length) + " bytes is CAN FD");
    }
    message.bit_rate_switch = table.Bool("bit_rate_switch", false);
    if (message.bit_rate_switch && !message.fd) table.Problem("bit_rate_switch", "needs fd = true");
    if (table.Has("send_every")) {
      message.send_every = table.Duration("send_every", seconds(1), milliseconds(1), hours(1));
    }
    message.send_from_start = table.Bool("send_from_start", false);
    if (message.send_from_start && message.send_every.count() == 0) {
      table.Problem("send_from_start", "needs send_every");
    }
  }

  static void CheckSending(ConfigReader& table, const CanMessage& message) {
    const bool writable = std::ranges::any_of(
        message.signals, [](const CanSignal& signal) { return signal.def.writable; });
    if (message.send_every.count() > 0 && !writable && !message.send_from_start) {
      table.Problem("send_every",
                    "nothing would ever be sent: no signal is writable, and send_from_start is "
                    "not set");
    }
    if ((writable || message.send_every.count() > 0) && !IsFrameLength(message.length)) {
      table.Problem("name", "a message of " + std::to_string(message.length) +
                                " bytes can't be sent: no frame has this length");
    }
  }

  // A multiplexor may stand behind the signals that depend on it.
  static void CheckMultiplex(std::vector<ConfigReader>& tables, const CanMessage& message) {
    for (std::size_t i = 0; i < std::min(tables.size(), message.signals.size()); ++i) {
      const std::optional<std::uint64_t> multiplex = message.signals[i].multiplex;
      if (!multiplex) continue;
      if (!message.multiplexor) {
        tables[i].Problem("multiplex", "needs a signal with multiplexor = true");
      } else if (message.multiplexor->length < 64 &&
                 *multiplex >> message.multiplexor->length != 0) {
        tables[i].Problem("multiplex", std::to_string(*multiplex) +
                                           " is no value of the multiplexor's " +
                                           std::to_string(message.multiplexor->length) + " bits");
      }
    }
  }

  static SignalBits ReadBits(ConfigReader& table) {
    SignalBits bits;
    bits.start = static_cast<int>(table.Int("start", 0, 0, 8 * kPayloadBytesMax - 1));
    bits.type = table.Choice<RawType>("type", RawType::kUnsigned,
                                      {{"unsigned", RawType::kUnsigned},
                                       {"signed", RawType::kSigned},
                                       {"float32", RawType::kFloat32},
                                       {"float64", RawType::kFloat64}});
    const int length = bits.type == RawType::kFloat32   ? 32
                       : bits.type == RawType::kFloat64 ? 64
                                                        : 1;
    bits.length = static_cast<int>(table.Int("length", length, 1, 64));
    bits.order =
        table.Choice<ByteOrder>("byte_order", ByteOrder::kLittle,
                                {{"little", ByteOrder::kLittle}, {"big", ByteOrder::kBig}});
    return bits;
  }

  void ReadSignal(ConfigReader& table, CanMessage& message, const DbcMessage* from) {
    table.Require("name");
    const std::string name = table.String("name", "");
    CanSignal signal;
    if (from != nullptr) {
      const auto found = std::ranges::find(from->signals, name, &DbcSignal::name);
      if (found == from->signals.end()) return NoSuchSignal(table, name, *from);
      signal = Taken(*from, *found);
      for (const char* key : kLayoutKeys) table.Refuse(key, "comes from the DBC file");
    } else {
      signal.name = name;
      ReadLayout(table, signal, message);
    }
    signal.def.type = ValueTypeOf(signal.spec);
    path_problem_.clear();
    Complete(signal, message.name, table.String("property", ""));
    driver::ReadPropertyOptions(table, signal.def);
    signal.spec.decimals = signal.def.decimals;
    signal.def.min = signal.spec.min;
    signal.def.max = signal.spec.max;
    driver::ReadWriteOptions(table, signal.def);
    signal.spec.min = signal.def.min;
    signal.spec.max = signal.def.max;
    signal.spec.check_range = table.Bool("check_range", check_range_of_message_);
    if (signal.spec.check_range && !signal.spec.min && !signal.spec.max && from == nullptr &&
        table.Has("check_range")) {
      table.Problem("check_range", "needs min or max");
    }
    // Limits of what may be written: a reading has none in the twin.
    if (!signal.def.writable) signal.def.min = signal.def.max = std::nullopt;
    ReadInitial(table, signal);
    CheckPath(table, signal);
    table.Finish();
    message.signals.push_back(std::move(signal));
  }

  static void NoSuchSignal(ConfigReader& table, const std::string& name, const DbcMessage& from) {
    std::vector<std::string> names;
    for (const DbcSignal& signal : from.signals) names.push_back(signal.name);
    const std::string near = Nearest(name, names);
    table.Problem("name", "the DBC file's message '" + from.name + "' has no signal '" + name +
                              "'" + (near.empty() ? "" : "; did you mean '" + near + "'?"));
  }

  static void ReadLayout(ConfigReader& table, CanSignal& signal, CanMessage& message) {
    table.Require("start");
    signal.spec.bits = ReadBits(table);
    if (signal.spec.bits.type == RawType::kUnsigned || signal.spec.bits.type == RawType::kSigned) {
      table.Require("length");
    }
    if (const Status fits = CheckBits(signal.spec.bits, message.length); !fits) {
      table.Problem("start", fits.error().text);
    }
    signal.spec.factor = table.OptionalDouble("factor").value_or(1);
    signal.spec.offset = table.OptionalDouble("offset").value_or(0);
    if (signal.spec.factor == 0) {
      table.Problem("factor", "must not be 0");
      signal.spec.factor = 1;
    }
    if (table.Bool("multiplexor", false)) {
      if (message.multiplexor) table.Problem("multiplexor", "is the second of this message");
      message.multiplexor = signal.spec.bits;
      table.Refuse("multiplex", "can't be of the multiplexor itself");
    } else if (table.Has("multiplex")) {
      signal.multiplex = static_cast<std::uint64_t>(
          table.Int("multiplex", 0, 0, std::numeric_limits<std::int64_t>::max()));
    }
  }

  static void ReadInitial(ConfigReader& table, CanSignal& signal) {
    const ConfigNode* node = table.Raw("initial");
    if (node == nullptr) return;
    if (signal.multiplex) {
      return table.Problem("initial", "is for signals that are in each frame of their message");
    }
    model::Value value;
    if (const bool* flag = std::get_if<bool>(&node->value)) value = model::Value(*flag);
    if (const auto* number = std::get_if<std::int64_t>(&node->value)) value = model::Value(*number);
    if (const double* number = std::get_if<double>(&node->value)) value = model::Value(*number);
    value = model::Coerce(signal.def.type, std::move(value));
    if (value.type() != signal.def.type) {
      return table.Problem("initial", "must be a " + std::string(ToString(signal.def.type)) +
                                          ", not " + std::string(node->TypeName()));
    }
    const Result<std::uint64_t> raw = Encode(signal.spec, value);
    if (!raw) return table.Problem("initial", raw.error().text);
    signal.initial = *raw;
  }

  void CheckPath(ConfigReader& table, const CanSignal& signal) {
    if (signal.def.path.empty()) {
      if (table.Has("name")) table.Problem("name", path_problem_);
      return;
    }
    const auto [found, added] = paths_.emplace(signal.def.path.text(), table.source().line);
    if (added) return;
    table.Problem("name",
                  "'" + signal.def.path.text() + "' is the path of another signal" +
                      (found->second > 0 ? ", in line " + std::to_string(found->second) : ""));
  }

  void Keep(CanMessage message, ConfigReader* table) {
    for (CanSignal& signal : message.signals) {
      signal.def.source =
          result_.interface + " " + Hex(message.id) + " " + Describe(signal.spec.bits);
    }
    const bool fitted = signals_ <= kSignalsMax;
    signals_ += message.signals.size();
    if (fitted && signals_ > kSignalsMax) {
      config_.Problem(table == nullptr ? "dbc" : "message",
                      "there are more than " + std::to_string(kSignalsMax) +
                          " signals with those of '" + message.name + "'");
    }
    const auto same = std::ranges::find(result_.messages, message.id, &CanMessage::id);
    if (table != nullptr && table->Has("name") && same != result_.messages.end()) {
      table->Problem(table->Has("id") ? "id" : "name",
                     "the id " + Hex(message.id) + " is that of '" + same->name + "'");
    }
    if (table != nullptr && result_.messages.size() == kMessagesMax) {
      table->Problem({}, "is one message more than the kernel takes filters for, " +
                             std::to_string(kMessagesMax));
    }
    result_.messages.push_back(std::move(message));
  }

  ConfigReader& config_;
  CanConfig result_;
  std::string thing_;
  std::string dbc_path_;
  DbcFile dbc_;
  bool dbc_read_ = false;
  std::optional<milliseconds> timeout_;
  bool check_range_ = false;
  bool check_range_of_message_ = false;
  driver::PolicyRules policy_;
  std::map<std::string, int> paths_;  // To the line where each was configured.
  std::string path_problem_;
  std::size_t signals_ = 0;
};

}  // namespace

CanConfig ReadCanConfig(ConfigReader& config) {
  return Reader(config).Read();
}

}  // namespace edgetwin::can

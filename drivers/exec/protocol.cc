// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/exec/protocol.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <utility>

#include "twin/base/utf8.h"

namespace edgetwin::exec {
namespace {

using model::Value;
using model::ValueType;
using nlohmann::json;

constexpr std::size_t kShownBytesMax = 80;

// One object's members, read strictly: the first mistake is kept, and what nobody asked for is one.
class Members {
 public:
  Members(const json& node, std::string what) : node_(node), what_(std::move(what)) {
    if (!node_.is_object()) Fail("must be an object, not " + ShownJson(node_));
  }

  // Null when absent, or when the object is wrong already.
  const json* Find(const char* key) {
    known_.emplace_back(key);
    if (!status_) return nullptr;
    const auto found = node_.find(key);
    return found == node_.end() ? nullptr : &*found;
  }
  const json* Need(const char* key) {
    const json* found = Find(key);
    if (found == nullptr) Fail(std::string("'") + key + "' is missing");
    return found;
  }
  std::string Text(const char* key, std::size_t bytes_max = kTextBytesMax) {
    const json* found = Find(key);
    if (found == nullptr) return {};
    if (!found->is_string()) {
      Fail(std::string("'") + key + "' must be a string, not " + ShownJson(*found));
      return {};
    }
    if (found->get_ref<const std::string&>().size() > bytes_max) {
      Fail(std::string("'") + key + "' is longer than " + std::to_string(bytes_max) + " bytes");
      return {};
    }
    return found->get<std::string>();
  }
  bool Flag(const char* key) {
    const json* found = Find(key);
    if (found == nullptr) return false;
    if (!found->is_boolean()) {
      Fail(std::string("'") + key + "' must be true or false, not " + ShownJson(*found));
      return false;
    }
    return found->get<bool>();
  }
  std::optional<std::int64_t> Whole(const char* key, std::int64_t max) {
    const json* found = Find(key);
    if (found == nullptr) return {};
    if (found->is_number_unsigned() &&
        found->get<std::uint64_t>() <= static_cast<std::uint64_t>(max)) {
      return found->get<std::int64_t>();
    }
    Fail(std::string("'") + key + "' must be a whole number from 0 to " + std::to_string(max) +
         ", not " + ShownJson(*found));
    return {};
  }
  std::optional<double> Number(const char* key) {
    const json* found = Find(key);
    if (found == nullptr) return {};
    if (found->is_number() && std::isfinite(found->get<double>())) return found->get<double>();
    Fail(std::string("'") + key + "' must be a number, not " + ShownJson(*found));
    return {};
  }
  std::string Path() {
    Need("path");
    std::string path = Text("path", model::kPathBytesMax);
    if (status_ && path.empty()) Fail("'path' is empty");
    return path;
  }

  void Fail(std::string text) {
    if (status_) status_ = Invalid(what_ + ": " + std::move(text));
  }
  // What was wrong first; asks for a member that no getter was asked for.
  Status Finish() {
    if (!status_) return status_;
    for (const auto& [key, value] : node_.items()) {
      if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
      const std::string near = Nearest(key, known_);
      Fail("there is no member " + Shown(std::string_view(key)) +
           (near.empty() ? "" : "; did you mean '" + near + "'?"));
    }
    return status_;
  }

 private:
  const json& node_;
  const std::string what_;
  std::vector<std::string> known_;
  Status status_;
};

// One object, or a list of them.
template <class Each>
Status ForEach(const json& body, std::string_view what, Each each) {
  if (!body.is_array()) return each(body);
  if (body.size() > kItemsMax) {
    return Invalid(std::string(what) + ": a list of " + std::to_string(body.size()) + "; " +
                   std::to_string(kItemsMax) + " are allowed");
  }
  for (const json& node : body) {
    if (Status status = each(node); !status) return status;
  }
  return {};
}

Status ParseDefinition(const json& node, Define& define) {
  Members members(node, "define");
  Define::Item item;
  item.path = members.Path();
  members.Need("type");
  const std::string type = members.Text("type");
  const auto parsed = model::ParseValueType(type);
  if (!parsed || *parsed == ValueType::kNone) {
    members.Fail("'type' must be bool, int, double, string or bytes, not " +
                 Shown(std::string_view(type)));
  } else {
    item.def.type = *parsed;
  }
  item.def.unit = members.Text("unit", 64);
  if (const auto decimals = members.Whole("decimals", model::kDecimalsMax)) {
    item.def.decimals = static_cast<int>(*decimals);
  }
  item.def.writable = members.Flag("writable");
  item.def.min = members.Number("min");
  item.def.max = members.Number("max");
  item.def.description = members.Text("description");
  item.def.source = members.Text("source");
  if (Status status = members.Finish(); !status) return status;
  define.items.push_back(std::move(item));
  return {};
}

Status ParseReading(const json& node, Report& report) {
  Members members(node, "report");
  Report::Item item;
  item.path = members.Path();
  if (const json* value = members.Need("value")) item.value = *value;
  if (members.Find("quality") != nullptr) {
    const std::string quality = members.Text("quality");
    if (quality == "uncertain") {
      item.quality = model::Quality::kUncertain;
    } else if (quality != "good") {
      members.Fail("'quality' must be good or uncertain (say bad for bad), not " +
                   Shown(std::string_view(quality)));
    }
  }
  constexpr std::int64_t kYear10000 = 253'402'300'800'000;
  if (const auto time = members.Whole("time", kYear10000 - 1)) {
    item.time = WallTime(std::chrono::milliseconds(*time));
  }
  if (Status status = members.Finish(); !status) return status;
  report.items.push_back(std::move(item));
  return {};
}

Result<Message> ParseValues(const json& body) {
  Report report;
  if (!body.is_object()) return Invalid("values: must be an object, not " + ShownJson(body));
  if (body.size() > kItemsMax) {
    return Invalid("values: " + std::to_string(body.size()) + " of them; " +
                   std::to_string(kItemsMax) + " are allowed");
  }
  for (const auto& [path, value] : body.items()) {
    Report::Item item;
    item.path = path;
    item.value = value;
    report.items.push_back(std::move(item));
  }
  return Message(std::move(report));
}

template <class M>
Result<Message> ParsePaths(const json& body, const char* what) {
  M message;
  Status status = ForEach(body, what, [&](const json& node) -> Status {
    if (!node.is_string()) {
      return Invalid(std::string(what) + ": must be a path or a list of them, not " +
                     ShownJson(node));
    }
    message.paths.push_back(node.get<std::string>());
    return {};
  });
  if (!status) return status.error();
  return Message(std::move(message));
}

template <class M>
Result<Message> ParseItems(const json& body, const char* what, Status (*each)(const json&, M&)) {
  M message;
  Status status = ForEach(body, what, [&](const json& node) { return each(node, message); });
  if (!status) return status.error();
  return Message(std::move(message));
}

template <class M>
Result<Message> Finished(Members& members, M message) {
  if (Status status = members.Finish(); !status) return status.error();
  return Message(std::move(message));
}

template <class M>
Result<Message> ParseText(const json& body, const char* what) {
  if (!body.is_string()) {
    return Invalid(std::string(what) + ": must be a string, not " + ShownJson(body));
  }
  return Message(M{Words(body.get_ref<const std::string&>(), kTextBytesMax)});
}

Result<Message> ParseReady(const json& body) {
  Members members(body, "ready");
  const auto protocol = members.Whole("protocol", 1'000'000);
  if (protocol && *protocol != kProtocol) {
    members.Fail("the program speaks protocol " + std::to_string(*protocol) + ", this agent " +
                 std::to_string(kProtocol));
  }
  return Finished(members, Ready());
}

Result<Message> ParseReadDone(const json& body) {
  Members members(body, "read_done");
  ReadDone done;
  done.error = Words(members.Text("error"), kTextBytesMax);
  return Finished(members, std::move(done));
}

Result<Message> ParseWriteDone(const json& body) {
  Members members(body, "write_done");
  WriteDone done;
  members.Need("id");
  done.id = static_cast<std::uint64_t>(
      members.Whole("id", std::numeric_limits<std::int64_t>::max()).value_or(0));
  if (const json* value = members.Find("value")) done.value = *value;
  done.error = Words(members.Text("error"), kTextBytesMax);
  done.retry = members.Flag("retry");
  if (!done.value.is_null() && !done.error.empty()) members.Fail("has both a value and an error");
  return Finished(members, std::move(done));
}

Result<json> ParseJson(std::string_view line) {
  // The parser keeps the last of two members of one name: which one was meant nobody knows.
  std::vector<std::set<std::string>> names;
  std::optional<std::string> twice;
  bool deep = false;
  json document = json::parse(
      line.begin(), line.end(),
      [&](int depth, json::parse_event_t event, json& parsed) {
        if (depth >= kDepthMax && (event == json::parse_event_t::object_start ||
                                   event == json::parse_event_t::array_start)) {
          deep = true;
        }
        if (deep) return false;
        if (event == json::parse_event_t::object_start) names.emplace_back();
        if (event == json::parse_event_t::object_end) names.pop_back();
        if (event == json::parse_event_t::key &&
            !names.back().insert(parsed.get_ref<const std::string&>()).second) {
          twice = parsed.get_ref<const std::string&>();
        }
        return true;
      },
      false);
  if (deep) return Invalid("more than " + std::to_string(kDepthMax) + " levels: " + Shown(line));
  if (document.is_discarded()) return Invalid("no JSON: " + Shown(line));
  if (twice) return Invalid(Shown(std::string_view(*twice)) + " stands twice in " + Shown(line));
  if (!document.is_object() || document.size() != 1) {
    return Invalid("a line is an object with one member, not " + Shown(line));
  }
  return document;
}

std::optional<Value> ValueOf(const json& node, ValueType type) {
  switch (type) {
    case ValueType::kBool:
      if (node.is_boolean()) return Value(node.get<bool>());
      break;
    case ValueType::kInt:
      if (node.is_number_unsigned() &&
          node.get<std::uint64_t>() >
              static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        break;
      }
      if (node.is_number_integer()) return Value(node.get<std::int64_t>());
      break;
    case ValueType::kDouble:
      if (node.is_number() && std::isfinite(node.get<double>())) return Value(node.get<double>());
      break;
    case ValueType::kString:
      if (node.is_string() && node.get_ref<const std::string&>().size() <= model::kValueBytesMax) {
        return Value(node.get<std::string>());
      }
      break;
    case ValueType::kBytes:
      if (node.is_string()) {
        auto value = model::ParseValue(node.get_ref<const std::string&>(), type);
        if (value) return *std::move(value);
      }
      break;
    case ValueType::kNone: break;
  }
  return {};
}

std::string_view Wanted(ValueType type) {
  switch (type) {
    case ValueType::kBool: return "true or false";
    case ValueType::kInt: return "a whole number of 64 bits";
    case ValueType::kDouble: return "a finite number";
    case ValueType::kString: return "a string of at most 16 KiB";
    case ValueType::kBytes: return "a string of 0x and pairs of hex digits, at most 16 KiB";
    case ValueType::kNone: break;
  }
  return "nothing";
}

json OptionJson(const ConfigNode& node) {
  if (const auto* table = node.table()) {
    json object = json::object();
    for (const auto& [key, member] : *table) object[key] = OptionJson(member);
    return object;
  }
  if (const auto* array = node.array()) {
    json list = json::array();
    for (const ConfigNode& item : *array) list.push_back(OptionJson(item));
    return list;
  }
  if (const auto* flag = std::get_if<bool>(&node.value)) return *flag;
  if (const auto* whole = std::get_if<std::int64_t>(&node.value)) return *whole;
  if (const auto* real = std::get_if<double>(&node.value)) return *real;
  return std::get<std::string>(node.value);
}

std::string Line(const json& message) {
  return message.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string Words(std::string_view text, std::size_t bytes_max) {
  std::string words = ToUtf8(text, bytes_max);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto byte = static_cast<unsigned char>(words[i]);
    if (byte < 0x20 || byte == 0x7f) words[i] = '?';
    // U+0080 to U+009F: terminals obey these, too.
    if (byte == 0xc2 && static_cast<unsigned char>(words[i + 1]) < 0xa0) words.replace(i, 2, "?");
  }
  return words;
}

std::string Shown(std::string_view text) {
  return "'" + Words(text, kShownBytesMax) + (text.size() > kShownBytesMax ? "…'" : "'");
}

std::string ShownJson(const json& node) {
  return Shown(std::string_view(node.dump(-1, ' ', false, json::error_handler_t::replace)));
}

Result<Message> ParseLine(std::string_view line) {
  const Result<json> document = ParseJson(line);
  if (!document) return document.error();
  const std::string& name = document->begin().key();
  const json& body = document->begin().value();
  if (name == "report") return ParseItems<Report>(body, "report", ParseReading);
  if (name == "values") return ParseValues(body);
  if (name == "define") return ParseItems<Define>(body, "define", ParseDefinition);
  if (name == "ready") return ParseReady(body);
  if (name == "bad") return ParsePaths<Bad>(body, "bad");
  if (name == "remove") return ParsePaths<Remove>(body, "remove");
  if (name == "read_done") return ParseReadDone(body);
  if (name == "write_done") return ParseWriteDone(body);
  if (name == "log") return ParseText<Log>(body, "log");
  if (name == "error") return ParseText<Complaint>(body, "error");
  const std::string near = Nearest(name, {"report", "values", "define", "ready", "bad", "remove",
                                          "read_done", "write_done", "log", "error"});
  return Invalid("there is no message " + Shown(std::string_view(name)) +
                 (near.empty() ? "" : "; did you mean '" + near + "'?"));
}

Result<Value> ToValue(const json& node, ValueType type) {
  if (auto value = ValueOf(node, type)) return *std::move(value);
  return Invalid("the value must be " + std::string(Wanted(type)) + ", not " + ShownJson(node));
}

std::string HelloLine(const Hello& hello) {
  json body = {{"protocol", kProtocol}, {"instance", hello.instance}, {"thing", hello.thing}};
  if (hello.period) body["period_ms"] = hello.period->count();
  body["options"] = hello.options == nullptr ? json::object() : OptionJson(*hello.options);
  return Line({{"hello", std::move(body)}});
}

std::string ReadLine() {
  return "{\"read\":{}}\n";
}

std::string WriteLine(std::uint64_t id, std::string_view path, const Value& value) {
  json body = {{"id", id}, {"path", path}};
  switch (value.type()) {
    case ValueType::kBool: body["value"] = value.boolean(); break;
    case ValueType::kInt: body["value"] = value.integer(); break;
    case ValueType::kDouble: body["value"] = value.real(); break;
    case ValueType::kString: body["value"] = value.text(); break;
    case ValueType::kBytes: body["value"] = Format(value); break;
    case ValueType::kNone: body["value"] = nullptr; break;
  }
  return Line({{"write", std::move(body)}});
}

std::string StopLine() {
  return "{\"stop\":{}}\n";
}

}  // namespace edgetwin::exec

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/config/agent_config.h"

#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-id128.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>
#include <tuple>

#include "agent/config/profile.h"
#include "agent/config/toml_loader.h"
#include "twin/http/listen_address.h"
#include "twin/model/path.h"

namespace edgetwin::config {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;
using namespace std::chrono_literals;

constexpr std::size_t kDescriptionBytesMax = 500;
constexpr std::size_t kUsernameBytesMax = 256;
constexpr std::size_t kSocketBytesMax = sizeof(sockaddr_un::sun_path) - 1;
constexpr std::int64_t kPropertiesMax = 100'000;
constexpr std::int64_t kEventsKeptMax = 10'000;

// Random, made for this: with the machine id it gives an id that is neither's to reverse.
constexpr sd_id128_t kApplication =
    SD_ID128_MAKE(3b, 1d, 5c, 5c, e0, 47, 4a, a6, bf, 75, 27, b1, 4c, 03, 20, a3);

// One load: what its readers share.
struct Load {
  AgentConfig config;
  std::string directory;             // Of the main file.
  bool complete = true;              // See LoadedToml.
  std::set<std::string> incomplete;  // Instances; see ExpandedProfiles.
};

void Warn(Load& load, ConfigReader& reader, std::string_view key, std::string text) {
  const ConfigNode* node = reader.Raw(key);
  load.config.warnings.push_back({node != nullptr ? node->source : reader.source(),
                                  DottedKey(reader.prefix(), key), std::move(text)});
}

std::string Text(ConfigReader& reader, std::string_view key, std::size_t bytes_max) {
  std::string text = reader.String(key, {});
  if (text.size() > bytes_max) {
    reader.Problem(key, "must have at most " + std::to_string(bytes_max) + " bytes, has " +
                            std::to_string(text.size()));
  }
  return text;
}

// The key's string, if it is there and is one.
std::optional<std::string> StringIfSet(ConfigReader& reader, std::string_view key) {
  const std::size_t problems = reader.problems().count();
  std::string text = reader.String(key, {});
  const bool set = reader.Has(key) && reader.problems().count() == problems;
  return set ? std::optional(std::move(text)) : std::nullopt;
}

// A path that must not be empty when it is set.
std::string PathKey(Load& load, ConfigReader& reader, std::string_view key, std::string otherwise) {
  const std::string path = ResolvePath(load.directory, reader.String(key, std::move(otherwise)));
  if (path.empty() && reader.Has(key)) reader.Problem(key, "must not be empty");
  return path;
}

void ReadDevice(ConfigReader& reader, DeviceConfig& device) {
  device.description = Text(reader, "description", kDescriptionBytesMax);
  if (const std::optional<std::string> id = StringIfSet(reader, "id")) {
    if (const Status ok = sync::CheckDeviceId(*id); !ok) reader.Problem("id", ok.error().text);
    device.id = *id;
  }
  reader.Finish();
}

void ReadStore(Load& load, ConfigReader& reader, StoreConfig& store) {
  store.directory = PathKey(load, reader, "directory", store.directory);
  store.commit_window = reader.Duration("commit_window", store.commit_window, 50ms, 1h);
  store.checkpoint_interval =
      reader.Duration("checkpoint_interval", store.checkpoint_interval, 1s, 24h);
  if (store.checkpoint_interval < store.commit_window) {
    reader.Problem("checkpoint_interval", "must not be below commit_window (" +
                                              FormatDuration(store.commit_window) + "), is " +
                                              FormatDuration(store.checkpoint_interval));
  }
  store.flash_per_day_max =
      reader.Bytes("flash_per_day_max", store.flash_per_day_max, 0, std::uint64_t{1} << 40);
  if (store.flash_per_day_max > 0 && store.flash_per_day_max < 1 << 20) {
    reader.Problem("flash_per_day_max", "must be 0 or at least 1MiB");
  }
  reader.Finish();
}

// With '@' it may hold a password, which no problem may repeat.
Result<sync::BrokerUrl> ParseBroker(const std::string& url) {
  if (url.find('@') == url.npos) return sync::ParseBrokerUrl(url);
  return Invalid("a broker's URL holds no username or password; they have keys of their own");
}

void ReadBrokers(ConfigReader& reader, std::vector<sync::BrokerUrl>& brokers) {
  const std::size_t count = reader.Strings("brokers").size();
  if (count == 0) return;
  if (count > kBrokersMax) {
    reader.Problem("brokers", "may name " + std::to_string(kBrokersMax) + " brokers, not " +
                                  std::to_string(count));
    return;
  }
  const ConfigNode::Array& array = *reader.Raw("brokers")->array();
  std::set<std::string> seen;
  for (std::size_t i = 0; i < array.size(); ++i) {
    const auto* url = std::get_if<std::string>(&array[i].value);
    if (url == nullptr) continue;  // Strings said so.
    Result<sync::BrokerUrl> broker = ParseBroker(*url);
    const bool repeated = broker && !seen.insert(*url).second;
    if (!broker || repeated) {
      reader.problems().Add(array[i].source,
                            DottedKey(reader.prefix(), "brokers") + "[" + std::to_string(i) + "]",
                            repeated ? "\"" + *url + "\" is there twice" : broker.error().text);
    } else {
      brokers.push_back(std::move(*broker));
    }
  }
}

void ReadUser(Load& load, ConfigReader& reader, CloudConfig& cloud) {
  cloud.username = Text(reader, "username", kUsernameBytesMax);
  cloud.username_from = ReadFileOrCredential(reader, "username", load.directory);
  cloud.password = ReadFileOrCredential(reader, "password", load.directory);
  reader.Refuse(
      "password",
      "a password does not stand in the configuration, which is shown, copied and sent around; put "
      "it "
      "into a file that only the agent's user can read and name that in password_file, or use "
      "password_credential");
  if (!cloud.username.empty() && !cloud.username_from.empty()) {
    reader.Problem("username", "can't be set together with username_file or username_credential");
  }
  const bool user = !cloud.username.empty() || !cloud.username_from.empty();
  if (!cloud.password.empty() && !user && load.complete) {
    reader.Problem("username", "is required with a password");
  }
}

void ReadCertificate(Load& load, ConfigReader& reader, CloudConfig& cloud) {
  cloud.ca_file = PathKey(load, reader, "ca_file", {});
  cloud.certificate_file = PathKey(load, reader, "certificate_file", {});
  cloud.key = ReadFileOrCredential(reader, "key", load.directory);
  if (!load.complete) return;
  if (!cloud.certificate_file.empty() && cloud.key.empty()) {
    reader.Problem("certificate_file", "needs key_file or key_credential too");
  }
  if (cloud.certificate_file.empty() && !cloud.key.empty()) {
    reader.Problem("certificate_file", "is required with a key");
  }
}

void WarnOfFile(Load& load, ConfigReader& reader, std::string_view key, const std::string& file,
                bool secret) {
  struct stat state {};
  if (file.empty()) return;
  if (stat(file.c_str(), &state) != 0) {
    if (errno != EACCES)
      Warn(load, reader, key, file + ": " + std::generic_category().message(errno));
  } else if (!S_ISREG(state.st_mode)) {
    Warn(load, reader, key, file + " is not a regular file");
  } else if (secret && (state.st_mode & S_IROTH) != 0) {
    Warn(load, reader, key, file + " can be read by everybody; chmod o-r it");
  }
}

void WarnOfCloud(Load& load, ConfigReader& reader, const CloudConfig& cloud) {
  WarnOfFile(load, reader, "ca_file", cloud.ca_file, false);
  WarnOfFile(load, reader, "certificate_file", cloud.certificate_file, false);
  WarnOfFile(load, reader, "key_file", cloud.key.file, true);
  WarnOfFile(load, reader, "username_file", cloud.username_from.file, false);
  WarnOfFile(load, reader, "password_file", cloud.password.file, true);
  const bool plain = std::any_of(cloud.brokers.begin(), cloud.brokers.end(),
                                 [](const sync::BrokerUrl& broker) { return !broker.tls; });
  if (plain && !cloud.password.empty()) {
    Warn(load, reader, "brokers",
         "the password is sent in the clear to a mqtt:// broker; use mqtts://");
  }
}

void ReadCloud(Load& load, ConfigReader& reader, CloudConfig& cloud) {
  ReadBrokers(reader, cloud.brokers);
  const ConfigNode* said = reader.Raw("brokers");
  const bool none = said == nullptr || (said->array() != nullptr && said->array()->empty());
  cloud.enabled = reader.Bool("enabled", !none);
  if (cloud.enabled && none && load.complete) {
    reader.Problem("brokers", "must name a broker, such as [\"mqtts://broker.example\"]");
  }
  ReadCertificate(load, reader, cloud);
  ReadUser(load, reader, cloud);
  const milliseconds keepalive = reader.Duration("keepalive", cloud.keepalive, 5s, 1h);
  cloud.keepalive = duration_cast<seconds>(keepalive);
  if (cloud.keepalive != keepalive) reader.Problem("keepalive", "must be whole seconds");
  cloud.protocol = reader.Choice<int>("protocol", 0, {{"auto", 0}, {"5", 5}, {"3.1.1", 4}});
  reader.Finish();
  WarnOfCloud(load, reader, cloud);
}

// "0660" and the like.
std::optional<mode_t> ParseMode(std::string_view text) {
  const bool octal =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '7'; });
  if (!octal || text.size() < 3 || text.size() > 4) return {};
  mode_t mode = 0;
  for (const char c : text) mode = mode * 8 + static_cast<mode_t>(c - '0');
  // Whoever made the socket must be able to use it; set-user-id and sticky bits mean nothing on
  // one.
  const bool sensible = mode <= 0777 && (mode & 0600) == 0600;
  return sensible ? std::optional(mode) : std::nullopt;
}

void ReadApi(Load& load, ConfigReader& reader, ApiConfig& api) {
  api.socket = PathKey(load, reader, "socket", api.socket);
  if (api.socket.size() > kSocketBytesMax) {
    reader.Problem("socket", "a socket's path has at most " + std::to_string(kSocketBytesMax) +
                                 " bytes; \"" + api.socket + "\" has " +
                                 std::to_string(api.socket.size()));
  }
  if (const std::optional<std::string> text = StringIfSet(reader, "mode")) {
    const std::optional<mode_t> mode = ParseMode(*text);
    if (!mode)
      reader.Problem("mode", "must be from \"0600\" to \"0777\", octal, is \"" + *text + "\"");
    api.mode = mode.value_or(api.mode);
  }
  if (const std::optional<std::string> text = StringIfSet(reader, "metrics")) {
    auto listen = http::ParseListen(*text);
    if (!listen) {
      reader.Problem("metrics", listen.error().text);
    } else if (listen->second == 0 || !http::IsLoopback(listen->first)) {
      reader.Problem("metrics",
                     "must be a port of a loopback address, as in 127.0.0.1:9464, not \"" + *text +
                         "\"; for others put a proxy with access rules in front of it");
    } else {
      std::tie(api.metrics_address, api.metrics_port) = *std::move(listen);
    }
  }
  reader.Finish();
  if ((api.mode & S_IWOTH) != 0) {
    Warn(load, reader, "mode", "everybody on this machine may steer the agent");
  }
}

void ReadSync(ConfigReader& reader, SyncConfig& sync) {
  const std::size_t count = reader.Strings("interest").size();
  const ConfigNode* node = reader.Raw("interest");
  if (node == nullptr || node->array() == nullptr) return reader.Finish();
  const ConfigNode::Array& array = *node->array();
  if (array.empty()) {
    reader.Problem("interest",
                   "must name a pattern, such as \"boiler/**\"; leave the key out to "
                   "hold everything that the cloud wants");
  }
  if (count > kInterestMax) {
    reader.Problem("interest", "may name " + std::to_string(kInterestMax) + " patterns, not " +
                                   std::to_string(count));
    return reader.Finish();
  }
  std::set<std::string> seen;
  for (std::size_t i = 0; i < array.size(); ++i) {
    const auto* pattern = std::get_if<std::string>(&array[i].value);
    if (pattern == nullptr) continue;  // Strings said so.
    const std::string element =
        DottedKey(reader.prefix(), "interest") + "[" + std::to_string(i) + "]";
    if (!model::ValidPattern(*pattern)) {
      reader.problems().Add(array[i].source, element,
                            "\"" + *pattern +
                                "\" is not a pattern such as \"boiler/*\" or \"boiler/**\": two to "
                                "eight segments, each a name or \"*\", the last perhaps \"**\"");
    } else if (!seen.insert(*pattern).second) {
      reader.problems().Add(array[i].source, element, "\"" + *pattern + "\" is there twice");
    } else {
      sync.interest.push_back(*pattern);
    }
  }
  reader.Finish();
}

void ReadHistory(Load& load, ConfigReader& reader, HistoryConfig& history) {
  history.enabled = reader.Bool("enabled", history.enabled);
  history.directory = PathKey(load, reader, "directory", {});
  history.bytes_max = reader.Bytes("bytes_max", history.bytes_max, 1 << 20, std::uint64_t{1} << 40);
  history.age_max = reader.Duration("age_max", history.age_max, 0ms, 3'650 * 24h);
  if (history.age_max > 0ms && history.age_max < 1h) {
    reader.Problem("age_max", "must be 0 or at least 1h");
  }
  history.backfill = reader.Choice<BackfillPolicy>("backfill", history.backfill,
                                                   {{"off", BackfillPolicy::kOff},
                                                    {"newest", BackfillPolicy::kNewest},
                                                    {"oldest", BackfillPolicy::kOldest}});
  constexpr std::uint64_t kBytesPerHourMin = 64 << 10;
  history.backfill_bytes_per_hour_max =
      reader.Bytes("backfill_bytes_per_hour_max", history.backfill_bytes_per_hour_max, 0,
                   std::uint64_t{1} << 40);
  if (history.backfill_bytes_per_hour_max > 0 &&
      history.backfill_bytes_per_hour_max < kBytesPerHourMin) {
    reader.Problem("backfill_bytes_per_hour_max", "must be 0 or at least 64KiB");
  }
  reader.Finish();
}

void ReadEvents(ConfigReader& reader, EventsConfig& events) {
  events.keep_max =
      static_cast<std::uint32_t>(reader.Int("keep_max", events.keep_max, 0, kEventsKeptMax));
  reader.Finish();
}

void ReadLimits(ConfigReader& reader, LimitsConfig& limits) {
  limits.properties_max = static_cast<std::uint32_t>(
      reader.Int("properties_max", limits.properties_max, 1, kPropertiesMax));
  limits.unknown_paths_max = static_cast<std::uint32_t>(
      reader.Int("unknown_paths_max", limits.unknown_paths_max, 0, kPropertiesMax));
  reader.Finish();
}

std::string KindProblem(const std::string& kind, bool said, const std::vector<std::string>& kinds) {
  std::string all;
  for (const std::string& one : kinds) all += (all.empty() ? "" : ", ") + one;
  const std::string nearest = Nearest(kind, kinds);
  return (said ? "" : "is required, for the name is no kind: ") + std::string("\"") + kind +
         "\" is none of " + all + (nearest.empty() ? "" : "; did you mean \"" + nearest + "\"?");
}

DriverInstanceConfig ReadInstance(const std::string& name, const ConfigNode& node,
                                  ConfigReader& reader, const std::vector<std::string>& kinds) {
  DriverInstanceConfig instance;
  instance.name = name;
  instance.node = node;
  if (const Status ok = model::CheckSegment(name); !ok) reader.Problem({}, ok.error().text);
  const std::optional<std::string> said = StringIfSet(reader, "kind");
  if (said || !reader.Has("kind")) {
    instance.kind = said.value_or(name);
    if (std::find(kinds.begin(), kinds.end(), instance.kind) == kinds.end()) {
      reader.Problem("kind", KindProblem(instance.kind, said.has_value(), kinds));
      instance.kind.clear();
    }
  }
  instance.enabled = reader.Bool("enabled", true);
  return instance;
}

void ReadDrivers(Load& load, ConfigReader& reader, const ConfigNode& table,
                 const std::vector<std::string>& kinds, const DriverCheck& check) {
  auto members = reader.Members();
  reader.Finish();
  if (members.size() > kInstancesMax) {
    reader.Problem({}, "there may be " + std::to_string(kInstancesMax) + " instances, not " +
                           std::to_string(members.size()));
    return;
  }
  for (auto& [name, member] : members) {
    DriverInstanceConfig instance = ReadInstance(name, *table.Find(name), member, kinds);
    // Without its driver nobody knows which keys are right.
    if (check && !instance.kind.empty() && !load.incomplete.contains(name)) {
      if (check(instance, member)) member.Finish();
    }
    load.config.drivers.push_back(std::move(instance));
  }
}

void ReadAll(Load& load, const ConfigNode& root, const std::vector<std::string>& kinds,
             ConfigProblems& problems, const DriverCheck& check) {
  ConfigReader reader(root, {}, problems);
  AgentConfig& config = load.config;
  if (auto device = reader.Table("device")) ReadDevice(*device, config.device);
  if (auto store = reader.Table("store")) ReadStore(load, *store, config.store);
  if (auto history = reader.Table("history")) ReadHistory(load, *history, config.history);
  if (auto cloud = reader.Table("cloud")) ReadCloud(load, *cloud, config.cloud);
  if (auto sync = reader.Table("sync")) ReadSync(*sync, config.sync);
  if (auto events = reader.Table("events")) ReadEvents(*events, config.events);
  if (auto api = reader.Table("api")) ReadApi(load, *api, config.api);
  if (auto limits = reader.Table("limits")) ReadLimits(*limits, config.limits);
  if (auto log = reader.Table("log")) {
    config.log_level = log->Choice<LogLevel>("level", config.log_level,
                                             {{"error", LogLevel::kError},
                                              {"warning", LogLevel::kWarning},
                                              {"notice", LogLevel::kNotice},
                                              {"info", LogLevel::kInfo},
                                              {"debug", LogLevel::kDebug}});
    log->Finish();
  }
  if (auto drivers = reader.Table("drivers")) {
    ReadDrivers(load, *drivers, *root.Find("drivers"), kinds, check);
  }
  if (auto properties = reader.Table("properties")) {
    config.properties = ReadPropertyOverrides(*properties);
  }
  reader.Finish();
}

// Has the drivers' tables hold what the profiles that they name say.
void Expand(Load& load, ConfigNode& root, ConfigProblems& problems) {
  for (auto& [key, node] : std::get<ConfigNode::Table>(root.value)) {
    if (key != "drivers") continue;
    ExpandedProfiles expanded =
        ExpandProfiles(node, DefaultProfilePlaces(load.directory), problems);
    load.config.files.insert(load.config.files.end(), expanded.files.begin(), expanded.files.end());
    load.incomplete = std::move(expanded.incomplete);
  }
}

bool EqualTables(const ConfigNode::Table& a, const ConfigNode::Table& b) {
  if (a.size() != b.size()) return false;
  std::map<std::string_view, const ConfigNode*> members;
  for (const auto& [name, node] : b) members.emplace(name, &node);
  return std::all_of(a.begin(), a.end(), [&](const auto& member) {
    const auto other = members.find(member.first);
    return other != members.end() && EqualNodes(member.second, *other->second);
  });
}

}  // namespace

Result<std::string> DefaultDeviceId() {
  sd_id128_t id{};
  if (const int result = sd_id128_get_machine_app_specific(kApplication, &id); result < 0) {
    return Unavailable("/etc/machine-id can't be used: " +
                       std::generic_category().message(-result));
  }
  std::array<char, SD_ID128_STRING_MAX> text{};
  return "et-" + std::string(sd_id128_to_string(id, text.data())).substr(0, 16);
}

std::optional<AgentConfig> LoadAgentConfig(const std::string& path,
                                           const std::vector<std::string>& driver_kinds,
                                           ConfigProblems& problems, const DriverCheck& check) {
  const std::size_t problems_before = problems.count();
  LoadedToml loaded = LoadToml(path, problems);
  Load load;
  std::error_code error;  // Without a working directory, relative paths stay relative.
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  load.directory = (error ? std::filesystem::path(path) : absolute).parent_path().string();
  load.complete = loaded.complete;
  load.config.files = std::move(loaded.files);
  Expand(load, loaded.root, problems);
  ReadAll(load, loaded.root, driver_kinds, problems, check);
  if (load.complete && load.config.device.id.empty() && problems.count() == problems_before) {
    const Result<std::string> id = DefaultDeviceId();
    if (id) load.config.device.id = *id;
    if (!id) problems.Add({path, 0}, "device.id", "is required here: " + id.error().text);
  }
  if (problems.count() != problems_before) return {};
  return std::move(load.config);
}

ConfigReader ReaderFor(const DriverInstanceConfig& instance, ConfigProblems& problems) {
  ConfigReader reader(instance.node, DottedKey("drivers", instance.name), problems);
  reader.Has("kind");
  reader.Has("enabled");
  return reader;
}

bool operator==(const CloudConfig& a, const CloudConfig& b) {
  const auto rest = [](const CloudConfig& c) {
    return std::tie(c.enabled, c.ca_file, c.certificate_file, c.key, c.username, c.username_from,
                    c.password, c.keepalive, c.protocol);
  };
  return rest(a) == rest(b) &&
         std::equal(a.brokers.begin(), a.brokers.end(), b.brokers.begin(), b.brokers.end(),
                    [](const auto& x, const auto& y) { return x.text == y.text; });
}

bool operator==(const DriverInstanceConfig& a, const DriverInstanceConfig& b) {
  return a.name == b.name && a.kind == b.kind && a.enabled == b.enabled &&
         EqualNodes(a.node, b.node);
}

bool EqualNodes(const ConfigNode& a, const ConfigNode& b) {
  if (a.value.index() != b.value.index()) return false;
  if (a.table() != nullptr) return EqualTables(*a.table(), *b.table());
  if (a.array() != nullptr) {
    return std::equal(a.array()->begin(), a.array()->end(), b.array()->begin(), b.array()->end(),
                      EqualNodes);
  }
  if (const auto* real = std::get_if<double>(&a.value)) {
    const double other = std::get<double>(b.value);
    return *real == other || (std::isnan(*real) && std::isnan(other));
  }
  if (const auto* flag = std::get_if<bool>(&a.value)) return *flag == std::get<bool>(b.value);
  if (const auto* number = std::get_if<std::int64_t>(&a.value)) {
    return *number == std::get<std::int64_t>(b.value);
  }
  return std::get<std::string>(a.value) == std::get<std::string>(b.value);
}

}  // namespace edgetwin::config

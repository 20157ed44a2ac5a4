// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/mqtt/sparkplug_nodes.h"

#include <algorithm>
#include <utility>

namespace edgetwin::mqtt_driver {
namespace {

using Type = SparkplugTopic::Type;

constexpr std::uint64_t kSeqs = 256;  // Sequence numbers are 0 to 255: chapter 6.4.

// The number of the node's connection, which its birth and the death of the same one have in
// common: chapter 6.4.13.
std::optional<std::uint64_t> LifeOf(const Payload& payload) {
  for (const Metric& metric : payload.metrics) {
    if (metric.name != "bdSeq") continue;
    if (const auto* shorter = std::get_if<std::uint32_t>(&metric.value)) return *shorter;
    if (const auto* longer = std::get_if<std::uint64_t>(&metric.value)) return *longer;
  }
  return {};
}

CommandTarget TargetIn(const Payload& birth, const Metric& metric) {
  CommandTarget target{*metric.name, metric.type.value_or(DataType::kUnknown), {}};
  for (auto up = metric.parent; up; up = birth.metrics[*up].parent) {
    const Metric& instance = birth.metrics[*up];
    target.levels.push_back({*instance.name, std::get<Template>(instance.value)});
  }
  std::ranges::reverse(target.levels);
  return target;
}

}  // namespace

SparkplugNodes::Node* SparkplugNodes::NodeOf(const std::string& name) {
  const auto found = nodes_.find(name);
  if (found != nodes_.end()) return &found->second;
  if (!nodes_limit_.Fits(nodes_.size() + 1)) {
    nodes_limit_.Hit();
    return nullptr;
  }
  Node& node = nodes_[name];
  nodes_limit_.Use(nodes_.size());
  return &node;
}

SparkplugNodes::Device* SparkplugNodes::DeviceOf(Node& node, const std::string& name) {
  const auto found = node.devices.find(name);
  if (found != node.devices.end()) return &found->second;
  if (!devices_limit_.Fits(devices_ + 1)) {
    devices_limit_.Hit();
    return nullptr;
  }
  devices_limit_.Use(++devices_);
  return &node.devices[name];
}

void SparkplugNodes::DropAliases(Device& device) {
  aliases_ -= device.aliases.size();
  aliases_limit_.Use(aliases_);
  device.aliases.clear();
}

void SparkplugNodes::Forget() {
  for (auto& [name, node] : nodes_) {
    node.devices.clear();
    node.dead = node.in_order = node.aliases_cut = false;
    node.seq.reset();
    node.life.reset();
  }
  devices_ = aliases_ = 0;
  devices_limit_.Use(0);
  aliases_limit_.Use(0);
}

bool SparkplugNodes::Follows(Node& node, std::optional<std::uint64_t> seq) {
  const std::optional<std::uint64_t> last = std::exchange(node.seq, seq);
  return seq && last && *seq == (*last + 1) % kSeqs;
}

void SparkplugNodes::LoseOrder(Node& node, NodeNews& news) {
  news.in_order = false;
  news.lost_order = std::exchange(node.in_order, false);
}

NodeNews SparkplugNodes::On(const SparkplugTopic& topic, const Payload& payload) {
  Node* const node = NodeOf(topic.node);
  if (node == nullptr) return {};
  if (topic.type == Type::kNodeDeath) {
    // The Will of a connection that is over may come after the birth of the next.
    const std::optional<std::uint64_t> life = LifeOf(payload);
    if (life && node->life && *life != *node->life) {
      ++old_deaths_;
      return {};
    }
    node->dead = true;
    node->in_order = node->aliases_cut = false;
    node->seq.reset();
    for (auto& [name, device] : node->devices) DropAliases(device);
    devices_ -= node->devices.size();
    devices_limit_.Use(devices_);
    node->devices.clear();
    return {.kind = NodeNews::Kind::kNodeDied, .readings = {}};
  }
  // Overlapping subscriptions bring a message twice.
  if (topic.type != Type::kNodeBirth && payload.seq && payload.seq == node->seq) {
    ++duplicates_;
    return {};
  }
  if (topic.type == Type::kNodeBirth || topic.type == Type::kDeviceBirth) {
    return OnBirth(*node, topic, payload);
  }
  return OnData(*node, topic, payload);
}

NodeNews SparkplugNodes::OnBirth(Node& node, const SparkplugTopic& topic, const Payload& payload) {
  NodeNews news;
  news.kind = NodeNews::Kind::kValues;
  node.dead = false;
  if (topic.type == Type::kNodeBirth) {
    const std::optional<std::uint64_t> life = LifeOf(payload);
    // Born again on demand, its devices are who they were, until their births say otherwise.
    if (node.life && life != node.life) news.kind = NodeNews::Kind::kNodeRestarted;
    node.life = life;
    node.seq = payload.seq;
    node.in_order = true;
    node.aliases_cut = false;
    for (auto& [name, device] : node.devices) {
      DropAliases(device);
      device = Device();
    }
  } else {
    if (!Follows(node, payload.seq)) {
      if (node.in_order) ++node.gaps;
      LoseOrder(node, news);
    }
    news.in_order = node.in_order;
  }
  Device* const device = DeviceOf(node, topic.device);
  if (device == nullptr) return {};
  Bear(node, *device, payload);
  (void)Resolve(node, *device, payload, news.readings);
  return news;
}

// What a metric with a name is called, in the instance `scope`, or in none.
SparkplugNodes::Known SparkplugNodes::KnownAs(std::string_view scope, const Metric& metric) const {
  Known known;
  known.type = metric.type.value_or(DataType::kUnknown);
  const auto* instance = std::get_if<Template>(&metric.value);
  if (instance != nullptr) known.type = DataType::kTemplate;
  if (instance != nullptr && instance->definition) return known;
  const std::string path = scope.empty() ? *metric.name : std::string(scope) + "/" + *metric.name;
  if (const auto whole = wanted_.find(path); whole != wanted_.end()) {
    known.path = *whole;
    known.wanted = true;
  } else if (known.type == DataType::kTemplate || known.type == DataType::kUnknown) {
    const auto below = wanted_.lower_bound(path + "/");
    if (below != wanted_.end() && below->starts_with(path + "/")) {
      known.path = std::string_view(*below).substr(0, path.size());
    }
  }
  return known;
}

void SparkplugNodes::Bear(Node& node, Device& device, const Payload& payload) {
  DropAliases(device);
  device = Device();
  device.born = true;
  std::vector<std::string_view> paths(payload.metrics.size());
  for (std::size_t i = 0; i < payload.metrics.size(); ++i) {
    const Metric& metric = payload.metrics[i];
    const std::string_view scope = metric.parent ? paths[*metric.parent] : std::string_view();
    if (!metric.name || (metric.parent && scope.empty())) continue;
    const Known known = KnownAs(scope, metric);
    paths[i] = known.path;
    if (known.wanted) device.wanted[known.path] = TargetIn(payload, metric);
    if (!metric.alias) continue;
    if (!aliases_limit_.Fits(aliases_ + 1)) {
      aliases_limit_.Hit();
      node.aliases_cut = true;
      continue;
    }
    if (device.aliases.insert_or_assign({scope, *metric.alias}, known).second) {
      aliases_limit_.Use(++aliases_);
    }
  }
}

NodeNews SparkplugNodes::OnData(Node& node, const SparkplugTopic& topic, const Payload& payload) {
  NodeNews news;
  news.kind = NodeNews::Kind::kValues;
  node.dead = false;
  if (!Follows(node, payload.seq)) {
    if (node.in_order) ++node.gaps;
    LoseOrder(node, news);
  }
  news.in_order = node.in_order;
  Device* const device = DeviceOf(node, topic.device);
  if (device == nullptr) return {};
  if (topic.type == Type::kDeviceDeath) {
    DropAliases(*device);
    *device = Device();
    news.kind = NodeNews::Kind::kDeviceDied;
    return news;
  }
  const bool known = Resolve(node, *device, payload, news.readings);
  if (!device->born || !known) LoseOrder(node, news);
  return news;
}

bool SparkplugNodes::Resolve(const Node& node, const Device& device, const Payload& payload,
                             std::vector<Reading>& readings) const {
  bool all_known = true;
  std::vector<std::string_view> paths(payload.metrics.size());
  for (std::size_t i = 0; i < payload.metrics.size(); ++i) {
    const Metric& metric = payload.metrics[i];
    const std::string_view scope = metric.parent ? paths[*metric.parent] : std::string_view();
    if (metric.parent && scope.empty()) continue;  // Of an instance that nobody reads.
    Known known;
    if (metric.name) {
      known = KnownAs(scope, metric);
    } else if (metric.alias) {
      const auto found = device.aliases.find({scope, *metric.alias});
      if (found == device.aliases.end()) {
        all_known = all_known && node.aliases_cut;
        continue;
      }
      known = found->second;
    }
    paths[i] = known.path;
    if (known.path.empty()) continue;
    if (known.wanted) {
      const auto born = device.wanted.find(known.path);
      const bool told = born != device.wanted.end();
      readings.push_back({known.path, told ? born->second.type : DataType::kUnknown, &metric});
    }
    if (metric.null && known.type == DataType::kTemplate) {  // And so are all of its members.
      const std::string begin = std::string(known.path) + "/";
      for (auto below = wanted_.lower_bound(begin);
           below != wanted_.end() && below->starts_with(begin); ++below) {
        readings.push_back({*below, DataType::kUnknown, &metric});
      }
    }
  }
  return all_known;
}

bool SparkplugNodes::InOrder(std::string_view node) const {
  const auto found = nodes_.find(node);
  return found != nodes_.end() && found->second.in_order;
}

bool SparkplugNodes::Alive(std::string_view node, std::string_view device) const {
  const auto found = nodes_.find(node);
  if (found == nodes_.end() || found->second.dead) return false;
  const auto own = found->second.devices.find(device);
  return own != found->second.devices.end() && own->second.born;
}

CommandTarget SparkplugNodes::TargetOf(std::string_view node, std::string_view device,
                                       std::string_view metric) const {
  CommandTarget target{std::string(metric), DataType::kUnknown, {}};
  const auto found = nodes_.find(node);
  if (found == nodes_.end()) return target;
  const auto own = found->second.devices.find(device);
  if (own == found->second.devices.end()) return target;
  const auto born = own->second.wanted.find(metric);
  return born == own->second.wanted.end() ? target : born->second;
}

bool SparkplugNodes::TakeRebirth(std::string_view name, MonoTime now) {
  Node* const node = NodeOf(std::string(name));
  if (node == nullptr) return false;
  if (node->asked && now - *node->asked < kRebirthPause) {
    ++rebirths_held_;
    return false;
  }
  node->asked = now;
  ++rebirths_;
  return true;
}

std::vector<SparkplugNodes::State> SparkplugNodes::states() const {
  std::vector<State> states;
  for (const auto& [name, node] : nodes_) {
    State state{name, {}, node.gaps};
    if (node.dead) {
      state.problem = "the node is dead";
    } else if (!node.in_order) {
      state.problem = node.gaps > 0 ? "messages were missed since its last birth"
                                    : "it has not been born since we listen";
    }
    states.push_back(std::move(state));
  }
  return states;
}

std::vector<LimitReport> SparkplugNodes::limits() const {
  std::uint64_t gaps = 0;
  for (const auto& [name, node] : nodes_) gaps += node.gaps;
  LimitReport rebirths;
  rebirths.name = "sparkplug_rebirths";
  rebirths.used = rebirths.peak = rebirths_;
  rebirths.hits = rebirths_held_;
  return {nodes_limit_.Report("sparkplug_nodes"),
          devices_limit_.Report("sparkplug_devices"),
          aliases_limit_.Report("sparkplug_aliases"),
          {"sparkplug_seq_gaps", 0, 0, 0, gaps},
          {"sparkplug_duplicates", 0, 0, 0, duplicates_},
          {"sparkplug_old_deaths", 0, 0, 0, old_deaths_},
          rebirths};
}

}  // namespace edgetwin::mqtt_driver

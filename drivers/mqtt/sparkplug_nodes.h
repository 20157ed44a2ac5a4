// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What is known of Sparkplug's edge nodes: who is alive, what their aliases stand for, whether a
// message was missed. Pure: time comes in as an argument.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "drivers/mqtt/sparkplug_payload.h"
#include "twin/base/clock.h"
#include "twin/base/limit.h"

namespace edgetwin::mqtt_driver {

// A metric of a message that somebody wants. A member of a template is called by the names of its
// instances and its own, with '/' between them.
struct Reading {
  std::string_view name;  // As in the wanted names: lives as long as these.
  DataType type = DataType::kUnknown;
  const Metric* metric = nullptr;  // In the payload.
};

// What a message means for what is reported.
struct NodeNews {
  enum class Kind {
    kNothing,       // It is of no use, or of an earlier life of the node.
    kValues,        // `readings`.
    kNodeDied,      // With all of its devices.
    kDeviceDied,    // The message's device.
    kNodeRestarted  // `readings`; its devices have yet to be born again.
  };
  Kind kind = Kind::kNothing;
  std::vector<Reading> readings;
  bool in_order = true;     // Nothing was missed since the birth: values are good.
  bool lost_order = false;  // By this message: what is known of the node is doubtful now.
};

class SparkplugNodes {
 public:
  static constexpr std::size_t kNodesMax = 200;
  static constexpr std::size_t kDevicesMax = 1'000;   // Of all nodes.
  static constexpr std::size_t kAliasesMax = 20'000;  // Of all nodes.
  // A node that has just been asked to be born again isn't asked for so long.
  static constexpr std::chrono::seconds kRebirthPause{30};

  // `wanted`: the metrics that are read.
  explicit SparkplugNodes(std::set<std::string, std::less<>> wanted) : wanted_(std::move(wanted)) {}

  // `payload` must outlive the news.
  NodeNews On(const SparkplugTopic& topic, const Payload& payload);
  // The connection was lost, and with it who knows what: all is to be learned anew.
  void Forget();

  // Whether the node is known, alive and in order.
  bool InOrder(std::string_view node) const;
  bool Alive(std::string_view node, std::string_view device) const;
  // How to write to the wanted metric, as its birth told it; by its name, of kUnknown, without one.
  CommandTarget TargetOf(std::string_view node, std::string_view device,
                         std::string_view metric) const;
  // Whether `node` may be asked to be born again now; it counts as asked then.
  bool TakeRebirth(std::string_view node, MonoTime now);

  struct State {
    std::string node;
    std::string problem;  // Empty when all is well.
    std::uint64_t gaps = 0;
  };
  std::vector<State> states() const;
  std::vector<LimitReport> limits() const;

 private:
  struct Known {
    // A wanted metric's name; or of a template's instance, the begin of some; in wanted_. Empty for
    // what nobody reads.
    std::string_view path;
    bool wanted = false;  // It is a whole name.
    DataType type = DataType::kUnknown;
  };
  // Of a template's member, it is its instance's own: nothing says that two instances of a
  // definition don't have the definition's.
  using Alias = std::pair<std::string_view, std::uint64_t>;  // The instance's path; or empty.
  struct Device {  // Or the node itself, whose device is called "".
    bool born = false;
    std::map<Alias, Known> aliases;
    std::map<std::string_view, CommandTarget> wanted;  // That were in the birth.
  };
  struct Node {
    bool dead = false;                  // By its last message.
    bool in_order = false;              // Born, and nothing missed since.
    bool aliases_cut = false;           // Not all were kept: an unknown one says nothing.
    std::optional<std::uint64_t> seq;   // Of the last message.
    std::optional<std::uint64_t> life;  // bdSeq of its birth.
    std::map<std::string, Device, std::less<>> devices;
    std::uint64_t gaps = 0;
    std::optional<MonoTime> asked;  // To be born again.
  };

  // Null when there are too many.
  Node* NodeOf(const std::string& name);
  Device* DeviceOf(Node& node, const std::string& name);
  // Whether `seq` follows the last one. Notes it.
  bool Follows(Node& node, std::optional<std::uint64_t> seq);
  void Bear(Node& node, Device& device, const Payload& payload);
  void DropAliases(Device& device);
  Known KnownAs(std::string_view scope, const Metric& metric) const;
  // Appends what is wanted of `payload`; false when an alias is unknown.
  bool Resolve(const Node& node, const Device& device, const Payload& payload,
               std::vector<Reading>& readings) const;
  NodeNews OnBirth(Node& node, const SparkplugTopic& topic, const Payload& payload);
  NodeNews OnData(Node& node, const SparkplugTopic& topic, const Payload& payload);
  void LoseOrder(Node& node, NodeNews& news);

  const std::set<std::string, std::less<>> wanted_;
  std::map<std::string, Node, std::less<>> nodes_;
  std::size_t devices_ = 0;
  std::size_t aliases_ = 0;
  Limit nodes_limit_{kNodesMax};
  Limit devices_limit_{kDevicesMax};
  Limit aliases_limit_{kAliasesMax};
  std::uint64_t duplicates_ = 0;
  std::uint64_t old_deaths_ = 0;
  std::uint64_t rebirths_ = 0;
  std::uint64_t rebirths_held_ = 0;
};

}  // namespace edgetwin::mqtt_driver

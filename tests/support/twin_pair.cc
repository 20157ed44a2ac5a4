// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/support/twin_pair.h"

#include <chrono>
#include <map>
#include <thread>
#include <utility>

namespace edgetwin::tests {
namespace {

using nlohmann::json;

using Rows = std::map<std::pair<std::string, std::string>, json>;

// What both sides must agree on; whether a row is durable is each side's own matter.
Rows RowsOf(const json& snapshot) {
  Rows rows;
  for (json row : snapshot.value("rows", json::array())) {
    row.erase("durable");
    if (row.value("gone", false)) continue;
    const std::pair<std::string, std::string> key = {row.value("path", ""), row.value("side", "")};
    rows[key] = std::move(row);
  }
  return rows;
}

std::uint64_t At(const json& document, const char* part, const char* stream) {
  if (!document.contains(part)) return 0;
  return document[part].value(stream, std::uint64_t{0});
}

// The cloud's own rows are the desired ones.
std::uint64_t DesiredHead(const Rows& rows) {
  std::uint64_t head = 0;
  for (const auto& [key, row] : rows) {
    if (key.second == "desired") head = std::max(head, row["dot"].value("seq", std::uint64_t{0}));
  }
  return head;
}

}  // namespace

TwinPair::TwinPair(std::string socket, std::string cloud, std::string device)
    : socket_(std::move(socket)), cloud_(std::move(cloud)), device_(std::move(device)) {}

HttpAnswer TwinPair::AskDevice(const std::string& path, const std::string& method,
                               const std::string& body) const {
  HttpRequest request;
  request.method = method;
  request.url = "http://localhost" + path;
  request.unix_socket = socket_;
  request.body = body;
  if (!body.empty()) request.headers = {"Content-Type: application/json"};
  return Ask(request);
}

HttpAnswer TwinPair::AskCloud(const std::string& path, const std::string& method,
                              const std::string& body) const {
  HttpRequest request;
  request.method = method;
  request.url = cloud_ + "/v1/twins/" + device_ + path;
  request.body = body;
  if (!body.empty()) request.headers = {"Content-Type: application/merge-patch+json"};
  return Ask(request);
}

HttpAnswer TwinPair::Desire(const std::string& patch) const {
  return AskCloud("/desired", "PATCH", patch);
}

json TwinPair::DeviceSnapshot() const {
  return json::parse(AskDevice("/v1/snapshot").body, nullptr, false);
}

json TwinPair::CloudSnapshot() const {
  return json::parse(AskCloud("/snapshot").body, nullptr, false);
}

Comparison TwinPair::CompareOnce() const {
  Comparison result;
  const json device = DeviceSnapshot();
  const json cloud = CloudSnapshot();
  if (!device.is_object() || !device.contains("rows")) {
    result.trouble = "the device's API did not answer";
    return result;
  }
  if (!cloud.is_object() || !cloud.contains("rows")) {
    result.trouble = "the cloud's API did not answer";
    return result;
  }
  const Rows here = RowsOf(device);
  const Rows there = RowsOf(cloud);
  result.rows = here.size();
  result.revision = At(device, "heads", "state");
  result.same_watermark = At(device, "heads", "state") == At(cloud, "watermarks", "state") &&
                          At(device, "heads", "control") == At(cloud, "watermarks", "control") &&
                          At(device, "watermarks", "control") == DesiredHead(there);
  for (const auto& [key, row] : here) {
    const auto other = there.find(key);
    if (other == there.end()) {
      result.differences.push_back("only the device has " + row.dump());
    } else if (other->second != row) {
      result.differences.push_back("device " + row.dump() + "\n cloud " + other->second.dump());
    }
  }
  for (const auto& [key, row] : there) {
    if (!here.contains(key)) result.differences.push_back("only the cloud has " + row.dump());
  }
  return result;
}

Comparison TwinPair::CompareUntilEqual(double seconds) const {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  Comparison last;
  do {
    last = CompareOnce();
    if (last.equal()) return last;
    // The drivers go on meanwhile: another moment has to be caught.
    std::this_thread::sleep_for(std::chrono::milliseconds(23));
  } while (std::chrono::steady_clock::now() < end);
  return last;
}

}  // namespace edgetwin::tests

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// The bench's subcommands. Each prints its figures beside a yardstick measured in the same run, as
// a table or as one JSON object, and returns an exit code.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace edgetwin::bench {

struct PipelineOptions {
  int properties = 1'000;
  double hz = 1;
  double seconds = 15;
  double warmup_s = 4;
  int runs = 3;
  bool full_precision = false;
  bool json = false;
};
// Samples → twin → committed → published → acknowledged, beside the floor.
int RunPipeline(const PipelineOptions& options);

struct LatencyOptions {
  int samples = 100;
  bool json = false;
};
// Sample → visible in the cloud's API, desired → the driver's write, beside raw libmosquitto and
// one commit.
int RunLatency(const LatencyOptions& options);

struct IsolationOptions {
  double seconds = 15;
  bool json = false;
};
// One Modbus unit of four dead: the others' periods, beside a run with all alive.
int RunIsolation(const IsolationOptions& options);

struct DriversOptions {
  double seconds = 5;  // Of each kind, and of its yardstick.
  bool json = false;
};
// CPU a sample of each kind of driver, beside the least that reads the same device, once every 100
// ms (a recording: as fast as it goes; can and gpio, where there is a device, every 10 ms); and the
// daemon's memory with none, with each and with all.
int RunDrivers(const DriversOptions& options);

struct StormOptions {
  double seconds = 60;  // Of each of both runs.
  bool json = false;
};
// Forty driver instances of twelve kinds, a third of them hung, flapping, lying or slow: how far
// the others' periods slip, beside a run in which all are well. Fails when a sample is missing.
int RunStorm(const StormOptions& options);

struct HealOptions {
  std::vector<std::uint32_t> rows = {1'000, 10'000, 100'000};  // Of a twin.
  std::vector<std::uint32_t> different = {1, 10, 100, 1'000};  // Of these.
  int trials = 20;                                             // Of each pair.
  int cell_trials = 200;                                       // Of how many cells it takes.
  std::uint32_t seed = 1;
  bool json = false;
};
// Bytes and round trips to heal twins that differ, beside all hashes and a walk through ranges.
// Fails when a row was missed, or one was sent that didn't differ.
int RunHeal(const HealOptions& options);

struct WireOptions {
  std::vector<std::uint32_t> changed = {1, 5, 20};  // Of 100 properties.
  int trials = 3;                                   // Of each isolated message.
  int flow_frames = 40;                             // Of each flow.
  bool decimals_only = false;                       // No second row of doubles of full precision.
  std::uint32_t seed = 1;
  bool explain = false;  // Each packet of the first trials, field by field.
  bool json = false;
};
// Bytes of MQTT that a message causes until both sides are quiet, counted between the agent and a
// real broker, beside simple peers on the same broker and published figures. Fails when something
// did not arrive.
int RunWire(const WireOptions& options);

struct HistoryOptions {
  std::string data;  // Folder of CSV files; empty: made series.
  bool json = false;
};
// History's blocks, beside gzip, zstd, Gorilla and Chimp128. Fails when a sample didn't come back
// as it was.
int RunHistory(const HistoryOptions& options);

struct FlashOptions {
  std::vector<int> rates = {10, 100, 1'000};  // Properties, each sampled once a second.
  double seconds = 660;  // Below that, windows and checkpoints are more frequent than by default.
  std::string data;      // Folder of series that the values come from; empty: random walks.
  std::string folder;    // To write in; empty: the system's for temporary files.
  bool json = false;
};
// Bytes written to flash a sample, online and offline, beside plain rows in SQLite. Fails when what
// is measured didn't happen: nothing acknowledged, no commit, no checkpoint.
int RunFlash(const FlashOptions& options);

struct OfflineOptions {
  int properties = 100;  // Each sampled once a second.
  double hours = 7 * 24;
  std::string data;       // Folder of series that the values come from; empty: made ones.
  std::string folder;     // To write in; empty: the system's for temporary files.
  int decimals = -1;      // That doubles are rounded to; below 0: not.
  int jitter_ms_max = 2;  // Of time stamps.
  int window_s = 0;       // That samples gathered; 0: as long as the agent has it.
  double mib_max = 256;   // The history's cap on flash.
  double alone_s = 60;    // Without a backlog, to hold against.
  double deliver_s_max = 3'600;
  bool json = false;
};
// A device that comes online with a backlog: what that takes on flash, when it is live, how fast
// the backlog follows and what it does to live values, beside the same without a backlog, with a
// tenth of it, with the backlog first, and beside a minimal loop. Fails when something didn't
// arrive as it was made.
int RunOffline(const OfflineOptions& options);

struct AgentWorkerOptions {
  std::string device = "bench-gw-0001";
  std::string broker;  // URL; empty: there is no cloud.
  std::string store;   // Folder.
  int properties = 1'000;
  double hz = 1;
  double seconds = 15;
  double warmup_s = 0;  // Bytes are counted from here on.
  bool full_precision = false;
  std::string data;  // Folder of series that the values come from, as of MakeWorkload; or empty.
  double commit_window_s = 2;  // As in [store].
  double checkpoint_s = 600;
  double history_window_s = 60;  // That samples gather, of any priority.
  bool history = true;
};
// The whole agent with the synthetic driver, as a process of its own. Prints its counters as JSON
// at the end.
int RunAgentWorker(const AgentWorkerOptions& options);

// Whether ran on a machine too busy to believe: says so in words, or empty.
std::string Doubt(double floor_cpu_us, double floor_bytes);

// The folder that this program is in: its siblings are measured.
std::string BinDir();

}  // namespace edgetwin::bench

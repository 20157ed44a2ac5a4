// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// edgetwin-bench: what edgetwin costs, each figure beside a yardstick measured in the same run.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <filesystem>

#include "tests/bench/bench.h"
#include "tests/bench/floor.h"
#include "tests/bench/row_worker.h"

namespace edgetwin::bench {

std::string BinDir() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
}

std::string Doubt(double floor_cpu_us, double floor_bytes) {
  // The figures that the floor had on the reference machine; 1.5 times more means that something
  // else ran.
  constexpr double kCpuUs = 1.1, kBytes = 10.6;
  std::string doubt;
  if (floor_cpu_us > 1.5 * kCpuUs || floor_bytes > 1.5 * kBytes) {
    doubt =
        "The floor itself is more than 1.5 times its reference (1.1 us, 10.6 bytes): this "
        "machine is slower, or was busy; trust the ratios only.";
  }
  return doubt;
}

}  // namespace edgetwin::bench

int main(int argc, char** argv) {
  using namespace edgetwin::bench;  // NOLINT: a main of one screen
  CLI::App app("edgetwin-bench: figures beside their yardsticks");
  app.require_subcommand(1);

  PipelineOptions pipeline;
  auto* pipeline_command =
      app.add_subcommand("pipeline", "CPU, memory, MQTT and flash bytes a value, beside the floor");
  pipeline_command->add_option("--properties", pipeline.properties)->capture_default_str();
  pipeline_command->add_option("--hz", pipeline.hz)->capture_default_str();
  pipeline_command->add_option("--seconds", pipeline.seconds)->capture_default_str();
  pipeline_command->add_option("--warmup", pipeline.warmup_s)->capture_default_str();
  pipeline_command->add_option("--runs", pipeline.runs)->capture_default_str();
  pipeline_command->add_flag("--full-precision", pipeline.full_precision,
                             "Doubles of full precision instead of two decimals");
  pipeline_command->add_flag("--json", pipeline.json);

  LatencyOptions latency;
  auto* latency_command =
      app.add_subcommand("latency", "End to end, beside libmosquitto's own and one SQLite commit");
  latency_command->add_option("--samples", latency.samples)->capture_default_str();
  latency_command->add_flag("--json", latency.json);

  IsolationOptions isolation;
  auto* isolation_command = app.add_subcommand(
      "isolation", "Healthy Modbus units' periods beside a dead one, and beside none dead");
  isolation_command->add_option("--seconds", isolation.seconds)->capture_default_str();
  isolation_command->add_flag("--json", isolation.json);

  DriversOptions drivers;
  auto* drivers_command = app.add_subcommand(
      "drivers", "CPU a sample of each driver beside a bare read, and the daemon's memory with it");
  drivers_command->add_option("--seconds", drivers.seconds)->capture_default_str();
  drivers_command->add_flag("--json", drivers.json);

  StormOptions storm;
  auto* storm_command = app.add_subcommand(
      "storm", "Forty instances' periods with a third of them in trouble, beside none in trouble");
  storm_command->add_option("--seconds", storm.seconds)->capture_default_str();
  storm_command->add_flag("--json", storm.json);

  HealOptions heal;
  auto* heal_command = app.add_subcommand(
      "heal", "Bytes and round trips to heal, beside all hashes and a walk through ranges");
  heal_command->add_option("--rows", heal.rows)->delimiter(',')->capture_default_str();
  heal_command->add_option("--different", heal.different)->delimiter(',')->capture_default_str();
  heal_command->add_option("--trials", heal.trials)
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  heal_command->add_option("--cell-trials", heal.cell_trials)
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  heal_command->add_option("--seed", heal.seed)->capture_default_str();
  heal_command->add_flag("--json", heal.json);

  WireOptions wire;
  auto* wire_command = app.add_subcommand(
      "wire", "MQTT bytes for one message, per changed property, beside other ways to say it");
  wire_command->add_option("--changed", wire.changed)
      ->delimiter(',')
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  wire_command->add_option("--trials", wire.trials)
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  wire_command->add_option("--flow-frames", wire.flow_frames)
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  wire_command->add_flag("--decimals-only", wire.decimals_only,
                         "Without the rows of full-precision doubles");
  wire_command->add_option("--seed", wire.seed)->capture_default_str();
  wire_command->add_flag("--explain", wire.explain, "Take a packet of each kind apart");
  wire_command->add_flag("--json", wire.json);

  HistoryOptions history;
  auto* history_command = app.add_subcommand(
      "history", "Bits and time a sample, beside gzip, zstd -19, Gorilla and Chimp128");
  history_command
      ->add_option("--data", history.data,
                   "Folder of CSV files: a value a line, or a time and a value")
      ->envname("EDGETWIN_DATA");
  history_command->add_flag("--json", history.json);

  FlashOptions flash;
  auto* flash_command = app.add_subcommand(
      "flash", "Bytes written to flash a sample, online and offline, beside rows in SQLite");
  flash_command->add_option("--seconds", flash.seconds, "Of each; all run at the same time")
      ->check(CLI::Range(2.0, 1e6))
      ->capture_default_str();
  flash_command->add_option("--rates", flash.rates, "Samples a second")
      ->delimiter(',')
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  flash_command->add_option("--data", flash.data, "Folder of CSV files that the values come from")
      ->envname("EDGETWIN_DATA");
  flash_command->add_option("--folder", flash.folder, "To write in, on what is to be measured");
  flash_command->add_flag("--json", flash.json);

  OfflineOptions offline;
  auto* offline_command = app.add_subcommand(
      "offline", "Coming online with a backlog, beside without one, and beside the backlog first");
  offline_command->add_option("--properties", offline.properties, "Each sampled once a second")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  offline_command->add_option("--hours", offline.hours)
      ->check(CLI::Range(0.01, 1e5))
      ->capture_default_str();
  offline_command
      ->add_option("--data", offline.data, "Folder of CSV files that the values come from")
      ->envname("EDGETWIN_DATA");
  offline_command->add_option("--folder", offline.folder, "To write in");
  offline_command
      ->add_option("--decimals", offline.decimals,
                   "That values are rounded to, as a driver does; unless set, they aren't")
      ->check(CLI::Range(0, 9));
  offline_command->add_option("--jitter-ms", offline.jitter_ms_max, "Of time stamps, at most")
      ->check(CLI::Range(0, 99))
      ->capture_default_str();
  offline_command
      ->add_option("--window", offline.window_s,
                   "Seconds that the backlog's samples gathered; unless set, as the agent has it")
      ->check(CLI::Range(1, 3'600));
  offline_command->add_option("--mib-max", offline.mib_max, "[history] bytes_max, in MiB")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  offline_command->add_option("--alone", offline.alone_s, "Seconds without a backlog")
      ->check(CLI::Range(3, 86'400))
      ->capture_default_str();
  offline_command
      ->add_option("--deliver-max", offline.deliver_s_max, "Seconds until it must be delivered")
      ->capture_default_str();
  offline_command->add_flag("--json", offline.json);

  FloorOptions floor;
  std::string floor_folder;
  auto* floor_command = app.add_subcommand("worker-floor", "The floor as a process of its own");
  floor_command->add_option("--port", floor.port)->required();
  floor_command->add_option("--store", floor_folder)->required();
  floor_command->add_option("--properties", floor.properties);
  floor_command->add_option("--hz", floor.hz);
  floor_command->add_option("--seconds", floor.seconds);
  floor_command->add_option("--warmup", floor.warmup_s);
  floor_command->add_flag("--full-precision", floor.full_precision);

  AgentWorkerOptions agent;
  auto* agent_command = app.add_subcommand("worker-agent", "The agent with a synthetic driver");
  agent_command->add_option("--device", agent.device);
  agent_command->add_option("--broker", agent.broker);
  agent_command->add_option("--store", agent.store)->required();
  agent_command->add_option("--properties", agent.properties);
  agent_command->add_option("--hz", agent.hz);
  agent_command->add_option("--seconds", agent.seconds);
  agent_command->add_option("--warmup", agent.warmup_s);
  agent_command->add_flag("--full-precision", agent.full_precision);
  agent_command->add_option("--data", agent.data);
  agent_command->add_option("--commit-window", agent.commit_window_s);
  agent_command->add_option("--checkpoint", agent.checkpoint_s);
  agent_command->add_option("--history-window", agent.history_window_s);
  agent_command->add_flag("!--no-history", agent.history);

  RowWorkerOptions rows;
  auto* rows_command = app.add_subcommand("worker-rows", "Samples as rows in SQLite");
  rows_command->add_option("--store", rows.store)->required();
  rows_command->add_option("--data", rows.data);
  rows_command->add_option("--properties", rows.properties);
  rows_command->add_option("--hz", rows.hz);
  rows_command->add_option("--samples", rows.samples);
  rows_command->add_option("--transaction-rows", rows.transaction_rows);

  CLI11_PARSE(app, argc, argv);
  if (pipeline_command->parsed()) return RunPipeline(pipeline);
  if (latency_command->parsed()) return RunLatency(latency);
  if (isolation_command->parsed()) return RunIsolation(isolation);
  if (drivers_command->parsed()) return RunDrivers(drivers);
  if (storm_command->parsed()) return RunStorm(storm);
  if (heal_command->parsed()) return RunHeal(heal);
  if (wire_command->parsed()) return RunWire(wire);
  if (history_command->parsed()) return RunHistory(history);
  if (flash_command->parsed()) return RunFlash(flash);
  if (offline_command->parsed()) return RunOffline(offline);
  if (rows_command->parsed()) return RunRowWorker(rows);
  if (floor_command->parsed()) {
    floor.store = floor_folder + "/floor.db";
    return RunFloor(floor);
  }
  return RunAgentWorker(agent);
}

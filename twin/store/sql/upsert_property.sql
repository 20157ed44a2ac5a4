-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

INSERT INTO property (
  id, pid, path, type, unit, decimals, writable, local_only, min, max,
  deadband, min_period_ms, heartbeat_ms, alarm_high, alarm_low, alarm_hysteresis, alarm_delay_ms,
  description, instance, source
)
VALUES (
  ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20
)
ON CONFLICT (id) DO UPDATE SET
  pid = excluded.pid,
  path = excluded.path,
  type = excluded.type,
  unit = excluded.unit,
  decimals = excluded.decimals,
  writable = excluded.writable,
  local_only = excluded.local_only,
  min = excluded.min,
  max = excluded.max,
  deadband = excluded.deadband,
  min_period_ms = excluded.min_period_ms,
  heartbeat_ms = excluded.heartbeat_ms,
  alarm_high = excluded.alarm_high,
  alarm_low = excluded.alarm_low,
  alarm_hysteresis = excluded.alarm_hysteresis,
  alarm_delay_ms = excluded.alarm_delay_ms,
  description = excluded.description,
  instance = excluded.instance,
  source = excluded.source;

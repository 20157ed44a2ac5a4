-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

INSERT OR REPLACE INTO dictionary (
  pid, property, withdraws, chain, path, type, unit, decimals, writable, local_only, min, max,
  deadband, min_period_ms, heartbeat_ms, alarm_high, alarm_low, alarm_hysteresis, alarm_delay_ms,
  description, instance, source
)
VALUES (
  ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,
  ?22
);

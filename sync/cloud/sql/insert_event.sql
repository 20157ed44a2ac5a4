-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

-- One that is there already, by (inc, seq), stays as it is.
INSERT OR IGNORE INTO event (
  twin, n, inc, seq, time_ms, unsynced, severity, kind, property, type, value, text, command
)
VALUES (
  ?1, (SELECT ifnull(max(n), 0) + 1 FROM event WHERE twin = ?1),
  ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12
);

-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

INSERT OR REPLACE INTO event (
  inc, seq, time_ms, unsynced, severity, kind, property, type, value, text, command
)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11);

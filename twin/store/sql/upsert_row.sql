-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

INSERT OR REPLACE INTO row (
  property, side, type, value, inc, seq, time_ms, quality, unsynced,
  refers_inc, refers_seq, state, note, until_ms
)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14);

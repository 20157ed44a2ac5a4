-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT
  property, side, type, value, inc, seq, time_ms, quality, unsynced,
  refers_inc, refers_seq, state, note, until_ms
FROM row
ORDER BY property, side;

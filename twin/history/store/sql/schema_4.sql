-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

-- history.db, version 4.
-- What version 3 kept is moved into the new table after this, commit by commit; then it is dropped.
ALTER TABLE block RENAME TO block_3;

-- In the same order as before, of which the id is made: batch << 34 | priority << 32 | path << 12 |
-- its place among the commit's blocks of this path and priority. Its samples begin after_ms after
-- batch's t_min_ms and end before_ms before its t_max_ms, modulo 2^64. How many they are, and
-- which, is in bytes: docs/HISTORY_FORMAT.md.
CREATE TABLE block (
  id        INTEGER PRIMARY KEY,
  after_ms  INTEGER NOT NULL,
  before_ms INTEGER NOT NULL,
  bytes     BLOB NOT NULL
) STRICT;

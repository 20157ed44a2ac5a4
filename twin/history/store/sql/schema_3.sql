-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

-- history.db, version 3. told: the cloud has this record as it is. Further reasons: 6 delivered,
-- 7 peer_rolled_back.
ALTER TABLE loss ADD COLUMN told INTEGER NOT NULL DEFAULT 0;

-- From here on, meta's aggregates is how many rows aggregate has, once they were counted.

-- Commits whose blocks are all with the cloud, or are not meant for it: first to last, whether or
-- not there still are such. Written with later commits: there may be more. Of one commit more,
-- meta's part_… name the last block that is.
CREATE TABLE delivered (
  first INTEGER PRIMARY KEY,
  last  INTEGER NOT NULL
) STRICT;

-- What version 2 kept is moved into the new table after this, commit by commit; then it is dropped.
ALTER TABLE block RENAME TO block_2;

-- In the same order as before, of which the id is made: batch << 34 | priority << 32 | path << 12 |
-- its place among the commit's blocks of this path and priority. Its samples begin after_ms after
-- batch's t_min_ms and end before_ms before its t_max_ms, modulo 2^64. How many they are, and which,
-- is in bytes: docs/HISTORY_FORMAT.md.
CREATE TABLE block (
  id        INTEGER PRIMARY KEY,
  after_ms  INTEGER NOT NULL,
  before_ms INTEGER NOT NULL,
  bytes     BLOB NOT NULL
) STRICT;

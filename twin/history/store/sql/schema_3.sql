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

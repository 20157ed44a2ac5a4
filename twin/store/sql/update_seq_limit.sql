-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

UPDATE lineage
SET seq_limit = ?1
WHERE owner = 0 AND n = (SELECT max(n) FROM lineage WHERE owner = 0);

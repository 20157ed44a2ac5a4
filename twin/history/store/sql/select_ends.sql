-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

-- How far blocks of late batches reach.
SELECT path, max(first + count), max(t_max_ms) FROM block WHERE batch >= ?1 GROUP BY path;

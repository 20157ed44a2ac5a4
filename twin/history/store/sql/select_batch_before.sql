-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

-- The first commit of which nothing is younger.
SELECT n, incarnation FROM batch WHERE t_max_ms < ?1 ORDER BY n LIMIT 1;

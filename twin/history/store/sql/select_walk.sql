-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT n FROM batch WHERE n >= ?1 AND t_max_ms >= ?2 AND t_min_ms <= ?3 ORDER BY n LIMIT 1;

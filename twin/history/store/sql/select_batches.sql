-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT n FROM batch WHERE t_max_ms >= ?1 AND t_min_ms <= ?2 AND n > ?3 ORDER BY n;

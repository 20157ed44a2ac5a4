-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT n, incarnation FROM batch WHERE n >= ?1 ORDER BY n LIMIT 1;

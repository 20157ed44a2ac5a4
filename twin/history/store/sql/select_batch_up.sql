-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT n FROM batch WHERE n BETWEEN ?1 AND ?2 ORDER BY n LIMIT 1;

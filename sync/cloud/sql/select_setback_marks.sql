-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT stream, common, told
FROM setback_mark
WHERE twin = ?1;

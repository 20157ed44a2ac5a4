-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT first, last FROM held WHERE path = ?1 AND inc = ?2 AND first BETWEEN ?3 AND ?4
ORDER BY first;

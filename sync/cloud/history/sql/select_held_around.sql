-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

-- The interval that may have the ordinal ?3 or touch it from below.
SELECT first, last FROM held WHERE path = ?1 AND inc = ?2 AND first <= ?3
ORDER BY first DESC LIMIT 1;

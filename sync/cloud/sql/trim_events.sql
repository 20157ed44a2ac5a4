-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

-- All but the ?2 newest.
DELETE FROM event
WHERE twin = ?1 AND n <= (SELECT max(n) FROM event WHERE twin = ?1) - ?2;

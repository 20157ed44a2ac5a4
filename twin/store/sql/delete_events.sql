-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

-- Up to ?1, in the order of numbers without a sign: those of the upper half are negative here.
DELETE FROM event WHERE (seq < 0, seq) <= (?1 < 0, ?1);

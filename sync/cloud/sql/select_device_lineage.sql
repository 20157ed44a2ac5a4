-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT inc, first_seq, seq_limit, kept FROM device_lineage WHERE twin = ?1 ORDER BY n;

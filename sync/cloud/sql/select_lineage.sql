-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT opening, first_seq, seq_limit FROM lineage WHERE twin = ?1 ORDER BY opening;

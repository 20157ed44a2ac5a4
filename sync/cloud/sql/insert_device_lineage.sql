-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

INSERT INTO device_lineage (twin, n, inc, first_seq, seq_limit, kept)
VALUES (?1, ?2, ?3, ?4, ?5, ?6);

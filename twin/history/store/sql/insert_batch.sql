-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

INSERT INTO batch (n, incarnation, t_min_ms, t_max_ms) VALUES (?1, ?2, ?3, ?4);

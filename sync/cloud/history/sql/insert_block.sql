-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

INSERT INTO block (path, inc, first, count, t_min_ms, t_max_ms, bytes)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7);

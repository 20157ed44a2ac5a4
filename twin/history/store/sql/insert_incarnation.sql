-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

INSERT INTO incarnation (n, inc, opened_ms, window_samples, clean) VALUES (?1, ?2, ?3, ?4, 0);

-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT n, inc, opened_ms, window_samples, clean FROM incarnation ORDER BY n DESC LIMIT 1;

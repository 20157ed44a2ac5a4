-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT t_min_ms, t_max_ms FROM batch WHERE n = ?1;

-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT inc, at_ms, why, hardware FROM claim WHERE twin = ?1;

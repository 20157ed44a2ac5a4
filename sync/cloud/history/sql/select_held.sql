-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT inc, first, last FROM held WHERE path = ?1 ORDER BY inc, first;

-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT property, left_ms FROM hold ORDER BY property;

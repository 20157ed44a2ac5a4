-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

INSERT OR REPLACE INTO claim (twin, inc, at_ms, why, hardware)
VALUES (?1, ?2, ?3, ?4, ?5);

-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT property, kind, raised, acknowledged, since_ms, type, value, who
FROM alarm
ORDER BY property, kind;

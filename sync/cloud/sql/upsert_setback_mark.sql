-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

INSERT OR REPLACE INTO setback_mark (twin, stream, common, told)
VALUES (?1, ?2, ?3, ?4);

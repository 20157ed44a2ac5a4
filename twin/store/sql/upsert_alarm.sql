-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

INSERT OR REPLACE INTO alarm (property, kind, raised, acknowledged, since_ms, type, value, who)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8);

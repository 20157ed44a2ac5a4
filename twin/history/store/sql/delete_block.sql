-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

DELETE FROM block WHERE batch = ?1 AND priority = ?2 AND path = ?3 AND first = ?4;

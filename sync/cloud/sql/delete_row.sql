-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

DELETE FROM row WHERE twin = ?1 AND property = ?2 AND side = ?3;

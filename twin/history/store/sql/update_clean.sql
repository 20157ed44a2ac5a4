-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

UPDATE incarnation SET clean = 1 WHERE n = ?1;

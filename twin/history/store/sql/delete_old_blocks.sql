-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

DELETE FROM block_3 WHERE batch = ?1;

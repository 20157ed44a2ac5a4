-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

UPDATE twin
SET epoch_counter = ?2, epoch_token = ?3
WHERE id = ?1;

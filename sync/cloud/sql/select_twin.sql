-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT
  epoch_counter, epoch_token, setback_floor, setback_epoch, interest_version, admission
FROM twin
WHERE id = ?1;

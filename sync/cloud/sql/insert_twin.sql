-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

INSERT INTO twin (
  device, registered_ms, seen_ms, head, epoch_counter, epoch_token,
  setback_floor, setback_epoch, interest_version, admission
)
VALUES (?1, ?2, ?2, 0, 0, 0, 0, 0, 0, 0)
RETURNING id;

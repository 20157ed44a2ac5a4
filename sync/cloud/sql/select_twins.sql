-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT
  id, device, registered_ms, seen_ms, head, epoch_counter,
  (SELECT watermark FROM cursor WHERE twin = twin.id AND stream = 1),
  (SELECT watermark FROM cursor WHERE twin = twin.id AND stream = 0),
  (SELECT max(property.id) + 1 FROM property WHERE twin = twin.id),
  admission, claim.inc, claim.at_ms, claim.why, claim.hardware
FROM twin LEFT JOIN claim ON claim.twin = twin.id
ORDER BY device;

-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT batch FROM block_3 ORDER BY batch LIMIT 1;

-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT incarnation.inc FROM batch JOIN incarnation ON incarnation.n = batch.incarnation
WHERE batch.n = ?1;

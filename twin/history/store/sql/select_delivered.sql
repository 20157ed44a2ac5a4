-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT first, last FROM delivered ORDER BY first;

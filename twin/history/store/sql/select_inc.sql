-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

SELECT inc FROM incarnation WHERE n = ?1;

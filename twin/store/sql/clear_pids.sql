-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

UPDATE property SET pid = 0 WHERE pid <> 0;

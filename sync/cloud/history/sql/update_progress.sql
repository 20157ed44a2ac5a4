-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

UPDATE progress SET commits = ?1;

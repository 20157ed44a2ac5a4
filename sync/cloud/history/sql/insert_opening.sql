-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

INSERT INTO opening (inc, first_commit) SELECT ?1, commits + 1 FROM progress;

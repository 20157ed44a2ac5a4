-- Copyright 2026 The edgetwin authors
-- SPDX-License-Identifier: Apache-2.0

-- twin.db, version 2: a body in tail may be packed (twin/store/tail_codec.h).

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Who may change something through the local API. Reading is for whoever may connect.

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "twin/base/result.h"
#include "twin/http/http_server.h"

namespace edgetwin::api {

inline constexpr const char* kOperatorGroup = "edgetwin-operator";

// Who asks, as the kernel says.
struct Peer {
  std::optional<uid_t> uid;
  std::vector<gid_t> groups;  // All of them.
};
Peer PeerOf(const http::Request& request);

// root, the daemon's own user and members of `operators` may; kPermission says what to do.
Status MayChange(const Peer& peer, uid_t daemon, std::optional<gid_t> operators);

// From /etc/group and /etc/passwd alone: a directory service may hang without the network, and
// these are asked on the loop.
std::optional<gid_t> LocalGroup(const std::string& name);
std::string LocalUser(uid_t uid);  // Its name, or "uid 1000".

}  // namespace edgetwin::api

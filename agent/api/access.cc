// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/api/access.h"

#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>

namespace edgetwin::api {
namespace {

struct Closer {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Closer>;

constexpr std::size_t kEntryBytesMax = 16 << 10;

}  // namespace

Peer PeerOf(const http::Request& request) {
  Peer peer;
  peer.uid = request.peer_uid;
  peer.groups.assign(request.peer_groups.begin(), request.peer_groups.end());
  if (request.peer_gid) peer.groups.push_back(*request.peer_gid);
  return peer;
}

Status MayChange(const Peer& peer, uid_t daemon, std::optional<gid_t> operators) {
  if (!peer.uid) {
    return MakeError(ErrorCode::kPermission, "who asks is not known, so nothing may be changed");
  }
  if (*peer.uid == 0 || *peer.uid == daemon) return {};
  if (operators &&
      std::find(peer.groups.begin(), peer.groups.end(), *operators) != peer.groups.end()) {
    return {};
  }
  std::string text = LocalUser(*peer.uid) + " may read but not change anything: ";
  text += operators
              ? "join the group " + std::string(kOperatorGroup) + " (as root: adduser " +
                    LocalUser(*peer.uid) + " " + kOperatorGroup + "; then log in anew), or use sudo"
              : "use sudo (there is no group " + std::string(kOperatorGroup) + " here)";
  return MakeError(ErrorCode::kPermission, std::move(text));
}

std::optional<gid_t> LocalGroup(const std::string& name) {
  const File file(std::fopen("/etc/group", "re"));
  if (!file) return {};
  std::array<char, kEntryBytesMax> buffer{};
  group entry{};
  group* found = nullptr;
  while (fgetgrent_r(file.get(), &entry, buffer.data(), buffer.size(), &found) == 0) {
    if (name == entry.gr_name) return entry.gr_gid;
  }
  return {};
}

std::string LocalUser(uid_t uid) {
  const File file(std::fopen("/etc/passwd", "re"));
  std::array<char, kEntryBytesMax> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  while (file && fgetpwent_r(file.get(), &entry, buffer.data(), buffer.size(), &found) == 0) {
    if (uid == entry.pw_uid) return entry.pw_name;
  }
  return "uid " + std::to_string(uid);
}

}  // namespace edgetwin::api

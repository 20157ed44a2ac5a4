// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/host/mounts.h"

#include <gtest/gtest.h>

namespace edgetwin::host {
namespace {

TEST(MountsTest, ReadsAnyNumberOfOptionalFields) {
  const auto mounts = ParseMounts(
      "36 35 98:0 / /mnt rw,noatime - ext3 /dev/root rw\n"
      "37 35 98:1 /sub /mnt2 ro master:1 propagate_from:2 - xfs /dev/b ro,attr2\n");
  ASSERT_EQ(mounts.size(), 2u);
  EXPECT_EQ(mounts[0].device, "98:0");
  EXPECT_EQ(mounts[0].folder, "/mnt");
  EXPECT_EQ(mounts[0].type, "ext3");
  EXPECT_TRUE(mounts[0].whole);
  EXPECT_FALSE(mounts[0].read_only);
  EXPECT_FALSE(mounts[1].whole);
  EXPECT_TRUE(mounts[1].read_only);
}

TEST(MountsTest, AReadOnlyViewOfAWritableFilesystemIsNotReadOnly) {
  const auto mounts =
      ParseMounts("1 0 8:1 / / ro,relatime - ext4 /dev/sda1 rw,errors=remount-ro\n");
  ASSERT_EQ(mounts.size(), 1u);
  EXPECT_FALSE(mounts[0].read_only);
}

TEST(MountsTest, LeavesOutWhatItDoesNotUnderstand) {
  EXPECT_TRUE(ParseMounts("").empty());
  for (const char* line :
       {"\n", "1 2 3\n", "1 0 8:1 / / rw ext4 /dev/sda1 rw\n", "1 0 81 / / rw - ext4 x rw\n",
        "1 0 8:1 / mnt rw - ext4 x rw\n", "1 0 8:1 / / rw -\n"}) {
    EXPECT_TRUE(ParseMounts(line).empty()) << line;
  }
}

TEST(MountsTest, ATableWithoutEndIsCutOff) {
  std::string table;
  for (int i = 0; i < 5000; ++i) table += "1 0 8:1 / /m" + std::to_string(i) + " rw - ext4 x rw\n";
  EXPECT_EQ(ParseMounts(table).size(), 4096u);
}

TEST(MountsTest, WhatMayBlockForEverIsNoLocalStorage) {
  for (const char* type : {"nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "fuse", "fuse.sshfs",
                           "fuseblk", "autofs", "tmpfs", "squashfs", "proc", ""}) {
    EXPECT_FALSE(IsLocalStorage(type)) << type;
  }
  for (const char* type : {"ext4", "vfat", "btrfs", "f2fs", "ubifs", "overlay"}) {
    EXPECT_TRUE(IsLocalStorage(type)) << type;
  }
}

TEST(MountsTest, OneFilesystemIsOneMountHoweverOftenItIsBound) {
  const auto selected =
      SelectFilesystems(ParseMounts("1 0 8:1 /etc/hosts /etc/hosts rw - ext4 /dev/sda1 rw\n"
                                    "2 0 8:1 / /sysroot/deep rw - ext4 /dev/sda1 rw\n"
                                    "3 0 8:1 / /sysroot rw - ext4 /dev/sda1 rw\n"
                                    "4 0 8:1 /a /b rw - ext4 /dev/sda1 rw\n"));
  ASSERT_EQ(selected.size(), 1u);
  EXPECT_EQ(selected[0].folder, "/sysroot");
}

TEST(MountsTest, ANetworkMountOverALocalOneHidesIt) {
  const auto selected =
      SelectFilesystems(ParseMounts("1 0 8:1 / /data rw - ext4 /dev/sda1 rw\n"
                                    "2 1 0:40 / /data rw - nfs4 nas:/x rw\n"));
  EXPECT_TRUE(selected.empty()) << "statvfs(/data) would ask the network";
}

TEST(MountsTest, NamesAreSegmentsOfPaths) {
  EXPECT_EQ(MountName("/"), "root");
  EXPECT_EQ(MountName("/boot/firmware"), "boot_firmware");
  EXPECT_EQ(MountName("/srv/my disk"), "srv_my_disk");
}

}  // namespace
}  // namespace edgetwin::host

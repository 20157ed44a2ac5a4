// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/conformance/tree_bench.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <utility>

namespace edgetwin::driver::testing {
namespace {

namespace fs = std::filesystem;

void Put(const fs::path& file, const std::string& text) {
  std::ofstream(file.string() + ".new") << text;
  fs::rename(file.string() + ".new", file);  // Whoever reads sees one or the other.
}

}  // namespace

TreeBench::TreeBench(const std::map<std::string, std::string>& files, std::string device,
                     std::string value, Files how)
    : root_((fs::path(::testing::TempDir()) / "edgetwin-tree-XXXXXX").string()),
      device_(std::move(device)),
      value_(std::move(value)),
      text_(files.at(value_)),
      how_(how) {
  EXPECT_NE(mkdtemp(root_.data()), nullptr);
  for (const auto& [path, text] : files) {
    const fs::path file = fs::path(root_) / path;
    fs::create_directories(file.parent_path());
    Put(file, text);
  }
}

TreeBench::~TreeBench() {
  Resume();
  fs::remove_all(root_);
}

bool TreeBench::Unplug() {
  if (std::exchange(unplugged_, true)) return true;
  // Whoever has it open reads nothing any more.
  fs::resize_file(fs::path(root_) / value_, 0);
  fs::rename(fs::path(root_) / device_, root_ + "/gone");
  return true;
}

void TreeBench::Replug() {
  if (!std::exchange(unplugged_, false)) return;
  fs::rename(root_ + "/gone", fs::path(root_) / device_);
  std::ofstream(fs::path(root_) / value_) << text_;  // In place: who has it open goes on.
}

bool TreeBench::Hang() {
  if (how_ == Files::kKeptOpen) return false;
  if (std::exchange(hung_, true)) return true;
  const fs::path file = fs::path(root_) / value_;
  EXPECT_EQ(mkfifo((file.string() + ".new").c_str(), 0600), 0);
  fs::rename(file.string() + ".new", file);
  return true;
}

void TreeBench::Resume() {
  if (!std::exchange(hung_, false)) return;
  const fs::path file = fs::path(root_) / value_;
  const fs::path pipe = file.string() + ".pipe";
  fs::rename(file, pipe);
  Put(file, text_);
  // Whoever waits in the pipe sees its end.
  const int end = open(pipe.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  if (end >= 0) close(end);
  fs::remove(pipe);
}

}  // namespace edgetwin::driver::testing

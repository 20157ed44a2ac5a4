// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/iio/iio_test_tree.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <utility>

namespace edgetwin::iio::testing {

namespace fs = std::filesystem;

BufferTree::BufferTree(Kernel kernel)
    : kernel_(kernel), root_((fs::path(::testing::TempDir()) / "edgetwin-iio-XXXXXX").string()) {
  EXPECT_NE(mkdtemp(root_.data()), nullptr);
  fs::create_directories(root_ + "/dev");
  Put("name", "mcp3008\n");
  Put("in_voltage_scale", "1000\n");  // So that a step is a volt.
  Put(attributes() + "/enable", "0\n");
  Put(attributes() + "/length", "2\n");
  Put(attributes() + "/watermark", "1\n");
  PlugIn();
}

BufferTree::~BufferTree() {
  Unplug();
  for (const int fd : sealed_) close(fd);
  fs::remove_all(root_);
}

std::string BufferTree::attributes() const {
  return device() + (kernel_ == Kernel::kNew ? "/buffer0" : "/buffer");
}

std::string BufferTree::elements() const {
  return device() + (kernel_ == Kernel::kNew ? "/buffer0" : "/scan_elements");
}

std::string BufferTree::PathOf(const std::string& file) const {
  return file.starts_with("/") ? file : device() + "/" + file;
}

void BufferTree::Put(const std::string& file, const std::string& text) const {
  const fs::path path = PathOf(file);
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::trunc) << text;
}

std::string BufferTree::Get(const std::string& file) const {
  return sysfs::TextOr(PathOf(file), "");
}

void BufferTree::AddElement(const std::string& channel, int index, const std::string& type) const {
  const std::string element = elements() + "/in_" + channel;
  Put(element + "_en", "0\n");
  Put(element + "_index", std::to_string(index) + "\n");
  Put(element + "_type", type + "\n");
}

void BufferTree::AddTrigger(int number, const std::string& name) const {
  Put(root_ + "/sys/bus/iio/devices/trigger" + std::to_string(number) + "/name", name + "\n");
}

void BufferTree::Forbid(const std::string& file, const std::string& text) {
  // The mode doesn't keep root from writing; a sealed file keeps everybody.
  const int fd = memfd_create("attribute", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  ASSERT_EQ(write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ASSERT_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
  sealed_.push_back(fd);
  fs::remove(PathOf(file));
  fs::create_symlink("/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(fd),
                     PathOf(file));
}

void BufferTree::PlugIn() {
  if (fd_ >= 0) return;
  if (!fs::exists(node())) {
    EXPECT_EQ(mkfifo(node().c_str(), 0600), 0);
  }
  // Both ways, so that it may be opened before there is a reader, and never blocks.
  fd_ = open(node().c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  EXPECT_GE(fd_, 0);
}

void BufferTree::Unplug() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
  fs::remove(node());
}

void BufferTree::Measure(const std::vector<std::uint8_t>& bytes) const {
  const ssize_t written = write(fd_, bytes.data(), bytes.size());
  // What doesn't fit is lost, as in the kernel's buffer, and so is what nobody is there to take.
  EXPECT_TRUE(written == static_cast<ssize_t>(bytes.size()) || written < 0);
}

CaptureSpec BufferTree::SpecOf(std::vector<std::string> channels) const {
  CaptureSpec spec;
  spec.node = node();
  spec.folder = device();
  spec.triggers = root_ + "/sys/bus/iio/devices";
  spec.buffer = {attributes(), elements()};
  spec.channels = std::move(channels);
  spec.length = 1024;
  return spec;
}

std::vector<std::uint8_t> Stamped(std::vector<std::uint8_t> bytes, std::int64_t stamp) {
  const auto rest = static_cast<std::uint64_t>(stamp);
  for (unsigned i = 0; i < 8; ++i) {
    bytes.push_back(static_cast<std::uint8_t>(rest >> 8 * i));
  }
  return bytes;
}

}  // namespace edgetwin::iio::testing

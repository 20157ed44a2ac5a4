// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/w1/w1_files.h"

#include <condition_variable>
#include <mutex>

#include "drivers/sdk/sysfs/files.h"

namespace edgetwin::w1 {
namespace {

class KernelFiles final : public W1Files {
 public:
  Result<std::string> Read(const std::string& path) override { return sysfs::ReadOnce(path); }
  Status Write(const std::string& path, std::string_view text) override {
    return sysfs::WriteOnce(path, text);
  }
  MonoTime Now() const override { return clock_.Now(); }
  void Wait(std::chrono::milliseconds time) override {
    std::unique_lock lock(mutex_);
    interrupted_changed_.wait_for(lock, time, [this] { return interrupted_; });
  }
  void Interrupt() override {
    const std::lock_guard lock(mutex_);
    interrupted_ = true;
    interrupted_changed_.notify_all();
  }

 private:
  SystemClock clock_;
  std::mutex mutex_;
  std::condition_variable interrupted_changed_;
  bool interrupted_ = false;
};

}  // namespace

std::unique_ptr<W1Files> MakeKernelFiles() {
  return std::make_unique<KernelFiles>();
}

}  // namespace edgetwin::w1

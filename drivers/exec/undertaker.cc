// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/exec/undertaker.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <list>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "twin/base/clock.h"

namespace edgetwin::exec {
namespace {

using std::chrono::milliseconds;

// How long the process's end waits for one that not even SIGKILL ends.
constexpr milliseconds kLastWait{1'000};

}  // namespace

struct Undertaker::Shared {
  struct Entry {
    std::string name;
    Child child;
    milliseconds grace;
    MonoTime next;
    int signals_sent = 0;  // 2: there is nothing left to do but wait.
  };

  std::optional<MonoTime> Next() const;
  void Work(MonoTime now);
  void Start(const std::shared_ptr<Shared>& self);
  void Run();

  const SystemClock clock{};  // Clang 14 wants the braces.
  const Descriptor wake{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::mutex mutex;
  // All below: under `mutex`.
  std::list<Entry> entries;
  std::thread thread;
  bool running = false;
  std::optional<MonoTime> leave_at;  // The process ends.
};

std::optional<MonoTime> Undertaker::Shared::Next() const {
  std::optional<MonoTime> next = leave_at;
  for (const Entry& entry : entries) {
    if (entry.signals_sent < 2 && (!next || entry.next < *next)) next = entry.next;
  }
  return next;
}

void Undertaker::Shared::Work(MonoTime now) {
  for (auto entry = entries.begin(); entry != entries.end();) {
    pollfd asked{entry->child.process.get(), POLLIN, 0};
    if (poll(&asked, 1, 0) > 0) {
      Reap(entry->child);
      entry = entries.erase(entry);
      continue;
    }
    if (entry->signals_sent < 2 && now >= entry->next) {
      Signal(entry->child, entry->signals_sent == 0 ? SIGTERM : SIGKILL);
      ++entry->signals_sent;
      entry->next = now + entry->grace;
    }
    ++entry;
  }
}

void Undertaker::Shared::Start(const std::shared_ptr<Shared>& self) {
  if (running) return;
  if (thread.joinable()) thread.join();  // It has let go of the mutex for the last time.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread = std::thread([self] { self->Run(); });
    running = true;
  } catch (const std::system_error&) {
    // Without a thread nobody can wait out their grace; the next call tries again to reap them.
    for (Entry& entry : entries) {
      Signal(entry.child, SIGKILL);
      entry.signals_sent = 2;
    }
    Work(clock.Now());
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Undertaker::Shared::Run() {
  pthread_setname_np(pthread_self(), "undertaker");
  std::unique_lock lock(mutex);
  while (true) {
    const MonoTime now = clock.Now();
    Work(now);
    if (entries.empty() || (leave_at && now >= *leave_at)) break;
    std::vector<pollfd> asked = {{wake.get(), POLLIN, 0}};
    for (const Entry& entry : entries) asked.push_back({entry.child.process.get(), POLLIN, 0});
    const std::optional<MonoTime> next = Next();
    int timeout_ms = -1;
    if (next) {
      const auto wait = std::chrono::ceil<milliseconds>(*next - now);
      timeout_ms = static_cast<int>(std::clamp<std::int64_t>(wait.count(), 0, 60'000));
    }
    lock.unlock();
    poll(asked.data(), asked.size(), timeout_ms);
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = read(wake.get(), &count, sizeof count);
    lock.lock();
  }
  running = false;
}

Undertaker& Undertaker::Get() {
  static Undertaker undertaker;
  return undertaker;
}

Undertaker::Undertaker() : shared_(std::make_shared<Shared>()) {}

Undertaker::~Undertaker() {
  std::thread thread;
  {
    const std::lock_guard lock(shared_->mutex);
    milliseconds longest{0};
    for (const auto& entry : shared_->entries) longest = std::max(longest, entry.grace);
    shared_->leave_at = shared_->clock.Now() + 2 * longest + kLastWait;
    thread = std::move(shared_->thread);
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(shared_->wake.get(), &one, sizeof one);
  if (thread.joinable()) thread.join();
}

void Undertaker::Take(std::string name, Child child, milliseconds grace) {
  child.input.Close();
  const std::lock_guard lock(shared_->mutex);
  const MonoTime next = shared_->clock.Now() + grace;
  shared_->entries.push_back({std::move(name), std::move(child), grace, next});
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(shared_->wake.get(), &one, sizeof one);
  shared_->Start(shared_);
}

bool Undertaker::Has(const std::string& name) {
  const std::lock_guard lock(shared_->mutex);
  const auto& entries = shared_->entries;
  const auto has = [&] {
    return std::any_of(entries.begin(), entries.end(),
                       [&](const auto& entry) { return entry.name == name; });
  };
  if (has() && !shared_->running) shared_->Start(shared_);
  return has();
}

}  // namespace edgetwin::exec

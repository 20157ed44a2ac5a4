// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/base/event_loop.h"

#include <event2/event.h>
#include <event2/thread.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "twin/base/check.h"

namespace edgetwin {
namespace {

timeval ToTimeval(std::chrono::microseconds delay) {
  delay = std::max(delay, std::chrono::microseconds(0));
  timeval result{};
  result.tv_sec = static_cast<time_t>(delay.count() / 1'000'000);
  result.tv_usec = static_cast<suseconds_t>(delay.count() % 1'000'000);
  return result;
}

void InitThreads() {
  static const int result = evthread_use_pthreads();
  EDGETWIN_CHECK(result == 0);
}

}  // namespace

struct EventLoop::Impl {
  struct Entry {
    Impl* loop = nullptr;
    Id id = Id::kNone;
    event* handle = nullptr;
    bool once = false;
    std::function<void(unsigned)> task;
  };

  Impl(const Clock& clock_in, std::size_t posted_max_in)
      : clock(clock_in), posted_max(posted_max_in) {
    InitThreads();
    base = event_base_new();
    EDGETWIN_CHECK(base != nullptr);
    wake = event_new(base, -1, EV_PERSIST, &Impl::OnWake, this);
    EDGETWIN_CHECK(wake != nullptr);
    event_add(wake, nullptr);
  }

  ~Impl() {
    entries.clear([](Entry& entry) { event_free(entry.handle); });
    event_free(wake);
    event_base_free(base);
  }

  Id Add(int fd, short what, bool once, const timeval* delay, std::function<void(unsigned)> task) {
    auto entry = std::make_unique<Entry>();
    entry->loop = this;
    entry->id = Id{++last_id};
    entry->once = once;
    entry->task = std::move(task);
    entry->handle = event_new(base, fd, what, &Impl::OnEvent, entry.get());
    EDGETWIN_CHECK(entry->handle != nullptr);
    EDGETWIN_CHECK(event_add(entry->handle, delay) == 0);
    const Id id = entry->id;
    entries.map.emplace(static_cast<std::uint64_t>(id), std::move(entry));
    return id;
  }

  void Remove(Id id) {
    const auto found = entries.map.find(static_cast<std::uint64_t>(id));
    if (found == entries.map.end()) return;
    event_free(found->second->handle);
    if (found->second.get() == running) {
      // The task is cancelling itself: keep its closure alive until it returns.
      cancelled_running = std::move(found->second);
    }
    entries.map.erase(found);
  }

  static void OnEvent(evutil_socket_t, short what, void* self) {
    auto* entry = static_cast<Entry*>(self);
    Impl* loop = entry->loop;
    unsigned ready = 0;
    if (what & EV_READ) ready |= kReadable;
    if (what & EV_WRITE) ready |= kWritable;
    loop->running = entry;
    entry->task(ready);
    loop->running = nullptr;
    if (loop->cancelled_running) {
      loop->cancelled_running.reset();
    } else if (entry->once) {
      loop->Remove(entry->id);
    }
  }

  static void OnWake(evutil_socket_t, short, void* self) {
    auto* loop = static_cast<Impl*>(self);
    std::deque<Task> tasks;
    {
      std::lock_guard lock(loop->mutex);
      tasks.swap(loop->posted);
      loop->wake_pending = false;
    }
    loop->room.notify_all();
    for (Task& task : tasks) task();
  }

  struct Entries {
    std::unordered_map<std::uint64_t, std::unique_ptr<Entry>> map;
    template <class F>
    void clear(F&& each) {
      for (auto& [id, entry] : map) each(*entry);
      map.clear();
    }
  };

  const Clock& clock;
  const std::size_t posted_max;
  event_base* base = nullptr;
  event* wake = nullptr;
  std::uint64_t last_id = 0;
  Entries entries;
  Entry* running = nullptr;
  std::unique_ptr<Entry> cancelled_running;
  std::thread::id thread = std::this_thread::get_id();

  mutable std::mutex mutex;
  std::condition_variable room;
  std::deque<Task> posted;
  bool wake_pending = false;
  std::size_t peak = 0;
  std::uint64_t waits = 0;
};

EventLoop::EventLoop(const Clock& clock, std::size_t posted_max)
    : impl_(std::make_unique<Impl>(clock, posted_max)) {}
EventLoop::~EventLoop() = default;

void EventLoop::Run() {
  {
    std::lock_guard lock(impl_->mutex);
    impl_->thread = std::this_thread::get_id();
  }
  event_base_loop(impl_->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

void EventLoop::RunFor(std::chrono::microseconds wait) {
  const timeval delay = ToTimeval(wait);
  event_base_loopexit(impl_->base, &delay);
  event_base_loop(impl_->base, EVLOOP_NO_EXIT_ON_EMPTY);
}

void EventLoop::Stop() {
  event_base_loopbreak(impl_->base);
}

void EventLoop::Post(Task task) {
  std::unique_lock lock(impl_->mutex);
  if (impl_->posted.size() >= impl_->posted_max) {
    EDGETWIN_CHECK(std::this_thread::get_id() != impl_->thread);
    ++impl_->waits;
    impl_->room.wait(lock, [this] { return impl_->posted.size() < impl_->posted_max; });
  }
  impl_->posted.push_back(std::move(task));
  impl_->peak = std::max(impl_->peak, impl_->posted.size());
  if (impl_->wake_pending) return;
  impl_->wake_pending = true;
  lock.unlock();
  event_active(impl_->wake, 0, 0);
}

Loop::Id EventLoop::After(std::chrono::microseconds delay, Task task) {
  const timeval wait = ToTimeval(delay);
  return impl_->Add(-1, 0, true, &wait, [task = std::move(task)](unsigned) { task(); });
}

Loop::Id EventLoop::Every(std::chrono::microseconds period, Task task) {
  EDGETWIN_CHECK(period.count() > 0);
  const timeval wait = ToTimeval(period);
  return impl_->Add(-1, EV_PERSIST, false, &wait, [task = std::move(task)](unsigned) { task(); });
}

Loop::Id EventLoop::Watch(int fd, unsigned directions, std::function<void(unsigned)> task) {
  short what = EV_PERSIST;
  if (directions & kReadable) what |= EV_READ;
  if (directions & kWritable) what |= EV_WRITE;
  return impl_->Add(fd, what, false, nullptr, std::move(task));
}

Loop::Id EventLoop::OnSignal(int signal, Task task) {
  return impl_->Add(signal, EV_SIGNAL | EV_PERSIST, false, nullptr,
                    [task = std::move(task)](unsigned) { task(); });
}

void EventLoop::Cancel(Id id) {
  impl_->Remove(id);
}

const Clock& EventLoop::clock() const {
  return impl_->clock;
}

event_base* EventLoop::base() const {
  return impl_->base;
}

EventLoop::PostedStats EventLoop::posted_stats() const {
  std::lock_guard lock(impl_->mutex);
  return {impl_->posted_max, impl_->peak, impl_->waits};
}

}  // namespace edgetwin

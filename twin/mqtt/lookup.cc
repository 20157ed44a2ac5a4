// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/mqtt/lookup.h"

#include <netdb.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>

namespace edgetwin::mqtt {
namespace {

constexpr std::size_t kAddressesMax = 8;

Result<std::vector<std::string>> Resolve(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (failed != 0) {
    const char* why = failed == EAI_SYSTEM ? std::strerror(errno) : gai_strerror(failed);
    return Unavailable("cannot resolve \"" + host + "\": " + why);
  }
  std::vector<std::string> result;
  for (const addrinfo* one = found; one != nullptr && result.size() < kAddressesMax;
       one = one->ai_next) {
    char text[NI_MAXHOST];
    if (getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) !=
        0) {
      continue;
    }
    if (std::ranges::find(result, text) == result.end()) result.emplace_back(text);
  }
  freeaddrinfo(found);
  if (result.empty()) return Unavailable("\"" + host + "\" has no address");
  return result;
}

}  // namespace

// The thread holds this alone: no loop, no link. So it can outlive both.
struct Lookup::Shared {
  explicit Shared(int wake_in) : wake(wake_in) {}
  ~Shared() { close(wake); }

  void Set(Result<Route> route) {
    std::lock_guard lock(mutex);
    if (abandoned) return;
    result.emplace(std::move(route));
    const std::uint64_t one = 1;
    // Can't fail: the counter is 0.
    [[maybe_unused]] const ssize_t written = write(wake, &one, sizeof one);
  }

  // TLS first: what blocks for long comes last, when there is nothing of OpenSSL in this thread's
  // hands.
  void Run(const BrokerUrl& url, const TlsFiles& files) {
    Route route;
    if (url.tls) {
      auto tls = TlsContext::Make(files, url.host);
      if (!tls) return Set(std::move(tls).error());
      std::lock_guard lock(mutex);
      if (abandoned) return;
      context = *std::move(tls);
    }
    auto addresses = Resolve(url.host);
    if (!addresses) return Set(std::move(addresses).error());
    route.addresses = *std::move(addresses);
    Set(std::move(route));
  }

  const int wake;
  std::mutex mutex;
  bool abandoned = false;
  std::shared_ptr<TlsContext> context;
  std::optional<Result<Route>> result;
};

Lookup::Lookup(Loop& loop, const BrokerUrl& url, const TlsFiles& files,
               std::function<void(Result<Route>)> done)
    : loop_(loop), done_(std::move(done)) {
  Start(url, files);
}

void Lookup::Start(const BrokerUrl& url, const TlsFiles& files) {
  const auto fail = [this](const std::string& why) {
    watch_ = loop_.After(std::chrono::microseconds(0), [this, why] { Finish(Unavailable(why)); });
  };
  const int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake < 0) return fail(std::string("cannot resolve a name: ") + std::strerror(errno));
  shared_ = std::make_shared<Shared>(wake);
  // Signals are the loop's.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    std::thread thread([shared = shared_, url, files] { shared->Run(url, files); });
    pthread_setname_np(thread.native_handle(), "et-lookup");
    thread.detach();
    watch_ = loop_.Watch(wake, Loop::kReadable, [this](unsigned) {
      std::unique_lock lock(shared_->mutex);
      Result<Route> route = std::move(*shared_->result);
      if (route) route->tls = std::move(shared_->context);
      lock.unlock();
      Finish(std::move(route));
    });
  } catch (const std::system_error& error) {
    fail(std::string("cannot start a thread to resolve a name: ") + error.what());
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Lookup::Finish(Result<Route> route) {
  loop_.Cancel(watch_);
  watch_ = Loop::Id::kNone;
  const auto done = std::move(done_);
  done(std::move(route));
}

Lookup::~Lookup() {
  loop_.Cancel(watch_);
  if (!shared_) return;
  std::lock_guard lock(shared_->mutex);
  shared_->abandoned = true;
  shared_->context.reset();
  shared_->result.reset();
}

}  // namespace edgetwin::mqtt

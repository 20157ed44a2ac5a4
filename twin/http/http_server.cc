// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/http/http_server.h"

#include <event2/event.h>
#include <event2/listener.h>
#include <unistd.h>

#include <cerrno>

#include "twin/base/check.h"
#include "twin/http/connection.h"
#include "twin/http/listen_socket.h"

namespace edgetwin::http {
namespace {

// Connections past connections_max that are told so; those past these are closed without a word.
constexpr std::size_t kRefusalsMax = 16;
// Without descriptors, accepting again at once would spin.
constexpr std::chrono::milliseconds kAcceptPause{100};

// An event as it goes over the wire. Line ends would begin another field: `data` is cut into lines,
// the others lose theirs.
std::string FormatEvent(std::string_view event, std::string_view data, std::string_view id) {
  const auto add_field = [](std::string& out, std::string_view name, std::string_view value) {
    out += name;
    for (const char c : value) {
      if (c != '\n' && c != '\r' && c != '\0') out += c;
    }
    out += '\n';
  };
  std::string out;
  if (!id.empty()) add_field(out, "id: ", id);
  if (!event.empty()) add_field(out, "event: ", event);
  while (true) {
    const std::size_t end = data.find('\n');
    add_field(out, "data: ", data.substr(0, end));
    if (end == std::string_view::npos) break;
    data.remove_prefix(end + 1);
  }
  out += '\n';
  return out;
}

class Stream final : public EventStream {
 public:
  explicit Stream(std::weak_ptr<Connection> connection) : connection_(std::move(connection)) {}
  ~Stream() override {
    if (const auto connection = connection_.lock()) connection->EndStream();
  }
  bool Send(std::string_view event, std::string_view data, std::string_view id) override {
    const auto connection = connection_.lock();
    return connection && connection->SendEvent(FormatEvent(event, data, id));
  }
  bool open() const override {
    const auto connection = connection_.lock();
    return connection && connection->streaming();
  }
  void OnClose(std::function<void()> task) override {
    if (const auto connection = connection_.lock()) connection->SetStreamClosed(std::move(task));
  }

 private:
  const std::weak_ptr<Connection> connection_;
};

class ConnectionResponder final : public Responder {
 public:
  explicit ConnectionResponder(std::weak_ptr<Connection> connection)
      : connection_(std::move(connection)) {}
  ~ConnectionResponder() override {
    Send(Problem(500, "Internal Server Error", "the request was dropped without an answer"));
  }
  void Send(Response response) override {
    const auto connection = std::exchange(connection_, {}).lock();
    if (connection) connection->Answer(std::move(response));
  }
  std::shared_ptr<EventStream> Stream() override {
    const auto connection = std::exchange(connection_, {}).lock();
    if (!connection || !connection->BeginStream()) return nullptr;
    return std::make_shared<http::Stream>(connection);
  }

 private:
  // Empty once answered: the next request on the connection is somebody else's.
  std::weak_ptr<Connection> connection_;
};

}  // namespace

void Connection::Dispatch() {
  ClearDeadline();
  phase_ = Phase::kHandling;
  Request& request = parser_.request();
  request.parts = std::move(match_.parts);
  auto responder = std::make_shared<ConnectionResponder>(weak_from_this());
  (*match_.handler)(request, std::move(responder));
}

struct Server::Impl {
  struct Listener {
    Listener(Impl& server_in, ListenSocket socket_in)
        : server(server_in), socket(std::move(socket_in)) {
      listener = evconnlistener_new(server.state.loop.base(), &Impl::OnAccept, this,
                                    LEV_OPT_CLOSE_ON_EXEC, 0, socket.fd());
      EDGETWIN_CHECK(listener != nullptr);
      evconnlistener_set_error_cb(listener, &Impl::OnAcceptError);
    }
    ~Listener() {
      server.state.loop.Cancel(pause);
      evconnlistener_free(listener);
    }

    Impl& server;
    ListenSocket socket;
    evconnlistener* listener = nullptr;
    Loop::Id pause = Loop::Id::kNone;
  };

  Impl(EventLoop& loop, ServerOptions options) : state(loop, options) {
    heartbeat = loop.Every(options.stream_heartbeat, [this] {
      // A write to a socket never calls back at once, so none is closed meanwhile.
      for (const auto& [key, connection] : state.connections) connection->Heartbeat();
    });
  }

  ~Impl() {
    state.loop.Cancel(heartbeat);
    listeners.clear();
    while (!state.connections.empty()) state.connections.begin()->second->Close();
  }

  static void OnAccept(evconnlistener*, int fd, sockaddr*, int, void* self) {
    auto* listener = static_cast<Listener*>(self);
    ServerState& state = listener->server.state;
    const std::size_t held = state.connections.size();
    if (held >= state.options.connections_max) state.connections_limit.Hit();
    if (held >= state.options.connections_max + kRefusalsMax) {
      close(fd);
      return;
    }
    auto connection = std::make_shared<Connection>(state, fd, listener->socket.unix_domain());
    state.connections.emplace(connection.get(), connection);
    state.connections_limit.Use(state.connections.size());
    if (held >= state.options.connections_max) {
      connection->StartRefusing();
    } else {
      connection->Start();
    }
  }

  static void OnAcceptError(evconnlistener* handle, void* self) {
    auto* listener = static_cast<Listener*>(self);
    listener->server.state.connections_limit.Hit();
    evconnlistener_disable(handle);
    listener->pause = listener->server.state.loop.After(
        kAcceptPause, [handle] { evconnlistener_enable(handle); });
  }

  ServerState state;
  std::vector<std::unique_ptr<Listener>> listeners;
  Loop::Id heartbeat = Loop::Id::kNone;
};

Server::Server(EventLoop& loop, ServerOptions options)
    : impl_(std::make_unique<Impl>(loop, options)) {}
Server::~Server() = default;

void Server::Route(std::string method, std::string pattern, Handler handler) {
  impl_->state.router.Add(std::move(method), std::move(pattern), std::move(handler));
}

void Server::RouteStream(std::string pattern, StreamHandler handler) {
  Route("GET", std::move(pattern),
        [handler = std::move(handler)](const Request& request,
                                       const std::shared_ptr<Responder>& responder) {
          if (auto stream = responder->Stream()) handler(request, std::move(stream));
        });
}

void Server::SetGuard(Guard guard) {
  impl_->state.guard = std::move(guard);
}

Status Server::ListenUnix(const std::string& path, unsigned mode) {
  auto socket = ListenSocket::Unix(path, mode);
  if (!socket) return socket.error();
  impl_->listeners.push_back(std::make_unique<Impl::Listener>(*impl_, *std::move(socket)));
  return {};
}

Result<std::uint16_t> Server::ListenTcp(const std::string& address, std::uint16_t port) {
  auto socket = ListenSocket::Tcp(address, port);
  if (!socket) return socket.error();
  const std::uint16_t bound = socket->port();
  impl_->listeners.push_back(std::make_unique<Impl::Listener>(*impl_, *std::move(socket)));
  return bound;
}

void Server::StopListening() {
  impl_->listeners.clear();
  impl_->state.stopping = true;
  std::vector<std::shared_ptr<Connection>> all;
  for (const auto& [key, connection] : impl_->state.connections) all.push_back(connection);
  for (const auto& connection : all) connection->CloseIfIdle();
}

std::vector<LimitReport> Server::limits() const {
  const ServerState& state = impl_->state;
  return {state.connections_limit.Report("connections"), state.streams_limit.Report("streams"),
          state.backlog_limit.Report("stream_backlog_bytes"),
          state.request_limit.Report("request_bytes"), state.idle_limit.Report("idle_ms")};
}

}  // namespace edgetwin::http

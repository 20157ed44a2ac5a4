// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// One client's connection: requests one after the other, each answered before the next is looked
// at.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "twin/base/event_loop.h"
#include "twin/base/limit.h"
#include "twin/http/http_server.h"
#include "twin/http/request_parser.h"
#include "twin/http/router.h"

struct bufferevent;
struct event;

namespace edgetwin::http {

class Connection;

// What the connections of one server share.
struct ServerState {
  ServerState(EventLoop& loop_in, ServerOptions options_in)
      : loop(loop_in),
        options(options_in),
        connections_limit(options.connections_max),
        streams_limit(options.streams_max),
        backlog_limit(options.stream_backlog_bytes_max),
        request_limit(options.header_bytes_max + options.body_bytes_max),
        idle_limit(static_cast<std::uint64_t>(options.idle_timeout.count())) {}

  EventLoop& loop;
  const ServerOptions options;
  Router router;
  Server::Guard guard;
  std::unordered_map<Connection*, std::shared_ptr<Connection>> connections;
  std::size_t streams = 0;
  bool stopping = false;  // Every answer is its connection's last.
  Limit connections_limit;
  Limit streams_limit;
  Limit backlog_limit;
  Limit request_limit;
  Limit idle_limit;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // Takes the descriptor. `state` outlives the connection, or Close is called before it goes.
  Connection(ServerState& state, int fd, bool unix_domain);
  ~Connection();

  // Begins to read requests; or, for one too many, answers 503.
  void Start();
  void StartRefusing();
  void Close();
  // Closes it if no request has begun.
  void CloseIfIdle();
  // A comment on an idle stream.
  void Heartbeat();

  // For the current request's responder, once.
  void Answer(Response response);
  bool BeginStream();

  // For the stream.
  bool SendEvent(std::string_view event);
  void EndStream();
  bool streaming() const { return phase_ == Phase::kStreaming; }
  void SetStreamClosed(std::function<void()> task) { stream_closed_ = std::move(task); }

 private:
  enum class Phase {
    kReading,    // A request, or waiting for one.
    kHandling,   // A handler has it.
    kWriting,    // Its answer goes out.
    kStreaming,  // … without end.
    kDraining,   // All is said; what the client still sends is thrown away, so that its last answer
                 // isn't lost to a reset (RFC 9112, 9.6).
    kClosed,
  };

  static void OnRead(bufferevent*, void* self);
  static void OnWrite(bufferevent*, void* self);
  static void OnEvent(bufferevent*, short what, void* self);
  static void OnDeadline(int, short, void* self);

  void Process();
  bool OnHead();
  void Dispatch();
  void OnDrained();
  void Drain();
  void Reject(Response response);
  void Write(const Response& response);
  std::string Head(int status, bool chunked) const;
  void WriteChunk(std::string_view data);
  void SetDeadline(std::chrono::milliseconds delay);
  void ClearDeadline();

  ServerState& state_;
  bufferevent* buffer_ = nullptr;
  event* deadline_ = nullptr;
  Phase phase_ = Phase::kReading;
  RequestParser parser_;
  Router::Match match_;
  std::optional<std::uint32_t> peer_uid_;
  std::optional<std::uint32_t> peer_gid_;
  std::vector<std::uint32_t> peer_groups_;
  bool head_seen_ = false;
  bool receiving_ = false;  // The current request's first byte has come.
  bool peer_done_ = false;  // It sends no more.
  bool close_ = false;      // After the current answer.
  std::size_t drained_bytes_ = 0;
  std::function<void()> stream_closed_;
};

}  // namespace edgetwin::http

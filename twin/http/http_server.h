// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A small HTTP/1.1 server over libevent's evhttp, on the loop's thread: the agent's local API on a Unix socket and
// the cloud's API on TCP.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "twin/base/event_loop.h"
#include "twin/base/limit.h"
#include "twin/base/result.h"

namespace edgetwin::http {

struct Request {
  std::string method;                        // "GET", "PUT", "PATCH", "POST", "DELETE", "HEAD".
  std::string path;                          // Percent-decoded, without the query: "/v1/twins/a".
  std::vector<std::string> parts;            // The pattern's captures, percent-decoded, in order.
  std::map<std::string, std::string> query;  // Percent-decoded; the last of a repeated key wins.
  std::map<std::string, std::string> headers;  // Names in lower case.
  std::string body;
  std::optional<std::uint32_t> peer_uid;  // Unix sockets: who asks (SO_PEERCRED).
  std::optional<std::uint32_t> peer_gid;
};

struct Response {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
};

// An RFC 9457 problem document ("application/problem+json"): {"type","title","status","detail", …}.
// `extra` is a JSON object's inside ("\"key\":\"a/b\"") or empty.
Response Problem(int status, std::string_view title, std::string_view detail,
                 std::string_view extra = {});
// The problem that fits an Error: kInvalid 400, kNotFound 404, kConflict 409, kPermission 403,
// kExhausted 429, kUnsupported 501, kUnavailable 503, kTimeout 504, else 500.
Response Problem(const Error& error);

// Answers one request, once, now or later, on the loop's thread. Dropped unanswered: 500. Harmless after the
// client has gone.
class Responder {
 public:
  virtual ~Responder() = default;
  virtual void Send(Response response) = 0;
};

// A stream of server-sent events (WHATWG HTML, section "Server-sent events"). Its owner keeps it as long as it
// wants to send.
class EventStream {
 public:
  virtual ~EventStream() = default;
  // False once the client has gone, or when it reads so slowly that `stream_backlog_bytes_max` is
  // reached: then the stream is closed and the limit's hit is counted.
  virtual bool Send(std::string_view event, std::string_view data,
                    std::string_view id = {}) = 0;
  virtual bool open() const = 0;
};

struct ServerOptions {
  std::size_t body_bytes_max = 1 << 20;  // Larger ones get 413.
  std::size_t header_bytes_max = 16 << 10;
  std::size_t connections_max = 64;  // More get 503 at once.
  std::size_t streams_max = 32;
  std::size_t stream_backlog_bytes_max = 1 << 20;
  std::chrono::seconds idle_timeout{60};  // Streams excepted.
};

class Server {
 public:
  using Handler = std::function<void(const Request&, std::shared_ptr<Responder>)>;
  using StreamHandler = std::function<void(const Request&, std::shared_ptr<EventStream>)>;
  // Returns a refusal, or nothing to let the request pass. Runs before every handler.
  using Guard = std::function<std::optional<Response>(const Request&)>;

  Server(EventLoop& loop, ServerOptions options = {});
  ~Server();  // Closes every connection.

  // `pattern`: "/v1/twins/{}/desired" matches one segment per {}, "/v1/get/{*}" the rest of the path. A path
  // that only other methods know gets 405 with Allow; an unknown one 404 as a problem document.
  // HEAD is answered as GET without the body.
  void Route(std::string method, std::string pattern, Handler handler);
  void RouteStream(std::string pattern, StreamHandler handler);
  void SetGuard(Guard guard);

  // Listens on a Unix socket (a stale file is replaced, a live one refused) with `mode`, …
  Status ListenUnix(const std::string& path, unsigned mode);
  // … or on TCP; port 0 picks a free one. Returns the port.
  Result<std::uint16_t> ListenTcp(const std::string& address, std::uint16_t port);

  std::vector<LimitReport> limits() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace edgetwin::http

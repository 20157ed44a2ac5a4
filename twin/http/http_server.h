// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A small HTTP/1.1 server on the loop's thread, over libevent's buffered sockets: the agent's local
// API on a Unix socket and the cloud's API on TCP.
//
// It does not use evhttp. In 2.1.12 that one answers malformed requests with HTML pages that can't
// be replaced, has no say in accepting (so no connection limit), shows a request only after its
// whole body is in memory (so no refusal before it), and reads without bound while a response is
// being written.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "twin/base/event_loop.h"
#include "twin/base/limit.h"
#include "twin/base/result.h"

namespace edgetwin::http {

struct Request {
  std::string method;              // "GET", "PUT", "PATCH", "POST", "DELETE", "HEAD".
  std::string path;                // Percent-decoded, without the query: "/v1/twins/a".
  std::vector<std::string> parts;  // The pattern's captures, percent-decoded, in order.
  std::map<std::string, std::string>
      query;  // Percent-decoded ('+' stays); the last of a repeated key wins.
  std::map<std::string, std::string> headers;  // Names in lower case; repeated ones joined by ", ".
  std::string body;
  std::optional<std::uint32_t> peer_uid;  // Unix sockets: who asks (SO_PEERCRED).
  std::optional<std::uint32_t> peer_gid;
  std::vector<std::uint32_t> peer_groups;  // Its supplementary groups (SO_PEERGROUPS).

  // The header's value (`name` in lower case), or "".
  std::string_view Header(std::string_view name) const;
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

// A stream of server-sent events (WHATWG HTML, section "Server-sent events"). Its owner keeps it as
// long as it wants to send; dropping it ends the response. Idle streams carry a comment each
// `stream_heartbeat`, so a client that vanished is noticed.
class EventStream {
 public:
  virtual ~EventStream() = default;
  // False once the client has gone, or when it reads so slowly that `stream_backlog_bytes_max` is
  // reached: then the stream is closed and the limit's hit is counted. `data` may have several
  // lines.
  virtual bool Send(std::string_view event, std::string_view data, std::string_view id = {}) = 0;
  virtual bool open() const = 0;
  // Runs `task` once, on the loop, when the client goes or is cut; not when the owner drops the
  // stream.
  virtual void OnClose(std::function<void()> task) = 0;
};

// Answers one request, once, now or later, on the loop's thread. Dropped unanswered: 500. Harmless
// after the client or the server has gone.
class Responder {
 public:
  virtual ~Responder() = default;
  virtual void Send(Response response) = 0;
  // Answers with a stream of events instead. Null when it can't be: `streams_max` are open (the
  // client got 503 and the limit's hit is counted) or the client has gone.
  virtual std::shared_ptr<EventStream> Stream() = 0;
};

struct ServerOptions {
  std::size_t body_bytes_max = 1 << 20;     // Larger ones get 413.
  std::size_t header_bytes_max = 16 << 10;  // Request line and headers; larger ones get 431.
  std::size_t connections_max = 64;         // More get 503 at once.
  std::size_t streams_max = 32;             // Of those connections.
  std::size_t stream_backlog_bytes_max = 1 << 20;
  // A connection without a request, a request not complete since its first byte, and a response of
  // which the client takes nothing are given up after this. A request that a handler holds is not.
  std::chrono::milliseconds idle_timeout{60'000};
  std::chrono::milliseconds stream_heartbeat{15'000};
};

class Server {
 public:
  using Handler = std::function<void(const Request&, std::shared_ptr<Responder>)>;
  using StreamHandler = std::function<void(const Request&, std::shared_ptr<EventStream>)>;
  // Returns a refusal, or nothing to let the request pass. Runs before routing and before the body
  // is read: `body` and `parts` are empty.
  using Guard = std::function<std::optional<Response>(const Request&)>;

  Server(EventLoop& loop, ServerOptions options = {});
  ~Server();  // Closes every connection; not from inside a handler.

  // `pattern`: "/v1/twins/{}/desired" matches one segment per {}, "/v1/get/{*}" the rest of the
  // path. The pattern with the longest literal beginning wins. A path that only other methods know
  // gets 405 with Allow; an unknown one 404 as a problem document. HEAD is answered as GET without
  // the body.
  void Route(std::string method, std::string pattern, Handler handler);
  // GET that always streams. Use Responder::Stream where a request may be refused.
  void RouteStream(std::string pattern, StreamHandler handler);
  void SetGuard(Guard guard);

  // Listens on a Unix socket (a stale file is replaced, a live one refused with kConflict) that has
  // `mode` before it can be reached, …
  Status ListenUnix(const std::string& path, unsigned mode);
  // … or on TCP at a numeric IPv4 or IPv6 address; port 0 picks a free one. Returns the port.
  Result<std::uint16_t> ListenTcp(const std::string& address, std::uint16_t port);
  // Accepts no more and closes idle connections; what is being answered goes on.
  void StopListening();

  // "connections", "streams", "stream_backlog_bytes" (the fullest; hits are cut readers),
  // "request_bytes" (hits are requests with too long a head or body), "idle_ms" (hits are
  // connections given up).
  std::vector<LimitReport> limits() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace edgetwin::http

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/http/connection.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <vector>

#include "twin/base/check.h"
#include "twin/http/status.h"

namespace edgetwin::http {
namespace {

// Read ahead while a request is being answered; the rest waits in the kernel and so slows the
// client down.
constexpr std::size_t kReadAheadBytesMax = 64 << 10;
// How much, and for how long, a client that was told to stop may go on sending.
constexpr std::size_t kDrainBytesMax = 4 << 20;
constexpr std::chrono::milliseconds kDrainTime{2'000};

timeval ToTimeval(std::chrono::milliseconds delay) {
  timeval result{};
  result.tv_sec = static_cast<time_t>(delay.count() / 1'000);
  result.tv_usec = static_cast<suseconds_t>(delay.count() % 1'000 * 1'000);
  return result;
}

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110, 5.6.7).
std::string HttpDate(WallTime time) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto midnight = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(midnight);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - midnight));
  char text[64];
  std::snprintf(text, sizeof text, "%s, %02u %s %04d %02d:%02d:%02d GMT",
                kDays[std::chrono::weekday(midnight).c_encoding()],
                static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
                static_cast<int>(date.year()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text;
}

// A control character in a header would begin another one.
std::string FieldText(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7f) c = '?';
  }
  return out;
}

// The supplementary groups of whoever connected, as the kernel knew them then; empty when it can't
// tell.
std::vector<std::uint32_t> PeerGroups(int fd) {
  std::vector<std::uint32_t> groups;
  socklen_t length = 0;
  // With no room it answers ERANGE and says how much it needs.
  if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, nullptr, &length) == 0 || errno != ERANGE)
    return groups;
  groups.resize(length / sizeof(gid_t));
  if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &length) != 0) groups.clear();
  groups.resize(std::min(groups.size(), length / sizeof(gid_t)));
  return groups;
}

void AddField(std::string& head, std::string_view name, std::string_view value) {
  head += FieldText(name);
  head += ": ";
  head += FieldText(value);
  head += "\r\n";
}

}  // namespace

Connection::Connection(ServerState& state, int fd, bool unix_domain)
    : state_(state), parser_({state.options.header_bytes_max, state.options.body_bytes_max}) {
  const int on = 1;
  if (unix_domain) {
    ucred peer{};
    socklen_t length = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0) {
      peer_uid_ = peer.uid;
      peer_gid_ = peer.gid;
    }
    peer_groups_ = PeerGroups(fd);
  } else {
    // Answers are written whole; waiting to fill a segment only delays events. Failing costs
    // nothing else.
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  }
  buffer_ = bufferevent_socket_new(state_.loop.base(), fd, BEV_OPT_CLOSE_ON_FREE);
  EDGETWIN_CHECK(buffer_ != nullptr);
  deadline_ = event_new(state_.loop.base(), -1, 0, &Connection::OnDeadline, this);
  EDGETWIN_CHECK(deadline_ != nullptr);
  bufferevent_setcb(buffer_, &Connection::OnRead, &Connection::OnWrite, &Connection::OnEvent, this);
  bufferevent_setwatermark(buffer_, EV_READ, 0, kReadAheadBytesMax);
  const timeval write_timeout = ToTimeval(state_.options.idle_timeout);
  bufferevent_set_timeouts(buffer_, nullptr, &write_timeout);
}

Connection::~Connection() {
  if (buffer_ != nullptr) bufferevent_free(buffer_);
  event_free(deadline_);
}

void Connection::Start() {
  SetDeadline(state_.options.idle_timeout);
  bufferevent_enable(buffer_, EV_READ | EV_WRITE);
}

void Connection::StartRefusing() {
  bufferevent_enable(buffer_, EV_READ | EV_WRITE);
  Response refusal = Problem(
      503, StatusPhrase(503),
      "the server's " + std::to_string(state_.options.connections_max) + " connections are in use");
  refusal.headers.emplace_back("Retry-After", "1");
  Reject(std::move(refusal));
}

void Connection::SetDeadline(std::chrono::milliseconds delay) {
  const timeval wait = ToTimeval(delay);
  event_add(deadline_, &wait);
}

void Connection::ClearDeadline() {
  event_del(deadline_);
}

void Connection::Close() {
  if (phase_ == Phase::kClosed) return;
  const auto self = shared_from_this();
  if (phase_ == Phase::kStreaming) {
    --state_.streams;
    state_.streams_limit.Use(state_.streams);
  }
  phase_ = Phase::kClosed;
  ClearDeadline();
  bufferevent_free(buffer_);
  buffer_ = nullptr;
  state_.connections.erase(this);
  state_.connections_limit.Use(state_.connections.size());
  if (auto closed = std::exchange(stream_closed_, nullptr)) closed();
}

void Connection::CloseIfIdle() {
  if (phase_ == Phase::kReading && !receiving_) Close();
}

void Connection::OnRead(bufferevent*, void* self) {
  const auto connection = static_cast<Connection*>(self)->shared_from_this();
  evbuffer* input = bufferevent_get_input(connection->buffer_);
  switch (connection->phase_) {
    case Phase::kReading: connection->Process(); break;
    case Phase::kStreaming: evbuffer_drain(input, evbuffer_get_length(input)); break;
    case Phase::kDraining:
      connection->drained_bytes_ += evbuffer_get_length(input);
      evbuffer_drain(input, evbuffer_get_length(input));
      if (connection->drained_bytes_ > kDrainBytesMax) connection->Close();
      break;
    case Phase::kHandling:
    case Phase::kWriting:
    case Phase::kClosed: break;
  }
}

void Connection::OnWrite(bufferevent*, void* self) {
  const auto connection = static_cast<Connection*>(self)->shared_from_this();
  if (connection->phase_ == Phase::kWriting) connection->OnDrained();
}

void Connection::OnEvent(bufferevent*, short what, void* self) {
  const auto connection = static_cast<Connection*>(self)->shared_from_this();
  if (what & BEV_EVENT_TIMEOUT) connection->state_.idle_limit.Hit();
  const bool only_done = (what & BEV_EVENT_EOF) && (what & BEV_EVENT_READING);
  const bool answering =
      connection->phase_ == Phase::kHandling || connection->phase_ == Phase::kWriting;
  if (only_done && answering) {
    connection->peer_done_ = true;  // It may have closed its sending half only.
    return;
  }
  connection->Close();
}

void Connection::OnDeadline(int, short, void* self) {
  const auto connection = static_cast<Connection*>(self)->shared_from_this();
  if (connection->phase_ == Phase::kDraining) {
    connection->Close();
    return;
  }
  connection->state_.idle_limit.Hit();
  if (!connection->receiving_) {
    connection->Close();
    return;
  }
  connection->Reject(
      Problem(408, StatusPhrase(408), "the request did not come to its end in time"));
}

void Connection::Process() {
  evbuffer* input = bufferevent_get_input(buffer_);
  while (phase_ == Phase::kReading) {
    evbuffer_iovec piece{};
    if (evbuffer_peek(input, -1, nullptr, &piece, 1) < 1 || piece.iov_len == 0) return;
    evbuffer_drain(input, parser_.Feed({static_cast<const char*>(piece.iov_base), piece.iov_len}));
    if (!receiving_ && parser_.started()) {
      receiving_ = true;
      SetDeadline(state_.options.idle_timeout);
    }
    if (parser_.state() == RequestParser::State::kFailed) {
      if (parser_.too_big()) state_.request_limit.Hit();
      const int status = parser_.failure_status();
      Reject(Problem(status, StatusPhrase(status), parser_.failure()));
      return;
    }
    if (parser_.state() == RequestParser::State::kHead) continue;
    if (!head_seen_) {
      head_seen_ = true;
      if (!OnHead()) return;
    }
    if (parser_.state() == RequestParser::State::kComplete) Dispatch();
  }
}

// Whether the request may go on; else it has been answered.
bool Connection::OnHead() {
  Request& request = parser_.request();
  request.peer_uid = peer_uid_;
  request.peer_gid = peer_gid_;
  request.peer_groups = peer_groups_;
  close_ = parser_.wants_close();
  if (state_.guard) {
    if (auto refusal = state_.guard(request)) {
      Reject(*std::move(refusal));
      return false;
    }
  }
  match_ = state_.router.Find(request.method, parser_.raw_path());
  if (match_.handler == nullptr) {
    if (match_.allowed.empty()) {
      Reject(Problem(404, StatusPhrase(404), "there is nothing at " + request.path));
      return false;
    }
    std::string allowed;
    for (const std::string& method : match_.allowed) {
      if (!allowed.empty()) allowed += ", ";
      allowed += method;
    }
    Response refusal =
        Problem(405, StatusPhrase(405),
                request.method + " can't be done at " + request.path + ", only " + allowed);
    refusal.headers.emplace_back("Allow", allowed);
    Reject(std::move(refusal));
    return false;
  }
  if (parser_.expects_continue() && parser_.state() == RequestParser::State::kBody) {
    bufferevent_write(buffer_, "HTTP/1.1 100 Continue\r\n\r\n", 25);
  }
  return true;
}

void Connection::Reject(Response response) {
  // What follows on the connection may be the rest of the refused request: unless that is known to
  // be over, it can't be told from the next one.
  if (parser_.state() != RequestParser::State::kComplete) close_ = true;
  ClearDeadline();
  phase_ = Phase::kHandling;
  Answer(std::move(response));
}

void Connection::Answer(Response response) {
  if (phase_ != Phase::kHandling) return;
  phase_ = Phase::kWriting;
  close_ = close_ || state_.stopping;
  Write(response);
}

std::string Connection::Head(int status, bool chunked) const {
  std::string head = "HTTP/1.1 " + std::to_string(status) + " ";
  head += StatusPhrase(status);
  head += "\r\n";
  AddField(head, "Date", HttpDate(state_.loop.clock().UntrustedWall()));
  AddField(head, "X-Content-Type-Options", "nosniff");
  if (close_) AddField(head, "Connection", "close");
  if (chunked) AddField(head, "Transfer-Encoding", "chunked");
  return head;
}

void Connection::Write(const Response& response) {
  std::string head = Head(response.status, false);
  // RFC 9110, 8.6: no length in a 204; that of a 304 would speak of the body not sent.
  const bool bodiless = response.status == 204 || response.status == 304;
  if (!bodiless) {
    AddField(head, "Content-Type", response.content_type);
    AddField(head, "Content-Length", std::to_string(response.body.size()));
  }
  for (const auto& [name, value] : response.headers) AddField(head, name, value);
  head += "\r\n";
  bufferevent_write(buffer_, head.data(), head.size());
  if (!bodiless && parser_.request().method != "HEAD" && !response.body.empty()) {
    bufferevent_write(buffer_, response.body.data(), response.body.size());
  }
}

void Connection::OnDrained() {
  if (close_) {
    Drain();
    return;
  }
  parser_.Next();
  match_ = {};
  head_seen_ = false;
  receiving_ = false;
  phase_ = Phase::kReading;
  SetDeadline(state_.options.idle_timeout);
  Process();
  if (phase_ == Phase::kReading && peer_done_) Close();
}

void Connection::Drain() {
  if (peer_done_) {
    Close();
    return;
  }
  phase_ = Phase::kDraining;
  SetDeadline(kDrainTime);
  shutdown(bufferevent_getfd(buffer_), SHUT_WR);
  evbuffer* input = bufferevent_get_input(buffer_);
  evbuffer_drain(input, evbuffer_get_length(input));
}

bool Connection::BeginStream() {
  if (phase_ != Phase::kHandling) return false;
  if (state_.streams >= state_.options.streams_max) {
    state_.streams_limit.Hit();
    Response refusal = Problem(
        503, StatusPhrase(503),
        "the server's " + std::to_string(state_.options.streams_max) + " event streams are in use");
    refusal.headers.emplace_back("Retry-After", "5");
    Answer(std::move(refusal));
    return false;
  }
  close_ = true;
  const bool bodiless = parser_.request().method == "HEAD";
  std::string head = Head(200, !parser_.http_1_0() && !bodiless);
  AddField(head, "Content-Type", "text/event-stream");
  AddField(head, "Cache-Control", "no-store");
  head += "\r\n";
  bufferevent_write(buffer_, head.data(), head.size());
  if (bodiless) {
    phase_ = Phase::kWriting;
    return false;
  }
  phase_ = Phase::kStreaming;
  ++state_.streams;
  state_.streams_limit.Use(state_.streams);
  evbuffer* input = bufferevent_get_input(buffer_);
  evbuffer_drain(input, evbuffer_get_length(input));
  return true;
}

void Connection::WriteChunk(std::string_view data) {
  if (parser_.http_1_0()) {
    bufferevent_write(buffer_, data.data(), data.size());
    return;
  }
  char size[24];
  const int length = std::snprintf(size, sizeof size, "%zx\r\n", data.size());
  bufferevent_write(buffer_, size, static_cast<std::size_t>(length));
  bufferevent_write(buffer_, data.data(), data.size());
  bufferevent_write(buffer_, "\r\n", 2);
}

bool Connection::SendEvent(std::string_view event) {
  if (phase_ != Phase::kStreaming) return false;
  const std::size_t backlog = evbuffer_get_length(bufferevent_get_output(buffer_)) + event.size();
  if (!state_.backlog_limit.Fits(backlog)) {
    state_.backlog_limit.Hit();
    stream_closed_ = nullptr;  // The caller learns it from the result.
    Close();
    return false;
  }
  state_.backlog_limit.Use(backlog);
  WriteChunk(event);
  return true;
}

void Connection::Heartbeat() {
  if (phase_ != Phase::kStreaming) return;
  if (evbuffer_get_length(bufferevent_get_output(buffer_)) == 0) WriteChunk(":\n\n");
}

void Connection::EndStream() {
  if (phase_ != Phase::kStreaming) return;
  --state_.streams;
  state_.streams_limit.Use(state_.streams);
  stream_closed_ = nullptr;
  phase_ = Phase::kWriting;
  if (!parser_.http_1_0()) bufferevent_write(buffer_, "0\r\n\r\n", 5);
  if (evbuffer_get_length(bufferevent_get_output(buffer_)) == 0) OnDrained();
}

}  // namespace edgetwin::http

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Bytes of a connection → HTTP/1.x requests (RFC 9112). Strict where leniency lets two readers see
// two different requests: line ends, lengths, field names. Pure; safe on hostile bytes.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "twin/http/http_server.h"

namespace edgetwin::http {

struct ParserLimits {
  std::size_t header_bytes_max = 16 << 10;
  std::size_t body_bytes_max = 1 << 20;
};

class RequestParser {
 public:
  enum class State { kHead, kBody, kComplete, kFailed };

  explicit RequestParser(ParserLimits limits) : limits_(limits) {}

  // Takes bytes up to the end of the head or of the body, whichever comes first, and returns how
  // many. Call again with the rest; in kComplete and kFailed nothing is taken.
  std::size_t Feed(std::string_view input);
  State state() const { return state_; }

  // Valid once the head is through. `parts` is left empty.
  const Request& request() const { return request_; }
  Request& request() { return request_; }
  std::string_view raw_path() const { return raw_path_; }  // Not decoded: a segment may hold "%2F".
  bool http_1_0() const { return http_1_0_; }
  bool wants_close() const { return close_; }
  bool expects_continue() const { return expects_continue_; }
  // Whether some byte of a request has come.
  bool started() const { return state_ != State::kHead || !head_.empty(); }

  // In kFailed: the status that says so and why, for people. `too_big`: a limit was passed.
  int failure_status() const { return failure_status_; }
  const std::string& failure() const { return failure_; }
  bool too_big() const { return failure_status_ == 413 || failure_status_ == 431; }

  // Ready for the next request of the connection; only from kComplete.
  void Next();

 private:
  enum class Chunk { kSize, kData, kDataEnd, kTrailer };

  std::size_t Fail(int status, std::string text);
  std::size_t FeedHead(std::string_view input);
  std::size_t FeedSized(std::string_view input);
  std::size_t FeedChunked(std::string_view input);
  // Gathers one CRLF line into line_; true when it is whole. Fails past `bytes_max`.
  bool TakeLine(std::string_view input, std::size_t& used, std::size_t bytes_max, int status);
  void EndChunkSize();
  void ParseHead();
  bool ParseRequestLine(std::string_view line);
  bool ParseTarget(std::string_view target);
  bool ParseField(std::string_view line);
  bool ParseFraming();

  ParserLimits limits_;
  State state_ = State::kHead;
  std::string head_;
  Request request_;
  std::string raw_path_;
  bool http_1_0_ = false;
  bool close_ = false;
  bool expects_continue_ = false;
  bool chunked_ = false;
  std::uint64_t body_left_ = 0;  // Of the body, or of the current chunk.
  Chunk chunk_ = Chunk::kSize;
  std::string line_;
  std::size_t trailer_bytes_ = 0;
  int failure_status_ = 0;
  std::string failure_;
};

}  // namespace edgetwin::http

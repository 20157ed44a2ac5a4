// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/http/request_parser.h"

#include <algorithm>
#include <charconv>

#include "twin/base/check.h"
#include "twin/http/uri.h"

namespace edgetwin::http {
namespace {

// A chunk's size line: 16 hex digits and some room for extensions, which are ignored.
constexpr std::size_t kChunkLineBytesMax = 256;

// RFC 9110, 5.6.2.
bool IsTokenChar(char c) {
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
  return std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsTokenChar);
}

// Visible characters, space, tab and bytes above ASCII (RFC 9110, 5.5).
bool IsFieldValue(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string_view Trim(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

// Whether a comma-separated field names `option`, in any case.
bool Names(std::string_view field, std::string_view option) {
  while (!field.empty()) {
    const std::size_t end = std::min(field.find(','), field.size());
    if (Lower(Trim(field.substr(0, end))) == option) return true;
    field.remove_prefix(std::min(end + 1, field.size()));
  }
  return false;
}

}  // namespace

std::string_view Request::Header(std::string_view name) const {
  const auto found = headers.find(std::string(name));
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

void RequestParser::Next() {
  EDGETWIN_CHECK(state_ == State::kComplete);
  *this = RequestParser(limits_);
}

std::size_t RequestParser::Fail(int status, std::string text) {
  state_ = State::kFailed;
  failure_status_ = status;
  failure_ = std::move(text);
  return 0;
}

std::size_t RequestParser::Feed(std::string_view input) {
  switch (state_) {
    case State::kHead: return FeedHead(input);
    case State::kBody: return chunked_ ? FeedChunked(input) : FeedSized(input);
    case State::kComplete:
    case State::kFailed: return 0;
  }
  return 0;
}

std::size_t RequestParser::FeedHead(std::string_view input) {
  std::size_t used = 0;
  while (used < input.size() && state_ == State::kHead) {
    const char c = input[used++];
    if (c == '\n' && (head_.empty() || head_.back() != '\r')) {
      return Fail(400, "a line of the request ends with LF alone, not CRLF");
    }
    if (c == '\0') return Fail(400, "a NUL in the request's head");
    head_.push_back(c);
    if (head_ == "\r\n") {
      // RFC 9112, 2.2: an empty line before the request line is ignored.
      head_.clear();
      continue;
    }
    if (c == '\n' && head_.size() >= 4 && head_.compare(head_.size() - 4, 4, "\r\n\r\n") == 0) {
      ParseHead();
      return used;
    }
    if (head_.size() >= limits_.header_bytes_max) {
      return Fail(431, "the request's head is longer than " +
                           std::to_string(limits_.header_bytes_max) + " bytes");
    }
  }
  return used;
}

void RequestParser::ParseHead() {
  std::string_view rest(head_);
  bool first = true;
  while (true) {
    const std::size_t end = rest.find("\r\n");
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    if (line.empty()) break;
    if (!(first ? ParseRequestLine(line) : ParseField(line))) return;
    first = false;
  }
  if (!ParseFraming()) return;
  head_.clear();
  head_.shrink_to_fit();
  state_ = chunked_ || body_left_ > 0 ? State::kBody : State::kComplete;
}

bool RequestParser::ParseRequestLine(std::string_view line) {
  const std::size_t space = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (space == std::string_view::npos || space == last) {
    Fail(400, "the request line is not METHOD TARGET HTTP/1.1");
    return false;
  }
  const std::string_view method = line.substr(0, space);
  const std::string_view version = line.substr(last + 1);
  if (!IsToken(method)) {
    Fail(400, "the method is not a token");
    return false;
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    const bool http = version.size() == 8 && version.substr(0, 5) == "HTTP/";
    Fail(http ? 505 : 400, "only HTTP/1.1 and HTTP/1.0 are spoken here");
    return false;
  }
  http_1_0_ = version == "HTTP/1.0";
  request_.method = std::string(method);
  return ParseTarget(line.substr(space + 1, last - space - 1));
}

bool RequestParser::ParseTarget(std::string_view target) {
  if (!target.empty() && target.front() != '/') {
    // The absolute form, which proxies send (RFC 9112, 3.2.2): its host is not looked at.
    const std::string lower = Lower(target.substr(0, 8));
    std::size_t scheme = 0;
    if (lower.compare(0, 7, "http://") == 0) scheme = 7;
    if (lower == "https://") scheme = 8;
    if (scheme == 0) {
      Fail(400, "the request's target is not a path");
      return false;
    }
    const std::size_t slash = target.find('/', scheme);
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  const std::size_t question = std::min(target.find('?'), target.size());
  raw_path_ = std::string(target.substr(0, question));
  auto path = PercentDecode(raw_path_);
  auto query = ParseQuery(target.substr(std::min(question + 1, target.size())));
  const auto bad = [](char c) { return c == '#' || c == ' '; };
  if (target.empty() || !path || !query || std::any_of(target.begin(), target.end(), bad)) {
    Fail(400, "the request's target is not a correctly encoded path and query");
    return false;
  }
  request_.path = *std::move(path);
  request_.query = *std::move(query);
  return true;
}

bool RequestParser::ParseField(std::string_view line) {
  const std::size_t colon = line.find(':');
  // This also refuses folded lines and blanks before the colon (RFC 9112, 5.1 and 5.2).
  if (colon == std::string_view::npos || !IsToken(line.substr(0, colon))) {
    Fail(400, "a header's name is not a token");
    return false;
  }
  const std::string_view value = Trim(line.substr(colon + 1));
  if (!IsFieldValue(value)) {
    Fail(400, "a header's value has a control character");
    return false;
  }
  std::string name = Lower(line.substr(0, colon));
  const auto [entry, inserted] = request_.headers.try_emplace(std::move(name), std::string(value));
  if (inserted) return true;
  if (entry->first == "host" || entry->first == "content-length" ||
      entry->first == "authorization" || entry->first == "origin") {
    Fail(400, "the header " + entry->first + " appears twice");
    return false;
  }
  entry->second += ", ";
  entry->second += value;
  return true;
}

bool RequestParser::ParseFraming() {
  const auto& headers = request_.headers;
  if (!http_1_0_ && headers.count("host") == 0) {
    Fail(400, "the header host is missing");
    return false;
  }
  const std::string_view connection = request_.Header("connection");
  close_ = http_1_0_ || Names(connection, "close");
  if (const auto coding = headers.find("transfer-encoding"); coding != headers.end()) {
    if (http_1_0_ || headers.count("content-length") != 0) {
      Fail(400, "the request's length is given in two ways");
      return false;
    }
    if (Lower(coding->second) != "chunked") {
      Fail(501, "transfer-encoding other than chunked is not supported");
      return false;
    }
    chunked_ = true;
  } else if (const auto length = headers.find("content-length"); length != headers.end()) {
    const std::string& text = length->second;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), body_left_);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
      Fail(400, "content-length is not a number");
      return false;
    }
  }
  if (body_left_ > limits_.body_bytes_max) {
    Fail(413, "the body is longer than " + std::to_string(limits_.body_bytes_max) + " bytes");
    return false;
  }
  const std::string_view expect = request_.Header("expect");
  expects_continue_ = !http_1_0_ && Lower(expect) == "100-continue";
  if (!expect.empty() && !expects_continue_ && !http_1_0_) {
    Fail(417, "only 100-continue can be expected");
    return false;
  }
  return true;
}

std::size_t RequestParser::FeedSized(std::string_view input) {
  const std::size_t used =
      static_cast<std::size_t>(std::min<std::uint64_t>(input.size(), body_left_));
  request_.body.append(input.substr(0, used));
  body_left_ -= used;
  if (body_left_ == 0) state_ = State::kComplete;
  return used;
}

bool RequestParser::TakeLine(std::string_view input, std::size_t& used, std::size_t bytes_max,
                             int status) {
  while (used < input.size()) {
    const char c = input[used++];
    line_.push_back(c);
    if (c == '\n') {
      if (line_.size() < 2 || line_[line_.size() - 2] != '\r') {
        Fail(400, "a line of the chunked body ends with LF alone, not CRLF");
        return false;
      }
      line_.resize(line_.size() - 2);
      return true;
    }
    if (line_.size() > bytes_max) {
      Fail(status, "a line of the chunked body is too long");
      return false;
    }
  }
  return false;
}

void RequestParser::EndChunkSize() {
  const std::string_view digits = Trim(std::string_view(line_).substr(0, line_.find(';')));
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), body_left_, 16);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) {
    Fail(400, "a chunk's size is not a hexadecimal number");
    return;
  }
  line_.clear();
  if (body_left_ > limits_.body_bytes_max ||
      request_.body.size() + body_left_ > limits_.body_bytes_max) {
    Fail(413, "the body is longer than " + std::to_string(limits_.body_bytes_max) + " bytes");
    return;
  }
  chunk_ = body_left_ == 0 ? Chunk::kTrailer : Chunk::kData;
}

std::size_t RequestParser::FeedChunked(std::string_view input) {
  std::size_t used = 0;
  while (used < input.size() && state_ == State::kBody) {
    switch (chunk_) {
      case Chunk::kSize:
        if (TakeLine(input, used, kChunkLineBytesMax, 400)) EndChunkSize();
        break;
      case Chunk::kData: {
        const std::size_t take =
            static_cast<std::size_t>(std::min<std::uint64_t>(input.size() - used, body_left_));
        request_.body.append(input.substr(used, take));
        used += take;
        body_left_ -= take;
        if (body_left_ == 0) chunk_ = Chunk::kDataEnd;
        break;
      }
      case Chunk::kDataEnd:
        if (!TakeLine(input, used, 2, 400)) break;
        if (!line_.empty()) return Fail(400, "a chunk is longer than its size says");
        chunk_ = Chunk::kSize;
        break;
      case Chunk::kTrailer:
        // Trailers are read over: a field that comes after its request was judged must not count.
        if (!TakeLine(input, used, limits_.header_bytes_max, 431)) break;
        trailer_bytes_ += line_.size() + 2;
        if (line_.empty()) {
          state_ = State::kComplete;
        } else if (trailer_bytes_ > limits_.header_bytes_max) {
          return Fail(431, "the request's trailers are too long");
        }
        line_.clear();
        break;
    }
  }
  return used;
}

}  // namespace edgetwin::http

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/cli/client.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>

#include "agent/cli/curl.h"
#include "twin/http/uri.h"

namespace edgetwin::cli {
namespace {

using Clock = std::chrono::steady_clock;

// The daemon answers an override within ten seconds, whatever the device does.
constexpr long kAnswerMaxMs = 20'000;
// A large store on a slow card.
constexpr long kDownloadMaxMs = 300'000;
constexpr long kConnectMaxMs = 5'000;
constexpr std::size_t kBodyBytesMax = 256 << 20;
constexpr std::size_t kEventBytesMax = 1 << 20;
constexpr std::chrono::seconds kSayAfter{2};

// One request.
class Transfer {
 public:
  Transfer(const Curl& curl, const std::string& socket, const std::string& target)
      : curl_(curl), handle_(curl.init(), curl.cleanup) {
    if (handle_ == nullptr) return;
    Set(CURLOPT_UNIX_SOCKET_PATH, socket.c_str());
    Set(CURLOPT_URL, ("http://edgetwin" + target).c_str());
    Set(CURLOPT_NOSIGNAL, 1L);
    Set(CURLOPT_NOPROXY, "*");
    Set(CURLOPT_CONNECTTIMEOUT_MS, kConnectMaxMs);
  }

  // What the option wants: a long, or a pointer.
  template <typename T>
  void Set(CURLoption option, T value) {
    static_assert(std::is_same_v<T, long> || std::is_pointer_v<T>);
    curl_.setopt(handle_.get(), option, value);
  }
  CURLcode Perform() { return handle_ ? curl_.perform(handle_.get()) : CURLE_FAILED_INIT; }
  // Of the answer; 0 as long as there is none.
  long status() const { return Info(CURLINFO_RESPONSE_CODE); }
  long system_error() const { return Info(CURLINFO_OS_ERRNO); }
  std::string Text(CURLcode code) const { return curl_.strerror(code); }

 private:
  long Info(CURLINFO info) const {
    long value = 0;
    if (handle_) curl_.getinfo(handle_.get(), info, &value);
    return value;
  }

  const Curl& curl_;
  std::unique_ptr<CURL, decltype(Curl::cleanup)> handle_;
};

Failure Unreached(const Transfer& transfer, CURLcode code, const std::string& socket) {
  const long os = transfer.system_error();
  const std::string at = " (" + socket + ")";
  if (code == CURLE_OPERATION_TIMEDOUT) {
    return {Exit::kUnreachable, "the daemon does not answer" + at};
  }
  if (code != CURLE_COULDNT_CONNECT) {
    return {Exit::kUnreachable, "the daemon broke the connection off: " + transfer.Text(code) + at};
  }
  if (os == EACCES || os == EPERM) {
    return {Exit::kPermission, "no permission to talk to the daemon: your user may not open " +
                                   socket +
                                   "; use sudo, or join the group that the socket belongs to"};
  }
  const std::string why = os == 0 ? transfer.Text(code) : std::strerror(static_cast<int>(os));
  return {Exit::kUnreachable, "the daemon is not running: " + socket + ": " + why, true};
}

Exit ExitOf(long status) {
  switch (status) {
    case 401:
    case 403: return Exit::kPermission;
    case 404: return Exit::kNotFound;
    case 503:
    case 504: return Exit::kUnreachable;
    default: return Exit::kRefused;
  }
}

std::size_t Collect(char* data, std::size_t, std::size_t bytes, void* into) {
  auto& text = *static_cast<std::string*>(into);
  if (text.size() + bytes > kBodyBytesMax) return 0;
  text.append(data, bytes);
  return bytes;
}

struct Wait {
  const std::function<void()>& say;
  Clock::time_point due = Clock::now() + kSayAfter;
  bool said = false;
};

int Progress(void* data, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& wait = *static_cast<Wait*>(data);
  if (!wait.said && Clock::now() >= wait.due) {
    wait.said = true;
    wait.say();
  }
  return 0;
}

// Cuts a stream of bytes into events.
struct EventReader {
  const Client::Event& event;
  const Transfer& transfer;
  std::chrono::milliseconds at_most;
  Clock::time_point begin = Clock::now();
  std::string line{};
  std::string name{};
  std::string data{};
  std::string body{};  // Of an answer that is no stream.
  bool enough = false;

  bool Take(std::string_view bytes) {
    for (const char c : bytes) {
      if (c == '\r') continue;
      if (c != '\n') {
        if (line.size() >= kEventBytesMax) return false;
        line += c;
      } else if (!Line()) {
        return false;
      }
    }
    return true;
  }
  bool Line() {
    const std::string text = std::exchange(line, {});
    const auto field = [&text](std::string_view key) {
      std::size_t at = key.size();
      if (at < text.size() && text[at] == ' ') ++at;
      return text.substr(at);
    };
    if (text.starts_with("event:")) {
      name = field("event:");
    } else if (text.starts_with("data:")) {
      data = field("data:");
    } else if (text.empty() && !name.empty()) {
      enough = !event(std::exchange(name, {}), std::exchange(data, {}));
      return !enough;
    }
    return true;
  }
};

std::size_t TakeEvents(char* data, std::size_t, std::size_t bytes, void* into) {
  auto& reader = *static_cast<EventReader*>(into);
  if (reader.transfer.status() >= 400) return Collect(data, 1, bytes, &reader.body);
  return reader.Take({data, bytes}) ? bytes : 0;
}

int WatchTime(void* data, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& reader = *static_cast<EventReader*>(data);
  if (reader.at_most.count() == 0 || Clock::now() - reader.begin < reader.at_most) return 0;
  reader.enough = true;
  return 1;
}

Failure Problem(long status, const Json& body, const std::string& socket) {
  if (body.is_object() && body.contains("detail") && body["detail"].is_string()) {
    return {ExitOf(status), body["detail"].get<std::string>()};
  }
  return {Exit::kUnreachable, socket + " answers, but not as edgetwind does (HTTP " +
                                  std::to_string(status) +
                                  "): is another program listening there?"};
}

}  // namespace

Outcome<Reply> Client::Send(const std::string& method, const std::string& target,
                            const std::string& body, const std::function<void()>& waiting) const {
  const auto curl = LoadCurl();
  if (!curl) return tl::unexpected(curl.error());
  Transfer transfer(**curl, socket_, target);
  std::string text;
  Wait wait{waiting};
  transfer.Set(CURLOPT_CUSTOMREQUEST, method.c_str());
  transfer.Set(CURLOPT_TIMEOUT_MS, kAnswerMaxMs);
  transfer.Set(CURLOPT_WRITEFUNCTION, Collect);
  transfer.Set(CURLOPT_WRITEDATA, &text);
  if (method != "GET" && method != "DELETE") {
    transfer.Set(CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    transfer.Set(CURLOPT_POSTFIELDS, body.c_str());
  }
  if (waiting) {
    transfer.Set(CURLOPT_NOPROGRESS, 0L);
    transfer.Set(CURLOPT_XFERINFOFUNCTION, Progress);
    transfer.Set(CURLOPT_XFERINFODATA, &wait);
  }
  const CURLcode code = transfer.Perform();
  if (code != CURLE_OK) return tl::unexpected(Unreached(transfer, code, socket_));
  Reply reply;
  reply.status = transfer.status();
  reply.body = Json::parse(text, nullptr, false);
  const bool problem =
      reply.status >= 400 && !(reply.body.is_object() && reply.body.contains("applied"));
  if (problem || !reply.body.is_object()) {
    return tl::unexpected(Problem(reply.status, reply.body, socket_));
  }
  return reply;
}

Outcome<std::string> Client::Download(const std::string& method, const std::string& target,
                                      const std::function<void()>& waiting) const {
  const auto curl = LoadCurl();
  if (!curl) return tl::unexpected(curl.error());
  Transfer transfer(**curl, socket_, target);
  std::string bytes;
  Wait wait{waiting};
  transfer.Set(CURLOPT_CUSTOMREQUEST, method.c_str());
  transfer.Set(CURLOPT_TIMEOUT_MS, kDownloadMaxMs);
  transfer.Set(CURLOPT_WRITEFUNCTION, Collect);
  transfer.Set(CURLOPT_WRITEDATA, &bytes);
  if (method != "GET") {
    transfer.Set(CURLOPT_POSTFIELDSIZE, 0L);
    transfer.Set(CURLOPT_POSTFIELDS, "");
  }
  if (waiting) {
    transfer.Set(CURLOPT_NOPROGRESS, 0L);
    transfer.Set(CURLOPT_XFERINFOFUNCTION, Progress);
    transfer.Set(CURLOPT_XFERINFODATA, &wait);
  }
  const CURLcode code = transfer.Perform();
  if (code != CURLE_OK) return tl::unexpected(Unreached(transfer, code, socket_));
  const long status = transfer.status();
  if (status == 200) return bytes;
  return tl::unexpected(Problem(status, Json::parse(bytes, nullptr, false), socket_));
}

Outcome<Json> Client::Get(const std::string& target) const {
  auto reply = Send("GET", target);
  if (!reply) return tl::unexpected(std::move(reply.error()));
  return std::move(reply->body);
}

Outcome<void> Client::Stream(const std::string& target, std::chrono::milliseconds at_most,
                             const Event& event) const {
  const auto curl = LoadCurl();
  if (!curl) return tl::unexpected(curl.error());
  Transfer transfer(**curl, socket_, target);
  EventReader reader{event, transfer, at_most};
  transfer.Set(CURLOPT_WRITEFUNCTION, TakeEvents);
  transfer.Set(CURLOPT_WRITEDATA, &reader);
  transfer.Set(CURLOPT_NOPROGRESS, 0L);
  transfer.Set(CURLOPT_XFERINFOFUNCTION, WatchTime);
  transfer.Set(CURLOPT_XFERINFODATA, &reader);
  // Quiet for a while is no failure; the progress function must still be called on time.
  if (at_most.count() > 0) {
    transfer.Set(CURLOPT_TIMEOUT_MS, static_cast<long>(at_most.count()));
  }
  const CURLcode code = transfer.Perform();
  if (reader.enough) return {};
  const long status = transfer.status();
  if (code == CURLE_OPERATION_TIMEDOUT && status == 200) return {};
  if (status >= 400) {
    return tl::unexpected(Problem(status, Json::parse(reader.body, nullptr, false), socket_));
  }
  if (code == CURLE_OK) return Fail(Exit::kUnreachable, "the daemon ended the stream");
  return tl::unexpected(Unreached(transfer, code, socket_));
}

std::string Escaped(std::string_view text, bool all) {
  return http::PercentEncode(text, all ? "" : "/");
}

}  // namespace edgetwin::cli

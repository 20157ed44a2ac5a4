// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/cli/client.h"

#include <curl/curl.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

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

using Curl = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;

Curl Open(const std::string& socket, const std::string& target) {
  Curl curl(curl_easy_init(), curl_easy_cleanup);
  if (curl == nullptr) return curl;
  curl_easy_setopt(curl.get(), CURLOPT_UNIX_SOCKET_PATH, socket.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_URL, ("http://edgetwin" + target).c_str());
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT_MS, kConnectMaxMs);
  return curl;
}

Failure Unreached(CURL* curl, CURLcode code, const std::string& socket) {
  long os = 0;
  curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &os);
  const std::string at = " (" + socket + ")";
  if (code == CURLE_OPERATION_TIMEDOUT) {
    return {Exit::kUnreachable, "the daemon does not answer" + at};
  }
  if (code != CURLE_COULDNT_CONNECT) {
    return {Exit::kUnreachable,
            "the daemon broke the connection off: " + std::string(curl_easy_strerror(code)) + at};
  }
  if (os == EACCES || os == EPERM) {
    return {Exit::kPermission, "no permission to talk to the daemon: your user may not open " +
                                   socket +
                                   "; use sudo, or join the group that the socket belongs to"};
  }
  const std::string why = os == 0 ? curl_easy_strerror(code) : std::strerror(static_cast<int>(os));
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
  CURL* curl;
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
  long status = 0;
  curl_easy_getinfo(reader.curl, CURLINFO_RESPONSE_CODE, &status);
  if (status >= 400) return Collect(data, 1, bytes, &reader.body);
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
  const Curl curl = Open(socket_, target);
  if (curl == nullptr) return Fail(Exit::kUnreachable, "libcurl can't be used");
  std::string text;
  Wait wait{waiting};
  curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, method.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, kAnswerMaxMs);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, Collect);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &text);
  if (method != "GET" && method != "DELETE") {
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body.c_str());
  }
  if (waiting) {
    curl_easy_setopt(curl.get(), CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl.get(), CURLOPT_XFERINFOFUNCTION, Progress);
    curl_easy_setopt(curl.get(), CURLOPT_XFERINFODATA, &wait);
  }
  const CURLcode code = curl_easy_perform(curl.get());
  if (code != CURLE_OK) return tl::unexpected(Unreached(curl.get(), code, socket_));
  Reply reply;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &reply.status);
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
  const Curl curl = Open(socket_, target);
  if (curl == nullptr) return Fail(Exit::kUnreachable, "libcurl can't be used");
  std::string bytes;
  Wait wait{waiting};
  curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, method.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, kDownloadMaxMs);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, Collect);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &bytes);
  if (method != "GET") {
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE, 0L);
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, "");
  }
  if (waiting) {
    curl_easy_setopt(curl.get(), CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl.get(), CURLOPT_XFERINFOFUNCTION, Progress);
    curl_easy_setopt(curl.get(), CURLOPT_XFERINFODATA, &wait);
  }
  const CURLcode code = curl_easy_perform(curl.get());
  if (code != CURLE_OK) return tl::unexpected(Unreached(curl.get(), code, socket_));
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
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
  const Curl curl = Open(socket_, target);
  if (curl == nullptr) return Fail(Exit::kUnreachable, "libcurl can't be used");
  EventReader reader{event, curl.get(), at_most};
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, TakeEvents);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &reader);
  curl_easy_setopt(curl.get(), CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFOFUNCTION, WatchTime);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFODATA, &reader);
  // Quiet for a while is no failure; the progress function must still be called on time.
  if (at_most.count() > 0) {
    curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(at_most.count()));
  }
  const CURLcode code = curl_easy_perform(curl.get());
  if (reader.enough) return {};
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  if (code == CURLE_OPERATION_TIMEDOUT && status == 200) return {};
  if (status >= 400) {
    return tl::unexpected(Problem(status, Json::parse(reader.body, nullptr, false), socket_));
  }
  if (code == CURLE_OK) return Fail(Exit::kUnreachable, "the daemon ended the stream");
  return tl::unexpected(Unreached(curl.get(), code, socket_));
}

std::string Escaped(std::string_view text, bool all) {
  return http::PercentEncode(text, all ? "" : "/");
}

}  // namespace edgetwin::cli

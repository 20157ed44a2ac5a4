// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/http/client.h"

#include <curl/curl.h>

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "drivers/http/failure.h"
#include "twin/base/check.h"

namespace edgetwin::http_driver {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kValidatorBytesMax = 1'024;  // A longer ETag is none.

using Easy = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;

struct ListFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, ListFree>;

void Append(List& list, const std::string& line) {
  curl_slist* longer = curl_slist_append(list.get(), line.c_str());
  EDGETWIN_CHECK(longer != nullptr);
  [[maybe_unused]] curl_slist* same = list.release();
  list.reset(longer);
}

bool InitLibrary() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  return code == CURLE_OK;
}

std::string HeaderOf(CURL* easy, const char* name) {
  curl_header* header = nullptr;
  if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK) return {};
  const std::string value(header->value);
  return value.size() <= kValidatorBytesMax ? value : std::string();
}

bool IsRedirect(long status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

class Client::Impl {
 public:
  Impl(Loop& loop, std::size_t idle_max) : loop_(loop) {
    EDGETWIN_CHECK(InitLibrary());
    multi_ = curl_multi_init();
    EDGETWIN_CHECK(multi_ != nullptr);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Impl::OnSocket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Impl::OnTimer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(idle_max));
  }

  ~Impl() {
    loop_.Cancel(deliver_);
    for (auto& [id, transfer] : transfers_) Detach(transfer);
    transfers_.clear();
    curl_multi_cleanup(multi_);
    for (auto& [fd, watch] : watches_) loop_.Cancel(watch);
    loop_.Cancel(timer_);
  }

  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Id Start(Exchange exchange, Done done) {
    const Id id{++last_id_};
    Transfer& transfer = transfers_[id];
    transfer.owner = this;
    transfer.id = id;
    transfer.deadline = loop_.Now() + exchange.timeout;
    transfer.url = exchange.message.url;
    transfer.exchange = std::move(exchange);
    transfer.done = std::move(done);
    Send(transfer);
    return id;
  }

 private:
  struct Transfer {
    Impl* owner = nullptr;
    Id id = Id::kNone;
    Exchange exchange;
    Done done;
    Url url;  // Where it is now, after redirects.
    MonoTime deadline;
    int redirects = 0;
    Easy easy{nullptr, curl_easy_cleanup};
    List headers;
    std::string body;
    Outcome outcome{Answer{}};  // Once it is over.

    // Whether it never was anywhere but where the operator sent it, who trusts that host with
    // secrets.
    bool at_home = true;

    bool redirected() const { return redirects > 0; }
  };

  static std::size_t OnBody(char* data, std::size_t size, std::size_t count, void* self) {
    auto* transfer = static_cast<Transfer*>(self);
    const std::size_t bytes = size * count;
    if (bytes > transfer->exchange.body_bytes_max - transfer->body.size()) return 0;
    transfer->body.append(data, bytes);
    return bytes;
  }

  static int OnSocket(CURL*, curl_socket_t fd, int what, void* self, void*) {
    auto* client = static_cast<Impl*>(self);
    if (const auto known = client->watches_.find(fd); known != client->watches_.end()) {
      client->loop_.Cancel(known->second);
      client->watches_.erase(known);
    }
    unsigned directions = 0;
    if (what & CURL_POLL_IN) directions |= Loop::kReadable;
    if (what & CURL_POLL_OUT) directions |= Loop::kWritable;
    if (what == CURL_POLL_REMOVE || directions == 0) return 0;
    client->watches_[fd] = client->loop_.Watch(fd, directions, [client, fd](unsigned ready) {
      const int bits = ((ready & Loop::kReadable) != 0 ? CURL_CSELECT_IN : 0) |
                       ((ready & Loop::kWritable) != 0 ? CURL_CSELECT_OUT : 0);
      client->Act(fd, bits);
    });
    return 0;
  }

  static int OnTimer(CURLM*, long wait_ms, void* self) {
    auto* client = static_cast<Impl*>(self);
    client->loop_.Cancel(std::exchange(client->timer_, Loop::Id::kNone));
    if (wait_ms < 0) return 0;
    client->timer_ = client->loop_.After(milliseconds(wait_ms), [client] {
      client->timer_ = Loop::Id::kNone;
      client->Act(CURL_SOCKET_TIMEOUT, 0);
    });
    return 0;
  }

  void Act(curl_socket_t fd, int bits) {
    int running = 0;
    curl_multi_socket_action(multi_, fd, bits, &running);
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      char* data = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &data);
      Completed(*reinterpret_cast<Transfer*>(data), code);
    }
  }

  void Send(Transfer& transfer) {
    transfer.easy.reset(curl_easy_init());
    transfer.headers.reset();
    transfer.body.clear();
    if (transfer.easy == nullptr) return Finish(transfer, {Exhausted("no memory"), true});
    if (Status status = SetUp(transfer); !status) {
      return Finish(transfer, {status.error(), true});
    }
    const CURLMcode added = curl_multi_add_handle(multi_, transfer.easy.get());
    if (added != CURLM_OK) Finish(transfer, {Exhausted(curl_multi_strerror(added)), true});
  }

  Status SetUp(Transfer& transfer) {
    CURL* easy = transfer.easy.get();
    const MessageOptions& message = transfer.exchange.message;
    const auto left = std::chrono::ceil<milliseconds>(transfer.deadline - loop_.Now());
    const auto set = [&](CURLoption option, auto value) {
      EDGETWIN_CHECK(curl_easy_setopt(easy, option, value) == CURLE_OK);
    };
    set(CURLOPT_PRIVATE, &transfer);
    set(CURLOPT_URL, transfer.url.text.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_PROXY, "");  // Nothing that the environment says: drivers read devices.
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_QUICK_EXIT, 1L);  // Or giving up would wait for a name that is being resolved.
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(std::max(left, milliseconds(1)).count()));
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::max(left, milliseconds(1)).count()));
    set(CURLOPT_WRITEFUNCTION, &Impl::OnBody);
    set(CURLOPT_WRITEDATA, &transfer);
    set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(transfer.exchange.body_bytes_max));
    set(CURLOPT_USERAGENT, "edgetwin/" EDGETWIN_VERSION);
    if (transfer.exchange.once) {
      set(CURLOPT_FRESH_CONNECT, 1L);
      set(CURLOPT_FORBID_REUSE, 1L);
    }
    SetMethod(easy, message);
    if (transfer.at_home) {
      for (const auto& [name, value] : message.headers) AppendHeader(transfer, name, value);
    }
    if (!transfer.redirected()) {
      for (const auto& [name, value] : transfer.exchange.more_headers) {
        AppendHeader(transfer, name, value);
      }
    }
    if (Status status = SetTls(transfer); !status) return status;
    if (transfer.at_home) {
      if (Status status = SetAuth(transfer); !status) return status;
    }
    set(CURLOPT_HTTPHEADER, transfer.headers.get());
    return {};
  }

  static void SetMethod(CURL* easy, const MessageOptions& message) {
    if (message.method == "GET") return;
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(message.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, message.body.data());
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, message.method.c_str());
  }

  static void AppendHeader(Transfer& transfer, const std::string& name, const std::string& value) {
    // libcurl's spelling of a header without a value; "name:" would remove one.
    Append(transfer.headers, value.empty() ? name + ";" : name + ": " + value);
  }

  static Status SetTls(Transfer& transfer) {
    CURL* easy = transfer.easy.get();
    const TlsOptions& tls = transfer.exchange.message.tls;
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, tls.verify ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, tls.verify ? 2L : 0L);
    if (!tls.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, tls.ca_file.c_str());
    if (tls.cert_file.empty() || !transfer.at_home) return {};
    const Result<std::string> key = driver::Locate(tls.key);
    if (!key) return key.error();
    curl_easy_setopt(easy, CURLOPT_SSLCERT, tls.cert_file.c_str());
    curl_easy_setopt(easy, CURLOPT_SSLKEY, key->c_str());
    return {};
  }

  static Status SetAuth(Transfer& transfer) {
    using Type = AuthOptions::Type;
    CURL* easy = transfer.easy.get();
    const AuthOptions& auth = transfer.exchange.message.auth;
    if (auth.type == Type::kNone) return {};
    const Result<std::string> secret = driver::ReadSecret(auth.secret);
    if (!secret) return secret.error();
    switch (auth.type) {
      case Type::kNone: break;
      case Type::kBasic:
      case Type::kDigest:
        curl_easy_setopt(easy, CURLOPT_HTTPAUTH,
                         auth.type == Type::kBasic ? CURLAUTH_BASIC : CURLAUTH_DIGEST);
        curl_easy_setopt(easy, CURLOPT_USERNAME, auth.user.c_str());
        curl_easy_setopt(easy, CURLOPT_PASSWORD, secret->c_str());
        break;
      case Type::kBearer: AppendHeader(transfer, "Authorization", "Bearer " + *secret); break;
      case Type::kHeader: AppendHeader(transfer, auth.header, *secret); break;
      case Type::kUrl: return SetSecretUrl(transfer, *secret);
    }
    return {};
  }

  static Status SetSecretUrl(const Transfer& transfer, const std::string& secret) {
    if (transfer.redirected()) return {};  // The server wrote this address.
    CURL* easy = transfer.easy.get();
    char* escaped = curl_easy_escape(easy, secret.c_str(), static_cast<int>(secret.size()));
    if (escaped == nullptr) return Exhausted("no memory");
    std::string url = transfer.url.text;
    url.replace(url.find(kSecretMark), kSecretMark.size(), escaped);
    curl_free(escaped);
    curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
    return {};
  }

  void Completed(Transfer& transfer, CURLcode code) {
    CURL* easy = transfer.easy.get();
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    // The body of what isn't a success doesn't matter, and so neither does its length.
    const bool refused = status >= 300 && Answered(code);
    if (code != CURLE_OK && !refused) {
      return Finish(transfer, {ErrorOf(FailureOf(transfer, code)), Answered(code)});
    }
    char* target = nullptr;
    if (IsRedirect(status)) curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &target);
    if (target != nullptr && transfer.exchange.message.method == "GET") {
      if (Status status_of = Redirect(transfer, target); !status_of) {
        Finish(transfer, {status_of.error(), true});
      }
      return;
    }
    Answer answer;
    answer.status = static_cast<int>(status);
    if (status < 300) answer.body = std::move(transfer.body);
    answer.etag = HeaderOf(easy, "ETag");
    answer.last_modified = HeaderOf(easy, "Last-Modified");
    answer.redirected = transfer.redirected();
    curl_off_t retry_after = 0;
    curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry_after);
    if (retry_after > 0) answer.retry_after = std::chrono::seconds(retry_after);
    Finish(transfer, {std::move(answer), true});
  }

  static TransferFailure FailureOf(const Transfer& transfer, CURLcode code) {
    CURL* easy = transfer.easy.get();
    TransferFailure failure;
    failure.code = code;
    curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &failure.verify);
    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &failure.os_error);
    curl_off_t connect_us = 0;
    curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &connect_us);
    failure.connected = connect_us > 0;
    failure.body_bytes = transfer.body.size();
    failure.host = transfer.url.host;
    failure.timeout = transfer.exchange.timeout;
    failure.body_bytes_max = transfer.exchange.body_bytes_max;
    return failure;
  }

  // By hand, since libcurl would take headers of our own along to wherever a server points.
  Status Redirect(Transfer& transfer, const std::string& target) {
    if (transfer.exchange.redirects_max == 0) return Invalid("it redirects, which isn't allowed");
    if (transfer.redirects == transfer.exchange.redirects_max) {
      return Exhausted("it redirects more than " + std::to_string(transfer.exchange.redirects_max) +
                       " times");
    }
    Result<Url> url = ParseUrl(target);
    if (!url) return Invalid("it redirects to what " + url.error().text);
    if (transfer.url.secure && !url->secure) return Invalid("it redirects from https to http");
    curl_multi_remove_handle(multi_, transfer.easy.get());
    transfer.url = *std::move(url);
    transfer.at_home =
        transfer.at_home && transfer.url.origin == transfer.exchange.message.url.origin;
    ++transfer.redirects;
    Send(transfer);
    return {};
  }

  void Detach(Transfer& transfer) {
    if (transfer.easy == nullptr) return;
    curl_multi_remove_handle(multi_, transfer.easy.get());
    transfer.easy.reset();
  }

  // `done` is called from a turn of its own: here libcurl or the caller is still at work.
  void Finish(Transfer& transfer, Outcome outcome) {
    transfer.outcome = std::move(outcome);
    Detach(transfer);
    finished_.push_back(transfer.id);
    if (finished_.size() == 1) ArmDelivery();
  }

  void ArmDelivery() {
    deliver_ = loop_.After(std::chrono::microseconds(0), [this] {
      const auto found = transfers_.find(finished_.front());
      finished_.pop_front();
      deliver_ = Loop::Id::kNone;
      if (!finished_.empty()) ArmDelivery();
      const Done done = std::move(found->second.done);
      Outcome outcome = std::move(found->second.outcome);
      transfers_.erase(found);
      done(std::move(outcome));  // May destroy us.
    });
  }

  Loop& loop_;
  CURLM* multi_ = nullptr;
  std::map<curl_socket_t, Loop::Id> watches_;
  Loop::Id timer_ = Loop::Id::kNone;
  Loop::Id deliver_ = Loop::Id::kNone;
  std::uint64_t last_id_ = 0;
  std::map<Id, Transfer> transfers_;  // libcurl and finished_ point into it.
  std::deque<Id> finished_;
};

Status Client::CheckLibrary() {
  if (!InitLibrary()) return Unsupported("libcurl can't be used");
  const curl_version_info_data* info = curl_version_info(CURLVERSION_NOW);
  if ((info->features & CURL_VERSION_ASYNCHDNS) == 0) {
    return Unsupported("this libcurl would block for each name that it resolves");
  }
  if ((info->features & CURL_VERSION_SSL) == 0) return Unsupported("this libcurl has no TLS");
  return {};
}

Client::Client(Loop& loop, std::size_t idle_max) : impl_(std::make_unique<Impl>(loop, idle_max)) {}
Client::~Client() = default;

Client::Id Client::Start(Exchange exchange, Done done) {
  return impl_->Start(std::move(exchange), std::move(done));
}

}  // namespace edgetwin::http_driver

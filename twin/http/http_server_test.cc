// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/http/http_server.h"

#include <curl/curl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>
#include <future>
#include <thread>

#include "twin/http/testing/test_client.h"

namespace edgetwin::http {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

// The server on a loop of its own thread; the test is the client.
class HttpServerTest : public testing::Test {
 protected:
  void TearDown() override {
    StopServer();
    std::filesystem::remove_all(folder_);
  }

  // Sets up routes that most tests share, then runs the loop.
  void Start(ServerOptions options = {}) {
    server_ = std::make_unique<Server>(loop_, options);
    server_->Route("GET", "/hello", [](const Request& request, auto responder) {
      responder->Send({200, "hello " + request.method, "text/plain", {{"ETag", "\"1\""}}});
    });
    server_->Route("POST", "/echo", [](const Request& request, auto responder) {
      responder->Send({200, request.body, "application/octet-stream", {}});
    });
    server_->Route("GET", "/big", [](const Request&, auto responder) {
      responder->Send({200, std::string(8 << 20, 'x'), "text/plain", {}});
    });
    server_->Route("GET", "/held", [this](const Request&, auto responder) {
      held_.push_back(std::move(responder));
      held_count_.fetch_add(1);
    });
    server_->Route("GET", "/dropped", [](const Request&, auto) {});
    server_->RouteStream("/events", [this](const Request&, std::shared_ptr<EventStream> stream) {
      stream->OnClose([this] { closed_streams_.fetch_add(1); });
      stream->Send("hello", "first\nsecond\r", "7\n8");
      streams_.push_back(std::move(stream));
    });
    const auto port = server_->ListenTcp("127.0.0.1", 0);
    ASSERT_TRUE(port.has_value()) << port.error().text;
    port_ = *port;
  }
  void RunServer() {
    thread_ = std::thread([this] { loop_.Run(); });
  }
  void StopServer() {
    if (!thread_.joinable()) return;
    loop_.Post([this] {
      streams_.clear();
      held_.clear();
      server_.reset();
      loop_.Stop();
    });
    thread_.join();
    // libevent frees a closed connection's buffers in the loop's next turn.
    loop_.RunFor(milliseconds(0));
  }
  // Runs on the server's thread and waits for the result.
  template <class F>
  auto On(F&& task) {
    std::promise<decltype(task())> done;
    loop_.Post([&] { done.set_value(task()); });
    return done.get_future().get();
  }
  LimitReport Limit(const std::string& name) {
    return On([&] {
      for (LimitReport& report : server_->limits()) {
        if (report.name == name) return report;
      }
      return LimitReport{};
    });
  }
  // Waits for something that the server's thread does by itself.
  template <class F>
  bool Eventually(F&& holds) {
    for (int i = 0; i < 2'000; ++i) {
      if (holds()) return true;
      std::this_thread::sleep_for(milliseconds(5));
    }
    return false;
  }
  std::string Folder() {
    folder_ = testing::TempDir() + "http_" + std::to_string(getpid());
    std::filesystem::create_directories(folder_);
    return folder_;
  }

  SystemClock clock_;
  EventLoop loop_{clock_};
  std::unique_ptr<Server> server_;
  std::uint16_t port_ = 0;
  std::thread thread_;
  std::string folder_;
  std::vector<std::shared_ptr<Responder>> held_;
  std::vector<std::shared_ptr<EventStream>> streams_;
  std::atomic<int> held_count_{0};
  std::atomic<int> closed_streams_{0};
};

std::size_t Append(char* data, std::size_t size, std::size_t count, void* out) {
  static_cast<std::string*>(out)->append(data, size * count);
  return size * count;
}

TEST_F(HttpServerTest, ServesAnOrdinaryClientOverOneConnection) {
  Start();
  RunServer();
  CURL* curl = curl_easy_init();
  const std::string base = "http://127.0.0.1:" + std::to_string(port_);
  const std::string big(600'000, 'b');  // Long enough for curl to expect 100-continue.
  std::string body;
  long connects = 0;
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Append);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
  curl_easy_setopt(curl, CURLOPT_URL, (base + "/hello").c_str());
  ASSERT_EQ(curl_easy_perform(curl), CURLE_OK);
  EXPECT_EQ(body, "hello GET");
  body.clear();
  curl_easy_setopt(curl, CURLOPT_URL, (base + "/echo").c_str());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, big.c_str());
  curl_slist* headers = curl_slist_append(nullptr, "Expect: 100-continue");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  ASSERT_EQ(curl_easy_perform(curl), CURLE_OK);
  EXPECT_EQ(body, big);
  curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &connects);
  EXPECT_EQ(connects, 0) << "the connection of the first request was not used again";
  curl_slist_free_all(headers);
  curl_easy_cleanup(curl);
}

TEST_F(HttpServerTest, CapturesArePercentDecodedAfterTheyAreCut) {
  Start();
  std::vector<std::string> seen;
  server_->Route("GET", "/v1/twins/{}/properties/{*}", [&](const Request& request, auto responder) {
    seen = request.parts;
    responder->Send({204, "", "", {}});
  });
  server_->Route("GET", "/v1/twins/{}", [&](const Request& request, auto responder) {
    seen = request.parts;
    responder->Send({200, "one", "", {}});
  });
  server_->Route("GET", "/v1/twins/all", [&](const Request&, auto responder) {
    responder->Send({200, "all", "", {}});
  });
  RunServer();
  TestClient client(port_);
  EXPECT_EQ(client.Do("GET", "/v1/twins/a%2Fb/properties/pump%20x/speed%2F2?q").status, 204);
  EXPECT_THAT(On([&] { return seen; }), testing::ElementsAre("a/b", "pump x/speed/2"));
  EXPECT_EQ(client.Do("GET", "/v1/twins/all").body, "all") << "the literal pattern wins";
  EXPECT_EQ(client.Do("GET", "/v1/twins/a%2Fb").body, "one");
  EXPECT_EQ(client.Do("GET", "/v1/twins/").status, 404);
  EXPECT_EQ(client.Do("GET", "/v1/twins/a/properties/").status, 404);
}

TEST_F(HttpServerTest, RefusalsAreProblemDocuments) {
  Start();
  RunServer();
  TestClient client(port_);
  TestResponse response = client.Do("GET", "/no\\where");
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.headers["content-type"], "application/problem+json");
  EXPECT_EQ(response.body, R"({"type":"about:blank","title":"Not Found","status":404,)"
                           R"("detail":"there is nothing at /no\\where"})"
                           "\n");
  response = client.Do("DELETE", "/hello");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.headers["allow"], "GET, HEAD");
  EXPECT_EQ(client.Do("BREW", "/hello").status, 405);
  EXPECT_EQ(client.Do("GET", "/dropped").status, 500);
  EXPECT_EQ(client.Do("GET", "/hello").status, 200) << "the connection is still good";
  response = client.Do("GET", "/%zz");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.headers["content-type"], "application/problem+json");
  EXPECT_EQ(response.headers["connection"], "close");
  EXPECT_EQ(client.ReadAll(), "");
}

TEST_F(HttpServerTest, ProblemsOfErrorsCarryTheirCode) {
  EXPECT_EQ(Problem(Conflict("taken \"here\"")).body,
            R"({"type":"about:blank","title":"Conflict","status":409,"detail":"taken \"here\"",)"
            R"("code":"conflict"})"
            "\n");
  EXPECT_EQ(Problem(Exhausted("")).status, 429);
  EXPECT_EQ(Problem(TimedOut("")).status, 504);
  EXPECT_THAT(Problem(400, "t", "\xff\n").body, HasSubstr("\xef\xbf\xbd\\u000a"));
}

TEST_F(HttpServerTest, HeadHasTheLengthButNoBody) {
  Start();
  RunServer();
  TestClient client(port_);
  TestResponse response = client.Do("HEAD", "/hello");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers["content-length"], "10");
  EXPECT_EQ(response.headers["etag"], "\"1\"");
  EXPECT_EQ(client.Do("GET", "/hello").body, "hello GET") << "a body came after HEAD";
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  Start();
  RunServer();
  TestClient client(port_);
  ASSERT_TRUE(
      client.Send("GET /held HTTP/1.1\r\nHost: h\r\n\r\n"
                  "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
                  "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"));
  ASSERT_TRUE(Eventually([&] { return held_count_ == 1; }));
  On([&] {
    held_.front()->Send({200, "late", "text/plain", {}});
    return true;
  });
  EXPECT_EQ(client.Read().body, "late");
  EXPECT_EQ(client.Read().body, "abc");
  EXPECT_EQ(client.Read().body, "hello GET");
}

TEST_F(HttpServerTest, ASecondAnswerDoesNotReachTheNextRequest) {
  Start();
  RunServer();
  TestClient client(port_);
  client.Send("GET /held HTTP/1.1\r\nHost: h\r\n\r\nGET /held HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(Eventually([&] { return held_count_ == 1; }));
  On([&] {
    held_[0]->Send({200, "first", "text/plain", {}});
    return true;
  });
  ASSERT_TRUE(Eventually([&] { return held_count_ == 2; }));
  On([&] {
    held_[0]->Send({200, "stray", "text/plain", {}});
    held_[1]->Send({200, "second", "text/plain", {}});
    return true;
  });
  EXPECT_EQ(client.Read().body, "first");
  EXPECT_EQ(client.Read().body, "second");
}

TEST_F(HttpServerTest, AClientThatClosedItsSendingHalfStillGetsItsAnswer) {
  Start();
  RunServer();
  TestClient client(port_);
  client.Send("GET /held HTTP/1.1\r\nHost: h\r\n\r\nGET /hello HTTP/1.1\r\nHost: h\r\n\r\n");
  client.FinishSending();
  ASSERT_TRUE(Eventually([&] { return held_count_ == 1; }));
  On([&] {
    held_.front()->Send({200, "late", "text/plain", {}});
    return true;
  });
  EXPECT_EQ(client.Read().body, "late");
  EXPECT_EQ(client.Read().body, "hello GET");
  EXPECT_EQ(client.ReadAll(), "");
}

TEST_F(HttpServerTest, ClientsThatVanishLeaveNothingBehind) {
  Start();
  RunServer();
  {
    TestClient mid_head(port_), mid_body(port_), mid_answer(port_), held(port_), stream(port_);
    mid_head.Send("GET /hel");
    mid_body.Send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nabc");
    mid_answer.Send("GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
    mid_answer.ReadBytes(1000);
    held.Send("GET /held HTTP/1.1\r\nHost: h\r\n\r\n");
    stream.Send("GET /events HTTP/1.1\r\nHost: h\r\n\r\n");
    stream.ReadTo("data: second");
    ASSERT_TRUE(Eventually([&] { return held_count_ == 1; }));
    mid_answer.Abort();
    held.Abort();
  }
  EXPECT_TRUE(Eventually([&] { return Limit("connections").used == 0; }));
  EXPECT_EQ(Limit("streams").used, 0u);
  EXPECT_EQ(closed_streams_, 1);
  EXPECT_FALSE(On([&] { return streams_.front()->Send("e", "too late"); }));
  On([&] {
    held_.front()->Send({200, "too late", "text/plain", {}});
    return true;
  });
  EXPECT_EQ(TestClient(port_).Do("GET", "/hello").status, 200);
}

TEST_F(HttpServerTest, ATooLongBodyIsRefusedAndTheAnswerArrives) {
  ServerOptions options;
  options.body_bytes_max = 1000;
  Start(options);
  RunServer();
  TestClient client(port_);
  // The client goes on sending what it announced, as most do: the answer must not be lost to a
  // reset.
  client.Send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 500000\r\n\r\n" +
              std::string(500'000, 'x'));
  EXPECT_EQ(client.Read().status, 413);
  EXPECT_EQ(client.ReadAll(), "");
  EXPECT_FALSE(client.was_reset());
  TestClient polite(port_);
  EXPECT_EQ(polite.Do("POST", "/echo", "Expect: 100-continue\r\nContent-Length: 1001\r\n").status,
            413);
  EXPECT_EQ(Limit("request_bytes").hits, 2u);
}

TEST_F(HttpServerTest, AGiantHeaderIsRefused) {
  Start();
  RunServer();
  TestClient client(port_);
  client.Send("GET /hello HTTP/1.1\r\nHost: h\r\nX: " + std::string(100'000, 'x'));
  EXPECT_EQ(client.Read().status, 431);
}

TEST_F(HttpServerTest, TheGuardRefusesBeforeTheBodyIsRead) {
  Start();
  server_->SetGuard([](const Request& request) -> std::optional<Response> {
    if (request.Header("authorization") == "Bearer good") return std::nullopt;
    return Problem(401, "Unauthorized", "no token");
  });
  RunServer();
  TestClient client(port_);
  client.Send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n");
  TestResponse response = client.Read();
  EXPECT_EQ(response.status, 401);
  EXPECT_EQ(response.headers["connection"], "close");
  TestClient other(port_);
  EXPECT_EQ(other.Do("GET", "/nowhere").status, 401) << "existence is told to nobody";
  EXPECT_EQ(other.Do("GET", "/hello", "Authorization: Bearer good\r\n").status, 200);
}

TEST_F(HttpServerTest, ConnectionsPastTheLimitAreToldSo) {
  ServerOptions options;
  options.connections_max = 2;
  Start(options);
  RunServer();
  auto first = std::make_unique<TestClient>(port_);
  TestClient second(port_);
  EXPECT_EQ(first->Do("GET", "/hello").status, 200);
  EXPECT_EQ(second.Do("GET", "/hello").status, 200);
  TestResponse refused = TestClient(port_).Do("GET", "/hello");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.headers["retry-after"], "1");
  EXPECT_EQ(Limit("connections").hits, 1u);
  first.reset();
  ASSERT_TRUE(Eventually([&] { return Limit("connections").used == 1; }));
  EXPECT_EQ(TestClient(port_).Do("GET", "/hello").status, 200);
}

TEST_F(HttpServerTest, RunningOutOfDescriptorsIsCountedAndPasses) {
  Start();
  RunServer();
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  std::unique_ptr<TestClient> client;
  // On the server's thread, so that it can't accept before the descriptors have run out.
  loop_.Post([&] {
    const int next = dup(0);
    close(next);
    client = std::make_unique<TestClient>(port_);
    rlimit none = before;
    none.rlim_cur = static_cast<rlim_t>(next) + 1;
    setrlimit(RLIMIT_NOFILE, &none);
  });
  // Watched without On: the undefined-behaviour sanitizer needs descriptors itself.
  std::atomic<bool> counted{false};
  for (int i = 0; i < 2'000 && !counted; ++i) {
    loop_.Post([&] {
      for (const LimitReport& limit : server_->limits()) {
        if (limit.name == "connections" && limit.hits > 0) counted = true;
      }
    });
    std::this_thread::sleep_for(milliseconds(5));
  }
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_TRUE(counted);
  EXPECT_EQ(client->Do("GET", "/hello").status, 200);
}

TEST_F(HttpServerTest, SlowRequestsAndIdleConnectionsAreGivenUp) {
  ServerOptions options;
  options.idle_timeout = milliseconds(200);
  Start(options);
  RunServer();
  TestClient idle(port_), slow(port_), stuck(port_, 4096);
  slow.Send("GET /hello HTTP/1.1\r\n");
  stuck.Send("GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
  std::thread drip([&] {
    // A byte now and then must not keep a request open for ever.
    while (slow.Send("x: y\r\n")) std::this_thread::sleep_for(milliseconds(20));
  });
  EXPECT_EQ(idle.ReadAll(), "");
  EXPECT_TRUE(Eventually([&] { return Limit("connections").used == 0; }));
  drip.join();
  EXPECT_EQ(Limit("idle_ms").hits, 3u);
}

TEST_F(HttpServerTest, ARequestThatAHandlerHoldsIsNotTimedOut) {
  ServerOptions options;
  options.idle_timeout = milliseconds(50);
  Start(options);
  RunServer();
  TestClient client(port_), idle(port_);
  client.Send("GET /held HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(Eventually([&] { return held_count_ == 1; }));
  EXPECT_EQ(idle.ReadAll(), "");  // One timeout has passed since.
  TestClient another(port_);
  EXPECT_EQ(another.ReadAll(), "");
  On([&] {
    held_.front()->Send({200, "late", "text/plain", {}});
    return true;
  });
  EXPECT_EQ(client.Read().body, "late");
}

TEST_F(HttpServerTest, EventsArriveInTheStandardsForm) {
  ServerOptions options;
  options.stream_heartbeat = milliseconds(20);
  Start(options);
  RunServer();
  TestClient client(port_);
  client.Send("GET /events HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string head = client.ReadTo("\r\n\r\n");
  EXPECT_THAT(head, HasSubstr("Content-Type: text/event-stream"));
  EXPECT_THAT(head, HasSubstr("Transfer-Encoding: chunked"));
  EXPECT_THAT(client.ReadTo("\n\n"),
              HasSubstr("id: 78\nevent: hello\ndata: first\ndata: second\n\n"));
  EXPECT_THAT(client.ReadTo(":\n\n"), HasSubstr(":\n\n")) << "no heartbeat";
  EXPECT_TRUE(On([&] { return streams_.front()->Send("", "{}"); }));
  client.ReadTo("data: {}\n\n");
  On([&] {
    streams_.clear();
    return true;
  });
  EXPECT_THAT(client.ReadAll(), testing::EndsWith("\r\n0\r\n\r\n")) << "the response has no end";
}

TEST_F(HttpServerTest, AnOldClientGetsItsStreamWithoutChunks) {
  Start();
  RunServer();
  TestClient client(port_);
  client.Send("GET /events HTTP/1.0\r\n\r\n");
  EXPECT_THAT(client.ReadTo("\r\n\r\n"), testing::Not(HasSubstr("chunked")));
  EXPECT_EQ(client.ReadTo("\n\n"), "id: 78\nevent: hello\ndata: first\ndata: second\n\n");
  TestClient head(port_);
  EXPECT_EQ(head.Do("HEAD", "/events").headers["content-type"], "text/event-stream");
  EXPECT_EQ(head.ReadAll(), "");
}

TEST_F(HttpServerTest, ASlowReaderIsCutAndCounted) {
  ServerOptions options;
  options.stream_backlog_bytes_max = 100'000;
  Start(options);
  RunServer();
  TestClient client(port_, 4096);
  client.Send("GET /events HTTP/1.1\r\nHost: h\r\n\r\n");
  client.ReadTo("data: second");
  const std::string event(10'000, 'e');
  int sent = 0;
  while (On([&] { return streams_.front()->Send("e", event); })) {
    ASSERT_LT(++sent, 100'000);
  }
  EXPECT_FALSE(On([&] { return streams_.front()->open(); }));
  EXPECT_EQ(Limit("stream_backlog_bytes").hits, 1u);
  EXPECT_LE(Limit("stream_backlog_bytes").peak, 100'000u);
  EXPECT_EQ(closed_streams_, 0) << "the failed Send has told it";
}

TEST_F(HttpServerTest, AClientCanNotFillMemoryThroughAStream) {
  Start();
  RunServer();
  TestClient client(port_);
  client.Send("GET /events HTTP/1.1\r\nHost: h\r\n\r\n");
  client.ReadTo("data: second");
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(client.Send(std::string(100'000, 'x')));
  EXPECT_TRUE(On([&] { return streams_.front()->Send("e", "still here"); }));
  EXPECT_THAT(client.ReadTo("still here"), HasSubstr("still here"));
}

TEST_F(HttpServerTest, NoMoreIsReadThanOneRequestWhileItIsAnswered) {
  Start();
  RunServer();
  TestClient client(port_);
  client.Send("GET /held HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(Eventually([&] { return held_count_ == 1; }));
  const std::string more(64 << 10, 'x');
  std::size_t sent = 0;
  // What both kernels' buffers hold is a few MiB; a server that reads on takes it all.
  for (int turns_without_room = 0; turns_without_room < 2'000;) {
    const std::size_t taken = client.SendSome(more);
    sent += taken;
    turns_without_room = taken > 0 ? 0 : turns_without_room + 1;
    On([] { return true; });
    ASSERT_LT(sent, std::size_t{64} << 20);
  }
}

TEST_F(HttpServerTest, StreamsPastTheLimitAreRefused) {
  ServerOptions options;
  options.streams_max = 1;
  Start(options);
  RunServer();
  TestClient first(port_), second(port_);
  first.Send("GET /events HTTP/1.1\r\nHost: h\r\n\r\n");
  first.ReadTo("data: second");
  EXPECT_EQ(second.Do("GET", "/events").status, 503);
  EXPECT_EQ(Limit("streams").hits, 1u);
  EXPECT_EQ(second.Do("GET", "/hello").status, 200);
}

TEST_F(HttpServerTest, AUnixSocketTellsWhoAsks) {
  const std::string path = Folder() + "/api.sock";
  Start();
  ASSERT_TRUE(server_->ListenUnix(path, 0640).has_value());
  server_->Route("GET", "/who", [](const Request& request, auto responder) {
    responder->Send({200, std::to_string(request.peer_uid.value_or(99999)), "text/plain", {}});
  });
  RunServer();
  struct stat info {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
  EXPECT_EQ(TestClient(path).Do("GET", "/who").body, std::to_string(getuid()));
  EXPECT_EQ(TestClient(port_).Do("GET", "/who").body, "99999");
  StopServer();
  EXPECT_FALSE(std::filesystem::exists(path)) << "left behind";
}

TEST_F(HttpServerTest, AStaleSocketIsReplacedAndALiveOneRefused) {
  const std::string path = Folder() + "/api.sock";
  const int stale = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  ASSERT_EQ(bind(stale, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  close(stale);
  Start();
  ASSERT_TRUE(server_->ListenUnix(path, 0600).has_value());
  const Status second = Server(loop_).ListenUnix(path, 0600);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::kConflict);
  RunServer();
  EXPECT_EQ(TestClient(path).Do("GET", "/hello").status, 200);
}

TEST_F(HttpServerTest, FilesThatAreNoSocketsAreNotTouched) {
  const std::string path = Folder() + "/file";
  std::fclose(std::fopen(path.c_str(), "w"));
  Start();
  EXPECT_EQ(server_->ListenUnix(path, 0600).error().code, ErrorCode::kConflict);
  EXPECT_TRUE(std::filesystem::is_regular_file(path));
  EXPECT_EQ(server_->ListenUnix(std::string(200, 'x'), 0600).error().code, ErrorCode::kInvalid);
}

TEST_F(HttpServerTest, ATakenPortIsAConflict) {
  Start();
  EXPECT_EQ(server_->ListenTcp("127.0.0.1", port_).error().code, ErrorCode::kConflict);
  EXPECT_EQ(server_->ListenTcp("localhost", 0).error().code, ErrorCode::kInvalid);
}

TEST_F(HttpServerTest, StopListeningLetsTheCurrentAnswerOut) {
  Start();
  RunServer();
  TestClient busy(port_), idle(port_);
  EXPECT_EQ(idle.Do("GET", "/hello").status, 200);
  busy.Send("GET /held HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(Eventually([&] { return held_count_ == 1; }));
  On([&] {
    server_->StopListening();
    held_.front()->Send({200, "late", "text/plain", {}});
    return true;
  });
  EXPECT_EQ(idle.ReadAll(), "");
  TestResponse last = busy.Read();
  EXPECT_EQ(last.body, "late");
  EXPECT_EQ(last.headers["connection"], "close");
}

}  // namespace
}  // namespace edgetwin::http

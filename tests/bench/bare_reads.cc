// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/bare_reads.h"

// Each of net-snmp's needs the one before.
// clang-format off
#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>
// clang-format on

#include <curl/curl.h>
#include <fcntl.h>
#include <modbus/modbus.h>
#include <mosquitto.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace edgetwin::bench {
namespace {

using tests::StormInstance;

// A file of sysfs, opened each time.
class FileRead final : public BareRead {
 public:
  explicit FileRead(std::string file) : file_(std::move(file)) {}
  bool Next() override {
    const int fd = open(file_.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    char text[64] = {};
    const bool some = read(fd, text, sizeof text - 1) > 0;
    close(fd);
    value_ = std::strtod(text, nullptr) / 1e3;
    return some;
  }

 private:
  const std::string file_;
  double value_ = 0;
};

// The number behind the `comma`th comma of the next line; from the beginning again at the end.
class LineRead final : public BareRead {
 public:
  LineRead(const std::string& file, int comma)
      : file_(std::fopen(file.c_str(), "re")), comma_(comma) {}
  ~LineRead() override {
    if (file_ != nullptr) std::fclose(file_);
  }
  bool Next() override {
    char line[256];
    while (file_ != nullptr) {
      if (std::fgets(line, sizeof line, file_) == nullptr) {
        std::rewind(file_);
        if (std::fgets(line, sizeof line, file_) == nullptr) return false;
        continue;  // That was the heading.
      }
      const char* at = line;
      for (int i = 0; i < comma_ && at != nullptr; ++i) {
        at = std::strchr(at, ',');
        if (at != nullptr) ++at;
      }
      if (at == nullptr) continue;
      value_ = std::strtod(at, nullptr);
      return true;
    }
    return false;
  }

 private:
  std::FILE* file_;
  const int comma_;
  double value_ = 0;
};

class ModbusRead final : public BareRead {
 public:
  explicit ModbusRead(int port) : bus_(modbus_new_tcp("127.0.0.1", port)) {
    modbus_set_slave(bus_, 5);
    modbus_connect(bus_);
  }
  ~ModbusRead() override { modbus_free(bus_); }
  bool Next() override { return modbus_read_input_registers(bus_, 2, 1, &value_) == 1; }

 private:
  modbus_t* bus_;
  std::uint16_t value_ = 0;
};

class HttpRead final : public BareRead {
 public:
  explicit HttpRead(const std::string& url) : easy_(curl_easy_init()) {
    curl_easy_setopt(easy_, CURLOPT_URL, url.c_str());
    curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, &Take);
    curl_easy_setopt(easy_, CURLOPT_WRITEDATA, &body_);
  }
  ~HttpRead() override { curl_easy_cleanup(easy_); }
  bool Next() override {
    body_.clear();
    if (curl_easy_perform(easy_) != CURLE_OK) return false;
    const std::size_t colon = body_.find(':');
    if (colon == body_.npos) return false;
    value_ = std::strtod(body_.c_str() + colon + 1, nullptr);
    return true;
  }

 private:
  static std::size_t Take(char* data, std::size_t, std::size_t bytes, void* body) {
    static_cast<std::string*>(body)->append(data, bytes);
    return bytes;
  }
  CURL* easy_;
  std::string body_;
  double value_ = 0;
};

class SnmpRead final : public BareRead {
 public:
  explicit SnmpRead(const std::string& port) : peer_("udp:127.0.0.1:" + port) {
    netsnmp_session options;
    snmp_sess_init(&options);
    options.version = SNMP_VERSION_2c;
    options.peername = peer_.data();
    options.community = community_;
    options.community_len = sizeof community_ - 1;
    session_ = snmp_open(&options);
  }
  ~SnmpRead() override {
    if (session_ != nullptr) snmp_close(session_);
  }
  bool Next() override {
    static constexpr oid kUp[] = {1, 3, 6, 1, 2, 1, 1, 3, 0};
    if (session_ == nullptr) return false;
    snmp_pdu* request = snmp_pdu_create(SNMP_MSG_GET);
    snmp_add_null_var(request, kUp, OID_LENGTH(kUp));
    snmp_pdu* answer = nullptr;
    const bool there = snmp_synch_response(session_, request, &answer) == STAT_SUCCESS &&
                       answer->errstat == SNMP_ERR_NOERROR && answer->variables != nullptr;
    if (there) value_ = *answer->variables->val.integer;
    if (answer != nullptr) snmp_free_pdu(answer);
    return there;
  }

 private:
  std::string peer_;
  u_char community_[7] = {'p', 'u', 'b', 'l', 'i', 'c', 0};
  netsnmp_session* session_ = nullptr;
  long value_ = 0;
};

// The same program that the driver runs, over pipes.
class ProgramRead final : public BareRead {
 public:
  explicit ProgramRead(std::string program) : program_(std::move(program)) {
    int to[2], from[2];
    if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) return;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, to[0], 0);
    posix_spawn_file_actions_adddup2(&actions, from[1], 1);
    std::string mode = "steady";
    char* args[] = {program_.data(), mode.data(), nullptr};
    if (posix_spawn(&pid_, program_.c_str(), &actions, nullptr, args, environ) != 0) pid_ = -1;
    posix_spawn_file_actions_destroy(&actions);
    close(to[0]);
    close(from[1]);
    out_ = fdopen(to[1], "w");
    in_ = fdopen(from[0], "r");
    Say(R"({"hello":{"protocol":1}})");
    (void)Line("\"ready\"");
  }
  ~ProgramRead() override {
    if (out_ != nullptr) std::fclose(out_);
    if (in_ != nullptr) std::fclose(in_);
    if (pid_ > 0) waitpid(pid_, nullptr, 0);
  }
  bool Next() override {
    Say(R"({"read":{}})");
    const char* values = Line("\"values\"");
    if (values == nullptr) return false;
    value_ = std::strtod(std::strrchr(values, ':') + 1, nullptr);
    return Line("\"read_done\"") != nullptr;
  }

 private:
  void Say(const char* line) {
    if (out_ == nullptr) return;
    std::fprintf(out_, "%s\n", line);
    std::fflush(out_);
  }
  // The next one that has `what`; null at the end.
  const char* Line(const char* what) {
    while (in_ != nullptr && std::fgets(line_, sizeof line_, in_) != nullptr) {
      if (std::strstr(line_, what) != nullptr) return line_;
    }
    return nullptr;
  }

  std::string program_;
  pid_t pid_ = -1;
  std::FILE* out_ = nullptr;
  std::FILE* in_ = nullptr;
  char line_[256] = {};
  double value_ = 0;
};

class MqttRead final : public BareRead {
 public:
  explicit MqttRead(int port) : client_(mosquitto_new(nullptr, true, this)) {
    mosquitto_message_callback_set(
        client_, [](mosquitto*, void* self, const mosquitto_message* it) {
          auto* read = static_cast<MqttRead*>(self);
          const std::string text(static_cast<const char*>(it->payload),
                                 static_cast<std::size_t>(it->payloadlen));
          read->value_ = std::strtod(text.c_str(), nullptr);
          ++read->messages_;
        });
    mosquitto_connect(client_, "127.0.0.1", port, 60);
    mosquitto_subscribe(client_, nullptr, "storm/n", 1);
  }
  ~MqttRead() override { mosquitto_destroy(client_); }
  bool Next() override {
    const std::uint64_t before = messages_;
    while (messages_ == before) {
      if (mosquitto_loop(client_, 10'000, 1) != MOSQ_ERR_SUCCESS) return false;
    }
    return true;
  }

 private:
  mosquitto* client_;
  std::uint64_t messages_ = 0;
  double value_ = 0;
};

}  // namespace

std::unique_ptr<BareRead> MakeBareRead(const StormInstance& instance) {
  const std::string_view kind = instance.kind;
  const std::string& place = instance.place;
  if (kind == "modbus") return std::make_unique<ModbusRead>(std::atoi(place.c_str()));
  if (kind == "http") return std::make_unique<HttpRead>(place);
  if (kind == "snmp") return std::make_unique<SnmpRead>(place);
  if (kind == "exec") return std::make_unique<ProgramRead>(place);
  if (kind == "mqtt") return std::make_unique<MqttRead>(std::atoi(place.c_str()));
  if (kind == "replay") return std::make_unique<LineRead>(place, 1);
  if (kind == "nmea") return std::make_unique<LineRead>(place, 9);
  if (kind == "hwmon" || kind == "thermal" || kind == "iio" || kind == "w1" || kind == "host") {
    return std::make_unique<FileRead>(place);
  }
  return nullptr;
}

}  // namespace edgetwin::bench

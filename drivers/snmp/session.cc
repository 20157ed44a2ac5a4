// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/snmp/session.h"

// Each needs the one before.
// clang-format off
#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>
#include <net-snmp/library/large_fd_set.h>
// clang-format on

#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "drivers/snmp/library.h"
#include "drivers/snmp/wire.h"

namespace edgetwin::snmp_driver {
namespace {

using std::chrono::milliseconds;

std::string SystemText(int number) {
  return std::generic_category().message(number);
}

int PollTimeout(std::chrono::microseconds left) {
  const auto ms = std::chrono::ceil<milliseconds>(left).count();
  return static_cast<int>(std::clamp<std::int64_t>(ms, 0, 100'000));
}

// What the library takes as a peer: "udp:192.0.2.1:161", "udp6:[2001:db8::1]:161".
struct Peer {
  std::string name;
  sockaddr_storage address{};
  socklen_t address_bytes = 0;
};

Result<std::vector<Peer>> FindPeers(const AgentOptions& agent) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(agent.port);
  if (const int error = getaddrinfo(agent.host.c_str(), port.c_str(), &hints, &found); error != 0) {
    return Unavailable("no address of the name " + agent.host + ": " + gai_strerror(error));
  }
  std::vector<Peer> peers;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (getnameinfo(one->ai_addr, one->ai_addrlen, text.data(), text.size(), nullptr, 0,
                    NI_NUMERICHOST) != 0 ||
        one->ai_addrlen > sizeof(sockaddr_storage)) {
      continue;
    }
    Peer peer;
    peer.name = one->ai_family == AF_INET6 ? "udp6:[" + std::string(text.data()) + "]:" + port
                                           : "udp:" + std::string(text.data()) + ":" + port;
    std::memcpy(&peer.address, one->ai_addr, one->ai_addrlen);
    peer.address_bytes = one->ai_addrlen;
    peers.push_back(std::move(peer));
  }
  freeaddrinfo(found);
  if (peers.empty()) return Unavailable("no address of the name " + agent.host);
  return peers;
}

// A key of a password (RFC 3414, A.2), which takes a hash over 1 MiB. Thread-safe.
Status Stretch(const oid* protocol, std::size_t protocol_size, const driver::SecretPlace& place,
               std::string_view what, u_char* key, std::size_t& key_bytes) {
  Result<std::string> password = driver::ReadSecret(place);
  if (!password) return password.error();
  // RFC 3414, 11.2; the library refuses shorter ones.
  if (password->size() < USM_LENGTH_P_MIN) {
    return Invalid("the " + std::string(what) + " has fewer than " +
                   std::to_string(USM_LENGTH_P_MIN) + " bytes");
  }
  std::vector<u_char> bytes(password->begin(), password->end());
  const int made = generate_Ku(protocol, static_cast<u_int>(protocol_size), bytes.data(),
                               bytes.size(), key, &key_bytes);
  explicit_bzero(bytes.data(), bytes.size());
  explicit_bzero(password->data(), password->size());
  if (made != SNMPERR_SUCCESS)
    return Unsupported("the library can't make a key of the " + std::string(what));
  return {};
}

char* Text(std::string& text) {
  return text.data();
}

}  // namespace

// What the callback of a request has heard.
struct Session::Waiting {
  bool done = false;
  bool resent = false;
  bool answered = false;
  int report = 0;    // SNMPERR_… of a report that answers the request, or of building it.
  int os_error = 0;  // Of the socket.
  Answer answer;

  static int Hear(int operation, netsnmp_session* session, int, netsnmp_pdu* pdu, void* magic) {
    auto& waiting = *static_cast<Waiting*>(magic);
    switch (operation) {
      case NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE:
        if (pdu->command == SNMP_MSG_REPORT) {
          waiting.report = snmpv3_get_report_type(pdu);  // Done only if the library gives up.
        } else if (pdu->command == SNMP_MSG_RESPONSE) {
          waiting.answer = AnswerOf(*pdu);
          waiting.answered = waiting.done = true;
        }
        return 1;
      case NETSNMP_CALLBACK_OP_RESEND: waiting.resent = true; return 1;
      case NETSNMP_CALLBACK_OP_SEC_ERROR:
        if (waiting.report == 0) waiting.report = session->s_snmp_errno;
        break;
      case NETSNMP_CALLBACK_OP_SEND_FAILED:
        waiting.os_error = session->s_errno;
        if (waiting.os_error == 0) waiting.report = session->s_snmp_errno;
        break;
      default: break;
    }
    waiting.done = true;
    return 1;
  }
};

milliseconds ExchangeTime(const AgentOptions& agent) {
  return agent.timeout * (agent.retries + 1);
}

Session::Session(AgentOptions agent)
    : agent_(std::move(agent)), wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Session::~Session() {
  Close();
  if (wake_ >= 0) close(wake_);
}

void Session::Interrupt() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof one);
}

std::string Session::Place() const {
  return agent_.host + ":" + std::to_string(agent_.port);
}

void Session::Close() {
  if (handle_ == nullptr) return;
  {
    const LibraryLock lock;
    snmp_sess_close(handle_);
  }
  if (user_ != nullptr) usm_free_user(user_);  // In no list; clears its keys.
  user_ = nullptr;
  handle_ = nullptr;
  socket_ = -1;
}

Outcome<void> Session::Prepare(snmp_session& session, std::string& community) {
  const auto failed = [](const Error& error) {
    return tl::unexpected(Failure{error, true});  // Nobody was asked yet.
  };
  session.timeout = static_cast<long>(std::chrono::microseconds(agent_.timeout).count());
  session.retries = agent_.retries;
  if (!agent_.user) {
    session.version = SNMP_VERSION_2c;
    community = agent_.community;
    if (!agent_.community_place.empty()) {
      Result<std::string> secret = driver::ReadSecret(agent_.community_place);
      if (!secret) return failed(secret.error());
      community = *std::move(secret);
    }
    session.community = reinterpret_cast<u_char*>(community.data());
    session.community_len = community.size();
    return {};
  }
  const UserOptions& user = *agent_.user;
  session.version = SNMP_VERSION_3;
  session.securityModel = USM_SEC_MODEL_NUMBER;
  session.securityLevel = user.auth.empty()   ? SNMP_SEC_LEVEL_NOAUTH
                          : user.priv.empty() ? SNMP_SEC_LEVEL_AUTHNOPRIV
                                              : SNMP_SEC_LEVEL_AUTHPRIV;
  session.securityAuthProto = usmNoAuthProtocol;
  session.securityAuthProtoLen = OID_LENGTH(usmNoAuthProtocol);
  session.securityPrivProto = usmNoPrivProtocol;
  session.securityPrivProtoLen = OID_LENGTH(usmNoPrivProtocol);
  if (user.auth.empty()) return {};
  session.securityAuthProto =
      sc_get_auth_oid(usm_lookup_auth_type(user.auth.c_str()), &session.securityAuthProtoLen);
  session.securityAuthKeyLen = USM_AUTH_KU_LEN;
  const auto stretch = [&](const driver::SecretPlace& place, std::string_view what, u_char* key,
                           std::size_t& bytes) {
    return Stretch(session.securityAuthProto, session.securityAuthProtoLen, place, what, key,
                   bytes);
  };
  if (const Status made = stretch(user.auth_password, "auth_password", session.securityAuthKey,
                                  session.securityAuthKeyLen);
      !made) {
    return failed(made.error());
  }
  if (user.priv.empty()) return {};
  session.securityPrivProto =
      sc_get_priv_oid(usm_lookup_priv_type(user.priv.c_str()), &session.securityPrivProtoLen);
  session.securityPrivKeyLen = USM_PRIV_KU_LEN;
  if (const Status made = stretch(user.priv_password, "priv_password", session.securityPrivKey,
                                  session.securityPrivKeyLen);
      !made) {
    return failed(made.error());
  }
  return {};
}

Outcome<void> Session::Open(MonoTime deadline) {
  netsnmp_session session;
  {
    const LibraryLock lock;
    snmp_sess_init(&session);
  }
  std::string community;
  Outcome<void> opened = Prepare(session, community);
  if (opened) opened = OpenSocket(session);
  explicit_bzero(session.securityAuthKey, sizeof session.securityAuthKey);
  explicit_bzero(session.securityPrivKey, sizeof session.securityPrivKey);
  explicit_bzero(community.data(), community.size());
  if (opened && agent_.user) {
    opened = AskEngine(deadline);
    if (opened) opened = MakeUser();
    if (!opened) Close();
  }
  return opened;
}

Outcome<void> Session::OpenSocket(snmp_session& session) {
  Result<std::vector<Peer>> peers = FindPeers(agent_);
  if (!peers) return tl::unexpected(Failure{peers.error(), false});
  Peer& peer = (*peers)[opened_++ % peers->size()];
  std::string user = agent_.user ? agent_.user->name : std::string();
  std::string context = agent_.user ? agent_.user->context : std::string();
  session.peername = Text(peer.name);
  if (agent_.user) {
    session.securityName = Text(user);
    session.securityNameLen = user.size();
    session.contextName = Text(context);
    session.contextNameLen = context.size();
  }
  const LibraryLock lock;
  handle_ = snmp_sess_open(&session);  // Copies all of it.
  if (handle_ == nullptr) {
    const std::string why = session.s_errno != 0 ? ": " + SystemText(session.s_errno) : "";
    return tl::unexpected(Failure{Unavailable("no socket for " + Place() + why), false});
  }
  // Else the library asks for the engine by itself, and waits for it with the lock.
  snmp_sess_session(handle_)->flags |= SNMP_FLAGS_DONT_PROBE;
  socket_ = snmp_sess_transport(handle_)->sock;
  // Only this agent's answers are taken, and an unreachable port is heard of at once.
  if (connect(socket_, reinterpret_cast<const sockaddr*>(&peer.address), peer.address_bytes) != 0) {
    const int error = errno;
    snmp_sess_close(handle_);
    handle_ = nullptr;
    socket_ = -1;
    return tl::unexpected(
        Failure{Unavailable("no way to " + Place() + ": " + SystemText(error)), false});
  }
  return {};
}

// RFC 3414, 4: a request without user, which is answered with a report.
Outcome<void> Session::AskEngine(MonoTime deadline) {
  netsnmp_pdu* pdu = nullptr;
  {
    const LibraryLock lock;
    pdu = snmp_pdu_create(SNMP_MSG_GET);
    if (pdu != nullptr) {
      pdu->version = SNMP_VERSION_3;
      pdu->securityName = strdup("");
      pdu->securityLevel = SNMP_SEC_LEVEL_NOAUTH;
      pdu->securityModel = USM_SEC_MODEL_NUMBER;
    }
  }
  const Outcome<Answer> answer = Exchange(pdu, agent_.retries + 1, deadline);
  if (handle_ != nullptr && snmp_sess_session(handle_)->securityEngineIDLen > 0) return {};
  if (!answer) return tl::unexpected(answer.error());
  return tl::unexpected(Failure{Corrupt("the agent doesn't say its engine's name"), true});
}

Outcome<void> Session::MakeUser() {
  const LibraryLock lock;
  netsnmp_session& session = *snmp_sess_session(handle_);
  const int made = usm_create_user_from_session(&session);
  explicit_bzero(session.securityAuthKey, sizeof session.securityAuthKey);
  explicit_bzero(session.securityPrivKey, sizeof session.securityPrivKey);
  if (made == SNMPERR_SUCCESS) {
    user_ =
        usm_get_user(session.securityEngineID, session.securityEngineIDLen, session.securityName);
  }
  if (user_ == nullptr) {
    return tl::unexpected(Failure{Unsupported("the library can't make keys for the user"), true});
  }
  usm_remove_user(user_);
  user_->next = nullptr;
  user_->prev = nullptr;
  // An agent that lost the count of its starts is as good as a new one: RFC 3414, 2.3 would have
  // us believe the higher count until we start again.
  set_enginetime(session.securityEngineID, static_cast<u_int>(session.securityEngineIDLen), 0, 0,
                 TRUE);
  return {};
}

bool Session::Receive(Waiting& waiting) {
  netsnmp_large_fd_set ready;
  netsnmp_large_fd_set_init(&ready, FD_SETSIZE);
  NETSNMP_LARGE_FD_SET(socket_, &ready);
  const int read = snmp_sess_read2(handle_, &ready);
  netsnmp_large_fd_set_cleanup(&ready);
  // What can't be understood is no answer either: the right one may still come.
  const netsnmp_session& session = *snmp_sess_session(handle_);
  if (read == 0 || waiting.done || session.s_snmp_errno != SNMPERR_BAD_RECVFROM) return true;
  if (session.s_errno == EAGAIN || session.s_errno == EINTR) return true;
  waiting.os_error = session.s_errno;
  return false;
}

Outcome<Answer> Session::Exchange(snmp_pdu* pdu, int tries, MonoTime deadline) {
  if (pdu == nullptr) return tl::unexpected(Failure{Exhausted("no memory for a request"), true});
  Waiting waiting;
  {
    const LibraryLock lock(user_);
    snmp_sess_session(handle_)->retries = tries - 1;
    if (snmp_sess_async_send(handle_, pdu, &Waiting::Hear, &waiting) == 0) {
      if (!waiting.done) waiting.report = snmp_sess_session(handle_)->s_snmp_errno;
      waiting.done = true;
      snmp_free_pdu(pdu);
    }
  }
  deadline = std::min(deadline, clock_.Now() + tries * agent_.timeout + milliseconds(100));
  MonoTime next_try = clock_.Now() + agent_.timeout;
  bool interrupted = false;
  while (!waiting.done && !interrupted) {
    MonoTime now = clock_.Now();
    if (now >= deadline) break;
    std::array<pollfd, 2> wait{{{socket_, POLLIN, 0}, {wake_, POLLIN, 0}}};
    poll(wait.data(), wait.size(), PollTimeout(std::min(deadline, next_try) - now));
    interrupted = wait[1].revents != 0;
    now = clock_.Now();
    const LibraryLock lock(user_);
    if (wait[0].revents != 0 && !Receive(waiting)) break;
    if (!waiting.done && now >= next_try) snmp_sess_timeout(handle_);
    if (waiting.resent) {
      next_try = now + agent_.timeout;
    } else if (now >= next_try) {
      next_try = now + milliseconds(5);  // The library's clock is behind ours.
    }
    waiting.resent = false;
  }
  if (waiting.answered) return std::move(waiting.answer);
  // RFC 3414, 4: the library takes the engine's name from the report.
  if (waiting.report == SNMPERR_UNKNOWN_ENG_ID && user_ == nullptr) {
    return tl::unexpected(Failure{Invalid("the agent's engine is not known"), true});
  }
  Failure failure =
      interrupted ? Failure{Unavailable("interrupted"), true} : FailureOf(waiting, tries);
  Close();  // While the request's callback can still be called.
  return tl::unexpected(std::move(failure));
}

Failure Session::FailureOf(const Waiting& waiting, int tries) const {
  const std::string user = agent_.user ? "'" + agent_.user->name + "'" : std::string();
  switch (waiting.report) {
    case 0: break;
    case SNMPERR_UNKNOWN_USER_NAME: return {Invalid("the agent knows no user " + user), true};
    case SNMPERR_UNSUPPORTED_SEC_LEVEL:
      return {Invalid("the agent has other auth or priv for user " + user), true};
    case SNMPERR_AUTHENTICATION_FAILURE:
      return {Invalid("the agent refuses the auth_password, or has other auth, of user " + user),
              true};
    case SNMPERR_DECRYPTION_ERR:
      return {Invalid("the agent can't decrypt: other priv or priv_password of user " + user),
              true};
    case SNMPERR_NOT_IN_TIME_WINDOW:
      return {Unavailable("the agent's clock went another way than it says"), true};
    case SNMPERR_UNKNOWN_ENG_ID:
      return {Unavailable("the agent has another engine than before"), true};
    case SNMPERR_BAD_SENDTO:
    case SNMPERR_BAD_RECVFROM: break;
    default:
      return {Unavailable("the request can't be made or was refused (net-snmp " +
                          std::to_string(waiting.report) + ")"),
              true};
  }
  if (waiting.os_error == ECONNREFUSED) {
    return {Unavailable("no agent at " + Place() + ": the port is closed"), false};
  }
  if (waiting.os_error != 0) {
    return {Unavailable("no way to " + Place() + ": " + SystemText(waiting.os_error)), false};
  }
  std::string text = "no answer of " + Place() + " within " + FormatDuration(agent_.timeout);
  if (tries > 1) text += ", " + std::to_string(tries) + " times";
  // RFC 3584, 5.2.1: an agent drops what it doesn't know the community of.
  if (!agent_.user) text += " (a wrong community isn't answered either)";
  // Decrypted with another key, a request is noise, and noise is dropped.
  if (agent_.user && !agent_.user->priv.empty()) {
    text += " (a wrong priv_password may not be answered either)";
  }
  return {TimedOut(text), false};
}

Outcome<Answer> Session::Get(const std::vector<Oid>& oids, MonoTime deadline) {
  return Exchange(MakeGet(oids), agent_.retries + 1, deadline);
}

Outcome<Answer> Session::GetBulk(const Oid& after, int count_max, MonoTime deadline) {
  return Exchange(MakeGetBulk(after, count_max), agent_.retries + 1, deadline);
}

Outcome<Answer> Session::Set(const Binding& binding, MonoTime deadline) {
  return Exchange(MakeSet(binding), 1, deadline);
}

}  // namespace edgetwin::snmp_driver

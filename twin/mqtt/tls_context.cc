// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "twin/mqtt/tls_context.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "twin/base/check.h"

namespace edgetwin::mqtt {
namespace {

// The newest reason OpenSSL has, and none left behind: libmosquitto takes what is in this queue for
// its own.
std::string TakeOpensslError() {
  std::string text;
  while (const unsigned long code = ERR_get_error()) {
    const char* reason = ERR_reason_error_string(code);
    if (reason != nullptr) text = reason;
  }
  return text.empty() ? "unknown reason" : text;
}

Status CheckReadable(std::string_view what, const std::string& file) {
  const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return Invalid("cannot read " + std::string(what) + " \"" + file +
                   "\": " + std::strerror(errno));
  }
  close(fd);
  return {};
}

// A daemon has nobody to ask for a pass phrase; without this OpenSSL would ask on the terminal.
int NoPassPhrase(char*, int, int, void*) {
  return -1;
}

std::string DateText(const ASN1_TIME* time) {
  tm fields{};
  if (ASN1_TIME_to_tm(time, &fields) != 1) return "an unknown date";
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &fields);
  return text;
}

// The names a certificate is for, as far as they fit a message.
std::string NamesOf(const X509* certificate) {
  constexpr int kNamesMax = 5;
  std::string text;
  const auto add = [&text](const std::string& name) {
    text += (text.empty() ? "\"" : ", \"") + name + "\"";
  };
  auto* names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(names) && i < kNamesMax; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type == GEN_DNS) {
      add({reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName)),
           static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName))});
    } else if (name->type == GEN_IPADD) {
      char address[INET6_ADDRSTRLEN] = "";
      inet_ntop(ASN1_STRING_length(name->d.iPAddress) == 4 ? AF_INET : AF_INET6,
                ASN1_STRING_get0_data(name->d.iPAddress), address, sizeof address);
      add(address);
    }
  }
  GENERAL_NAMES_free(names);
  return text.empty() ? "no host" : text;
}

std::string RefusalText(X509_STORE_CTX* store, const std::string& host, const TlsFiles& files) {
  const int error = X509_STORE_CTX_get_error(store);
  const X509* certificate = X509_STORE_CTX_get_current_cert(store);
  const std::string whose = X509_STORE_CTX_get_error_depth(store) == 0
                                ? "the broker's certificate"
                                : "a certificate in the broker's chain";
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return whose + " expired on " + DateText(X509_get0_notAfter(certificate));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return whose + " is not valid before " + DateText(X509_get0_notBefore(certificate)) +
             "; is this device's clock right?";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return whose + " is for " + NamesOf(certificate) + ", not for \"" + host + "\"";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return whose + " is not signed by an authority in " +
             (files.ca_file.empty() ? "the system's store" : "\"" + files.ca_file + "\"");
    default: return whose + " is refused: " + X509_verify_cert_error_string(error);
  }
}

}  // namespace

TlsContext::TlsContext(TlsFiles files, std::string host)
    : files_(std::move(files)), host_(std::move(host)), context_(SSL_CTX_new(TLS_client_method())) {
  in6_addr address{};
  host_is_address_ = inet_pton(AF_INET, host_.c_str(), &address) == 1 ||
                     inet_pton(AF_INET6, host_.c_str(), &address) == 1;
}

TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
}

void KeepOpensslUntilTheEnd() {
  static const int result = OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, nullptr);
  EDGETWIN_CHECK(result == 1);
}

Result<std::shared_ptr<TlsContext>> TlsContext::Make(const TlsFiles& files,
                                                     const std::string& host) {
  KeepOpensslUntilTheEnd();
  std::shared_ptr<TlsContext> result(new TlsContext(files, host));
  if (result->context_ == nullptr) return Exhausted("no TLS context: " + TakeOpensslError());
  Status status = result->Load();
  if (status) status = result->SetHost();
  ERR_clear_error();
  if (!status) return status.error();
  return result;
}

Status TlsContext::Load() {
  SSL_CTX_set_app_data(context_, this);
  SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION);
  SSL_CTX_set_options(context_, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  // 34 KB less on an idle connection.
  SSL_CTX_set_mode(context_, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, &TlsContext::OnVerify);
  SSL_CTX_set_info_callback(context_, &TlsContext::OnInfo);
  SSL_CTX_set_default_passwd_cb(context_, &NoPassPhrase);
  if (files_.ca_file.empty()) {
    if (SSL_CTX_set_default_verify_paths(context_) != 1) {
      return Unavailable("cannot read the system's certificate store: " + TakeOpensslError());
    }
  } else {
    if (Status readable = CheckReadable("ca_file", files_.ca_file); !readable) return readable;
    if (SSL_CTX_load_verify_file(context_, files_.ca_file.c_str()) != 1) {
      return Invalid("ca_file \"" + files_.ca_file +
                     "\" holds no PEM certificate: " + TakeOpensslError());
    }
  }
  return LoadOwn();
}

Status TlsContext::LoadOwn() {
  const std::string& certificate = files_.certificate_file;
  const std::string& key = files_.key_file;
  if (certificate.empty() != key.empty()) {
    return Invalid("certificate_file and key_file go together; only " +
                   (key.empty() ? "certificate_file \"" + certificate : "key_file \"" + key) +
                   "\" is set");
  }
  if (certificate.empty()) return {};
  if (Status readable = CheckReadable("certificate_file", certificate); !readable) return readable;
  if (Status readable = CheckReadable("key_file", key); !readable) return readable;
  if (SSL_CTX_use_certificate_chain_file(context_, certificate.c_str()) != 1) {
    return Invalid("certificate_file \"" + certificate +
                   "\" holds no PEM certificate: " + TakeOpensslError());
  }
  if (SSL_CTX_use_PrivateKey_file(context_, key.c_str(), SSL_FILETYPE_PEM) != 1) {
    const unsigned long code = ERR_peek_error();
    if (ERR_GET_LIB(code) == ERR_LIB_X509 && ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH) {
      ERR_clear_error();
      return Invalid("key_file \"" + key + "\" is not the key of certificate_file \"" +
                     certificate + "\"");
    }
    return Invalid("key_file \"" + key +
                   "\" holds no PEM key without a pass phrase: " + TakeOpensslError());
  }
  if (SSL_CTX_check_private_key(context_) != 1) {
    ERR_clear_error();
    return Invalid("key_file \"" + key + "\" is not the key of certificate_file \"" + certificate +
                   "\"");
  }
  const X509* own = SSL_CTX_get0_certificate(context_);
  if (X509_cmp_current_time(X509_get0_notAfter(own)) < 0) {
    own_problem_ = "our certificate_file \"" + certificate + "\" expired on " +
                   DateText(X509_get0_notAfter(own));
  } else if (X509_cmp_current_time(X509_get0_notBefore(own)) > 0) {
    own_problem_ = "our certificate_file \"" + certificate + "\" is not valid before " +
                   DateText(X509_get0_notBefore(own)) + "; is this device's clock right?";
  }
  return {};
}

Status TlsContext::SetHost() {
  X509_VERIFY_PARAM* param = SSL_CTX_get0_param(context_);
  X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const int set = host_is_address_
                      ? X509_VERIFY_PARAM_set1_ip_asc(param, host_.c_str())
                      : X509_VERIFY_PARAM_set1_host(param, host_.c_str(), host_.size());
  if (set != 1) return Invalid("\"" + host_ + "\" can't be a certificate's host name");
  return {};
}

int TlsContext::OnVerify(int accepted, X509_STORE_CTX* store) {
  if (accepted == 1) return 1;
  auto* ssl =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* self = static_cast<TlsContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  self->refused_ = RefusalText(store, self->host_, self->files_);
  return 0;
}

// libmosquitto is given a numeric address and would name that in the handshake. This runs before
// the first message of it is made.
void TlsContext::OnInfo(const SSL* connection, int where, int) {
  if ((where & SSL_CB_HANDSHAKE_START) == 0) return;
  auto* self = static_cast<TlsContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(connection)));
  // SSL_set_tlsext_host_name without its C cast; the name is copied.
  char* name = self->host_is_address_ ? nullptr : const_cast<char*>(self->host_.c_str());
  SSL_ctrl(const_cast<SSL*>(connection), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
           name);
}

Status CheckTlsFiles(const TlsFiles& files) {
  const auto context = TlsContext::Make(files, "localhost");
  if (!context) return context.error();
  return {};
}

}  // namespace edgetwin::mqtt

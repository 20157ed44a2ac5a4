// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/http/failure.h"

#include <curl/curl.h>

#include <system_error>

#include "twin/base/config_node.h"

namespace edgetwin::http_driver {
namespace {

// X509_V_ERR_… of OpenSSL's x509_vfy.h; the numbers are part of its interface.
std::string CertificateFault(long verify) {
  switch (verify) {
    case 0:
    case 1:  // libcurl compares names itself, before it asks OpenSSL for its verdict.
    case 62: return "certificate is for another name than ";
    case 2:
    case 20:
    case 21: return "certificate's issuer is not known, of ";
    case 9: return "certificate is not valid yet, of ";
    case 10: return "certificate expired, of ";
    case 18: return "certificate is self-signed, of ";
    case 19: return "certificate's chain ends in an unknown self-signed one, of ";
    case 23: return "certificate was revoked, of ";
    default: return "certificate is not trusted (X.509 " + std::to_string(verify) + "), of ";
  }
}

std::string SystemWords(long error) {
  return error == 0 ? "" : ": " + std::generic_category().message(static_cast<int>(error));
}

}  // namespace

std::string FormatBytes(std::size_t bytes) {
  constexpr std::size_t kMiB = 1 << 20;
  constexpr std::size_t kKiB = 1 << 10;
  if (bytes > 0 && bytes % kMiB == 0) return std::to_string(bytes / kMiB) + " MiB";
  if (bytes > 0 && bytes % kKiB == 0) return std::to_string(bytes / kKiB) + " KiB";
  return std::to_string(bytes) + " bytes";
}

bool Answered(int code) {
  switch (code) {
    case CURLE_WRITE_ERROR:  // Ours, for a body that is too long.
    case CURLE_FILESIZE_EXCEEDED:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY: return true;
    default: return false;
  }
}

Error ErrorOf(const TransferFailure& failure) {
  const std::string& host = failure.host;
  switch (failure.code) {
    case CURLE_COULDNT_RESOLVE_HOST: return Unavailable("no address of the name " + host);
    case CURLE_COULDNT_CONNECT:
      return Unavailable("no connection to " + host + SystemWords(failure.os_error));
    case CURLE_OPERATION_TIMEDOUT: {
      const std::string within = " within " + FormatDuration(failure.timeout);
      if (!failure.connected) return TimedOut("no connection to " + host + within);
      if (failure.body_bytes == 0) return TimedOut("no answer" + within);
      return TimedOut("the answer was not complete" + within + " (" +
                      std::to_string(failure.body_bytes) + " bytes came)");
    }
    case CURLE_WRITE_ERROR:
    case CURLE_FILESIZE_EXCEEDED:
      return Exhausted("body over " + FormatBytes(failure.body_bytes_max));
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
      return Unavailable("the answer was cut off after " + std::to_string(failure.body_bytes) +
                         " bytes of its body");
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR: return Unavailable("the connection was closed without an answer");
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY: return Invalid("what " + host + " answers is no HTTP");
    case CURLE_PEER_FAILED_VERIFICATION: return Invalid(CertificateFault(failure.verify) + host);
    case CURLE_SSL_CACERT_BADFILE: return Invalid("ca_file can't be used");
    case CURLE_SSL_CERTPROBLEM: return Invalid("cert_file or its key can't be used");
    case CURLE_SSL_CONNECT_ERROR: return Unavailable("no TLS with " + host);
    case CURLE_OUT_OF_MEMORY: return Exhausted("no memory");
    default:
      return Unavailable("the exchange failed: " +
                         std::string(curl_easy_strerror(static_cast<CURLcode>(failure.code))));
  }
}

Status StatusOf(int status, bool authorized) {
  if (status >= 200 && status < 300) return {};
  const std::string text = "http " + std::to_string(status);
  switch (status) {
    case 401:
      return Invalid(text + (authorized ? ": the credentials were refused" : ": it wants 'auth'"));
    case 408:
    case 429:
    case 502:
    case 503:
    case 504: return Unavailable(text);
    default: return Invalid(text);
  }
}

}  // namespace edgetwin::http_driver

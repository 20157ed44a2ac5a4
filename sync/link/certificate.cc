// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "sync/link/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>

namespace edgetwin::sync {

Result<WallTime> CertificateEnd(const std::string& file) {
  const std::unique_ptr<FILE, int (*)(FILE*)> in(std::fopen(file.c_str(), "re"), std::fclose);
  if (!in) return Unavailable(file + ": " + std::strerror(errno));
  const std::unique_ptr<X509, void (*)(X509*)> certificate(
      PEM_read_X509(in.get(), nullptr, nullptr, nullptr), X509_free);
  // libmosquitto takes what is in this queue for its own.
  ERR_clear_error();
  tm fields{};
  if (!certificate || ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &fields) != 1) {
    return Invalid(file + " holds no certificate in PEM");
  }
  return WallTime(std::chrono::seconds(timegm(&fields)));
}

}  // namespace edgetwin::sync

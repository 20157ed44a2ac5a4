// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// Certificates for tests, made with the openssl program: an authority and what it signs.

#pragma once

#include <string>

#include "tests/support/temp_dir.h"

namespace edgetwin::tests {

// PEM files.
struct Certificate {
  std::string certificate_file;
  std::string key_file;
};

struct CertificateRequest {
  std::string common_name = "localhost";
  // As openssl writes it: "DNS:localhost,IP:127.0.0.1".
  std::string alternative_names = "DNS:localhost,IP:127.0.0.1";
  // "YYYYMMDDHHMMSSZ".
  std::string not_before = "20200101000000Z";
  std::string not_after = "21000101000000Z";
};

class CertificateAuthority {
 public:
  CertificateAuthority();

  const std::string& ca_file() const { return ca_file_; }
  // Signs a new key. The files live as long as the authority.
  Certificate Issue(const CertificateRequest& request = {});
  // One that ended in 2021.
  Certificate IssueExpired();

 private:
  TempDir folder_;
  std::string ca_file_;
  int issued_ = 0;
};

}  // namespace edgetwin::tests

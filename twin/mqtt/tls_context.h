// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// What TLS needs for connecting to one broker: the authorities it trusts, our certificate, and,
// after a failure, what was wrong in words for people. libmosquitto's own verification is not used:
// it compares names by a loop of its own and tells no reason.

#pragma once

#include <memory>
#include <string>

#include "twin/base/result.h"

struct ssl_ctx_st;
struct ssl_st;
struct x509_store_ctx_st;

namespace edgetwin::mqtt {

struct TlsFiles {
  std::string ca_file;           // PEM; empty: the system's store.
  std::string certificate_file;  // PEM, with key_file; empty: none.
  std::string key_file;
};

// Whether the files can be read and belong together. Errors name the file. Doesn't look at dates: a
// wrong clock is cured later.
Status CheckTlsFiles(const TlsFiles& files);

// Before anything else of OpenSSL: keeps it from being taken down in exit(), while a lookup's
// thread may still be reading certificates. Idempotent, thread-safe.
void KeepOpensslUntilTheEnd();

class TlsContext {
 public:
  // `host` as in the URL: the server's certificate must be for it, and it is named in the handshake
  // (SNI) unless it is an address. Reads files.
  static Result<std::shared_ptr<TlsContext>> Make(const TlsFiles& files, const std::string& host);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  ssl_ctx_st* get() const { return context_; }
  // Why the server's certificate was not accepted; empty when it was, or was never seen.
  const std::string& refused() const { return refused_; }
  bool has_certificate() const { return !files_.certificate_file.empty(); }
  // What is wrong with our own certificate by this device's clock; empty when nothing is.
  const std::string& own_problem() const { return own_problem_; }

 private:
  TlsContext(TlsFiles files, std::string host);
  Status Load();
  Status LoadOwn();
  Status SetHost();
  static int OnVerify(int accepted, x509_store_ctx_st* store);
  static void OnInfo(const ssl_st* connection, int where, int value);

  const TlsFiles files_;
  const std::string host_;
  ssl_ctx_st* context_ = nullptr;
  bool host_is_address_ = false;
  std::string refused_;
  std::string own_problem_;
};

}  // namespace edgetwin::mqtt

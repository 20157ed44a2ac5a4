// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/support/certificates.h"

#include <stdexcept>
#include <vector>

#include "tests/support/child.h"

namespace edgetwin::tests {
namespace {

constexpr char kConfig[] = R"(
[ca]
default_ca = authority
[authority]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = name
prompt = no
[name]
commonName = edgetwin test authority
[authority_extensions]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
)";

}  // namespace

CertificateAuthority::CertificateAuthority() : ca_file_(folder_.File("ca.pem")) {
  folder_.Write("openssl.cnf", kConfig);
  folder_.Write("index.txt", "");
  folder_.Write("serial", "01\n");
  const int exit_code = RunChild(
      {.args = {"openssl", "req", "-x509", "-config", "openssl.cnf", "-extensions",
                "authority_extensions", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-nodes", "-days", "3650", "-keyout", "ca.key", "-out", "ca.pem"},
       .output_file = folder_.File("log"),
       .folder = folder_.path().string()});
  if (exit_code != 0) {
    throw std::runtime_error("no test authority: " + ReadFile(folder_.File("log")));
  }
}

Certificate CertificateAuthority::Issue(const CertificateRequest& request) {
  const std::string name = "issued-" + std::to_string(++issued_);
  folder_.Write(name + ".ext", "subjectAltName = " + request.alternative_names + "\n");
  const auto run = [&](std::vector<std::string> args) {
    const int exit_code = RunChild({.args = std::move(args),
                                    .output_file = folder_.File("log"),
                                    .folder = folder_.path().string()});
    if (exit_code != 0) {
      throw std::runtime_error("no test certificate: " + ReadFile(folder_.File("log")));
    }
  };
  run({"openssl", "req", "-new", "-config", "openssl.cnf", "-newkey", "ec", "-pkeyopt",
       "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + request.common_name, "-keyout",
       name + ".key", "-out", name + ".csr"});
  run({"openssl",  "ca",          "-batch",     "-notext",          "-config",  "openssl.cnf",
       "-cert",    "ca.pem",      "-keyfile",   "ca.key",           "-in",      name + ".csr",
       "-out",     name + ".pem", "-startdate", request.not_before, "-enddate", request.not_after,
       "-extfile", name + ".ext"});
  return {folder_.File(name + ".pem"), folder_.File(name + ".key")};
}

Certificate CertificateAuthority::IssueExpired() {
  CertificateRequest request;
  request.not_after = "20210101000000Z";
  return Issue(request);
}

}  // namespace edgetwin::tests

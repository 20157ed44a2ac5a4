// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "drivers/sdk/secret.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace edgetwin::driver {
namespace {

// `fd` is closed by the caller.
Result<std::string> ReadOpened(int fd, const std::string& path) {
  struct stat state {};
  if (fstat(fd, &state) != 0 || !S_ISREG(state.st_mode)) {
    return Invalid(path + " is not a regular file");
  }
  std::string text(kSecretBytesMax + 1, '\0');
  std::size_t held = 0;
  while (held < text.size()) {
    const ssize_t count = read(fd, text.data() + held, text.size() - held);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      return Unavailable(path + " can't be read: " + std::generic_category().message(errno));
    }
    if (count == 0) break;
    held += static_cast<std::size_t>(count);
  }
  if (held > kSecretBytesMax) {
    return Exhausted(path + " is larger than " + std::to_string(kSecretBytesMax) + " bytes");
  }
  text.resize(held);
  return text;
}

}  // namespace

std::string ReadFilePath(ConfigReader& config, std::string_view key) {
  std::string path = config.String(key, {});
  if (config.Has(key) && (!path.starts_with('/') || path.find('\0') != path.npos)) {
    config.Problem(key, "'" + path + "' is no absolute path");
  }
  return path;
}

SecretPlace ReadSecretPlace(ConfigReader& config, const std::string& name) {
  const std::string file_key = name + "_file";
  const std::string credential_key = name + "_credential";
  SecretPlace place{ReadFilePath(config, file_key), config.String(credential_key, {})};
  config.Refuse(name, "stands in a file: say " + file_key + " or " + credential_key);
  if (config.Has(file_key) && config.Has(credential_key)) {
    config.Problem(credential_key, "can't be set together with " + file_key);
  }
  // A name, so that it can't lead out of the credentials' directory.
  const std::string& credential = place.credential;
  if (config.Has(credential_key) &&
      (credential.empty() || credential == "." || credential == ".." ||
       credential.find_first_of(std::string_view("/\0", 2)) != credential.npos)) {
    config.Problem(credential_key, "'" + credential + "' can't be a credential's name");
  }
  return place;
}

Result<std::string> Locate(const SecretPlace& place) {
  if (place.credential.empty()) return place.file;
  const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
  if (directory == nullptr || *directory == '\0') {
    return NotFound("credential '" + place.credential +
                    "' is not at hand: the service has no LoadCredential= (CREDENTIALS_DIRECTORY "
                    "is not set)");
  }
  return std::string(directory) + "/" + place.credential;
}

Result<std::string> ReadSecret(const SecretPlace& place) {
  const Result<std::string> path = Locate(place);
  if (!path) return path.error();
  const int fd = open(path->c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) {
    return Unavailable(*path + " can't be opened: " + std::generic_category().message(errno));
  }
  Result<std::string> text = ReadOpened(fd, *path);
  close(fd);
  if (!text) return text;
  if (text->ends_with('\n')) text->pop_back();
  if (text->ends_with('\r')) text->pop_back();
  if (text->empty()) return Invalid(*path + " is empty");
  if (text->find_first_of(std::string_view("\0\n\r", 3)) != text->npos) {
    return Invalid(*path + " has more than one line, or a NUL");
  }
  return text;
}

}  // namespace edgetwin::driver

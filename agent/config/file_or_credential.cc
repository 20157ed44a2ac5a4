// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/config/file_or_credential.h"

#include <cstdlib>
#include <filesystem>

#include "agent/config/file_text.h"

namespace edgetwin::config {

std::string ResolvePath(const std::string& directory, const std::string& path) {
  return path.empty() ? path
                      : (std::filesystem::path(directory) / path).lexically_normal().string();
}

FileOrCredential ReadFileOrCredential(ConfigReader& reader, std::string_view name,
                                      const std::string& directory) {
  const std::string file_key = std::string(name) + "_file";
  const std::string credential_key = std::string(name) + "_credential";
  FileOrCredential place;
  place.file = ResolvePath(directory, reader.String(file_key, {}));
  place.credential = reader.String(credential_key, {});
  if (reader.Has(file_key) && reader.Has(credential_key)) {
    reader.Problem(credential_key, "can't be set together with " + file_key);
    place.credential.clear();
  }
  // A name, so that it can't lead out of the credentials' directory.
  const std::string& credential = place.credential;
  if (credential.find('/') != credential.npos || credential == "." || credential == "..") {
    reader.Problem(credential_key, "'" + credential + "' is a path; a credential has a name only");
    place.credential.clear();
  }
  return place;
}

Result<std::string> Locate(const FileOrCredential& place) {
  if (place.credential.empty()) return place.file;
  const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
  if (directory == nullptr || *directory == '\0') {
    return NotFound("credential '" + place.credential +
                    "' is not at hand: the service has no LoadCredential= (CREDENTIALS_DIRECTORY "
                    "is not set)");
  }
  return ResolvePath(directory, place.credential);
}

Result<std::string> ReadSecret(const FileOrCredential& place) {
  const Result<std::string> path = Locate(place);
  if (!path) return path.error();
  Result<std::string> text = ReadFileText(*path, kSecretBytesMax);
  if (!text) return MakeError(text.error().code, *path + " " + text.error().text);
  if (text->ends_with('\n')) text->pop_back();
  if (text->ends_with('\r')) text->pop_back();
  if (text->empty()) return Invalid(*path + " is empty");
  if (text->find_first_of(std::string_view("\0\n\r", 3)) != text->npos) {
    return Invalid(*path + " has more than one line, or a NUL");
  }
  return text;
}

}  // namespace edgetwin::config

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/doctor/bundle.h"

#include <stdlib.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "agent/api/text.h"
#include "agent/config/file_text.h"
#include "agent/config/toml_loader.h"
#include "agent/doctor/program.h"

namespace edgetwin::doctor {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kProgramWait{15};
constexpr std::size_t kProgramBytesMax = 4 << 20;
constexpr std::chrono::seconds kTarWait{120};

struct Question {
  const char* name;
  std::vector<std::string> args;
};

std::vector<Question> Questions(const std::vector<std::string>& folders) {
  std::vector<std::string> list = {"ls", "-la", "--time-style=full-iso"};
  list.insert(list.end(), folders.begin(), folders.end());
  return {
      {"system/kernel.txt", {"uname", "-a"}},
      {"system/release.txt", {"cat", "/etc/os-release"}},
      {"system/uptime.txt", {"uptime"}},
      {"system/memory.txt", {"cat", "/proc/meminfo"}},
      {"system/processors.txt", {"cat", "/proc/cpuinfo"}},
      {"system/mounts.txt", {"cat", "/proc/mounts"}},
      {"system/space.txt", {"df", "-hT"}},
      {"system/inodes.txt", {"df", "-i"}},
      {"system/disks.txt", {"lsblk"}},
      {"system/addresses.txt", {"ip", "address"}},
      {"system/routes.txt", {"ip", "route"}},
      {"system/time.txt", {"timedatectl"}},
      {"system/packages.txt", {"dpkg", "-l", "edgetwin*", "libmosquitto1", "libsqlite3-0"}},
      {"system/dmesg.txt", {"dmesg", "--ctime"}},
      {"service/status.txt", {"systemctl", "status", "--no-pager", "--full", "edgetwind"}},
      {"service/unit.txt", {"systemctl", "cat", "--no-pager", "edgetwind"}},
      // Newest first, so that what is cut is old.
      {"service/journal.txt",
       {"journalctl", "-u", "edgetwind", "--no-pager", "-r", "-n", "20000", "-o",
        "short-iso-precise"}},
      {"store/files.txt", std::move(list)},
  };
}

BundlePart Asked(const Question& question, const Redactor& redactor) {
  BundlePart part{question.name, "", ""};
  const auto ran = RunProgram(question.args, kProgramWait, kProgramBytesMax);
  if (!ran) {
    part.missing = ran.error().text;
    return part;
  }
  part.text = redactor.CleanForeign(ran->out);
  if (ran->cut) part.text += "\n… cut\n";
  // It may have said a part of it all the same: systemctl status of a service that is down.
  if (ran->exit != 0) part.text += "\nexit code " + std::to_string(ran->exit) + "\n";
  return part;
}

std::string Page(const std::vector<BundlePart>& parts) {
  std::string text =
      "Made by 'edgetwin bundle' for whoever helps with this device.\n\n"
      "Secrets are taken out as far as they can be told: what the configuration's password files,\n"
      "credentials and keys of that kind hold, private keys, and users and passwords in URLs "
      "stand\n"
      "as " +
      std::string(kRemoved) +
      ". Names of devices and hosts, addresses, paths and, unless they were left out,\n"
      "values are in it. Look through it before you give it away.\n\n";
  for (const BundlePart& part : parts) {
    text += part.name + ": " +
            (part.missing.empty() ? api::Count(part.text.size(), "byte", "bytes")
                                  : "not there: " + part.missing) +
            "\n";
  }
  return text;
}

Status Write(const fs::path& file, const std::string& text) {
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  std::ofstream out(file, std::ios::binary);
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  out.close();
  if (!error && out) return {};
  return Unavailable(file.string() + " could not be written; is the disk full?");
}

// Gone with everything in it at its end.
class Scratch {
 public:
  Scratch() {
    std::error_code error;
    std::string name = (fs::temp_directory_path(error) / "edgetwin-bundle-XXXXXX").string();
    if (!error && mkdtemp(name.data()) != nullptr) path_ = name;  // Mode 0700.
  }
  ~Scratch() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace

std::vector<BundlePart> MachineParts(const std::vector<std::string>& folders,
                                     const Redactor& redactor,
                                     const std::function<void(const std::string&)>& progress) {
  std::vector<BundlePart> parts;
  for (const Question& question : Questions(folders)) {
    progress(question.args[0]);
    parts.push_back(Asked(question, redactor));
  }
  return parts;
}

std::vector<BundlePart> ConfigurationParts(const std::vector<std::string>& files,
                                           const Redactor& redactor) {
  std::vector<BundlePart> parts;
  for (const std::string& file : files) {
    BundlePart part{"configuration/" + fs::path(file).filename().string(), "", ""};
    auto text = config::ReadFileText(file, config::kFileBytesMax);
    if (text) {
      part.text = redactor.CleanForeign(*text);
    } else {
      part.missing = text.error().text;
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

Result<std::string> Pack(const std::string& name, const std::vector<BundlePart>& parts) {
  const Scratch scratch;
  if (scratch.path().empty()) {
    return Unavailable(std::string("no temporary folder could be made: ") + std::strerror(errno));
  }
  const fs::path folder = scratch.path() / name;
  if (const Status done = Write(folder / "README.txt", Page(parts)); !done) return done.error();
  for (const BundlePart& part : parts) {
    if (!part.missing.empty()) continue;
    if (const Status done = Write(folder / part.name, part.text); !done) return done.error();
  }
  const std::string archive = (scratch.path() / "bundle.tar.gz").string();
  const auto ran = RunProgram({"tar", "--create", "--gzip", "--owner=0", "--group=0",
                               "--directory=" + scratch.path().string(), "--file=" + archive, name},
                              kTarWait, 4096);
  if (!ran) return ran.error();
  if (ran->exit != 0) return Unavailable("tar could not pack it: " + ran->out);
  return config::ReadFileText(archive, kBundleBytesMax);
}

}  // namespace edgetwin::doctor

// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include <algorithm>
#include <cctype>
#include <span>

#include "tests/tidy/rules.h"

namespace edgetwin::tidy {
namespace {

bool IsWordChar(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
}

// Where `token` stands in `line` with no word running on into it at either end; npos when nowhere.
std::size_t FindToken(std::string_view line, std::string_view token, std::size_t from = 0) {
  for (std::size_t at = line.find(token, from); at != std::string_view::npos;
       at = line.find(token, at + 1)) {
    const std::size_t end = at + token.size();
    const bool begins = at == 0 || !IsWordChar(line[at - 1]) || !IsWordChar(token.front());
    const bool ends = end == line.size() || !IsWordChar(line[end]) || !IsWordChar(token.back());
    if (begins && ends) return at;
  }
  return std::string_view::npos;
}

bool HasToken(std::string_view line, std::string_view token) {
  return FindToken(line, token) != std::string_view::npos;
}

// Where a program begins; the agent's is agent/program/main.cc's by name only.
bool IsMain(const SourceFile& file) {
  return file.name() == "main.cc" || file.path == "agent/daemon/daemon.cc";
}

// Calls in product code of anything in `tokens`, with `text` said of each.
Findings FindCalls(const Tree& tree, std::span<const std::string_view> tokens,
                   bool (*is_exempt)(const SourceFile&), std::string_view text) {
  Findings findings;
  for (const SourceFile& file : tree) {
    if (file.kind != Kind::kCpp || file.is_test() || is_exempt(file)) continue;
    for (std::size_t i = 0; i < file.code.size(); ++i) {
      for (const std::string_view token : tokens) {
        if (HasToken(file.code[i], token)) {
          findings.push_back(
              {file.path, static_cast<int>(i) + 1, std::string(token) + ": " + std::string(text)});
        }
      }
    }
  }
  return findings;
}

// The nearest CMakeLists.txt at or above `folder` that isn't the root's.
const SourceFile* BuildFileOf(const Tree& tree, std::string_view folder) {
  while (!folder.empty()) {
    const std::string path = std::string(folder) + "/CMakeLists.txt";
    const auto found = std::find_if(tree.begin(), tree.end(),
                                    [&](const SourceFile& file) { return file.path == path; });
    if (found != tree.end()) return &*found;
    const std::size_t slash = folder.rfind('/');
    folder = folder.substr(0, slash == std::string_view::npos ? 0 : slash);
  }
  return nullptr;
}

// Whether a line of `file`'s code (without CMake comments) says `word`, with only spaces, quotes,
// parentheses or a path's slash around it.
bool Names(const SourceFile& file, std::string_view word) {
  static constexpr std::string_view kAround = " \"'()/;";
  for (const std::string& line : file.lines) {
    const std::string_view said =
        file.kind == Kind::kCMake ? std::string_view(line).substr(0, line.find('#')) : line;
    for (std::size_t at = said.find(word); at != std::string_view::npos;
         at = said.find(word, at + 1)) {
      const std::size_t end = at + word.size();
      const bool begins = at == 0 || kAround.find(said[at - 1]) != std::string_view::npos;
      const bool ends = end == said.size() || kAround.find(said[end]) != std::string_view::npos;
      if (begins && ends) return true;
    }
  }
  return false;
}

// The words of a CamelCase or snake_case name, in lower case.
std::vector<std::string> WordsOf(std::string_view name) {
  std::vector<std::string> words(1);
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (!std::isalpha(byte)) {
      words.emplace_back();
      continue;
    }
    if (std::isupper(byte)) words.emplace_back();
    words.back() += static_cast<char>(std::tolower(byte));
  }
  return words;
}

// Empty when the name has none of the words that fit everything and so say nothing.
std::string BannedWordIn(std::string_view name) {
  static constexpr std::string_view kBanned[] = {"manager", "managers", "helper",  "helpers",
                                                 "util",    "utils",    "utility", "utilities"};
  for (const std::string& word : WordsOf(name)) {
    if (std::find(std::begin(kBanned), std::end(kBanned), word) != std::end(kBanned)) return word;
  }
  return {};
}

// The names of the types that `line` declares or defines.
std::vector<std::string> TypesIn(std::string_view line) {
  static constexpr std::string_view kKeywords[] = {"class", "struct", "union", "using"};
  std::vector<std::string> types;
  for (const std::string_view keyword : kKeywords) {
    for (std::size_t at = FindToken(line, keyword); at != std::string_view::npos;
         at = FindToken(line, keyword, at + 1)) {
      const std::size_t begin = line.find_first_not_of(' ', at + keyword.size());
      if (begin == std::string_view::npos) break;
      std::size_t end = begin;
      while (end < line.size() && IsWordChar(line[end])) ++end;
      types.emplace_back(line.substr(begin, end - begin));
    }
  }
  return types;
}

// "TODO(until Debian 13): what": something in the parentheses, and something after the colon.
bool IsReasoned(std::string_view comment, std::size_t word_end) {
  if (word_end >= comment.size() || comment[word_end] != '(') return false;
  const std::size_t close = comment.find("): ", word_end);
  return close != std::string_view::npos && close > word_end + 1 && close + 3 < comment.size();
}

// "/v1/twins/{id}" and "/v1/twins/{*}" → "/v1/twins/{}".
std::string WithoutNames(std::string_view text) {
  std::string result;
  bool inside = false;
  for (const char c : text) {
    if (c == '}') inside = false;
    if (!inside) result += c;
    if (c == '{') inside = true;
  }
  return result;
}

// The target in a line that adds a route to a server; empty in any other.
std::string RouteOf(std::string_view line) {
  static constexpr std::string_view kAdds[] = {"oute(\"", "Get(\"", "GetProperty(\""};
  const bool adds = std::any_of(std::begin(kAdds), std::end(kAdds), [&](std::string_view call) {
    return line.find(call) != std::string_view::npos;
  });
  const std::size_t begin = line.find("\"/v1/");
  if (!adds || begin == std::string_view::npos) return {};
  return WithoutNames(line.substr(begin + 1, line.find('"', begin + 1) - begin - 1));
}

// Whether `target` stands in the text, and not as the beginning of a longer one.
bool IsDescribed(std::string_view text, std::string_view target) {
  static constexpr std::string_view kEnds = "`?\n";
  for (std::size_t at = text.find(target); at != std::string_view::npos;
       at = text.find(target, at + 1)) {
    const std::string_view rest = text.substr(at + target.size());
    if (rest.empty() || kEnds.find(rest.front()) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

Findings CheckSourcesAreBuilt(const Tree& tree) {
  Findings findings;
  for (const SourceFile& file : tree) {
    if (!file.is_source()) continue;
    const SourceFile* build = BuildFileOf(tree, file.folder());
    if (build == nullptr) {
      findings.push_back({file.path, 0, "its folder has no CMakeLists.txt"});
      continue;
    }
    const std::string name = file.path.substr(build->folder().size() + 1);
    if (!Names(*build, name)) {
      findings.push_back({file.path, 0, build->path + " does not name it"});
    }
  }
  return findings;
}

Findings CheckSchemasAreUsed(const Tree& tree) {
  Findings findings;
  for (const SourceFile& file : tree) {
    if (file.kind != Kind::kSql && file.kind != Kind::kProto) continue;
    const bool is_used = std::any_of(tree.begin(), tree.end(), [&](const SourceFile& other) {
      const bool may_use = other.kind == Kind::kCMake || other.kind == Kind::kCpp ||
                           other.kind == Kind::kProto || other.kind == Kind::kSql;
      return may_use && other.path != file.path && Names(other, file.name());
    });
    if (!is_used) findings.push_back({file.path, 0, "no build file and no source names it"});
  }
  return findings;
}

Findings CheckRoutesAreDescribed(const Tree& tree) {
  std::string described;
  for (const SourceFile& file : tree) {
    if (file.path != "docs/API.md" && file.path != "sync/cloud/README.md") continue;
    for (const std::string& line : file.lines) described += WithoutNames(line) + '\n';
  }
  Findings findings;
  for (const SourceFile& file : tree) {
    const bool serves = IsUnder(file.path, "sync/cloud") || IsUnder(file.path, "agent/api");
    if (!serves || file.is_test() || !file.is_source()) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::string target = RouteOf(file.lines[i]);
      if (!target.empty() && !IsDescribed(described, target)) {
        findings.push_back({file.path, static_cast<int>(i) + 1,
                            "neither docs/API.md nor sync/cloud/README.md names " + target});
      }
    }
  }
  return findings;
}

Findings CheckClocksAndChance(const Tree& tree) {
  static constexpr std::string_view kTokens[] = {"system_clock::now",
                                                 "steady_clock::now",
                                                 "high_resolution_clock",
                                                 "time(nullptr)",
                                                 "time(NULL)",
                                                 "clock_gettime",
                                                 "gettimeofday",
                                                 "rand(",
                                                 "srand(",
                                                 "random_device",
                                                 "getrandom",
                                                 "getentropy"};
  return FindCalls(
      tree, kTokens,
      [](const SourceFile& file) {
        // The kernel stamps scans by clocks that a Clock doesn't have, such as TAI.
        return IsMain(file) || file.path == "twin/base/clock.cc" ||
               file.path == "twin/base/random.cc" || file.path == "drivers/iio/stamp_clock.cc";
      },
      "time comes from a Clock and chance from the caller, so that tests can steer both");
}

Findings CheckSleeps(const Tree& tree) {
  static constexpr std::string_view kTokens[] = {"sleep_for", "sleep_until", "usleep", "nanosleep",
                                                 "sleep("};
  return FindCalls(
      tree, kTokens, [](const SourceFile&) { return false; },
      "wait on the loop, a descriptor or a condition variable instead");
}

Findings CheckNames(const Tree& tree) {
  Findings findings;
  const auto judge = [&](const SourceFile& file, int line, std::string_view name) {
    const std::string banned = BannedWordIn(name);
    if (banned.empty()) return;
    findings.push_back(
        {file.path, line,
         "\"" + banned + "\" in the name " + std::string(name) + " doesn't say what it is"});
  };
  for (const SourceFile& file : tree) {
    if (file.kind != Kind::kOther) judge(file, 0, file.name());
    if (file.kind != Kind::kCpp) continue;
    for (std::size_t i = 0; i < file.code.size(); ++i) {
      for (const std::string& type : TypesIn(file.code[i])) {
        judge(file, static_cast<int>(i) + 1, type);
      }
    }
  }
  return findings;
}

Findings CheckTodos(const Tree& tree) {
  static constexpr std::string_view kWords[] = {"TODO", "FIXME"};
  Findings findings;
  for (const SourceFile& file : tree) {
    if (file.kind == Kind::kMarkdown || file.kind == Kind::kOther) continue;
    for (std::size_t i = 0; i < file.comments.size(); ++i) {
      for (const std::string_view word : kWords) {
        const std::size_t at = FindToken(file.comments[i], word);
        if (at == std::string_view::npos || IsReasoned(file.comments[i], at + word.size()))
          continue;
        findings.push_back({file.path, static_cast<int>(i) + 1,
                            "say what it waits for, in parentheses, and then what is to be done"});
      }
    }
  }
  return findings;
}

}  // namespace edgetwin::tidy

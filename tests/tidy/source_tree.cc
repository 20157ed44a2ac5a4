// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/tidy/source_tree.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>

namespace edgetwin::tidy {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> Lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

bool IsWordChar(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
}

// Whether the quote at `at` separates digits, as in 1'000.
bool SeparatesDigits(std::string_view text, std::size_t at) {
  std::size_t begin = at;
  while (begin > 0 && (IsWordChar(text[begin - 1]) || text[begin - 1] == '\'')) --begin;
  return begin < at && std::isdigit(static_cast<unsigned char>(text[begin]));
}

bool IsIncludeLine(std::string_view line) {
  const std::size_t hash = line.find_first_not_of(' ');
  if (hash == std::string_view::npos || line[hash] != '#') return false;
  const std::size_t word = line.find_first_not_of(' ', hash + 1);
  return word != std::string_view::npos && line.substr(word).starts_with("include");
}

// Splits C++ into code and comments, character by character, both with the text's line structure.
class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  void Run() {
    while (at_ < text_.size()) {
      if (Starts("//")) {
        CommentUntil("\n", 0);
      } else if (Starts("/*")) {
        CommentUntil("*/", 2);
      } else if (text_[at_] == '"') {
        IsRaw() ? SkipRaw() : SkipLiteral('"');
      } else if (text_[at_] == '\'' && !SeparatesDigits(text_, at_)) {
        SkipLiteral('\'');
      } else {
        Put(code_);
      }
    }
  }

  std::vector<std::string> code() const { return Lines(code_); }
  std::vector<std::string> comments() const { return Lines(comments_); }

 private:
  bool Starts(std::string_view token) const { return text_.substr(at_).starts_with(token); }
  bool IsRaw() const { return at_ > 0 && text_[at_ - 1] == 'R'; }

  // Consumes one character into `kept`; the other half gets a blank, and both get line breaks.
  void Put(std::string& kept) {
    const char c = text_[at_++];
    const char blank = c == '\n' ? '\n' : ' ';
    code_ += &kept == &code_ ? c : blank;
    comments_ += &kept == &comments_ ? c : blank;
  }
  void Blank() {
    const char blank = text_[at_++] == '\n' ? '\n' : ' ';
    code_ += blank;
    comments_ += blank;
  }

  void CommentUntil(std::string_view end, std::size_t end_size) {
    const std::size_t found = text_.find(end, at_ + 2);
    const std::size_t stop = found == std::string_view::npos ? text_.size() : found + end_size;
    while (at_ < stop) Put(comments_);
  }

  void SkipLiteral(char quote) {
    const std::size_t line = code_.rfind('\n') + 1;
    const bool is_include = IsIncludeLine(std::string_view(code_).substr(line));
    Put(code_);
    while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n') {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) Blank();
      is_include ? Put(code_) : Blank();
    }
    if (at_ < text_.size()) Put(code_);
  }

  void SkipRaw() {
    const std::size_t open = text_.find('(', at_);
    if (open == std::string_view::npos) return Put(code_);
    const std::string end = ")" + std::string(text_.substr(at_ + 1, open - at_ - 1)) + "\"";
    const std::size_t found = text_.find(end, open);
    const std::size_t stop = found == std::string_view::npos ? text_.size() : found + end.size();
    while (at_ < stop) Blank();
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string code_;
  std::string comments_;
};

Kind KindOf(std::string_view path, std::string_view text) {
  const std::string name = fs::path(path).filename().string();
  const std::string extension = fs::path(path).extension().string();
  if (extension == ".h" || extension == ".cc" || extension == ".c") return Kind::kCpp;
  if (extension == ".proto") return Kind::kProto;
  if (extension == ".cmake" || name == "CMakeLists.txt") return Kind::kCMake;
  if (extension == ".sql") return Kind::kSql;
  if (extension == ".md") return Kind::kMarkdown;
  const std::string_view first = text.substr(0, text.find('\n'));
  if (extension == ".sh" || (first.starts_with("#!") && first.ends_with("sh"))) return Kind::kShell;
  return Kind::kOther;
}

std::string CommentOf(std::string_view line, std::string_view opening) {
  const std::size_t at = line.find(opening);
  return at == std::string_view::npos ? std::string() : std::string(line.substr(at));
}

std::vector<std::string> TrackedByGit(const fs::path& root) {
  std::string quoted;
  for (const char c : root.string()) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  const std::string command = "git -C '" + quoted + "' ls-files -z 2>/dev/null";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::vector<std::string> paths;
  if (pipe == nullptr) return paths;
  std::string path;
  for (int c = std::fgetc(pipe.get()); c != EOF; c = std::fgetc(pipe.get())) {
    if (c != '\0') {
      path += static_cast<char>(c);
    } else {
      paths.push_back(std::move(path));
      path.clear();
    }
  }
  return paths;
}

std::vector<std::string> Walk(const fs::path& root) {
  static const std::set<std::string> kSkipped = {".git", ".cache", "build", "node_modules"};
  std::vector<std::string> paths;
  for (auto it = fs::recursive_directory_iterator(root); it != fs::end(it); ++it) {
    if (it->is_directory() && kSkipped.contains(it->path().filename().string())) {
      it.disable_recursion_pending();
    } else if (it->is_regular_file()) {
      paths.push_back(fs::relative(it->path(), root).generic_string());
    }
  }
  return paths;
}

}  // namespace

bool IsUnder(std::string_view path, std::string_view prefix) {
  return path.starts_with(prefix) &&
         (path.size() == prefix.size() || path[prefix.size()] == '/' || prefix.ends_with('/'));
}

bool IsTestPath(std::string_view path) {
  const std::string stem = fs::path(path).stem().string();
  return IsUnder(path, "tests") || path.find("/testing/") != std::string_view::npos ||
         IsUnder(path, "drivers/sdk/conformance") || IsUnder(path, "drivers/sdk/example") ||
         stem.ends_with("_test") || stem.find("_test_") != std::string::npos;
}

std::string_view SourceFile::name() const {
  return std::string_view(path).substr(path.rfind('/') + 1);
}

std::string_view SourceFile::folder() const {
  const std::size_t slash = path.rfind('/');
  return std::string_view(path).substr(0, slash == std::string::npos ? 0 : slash);
}

bool SourceFile::is_header() const {
  return kind == Kind::kCpp && path.ends_with(".h");
}
bool SourceFile::is_source() const {
  return kind == Kind::kCpp && !is_header();
}
bool SourceFile::is_test() const {
  return IsTestPath(path);
}

std::vector<Include> SourceFile::includes() const {
  std::vector<Include> found;
  if (kind != Kind::kCpp) return found;
  for (std::size_t i = 0; i < code.size(); ++i) {
    const std::string& line = code[i];
    if (!IsIncludeLine(line)) continue;
    const std::size_t open = line.find_first_of("<\"");
    const std::size_t close = line.find_last_of(">\"");
    if (open == std::string::npos || close <= open) continue;
    found.push_back({static_cast<int>(i) + 1, line.substr(open + 1, close - open - 1)});
  }
  return found;
}

SourceFile MakeSourceFile(std::string path, std::string_view text) {
  SourceFile file;
  file.kind = KindOf(path, text);
  file.path = std::move(path);
  file.lines = Lines(text);
  if (file.kind == Kind::kCpp || file.kind == Kind::kProto) {
    Splitter splitter(text);
    splitter.Run();
    file.code = splitter.code();
    file.comments = splitter.comments();
  } else {
    file.code = file.lines;
    for (const std::string& line : file.lines) {
      file.comments.push_back(CommentOf(line, file.kind == Kind::kSql ? "--" : "#"));
    }
  }
  return file;
}

Tree LoadTree(const fs::path& root) {
  std::vector<std::string> paths = TrackedByGit(root);
  if (paths.empty()) paths = Walk(root);
  std::sort(paths.begin(), paths.end());
  Tree tree;
  for (std::string& path : paths) {
    if (!fs::is_regular_file(fs::symlink_status(root / path))) continue;
    std::ifstream in(root / path, std::ios::binary);
    if (!in) continue;  // Deleted, but not yet in git.
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    tree.push_back(MakeSourceFile(std::move(path), text));
  }
  return tree;
}

}  // namespace edgetwin::tidy

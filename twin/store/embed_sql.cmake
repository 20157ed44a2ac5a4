# Copyright 2026 The edgetwin authors
# SPDX-License-Identifier: Apache-2.0
#
# Run with -P: writes OUT, a header with one constexpr string per file of SQL_FILES, in namespace
# edgetwin::NAMESPACE. "select_rows.sql" becomes kSelectRows. Lines that are only a comment don't
# get into the binary.
set(text "// Generated from the .sql files beside embed_sql.cmake.\n\n#pragma once\n\n")
string(APPEND text "#include <string_view>\n\n")
string(APPEND text "namespace edgetwin::${NAMESPACE} {\n\n")
foreach(file IN LISTS SQL_FILES)
  get_filename_component(stem ${file} NAME_WE)
  string(REPLACE "_" ";" words ${stem})
  set(name "k")
  foreach(word IN LISTS words)
    string(SUBSTRING ${word} 0 1 first)
    string(SUBSTRING ${word} 1 -1 rest)
    string(TOUPPER ${first} first)
    string(APPEND name ${first}${rest})
  endforeach()
  file(READ ${file} sql)
  # A semicolon would split the text where CMake takes it for a list: no list command touches it.
  string(REGEX REPLACE "(^|\n)--[^\n]*" "" sql "${sql}")
  string(STRIP "${sql}" sql)
  string(APPEND text "inline constexpr std::string_view ${name} = R\"sql(${sql})sql\";\n\n")
endforeach()
string(APPEND text "}  // namespace edgetwin::${NAMESPACE}\n")
file(WRITE ${OUT} "${text}")

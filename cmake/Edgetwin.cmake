# Copyright 2026 The edgetwin authors
# SPDX-License-Identifier: Apache-2.0
#
# One target a folder. A library's headers are reached through a folder of its own under the build
# tree that holds nothing but a link to that library's folder, so a source that includes a header of
# a library it doesn't link with does not compile: the dependency rules of docs/ARCHITECTURE.md are
# enforced by the build.

option(EDGETWIN_TESTS "Build the tests and the bench" ON)
option(EDGETWIN_SIMULATOR "With the tests: build the simulator, a third of all" ON)
option(EDGETWIN_WERROR "Treat warnings as errors" OFF)
option(EDGETWIN_FUZZ "Build the fuzz targets (needs clang)" OFF)
set(EDGETWIN_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize=")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

find_program(EDGETWIN_CCACHE ccache)
if(EDGETWIN_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${EDGETWIN_CCACHE})
endif()

find_package(PkgConfig REQUIRED)
find_package(Protobuf REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(EVENT REQUIRED IMPORTED_TARGET libevent_core libevent_pthreads)
pkg_check_modules(MOSQUITTO REQUIRED IMPORTED_TARGET libmosquitto)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(MODBUS REQUIRED IMPORTED_TARGET libmodbus)
pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
pkg_check_modules(CURL REQUIRED IMPORTED_TARGET libcurl)
if(EDGETWIN_TESTS)
  enable_testing()
  find_package(GTest REQUIRED)
  include(GoogleTest)
  add_custom_target(edgetwin_tests)
endif()

add_library(edgetwin_options INTERFACE)
target_compile_options(edgetwin_options INTERFACE
  -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wcast-qual -Woverloaded-virtual
  -Wconversion -Wno-sign-conversion $<$<NOT:$<CONFIG:Release>>:-fno-omit-frame-pointer>)
if(EDGETWIN_WERROR)
  target_compile_options(edgetwin_options INTERFACE -Werror)
endif()
if(EDGETWIN_SANITIZE)
  add_compile_options(-fsanitize=${EDGETWIN_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${EDGETWIN_SANITIZE})
endif()
# What only tests is compiled in half the time without the checks of each pointer, the fuzzers'
# marks and optimisation. What is tested has them all.
set(EDGETWIN_TESTING_OPTIONS)
set(EDGETWIN_TEST_OPTIONS)
if(EDGETWIN_SANITIZE MATCHES "undefined")
  list(APPEND EDGETWIN_TESTING_OPTIONS -fno-sanitize=null,alignment)
endif()
if(EDGETWIN_SANITIZE MATCHES "fuzzer")
  list(APPEND EDGETWIN_TESTING_OPTIONS -fno-sanitize=fuzzer-no-link)
endif()
if(EDGETWIN_SANITIZE)
  set(EDGETWIN_TEST_OPTIONS ${EDGETWIN_TESTING_OPTIONS} -O0)
endif()
# What is shipped is small in memory, which is mostly code: nothing that isn't called, no library of
# which nothing is. What runs for each value is made fast instead, by HOT below.
add_compile_options($<$<CONFIG:Release>:-ffunction-sections> $<$<CONFIG:Release>:-fdata-sections>)
add_link_options($<$<CONFIG:Release>:-Wl,--gc-sections,--as-needed>)
# What is shipped talks to strangers: the linker's tables can't be written once it runs, libc's
# functions look where buffers end, and returns at the stack.
add_link_options($<$<CONFIG:Release>:-Wl,-z,relro,-z,now>)
add_compile_options($<$<CONFIG:Release>:-fstack-protector-strong>)
add_compile_definitions($<$<CONFIG:Release>:_FORTIFY_SOURCE=2>)
set(EDGETWIN_HOT_OPTIONS $<$<CONFIG:Release>:-O2>)
target_compile_definitions(edgetwin_options INTERFACE EDGETWIN_VERSION="${PROJECT_VERSION}")
# Files beyond 2 GB where `long` has 32 bits. Why not -D_TIME_BITS=64 as well: decision 0011.
if(CMAKE_SIZEOF_VOID_P EQUAL 4)
  add_compile_definitions(_FILE_OFFSET_BITS=64)
endif()

function(_edgetwin_name folder out)
  string(REPLACE "/" "_" name ${folder})
  set(${out} edgetwin_${name} PARENT_SCOPE)
endfunction()

# edgetwin_library(FOLDER SOURCES a.cc … [DEPS targets or folders that its headers need]
#                  [PRIVATE targets or folders] [HOT])
# Folders are named from the project's root ("twin/base"); without SOURCES the library is
# header-only. HOT: optimised for speed, not for size.
function(edgetwin_library folder)
  cmake_parse_arguments(A "HOT" "" "SOURCES;DEPS;PRIVATE" ${ARGN})
  _edgetwin_name(${folder} name)
  get_filename_component(parent ${folder} DIRECTORY)
  set(root ${PROJECT_BINARY_DIR}/include/${name})
  file(MAKE_DIRECTORY ${root}/${parent})
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/${folder} ${root}/${folder} SYMBOLIC)
  if(A_SOURCES)
    add_library(${name} STATIC ${A_SOURCES})
    set(scope PUBLIC)
    target_link_libraries(${name} PRIVATE edgetwin_options)
    if(A_HOT)
      target_compile_options(${name} PRIVATE ${EDGETWIN_HOT_OPTIONS})
    endif()
  else()
    add_library(${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${name} ${scope} ${root})
  foreach(dep IN LISTS A_DEPS)
    _edgetwin_link(${name} ${scope} ${dep})
  endforeach()
  foreach(dep IN LISTS A_PRIVATE)
    _edgetwin_link(${name} PRIVATE ${dep})
  endforeach()
endfunction()

function(_edgetwin_link name scope dep)
  if(dep MATCHES "/")
    _edgetwin_name(${dep} dep)
  endif()
  target_link_libraries(${name} ${scope} ${dep})
endfunction()

# edgetwin_program(NAME SOURCES … DEPS … [HOT]): an executable in build/<preset>/bin.
function(edgetwin_program name)
  cmake_parse_arguments(A "HOT" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  target_link_libraries(${name} PRIVATE edgetwin_options)
  if(A_HOT)
    target_compile_options(${name} PRIVATE ${EDGETWIN_HOT_OPTIONS})
  endif()
  foreach(dep IN LISTS A_DEPS)
    _edgetwin_link(${name} PRIVATE ${dep})
  endforeach()
endfunction()

# edgetwin_driver_module(KIND SOURCES module.cc DEPS drivers/<kind> …): a driver that brings a
# library of its own, in build/<preset>/lib/edgetwin/drivers/<kind>.so. See drivers/sdk/module.h.
function(edgetwin_driver_module kind)
  cmake_parse_arguments(A "" "" "SOURCES;DEPS" ${ARGN})
  set(name edgetwin_driver_${kind})
  add_library(${name} MODULE ${A_SOURCES})
  set_target_properties(${name} PROPERTIES PREFIX "" OUTPUT_NAME ${kind}
    LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib/edgetwin/drivers
    LINK_DEPENDS ${PROJECT_SOURCE_DIR}/drivers/sdk/module.map)
  target_link_options(${name} PRIVATE
    -Wl,--version-script=${PROJECT_SOURCE_DIR}/drivers/sdk/module.map)
  target_link_libraries(${name} PRIVATE edgetwin_options edgetwin_drivers_sdk_module)
  foreach(dep IN LISTS A_DEPS)
    _edgetwin_link(${name} PRIVATE ${dep})
  endforeach()
  set_property(GLOBAL APPEND PROPERTY EDGETWIN_DRIVER_MODULES ${kind})
endfunction()

# The tests of what has threads of ours: these alone the thread sanitizer is run on.
set(EDGETWIN_TESTS_WITH_THREADS
  agent_runtime_test
  drivers_exec_conformance_test
  drivers_exec_test
  drivers_hwmon_conformance_test
  drivers_hwmon_test
  drivers_iio_conformance_test
  drivers_iio_test
  drivers_modbus_conformance_test
  drivers_modbus_driver_test
  drivers_modbus_rtu_test
  drivers_sdk_blocking_test
  drivers_sdk_conformance_test
  drivers_thermal_conformance_test
  drivers_thermal_test
  drivers_w1_conformance_test
  drivers_w1_test
  sync_cloud_process_test
  sync_cloud_test
  sync_link_slow_name_test
  sync_link_test
  tests_integration_test
  twin_base_log_test
  twin_base_test
  twin_http_test
  twin_store_test)

# edgetwin_test(NAME SOURCES x_test.cc … DEPS … [TIMEOUT_S n]): a GoogleTest program; each of its
# tests is a ctest. Target edgetwin_tests builds them all, and what they run.
function(edgetwin_test name)
  cmake_parse_arguments(A "" "TIMEOUT_S" "SOURCES;DEPS" ${ARGN})
  if(NOT EDGETWIN_TESTS OR
     (EDGETWIN_SANITIZE STREQUAL "thread" AND NOT name IN_LIST EDGETWIN_TESTS_WITH_THREADS))
    return()
  endif()
  edgetwin_program(${name} SOURCES ${A_SOURCES} DEPS ${A_DEPS} GTest::gmock_main)
  add_dependencies(edgetwin_tests ${name})
  if(NOT A_TIMEOUT_S)
    set(A_TIMEOUT_S 120)
  endif()
  target_compile_options(${name} PRIVATE ${EDGETWIN_TEST_OPTIONS})
  target_compile_definitions(${name} PRIVATE EDGETWIN_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                             EDGETWIN_BIN_DIR="${CMAKE_RUNTIME_OUTPUT_DIRECTORY}")
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT ${A_TIMEOUT_S})
endfunction()

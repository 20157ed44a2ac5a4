# Copyright 2026 The edgetwin authors
# SPDX-License-Identifier: Apache-2.0
#
# Debian's cross compiler for EDGETWIN_ARCHITECTURE, with the sysroot that cross/build has made.
# Programs are the build machine's (protoc among them), libraries and headers only the sysroot's;
# what is built runs under qemu-user, unless the build machine is of that architecture itself.

# Each try_compile reads this file anew, knowing nothing of the cache.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES EDGETWIN_ARCHITECTURE)
get_filename_component(cross_root ${CMAKE_CURRENT_LIST_DIR} DIRECTORY)
file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/architectures cross_line
     REGEX "^${EDGETWIN_ARCHITECTURE} ")
if(NOT EDGETWIN_ARCHITECTURE OR NOT cross_line)
  message(FATAL_ERROR "no architecture '${EDGETWIN_ARCHITECTURE}' in cross/architectures")
endif()
separate_arguments(cross_line UNIX_COMMAND "${cross_line}")
list(GET cross_line 1 cross_triplet)
list(GET cross_line 2 cross_processor)
list(GET cross_line 3 cross_emulator)

set(CMAKE_SYSROOT ${cross_root}/build/cross/sysroot-${EDGETWIN_ARCHITECTURE})
if(NOT IS_DIRECTORY ${CMAKE_SYSROOT})
  message(FATAL_ERROR "no ${CMAKE_SYSROOT}; cross/build ${EDGETWIN_ARCHITECTURE} makes it")
endif()

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${cross_processor})
set(CMAKE_C_COMPILER ${cross_triplet}-gcc)
set(CMAKE_CXX_COMPILER ${cross_triplet}-g++)

# On ARM g++ says of each va_list and so on that its ABI changed in 2017; all of Debian is newer.
set(CMAKE_CXX_FLAGS_INIT -Wno-psabi)

set(CMAKE_FIND_ROOT_PATH ${CMAKE_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${CMAKE_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR}
    ${CMAKE_SYSROOT}/usr/lib/${cross_triplet}/pkgconfig:${CMAKE_SYSROOT}/usr/share/pkgconfig)

if(NOT CMAKE_HOST_SYSTEM_PROCESSOR STREQUAL cross_processor)
  set(CMAKE_CROSSCOMPILING_EMULATOR qemu-${cross_emulator}-static -L ${CMAKE_SYSROOT})
endif()
# A build starts no test program: each start under qemu-user costs, and ctest asks anyway.
set(CMAKE_GTEST_DISCOVER_TESTS_DISCOVERY_MODE PRE_TEST)

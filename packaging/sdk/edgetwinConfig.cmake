# Copyright 2026 The edgetwin authors
# SPDX-License-Identifier: Apache-2.0
#
# find_package(edgetwin COMPONENTS driver_sdk): what a driver is built with.
#
#   edgetwin::driver_sdk                        headers and library
#   edgetwin_add_driver_module(KIND SOURCE…)    a module KIND.so, for lib/edgetwin/drivers
#   edgetwin_add_driver_testing()               edgetwin::driver_testing: a manual loop, a recording
#                                               sink, golden cases, the conformance suite; needs
#                                               find_package(GTest) before
include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(PkgConfig)
pkg_check_modules(EDGETWIN_SDK QUIET REQUIRED IMPORTED_TARGET
                  libevent_core libevent_pthreads libsystemd libxxhash)

get_filename_component(_edgetwin_prefix ${CMAKE_CURRENT_LIST_DIR}/../../.. ABSOLUTE)
set(_edgetwin_sdk ${_edgetwin_prefix}/share/edgetwin/sdk)
if(NOT TARGET edgetwin::driver_sdk)
  add_library(edgetwin::driver_sdk STATIC IMPORTED)
  set_target_properties(edgetwin::driver_sdk PROPERTIES
    IMPORTED_LOCATION ${_edgetwin_prefix}/lib/edgetwin/libedgetwin_driver_sdk.a
    INTERFACE_INCLUDE_DIRECTORIES ${_edgetwin_prefix}/include/edgetwin
    INTERFACE_COMPILE_FEATURES cxx_std_20
    INTERFACE_LINK_LIBRARIES "Threads::Threads;PkgConfig::EDGETWIN_SDK")
endif()
set(edgetwin_driver_sdk_FOUND TRUE)

function(edgetwin_add_driver_module kind)
  add_library(${kind} MODULE ${ARGN})
  set_target_properties(${kind} PROPERTIES PREFIX "" CXX_EXTENSIONS OFF)
  target_link_libraries(${kind} PRIVATE edgetwin::driver_sdk)
  # One symbol, and no library of which nothing is used.
  target_link_options(${kind} PRIVATE -Wl,--version-script=${_edgetwin_sdk}/module.map
                      -Wl,--gc-sections,--as-needed)
endfunction()

# From source, as GoogleTest's own flags and version are yours.
function(edgetwin_add_driver_testing)
  if(TARGET edgetwin_driver_testing)
    return()
  endif()
  file(GLOB sources ${_edgetwin_sdk}/drivers/sdk/testing/*.cc
       ${_edgetwin_sdk}/drivers/sdk/conformance/*.cc)
  add_library(edgetwin_driver_testing STATIC EXCLUDE_FROM_ALL ${sources})
  target_link_libraries(edgetwin_driver_testing PUBLIC edgetwin::driver_sdk GTest::gmock)
  add_library(edgetwin::driver_testing ALIAS edgetwin_driver_testing)
endfunction()

# How this project's targets are made. This file alone knows how to link MLIR:
# always the one shared library, never MLIR's static archives, since mixing the
# two registers every command-line option twice.

find_package(Threads REQUIRED)
find_package(nlohmann_json REQUIRED)
# Debian's serial OpenBLAS is built without locks: two threads that call it at
# once get each other's work space. Its pthread build is safe to call from any
# thread, and the run time sets it to one thread of its own.
find_library(AWQ_CBLAS_LIBRARY NAMES openblas PATH_SUFFIXES openblas-pthread REQUIRED
             DOC "A BLAS with the C interface; it is called from one thread per tile")
find_path(AWQ_CBLAS_INCLUDE_DIR NAMES cblas.h
          PATH_SUFFIXES openblas-pthread x86_64-linux-gnu/openblas-pthread REQUIRED)
find_library(AWQ_OPENMP_LIBRARY NAMES omp libomp.so.5 HINTS ${LLVM_LIBRARY_DIRS} REQUIRED
             DOC "LLVM's OpenMP runtime: the one thread pool of the project")

add_library(awq_cblas INTERFACE)
target_include_directories(awq_cblas INTERFACE "$<BUILD_INTERFACE:${AWQ_CBLAS_INCLUDE_DIR}>")
target_link_libraries(awq_cblas INTERFACE "${AWQ_CBLAS_LIBRARY}")

# GCC's code calls libgomp's entry points, which LLVM's runtime provides too:
# compile with -fopenmp but link libomp, so that one pool serves hand-written
# and generated code.
add_library(awq_openmp INTERFACE)
target_compile_options(awq_openmp INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-fopenmp>)
target_link_libraries(awq_openmp INTERFACE "${AWQ_OPENMP_LIBRARY}")

add_library(awq_options INTERFACE)
target_compile_features(awq_options INTERFACE cxx_std_17)
target_compile_options(awq_options INTERFACE -Wall -Wextra -Wno-unused-parameter
  -Wno-maybe-uninitialized -fno-exceptions)
if(AWQ_WARNINGS_AS_ERRORS)
  target_compile_options(awq_options INTERFACE -Werror)
endif()
if(AWQ_SANITIZE)
  target_compile_options(awq_options INTERFACE -fsanitize=${AWQ_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(awq_options INTERFACE -fsanitize=${AWQ_SANITIZE})
endif()

function(awq_configure_target name)
  cmake_parse_arguments(ARG "MLIR" "" "DEPENDS;LINK_LIBS" ${ARGN})
  target_include_directories(${name}
    PUBLIC "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>"
           "$<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>"
           "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
  target_link_libraries(${name} PRIVATE "$<BUILD_INTERFACE:awq_options>"
                                        "$<BUILD_INTERFACE:nlohmann_json::nlohmann_json>")
  if(ARG_MLIR)
    # SYSTEM: warnings inside LLVM's headers are not ours to fix.
    target_include_directories(${name} SYSTEM PUBLIC
      "$<BUILD_INTERFACE:${MLIR_INCLUDE_DIRS}>" "$<BUILD_INTERFACE:${LLVM_INCLUDE_DIRS}>")
    target_link_libraries(${name} PUBLIC MLIR)
    # Passes run for milliseconds: a quick build is worth more than quick passes.
    # The libraries that work on numbers do not use MLIR and keep -O3.
    target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
    target_link_libraries(${name} PRIVATE LLVM)
  endif()
  # How a library computes is its own affair: its users neither see its BLAS nor
  # are compiled with OpenMP, which would not match the precompiled headers.
  foreach(library ${ARG_LINK_LIBS})
    if(library MATCHES "^awq_")
      target_link_libraries(${name} PRIVATE ${library})
    else()
      target_link_libraries(${name} PUBLIC ${library})
    endif()
  endforeach()
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
endfunction()

# add_awq_library(NAME SOURCES... [SHARED] [MLIR] [DEPENDS ...] [LINK_LIBS ...])
#   MLIR   the library uses MLIR or LLVM headers and links the shared libraries
#   SHARED a library that other programs load; all others are static
function(add_awq_library name)
  cmake_parse_arguments(ARG "SHARED;MLIR" "" "DEPENDS;LINK_LIBS" ${ARGN})
  set(kind STATIC)
  if(ARG_SHARED)
    set(kind SHARED)
  endif()
  add_library(${name} ${kind} ${ARG_UNPARSED_ARGUMENTS})
  set(mlir_flag "")
  if(ARG_MLIR)
    set(mlir_flag MLIR)
  endif()
  awq_configure_target(${name} ${mlir_flag} DEPENDS ${ARG_DEPENDS} LINK_LIBS ${ARG_LINK_LIBS})
  if(ARG_MLIR AND TARGET awq_mlir_pch)
    target_precompile_headers(${name} REUSE_FROM awq_mlir_pch)
  endif()
  set_property(GLOBAL APPEND PROPERTY AWQ_LIBRARIES ${name})
endfunction()

# awq_export_only(NAME MAP): the shared library shows only what the linker's
# version script MAP lists, so that nothing it holds meets a copy in its host.
function(awq_export_only name map)
  target_link_options(${name} PRIVATE "-Wl,--version-script=${map}" -Wl,--as-needed)
  set_target_properties(${name} PROPERTIES LINK_DEPENDS "${map}")
endfunction()

# add_awq_tool(NAME SOURCES... [LINK_LIBS ...]): a command-line tool on MLIR.
function(add_awq_tool name)
  cmake_parse_arguments(ARG "" "" "DEPENDS;LINK_LIBS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  awq_configure_target(${name} MLIR DEPENDS ${ARG_DEPENDS} LINK_LIBS ${ARG_LINK_LIBS})
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  set_property(GLOBAL APPEND PROPERTY AWQ_TOOLS ${name})
endfunction()

# add_awq_unittest(NAME SOURCES... [MLIR] [LINK_LIBS ...]): a GoogleTest program,
# built by the target awq-unittests and run by ctest.
function(add_awq_unittest name)
  cmake_parse_arguments(ARG "MLIR" "" "DEPENDS;LINK_LIBS" ${ARGN})
  add_executable(${name} EXCLUDE_FROM_ALL ${ARG_UNPARSED_ARGUMENTS})
  set(mlir_flag "")
  if(ARG_MLIR)
    set(mlir_flag MLIR)
  endif()
  awq_configure_target(${name} ${mlir_flag} DEPENDS ${ARG_DEPENDS} LINK_LIBS ${ARG_LINK_LIBS})
  find_package(GTest REQUIRED)
  target_link_libraries(${name} PRIVATE GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY
                        "${CMAKE_BINARY_DIR}/unittests")
  add_test(NAME ${name} COMMAND ${name})
  add_dependencies(awq-unittests ${name})
endfunction()

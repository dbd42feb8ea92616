# tallyd_library(NAME SOURCES ... PUBLIC ... PRIVATE ... PCH ...)  a library of one folder
# tallyd_replaceable_sources(FILE ...)                             files that broken builds replace
# tallyd_executable(NAME SOURCES ... LINKS ...)                    a program in tools/
# tallyd_test(NAME SOURCES ... LINKS ... LABELS ... TIMEOUT s)     a GoogleTest binary, registered with ctest
# tallyd_bench(NAME SOURCES ... LINKS ...)                         a Google Benchmark binary; ctest runs it once as a smoke test
#
# PCH takes header names (<vector>) or the name of a library made by tallyd_pch(), whose compiled
# header is then shared. Precompiled headers are a matter of speed only: the clang presets build
# without them, so a file that forgot an include is found there.

# All programs of tools/, without tests and benches: cmake --build --preset release --target programs
add_custom_target(programs)

# A precompiled header that several targets share.
function(tallyd_pch name)
  cmake_parse_arguments(arg "" "" "HEADERS;LINKS" ${ARGN})
  set(source "${CMAKE_CURRENT_BINARY_DIR}/${name}.cc")
  if(NOT EXISTS "${source}")
    file(WRITE "${source}" "// Exists so that the precompiled header has an owner.\n")
  endif()
  add_library(${name} OBJECT "${source}")
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${arg_LINKS} Threads::Threads tallyd_warnings)
  target_precompile_headers(${name} PRIVATE ${arg_HEADERS})
endfunction()

function(tallyd_use_pch name)
  if(TARGET "${ARGV1}")
    target_precompile_headers(${name} REUSE_FROM "${ARGV1}")
  elseif(ARGN)
    target_precompile_headers(${name} PRIVATE ${ARGN})
  endif()
endfunction()

# For the few files of net/ and tools/ that speak HTTP.
tallyd_pch(tallyd_pch_net
  HEADERS <boost/asio.hpp> <boost/beast/core.hpp> <boost/beast/http.hpp>
          <absl/container/flat_hash_map.h> <absl/status/statusor.h> <absl/strings/str_cat.h>
          <functional> <memory> <string> <string_view> <vector>
  LINKS Boost::headers absl::flat_hash_map absl::statusor absl::strings)

function(tallyd_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;PUBLIC;PRIVATE;PCH" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_include_directories(${name} PUBLIC "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PUBLIC ${arg_PUBLIC} Threads::Threads PRIVATE ${arg_PRIVATE} tallyd_warnings)
  tallyd_use_pch(${name} ${arg_PCH})
endfunction()

# Files of this folder that tests replace by objects of their own (storage/broken_build.h): each
# must be an object by itself in the library, also where files are compiled together.
function(tallyd_replaceable_sources)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

function(tallyd_executable name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS;PCH" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${arg_LINKS} tallyd_warnings)
  tallyd_use_pch(${name} ${arg_PCH})
  add_dependencies(programs ${name})
endfunction()

function(tallyd_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LINKS;LABELS;PCH" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${arg_LINKS} GTest::gtest GTest::gtest_main tallyd_warnings)
  if(NOT arg_PCH)
    set(arg_PCH tallyd_pch_test)
  endif()
  tallyd_use_pch(${name} ${arg_PCH})
  if(NOT arg_LABELS)
    set(arg_LABELS unit)
  endif()
  if(NOT arg_TIMEOUT)
    # Against tests that hang, not those that are slow; a sanitizer slows down several times.
    set(arg_TIMEOUT 240)
    if(TALLYD_SANITIZE)
      set(arg_TIMEOUT 600)
    endif()
  endif()
  # One ctest entry a binary: a process per test case would cost more than the cases themselves.
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT})
endfunction()

function(tallyd_bench name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${arg_LINKS} benchmark::benchmark benchmark::benchmark_main tallyd_warnings)
  add_test(NAME ${name}_smoke COMMAND ${name} --benchmark_min_time=0.001)
  set_tests_properties(${name}_smoke PROPERTIES LABELS bench-smoke TIMEOUT 120)
endfunction()

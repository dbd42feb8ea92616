# What every target is compiled with: language level, warnings, hardening, sanitizers, linker,
# compiler cache.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

find_package(Threads REQUIRED)
include(CheckLinkerFlag)

# --- compiler cache -------------------------------------------------------------------------------
find_program(TALLYD_CCACHE ccache)
if(TALLYD_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # The sloppiness is what ccache's manual asks for when precompiled headers are in use.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      "${CMAKE_COMMAND}" -E env
      "CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime"
      "${TALLYD_CCACHE}")
  # Without it GCC's preprocessor swallows the precompiled header and ccache never gets a hit.
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
endif()

# --- warnings -------------------------------------------------------------------------------------
# Only our own targets link this; packages come in through imported targets, which CMake treats as
# SYSTEM, so their headers never warn.
add_library(tallyd_warnings INTERFACE)
target_compile_options(tallyd_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Wcast-qual
  -Wunused -Woverloaded-virtual -Wimplicit-fallthrough -Wextra-semi
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>
  $<$<BOOL:${TALLYD_WERROR}>:-Werror>)

# GCC 12 with -O2, or with sanitizers, sees overflows and uninitialised members inside std::string, std::optional and
# absl::StatusOr that are not there (GCC bugs 105329, 105651, 80635). The dev preset, at -O1, keeps
# these warnings; so do clang-tidy and the sanitizers in their own way.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND
   (TALLYD_SANITIZE OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo"))
  target_compile_options(tallyd_warnings INTERFACE
    -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread
    -Wno-maybe-uninitialized)
endif()

# --- unity builds ---------------------------------------------------------------------------------
# Eight files of a target compiled as one (CMAKE_UNITY_BUILD): headers are read once, which is most of the time.
# The presets that build everything once do so; dev, which builds again what changed, does not. A
# name must be its file's own within the target, also in anonymous namespaces; what such a namespace
# holds is "of another file" to GCC.
if(CMAKE_UNITY_BUILD)
  target_compile_options(tallyd_warnings INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
endif()

# --- position independence and hardening ----------------------------------------------------------
# One flag for libraries and programs alike (everything is linked into programs), so that a
# precompiled header fits both.
add_compile_options(-fPIE)
add_link_options(-pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo" AND NOT TALLYD_SANITIZE)
  add_compile_options(-fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Debug")
  add_compile_definitions(_GLIBCXX_ASSERTIONS)  # bounds of operator[], front(), optional, ...
endif()

# --- sanitizers -----------------------------------------------------------------------------------
if(TALLYD_SANITIZE)
  add_compile_options(-fsanitize=${TALLYD_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${TALLYD_SANITIZE})
  if(TALLYD_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      # A third of the time to compile. The address sanitizer stops at null by itself; clang's fuzz
      # preset, through which all decoders run, keeps both.
      add_compile_options(-fno-sanitize=null,alignment)
    endif()
  endif()
  if(TALLYD_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan)  # Asio uses atomic_thread_fence, which GCC's TSan does not model
  endif()
endif()

# A fuzz target looks through the counters of all code in it after every input: what it cannot reach
# is left out, and only code of ours has counters.
if(TALLYD_BUILD_FUZZERS)
  add_compile_options("-fsanitize-coverage-allowlist=${CMAKE_SOURCE_DIR}/tests/fuzz/counted_code.txt")
  add_compile_options(-ffunction-sections -fdata-sections)
  add_link_options(-Wl,--gc-sections)
endif()

# --- linker ---------------------------------------------------------------------------------------
check_linker_flag(CXX -fuse-ld=lld TALLYD_HAS_LLD)
if(TALLYD_HAS_LLD)
  add_link_options(-fuse-ld=lld)
endif()

# cmake -DSOURCE=DIR -DSPEC=FILE -DTARGET=DIR -DNPM=PROGRAM -P install.cmake
#
# Copies the contract tools and the OpenAPI document to TARGET and installs the Node packages of
# package-lock.json there. With an unchanged lock file nothing is installed, so no network is needed;
# nor if tools/test has put them beside the sources before.

file(GLOB tools "${SOURCE}/*.mjs")
file(COPY ${tools} "${SOURCE}/package.json" "${SOURCE}/package-lock.json" "${SPEC}"
  DESTINATION "${TARGET}")

file(SHA256 "${SOURCE}/package-lock.json" wanted)
set(stamp "${TARGET}/node_modules/.installed_lock")
set(installed "")
if(EXISTS "${stamp}")
  file(READ "${stamp}" installed)
endif()
if(installed STREQUAL wanted)
  message(STATUS "Node packages are up to date")
  return()
endif()

# tools/test has installed the same packages beside the sources: take those.
set(source_stamp "${SOURCE}/node_modules/.installed-lock")
if(EXISTS "${source_stamp}")
  file(READ "${source_stamp}" source_installed)
  string(STRIP "${source_installed}" source_installed)
  if(source_installed STREQUAL wanted)
    file(REMOVE_RECURSE "${TARGET}/node_modules")
    file(COPY "${SOURCE}/node_modules" DESTINATION "${TARGET}")
    file(WRITE "${stamp}" "${wanted}")
    message(STATUS "Node packages copied from ${SOURCE}")
    return()
  endif()
endif()

if(NOT NPM)
  message(FATAL_ERROR "npm is not installed (Debian: apt install nodejs npm)")
endif()
execute_process(
  COMMAND "${NPM}" ci --ignore-scripts --no-audit --no-fund
  WORKING_DIRECTORY "${TARGET}"
  RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "npm ci failed: ${result}")
endif()
file(WRITE "${stamp}" "${wanted}")

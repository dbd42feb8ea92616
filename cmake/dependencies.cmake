# Everything tallyd links against; all of it is a Debian 12 package.

find_package(Boost 1.81.0 EXACT REQUIRED CONFIG COMPONENTS headers json url)
find_package(RocksDB REQUIRED)
find_package(absl REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(spdlog REQUIRED)
find_package(prometheus-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(tomlplusplus REQUIRED)

find_package(PkgConfig REQUIRED)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(cjose REQUIRED IMPORTED_TARGET cjose jansson)
pkg_check_modules(isal REQUIRED IMPORTED_TARGET libisal)
pkg_check_modules(brotlienc REQUIRED IMPORTED_TARGET libbrotlienc)
pkg_check_modules(libzstd REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(qrencode REQUIRED IMPORTED_TARGET libqrencode)

find_library(TALLYD_DEFLATE_LIBRARY deflate REQUIRED)
find_library(TALLYD_CSV_LIBRARY csv REQUIRED)

if(BUILD_TESTING)
  find_package(GTest REQUIRED)
  find_package(benchmark REQUIRED)
  pkg_check_modules(brotlidec REQUIRED IMPORTED_TARGET libbrotlidec)
endif()

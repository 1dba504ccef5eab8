# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
# Where the libraries of docs/dependencies.md are found. All are Debian 12 packages.
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(Protobuf REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(ZLIB REQUIRED)
find_package(SQLite3 REQUIRED)

# Boost.Asio and Boost.Beast are headers only; warnings inside them are not ours.
add_library(confab_boost INTERFACE)
target_include_directories(confab_boost SYSTEM INTERFACE ${Boost_INCLUDE_DIRS})
target_compile_definitions(confab_boost INTERFACE BOOST_ASIO_NO_DEPRECATED
    BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION)
add_library(CONFAB_BOOST ALIAS confab_boost)

add_library(confab_spdlog INTERFACE)
target_link_libraries(confab_spdlog INTERFACE spdlog::spdlog)
add_library(CONFAB_SPDLOG ALIAS confab_spdlog)

# intel-ipsec-mb exists for x86-64 only; elsewhere rtc/srtp uses its OpenSSL path alone.
find_library(CONFAB_IPSEC_MB_LIBRARY IPSec_MB)
add_library(confab_ipsec_mb INTERFACE)
if(CONFAB_IPSEC_MB_LIBRARY)
    target_link_libraries(confab_ipsec_mb INTERFACE ${CONFAB_IPSEC_MB_LIBRARY})
    target_compile_definitions(confab_ipsec_mb INTERFACE CONFAB_HAVE_IPSEC_MB=1)
endif()
add_library(CONFAB_IPSEC_MB ALIAS confab_ipsec_mb)

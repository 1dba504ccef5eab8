# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
add_library(confab_options INTERFACE)
target_compile_options(confab_options INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wnon-virtual-dtor
    -Wold-style-cast -Wimplicit-fallthrough -Werror
    -fstack-protector-strong)
target_compile_definitions(confab_options INTERFACE _GLIBCXX_ASSERTIONS)
target_include_directories(confab_options INTERFACE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR})
target_link_options(confab_options INTERFACE -Wl,-z,relro,-z,now)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # g++ 12 reports these falsely inside std::variant, std::optional and std::string.
    target_compile_options(confab_options INTERFACE -Wno-maybe-uninitialized -Wno-restrict
        -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread )
endif()
find_program(CONFAB_MOLD mold)
if(CONFAB_MOLD)
    add_link_options(-fuse-ld=mold)
endif()
find_program(CONFAB_CCACHE ccache)
if(CONFAB_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${PROJECT_SOURCE_DIR}/tools/compile ${CONFAB_CCACHE})
    set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
    if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
        # Precompiled headers that hold in every clone, too: no times, and files by their path from the
        # build's folder, which clang does below a "system root" (include directories are not).
        add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp -Xclang -isysroot -Xclang .>")
        list(APPEND CMAKE_CXX_COMPILE_OPTIONS_CREATE_PCH -Xclang -relocatable-pch)
    endif()
endif()
if(CONFAB_SANITIZE)
    add_compile_options(-fsanitize=${CONFAB_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${CONFAB_SANITIZE})
    if(CONFAB_SANITIZE MATCHES "address")
        add_compile_definitions(CONFAB_ASAN=1)
    endif()
endif()
if(CONFAB_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()

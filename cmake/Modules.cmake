# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
# confab_module(NAME [SPEAKS_PROTOCOL] [DIR dir] DEPS modules… LIBS public libraries… PRIVATE libraries… TEST_LIBS …
#               PRECOMPILED headers… TEST_PRECOMPILED headers…)
#   One static library from src/NAME/**.cc and, from its *_test.cc, one doctest program.
#   PRECOMPILED: what most of its sources (of its tests) include, compiled once for them.
#   Files are found by name: NAME_test.cc, NAME_fuzz.cc and NAME_bench.cc are no part of the library.
function(confab_target_name out module)
    string(REPLACE "/" "_" flat ${module})
    set(${out} confab_${flat} PARENT_SCOPE)
endfunction()

function(confab_split_sources dir out_library out_tests)
    file(GLOB_RECURSE all CONFIGURE_DEPENDS ${dir}/*.cc)
    set(tests ${all})
    list(FILTER tests INCLUDE REGEX "_test\\.cc$")
    set(library ${all})
    list(FILTER library EXCLUDE REGEX "(_test|_fuzz|_bench)\\.cc$")
    list(FILTER library EXCLUDE REGEX "/main\\.cc$")
    set(${out_library} ${library} PARENT_SCOPE)
    set(${out_tests} ${tests} PARENT_SCOPE)
endfunction()

# Headers that most files parse, once per build: the standard ones, and for modules that speak the
# protocol those of the messages; each kind for libraries and for tests (with doctest). By <name>, since
# a whole path would make each clone compile anew. g++ builds do without, so that a missing #include
# cannot hide.
function(confab_precompiled)
    if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
        return()
    endif()
    set(empty ${CMAKE_BINARY_DIR}/generated/precompiled.cc)
    file(CONFIGURE OUTPUT ${empty} CONTENT "")
    foreach(kind library test library_proto test_proto)
        set(target confab_precompiled_${kind})
        add_library(${target} OBJECT ${empty})
        target_link_libraries(${target} PRIVATE confab_options)
        if(kind MATCHES "_proto$")
            target_link_libraries(${target} PRIVATE confab_proto_generated)
            target_precompile_headers(${target} PRIVATE <proto/precompiled.h>)
        else()
            target_precompile_headers(${target} PRIVATE <base/precompiled.h>)
        endif()
        if(kind MATCHES "^test")
            target_precompile_headers(${target} PRIVATE <doctest/doctest.h>)
            confab_test_options(${target})
        endif()
        confab_precompiled_code(${target} ${kind} ${target})
    endforeach()
endfunction()

# confab_precompiled_code(TARGET kind owner): without optimisation, which is how tests are compiled and all
# of the builds under sanitizers, the inline functions of the precompiled headers of `owner` are compiled
# once, to an object beside them (tools/compile), not with each file of the target: they are nine tenths
# of what a test compiles to.
function(confab_precompiled_code target kind owner)
    if(CONFAB_CCACHE AND (kind MATCHES "^test" OR CMAKE_CXX_FLAGS_RELEASE MATCHES "-O0"))
        set(header ${CMAKE_BINARY_DIR}/CMakeFiles/${owner}.dir/cmake_pch.hxx.pch)
        if(NOT TARGET ${owner}_code)
            add_custom_command(OUTPUT ${header}.o DEPENDS ${header} COMMAND ${CMAKE_COMMAND} -E true)
            add_custom_target(${owner}_code DEPENDS ${header}.o)
        endif()
        target_compile_options(${target} PRIVATE -fpch-codegen)
        target_link_libraries(${target} PRIVATE ${header}.o)
    endif()
endfunction()

# Test code is compiled far more often than it runs: no optimisation and no checks for undefined
# behaviour, a quarter of its time (the libraries under test have both).
function(confab_test_options target)
    target_compile_definitions(${target} PRIVATE DOCTEST_CONFIG_SUPER_FAST_ASSERTS CONFAB_SOURCE_DIR=".")
    target_compile_options(${target} PRIVATE -O0)
    if(CONFAB_SANITIZE MATCHES "undefined")
        target_compile_options(${target} PRIVATE -fno-sanitize=undefined)
    endif()
endfunction()

# The main() of all test programs, compiled once. It goes to the top of the sources, which is what
# CONFAB_SOURCE_DIR means to tests: no object of theirs has the folder's name, so that ccache serves
# them to every clone.
function(confab_unit_main)
    if(CONFAB_TESTS)
        add_library(confab_unit_main OBJECT ${PROJECT_SOURCE_DIR}/tests/unit_main.cc)
        target_link_libraries(confab_unit_main PRIVATE confab_options)
        target_compile_definitions(confab_unit_main PRIVATE CONFAB_TOP="${PROJECT_SOURCE_DIR}")
    endif()
endfunction()

# confab_use_precompiled(TARGET KIND headers…): those of the kind, with the headers in one of its own.
function(confab_use_precompiled target kind)
    if(arg_SPEAKS_PROTOCOL)
        set(kind ${kind}_proto)
    endif()
    if(NOT TARGET confab_precompiled_${kind})
        return()
    endif()
    if(ARGN)
        set(common base/precompiled.h)
        if(arg_SPEAKS_PROTOCOL)
            set(common proto/precompiled.h)
        endif()
        list(TRANSFORM ARGN REPLACE "(.+)" "<\\1>" OUTPUT_VARIABLE own)
        target_precompile_headers(${target} PRIVATE <${common}> ${own})
        if(kind MATCHES "^test")
            target_precompile_headers(${target} PRIVATE <doctest/doctest.h>)
        endif()
        confab_precompiled_code(${target} ${kind} ${target})
    else()
        target_precompile_headers(${target} REUSE_FROM confab_precompiled_${kind})
        confab_precompiled_code(${target} ${kind} confab_precompiled_${kind})
    endif()
endfunction()

function(confab_link target scope)
    foreach(dep ${ARGN})
        confab_target_name(name ${dep})
        target_link_libraries(${target} ${scope} ${name})
    endforeach()
endfunction()

function(confab_module module)
    cmake_parse_arguments(arg "SPEAKS_PROTOCOL" "DIR"
                          "DEPS;LIBS;PRIVATE;TEST_LIBS;PRECOMPILED;TEST_PRECOMPILED" ${ARGN})
    confab_target_name(target ${module})
    set(dir ${PROJECT_SOURCE_DIR}/src/${module})
    if(arg_DIR)
        set(dir ${PROJECT_SOURCE_DIR}/${arg_DIR})
    endif()
    confab_split_sources(${dir} library tests)
    if(library)
        add_library(${target} STATIC ${library})
        target_link_libraries(${target} PUBLIC confab_options ${arg_LIBS} PRIVATE ${arg_PRIVATE})
        confab_use_precompiled(${target} library ${arg_PRECOMPILED})
        confab_link(${target} PUBLIC ${arg_DEPS})
    else()
        add_library(${target} INTERFACE)
        target_link_libraries(${target} INTERFACE confab_options ${arg_LIBS} ${arg_PRIVATE})
        confab_link(${target} INTERFACE ${arg_DEPS})
    endif()
    if(CONFAB_TESTS AND tests)
        string(REPLACE "confab_" "test_" test_target ${target})
        add_executable(${test_target} ${tests} $<TARGET_OBJECTS:confab_unit_main>)
        target_link_libraries(${test_target} PRIVATE ${target} ${arg_PRIVATE} ${arg_TEST_LIBS})
        target_compile_options(${test_target} PRIVATE -fPIC)  # as the precompiled header
        confab_test_options(${test_target})
        confab_use_precompiled(${test_target} test ${arg_TEST_PRECOMPILED})
        set_target_properties(${test_target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
        add_test(NAME ${test_target} COMMAND ${test_target})
    endif()
endfunction()

# Under sanitizers `all` is what tests there: unit tests and fuzz targets, not the programs that other tests start.
function(confab_no_part_of_sanitized target)
    if(CONFAB_SANITIZE)
        set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL ON)
    endif()
endfunction()

# confab_program(NAME DIR DEPS … PRIVATE … PRECOMPILED … TEST_PRECOMPILED …): the program with DIR/main.cc; the rest of DIR is a
# library so that its parts can be tested.
function(confab_program name dir)
    cmake_parse_arguments(arg "" "" "DEPS;PRIVATE;PRECOMPILED;TEST_PRECOMPILED" ${ARGN})
    string(REPLACE "src/" "" module ${dir})
    confab_module(${module} SPEAKS_PROTOCOL DEPS ${arg_DEPS} PRIVATE ${arg_PRIVATE}
                  PRECOMPILED ${arg_PRECOMPILED} TEST_PRECOMPILED ${arg_TEST_PRECOMPILED})
    if(EXISTS ${PROJECT_SOURCE_DIR}/${dir}/main.cc)
        confab_target_name(target ${module})
        add_executable(${name} ${PROJECT_SOURCE_DIR}/${dir}/main.cc)
        target_link_libraries(${name} PRIVATE ${target} ${arg_PRIVATE})
        set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
        confab_no_part_of_sanitized(${name})
    endif()
endfunction()

# confab_test_program(NAME DEPS …): a program of a suite with real clients, tests/NAME/*.cc.
function(confab_test_program name)
    cmake_parse_arguments(arg "" "" "DEPS" ${ARGN})
    if(NOT CONFAB_TESTS)
        return()
    endif()
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/${name}/*.cc)
    add_executable(${name} ${sources})
    target_link_libraries(${name} PRIVATE confab_options)
    confab_link(${name} PRIVATE ${arg_DEPS})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    confab_no_part_of_sanitized(${name})
endfunction()

# Every fuzz/**/X_fuzz.cc becomes the program fuzz/X_fuzz. Where the code is not made for fuzzing
# (CONFAB_FUZZ) it takes the inputs it is given, all of those in fuzz/corpus, and finds no new ones.
function(confab_fuzz_targets)
    if(NOT CONFAB_TESTS OR NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang" OR CONFAB_SANITIZE MATCHES "thread")
        return()
    endif()
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/fuzz/*_fuzz.cc)
    foreach(source ${sources})
        get_filename_component(name ${source} NAME_WE)
        add_executable(${name} ${source})
        # "// fuzz: modules a b c" on one line of the file names what it links.
        file(STRINGS ${source} uses REGEX "^// fuzz: modules ")
        string(REPLACE "// fuzz: modules " "" uses "${uses}")
        separate_arguments(uses)
        target_link_libraries(${name} PRIVATE confab_options)
        confab_link(${name} PRIVATE ${uses})
        target_link_options(${name} PRIVATE -fsanitize=fuzzer)
        target_compile_options(${name} PRIVATE -fPIC)  # as the precompiled header
        target_precompile_headers(${name} REUSE_FROM confab_precompiled_library)
        confab_precompiled_code(${name} library confab_precompiled_library)
        set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
    endforeach()
endfunction()

# Every bench/X_bench.cc becomes the program bench/X_bench, and all are the target `benches`
# ("// bench: modules …" names what it links, "// bench: links …" a library; "// bench: needs
# ipsec-mb" leaves it out elsewhere).
function(confab_benchmarks)
    add_custom_target(benches)
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/*_bench.cc)
    foreach(source ${sources})
        get_filename_component(name ${source} NAME_WE)
        file(STRINGS ${source} needs REGEX "^// bench: needs ipsec-mb")
        if(needs AND NOT CONFAB_IPSEC_MB_LIBRARY)
            message(STATUS "no ${name}: it needs intel-ipsec-mb")
            continue()
        endif()
        add_executable(${name} EXCLUDE_FROM_ALL ${source})
        add_dependencies(benches ${name})
        file(STRINGS ${source} uses REGEX "^// bench: modules ")
        string(REPLACE "// bench: modules " "" uses "${uses}")
        separate_arguments(uses)
        target_link_libraries(${name} PRIVATE confab_options Threads::Threads CONFAB_IPSEC_MB)
        confab_link(${name} PRIVATE ${uses})
        file(STRINGS ${source} libraries REGEX "^// bench: links ")
        string(REPLACE "// bench: links " "" libraries "${libraries}")
        target_link_libraries(${name} PRIVATE ${libraries})
        set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
    endforeach()
endfunction()

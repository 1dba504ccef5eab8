# SPDX-FileCopyrightText: confab contributors
# SPDX-License-Identifier: Apache-2.0
# confab_proto_generated: every proto/**/*.proto compiled once and without warnings; at -O1 what is
# parsed and written for every participant, the rest (calls of an operator, now and then) at -O0.
# Headers are included as "livekit_models.pb.h": the protos sit flat in proto/livekit, those between
# confab's own processes in proto/rpc, those of services of our own in proto/confab.
file(GLOB confab_protos CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/proto/livekit/*.proto
     ${PROJECT_SOURCE_DIR}/proto/confab/*.proto ${PROJECT_SOURCE_DIR}/proto/rpc/*.proto)
set(confab_proto_dir ${CMAKE_BINARY_DIR}/generated)
file(MAKE_DIRECTORY ${confab_proto_dir})
set(confab_proto_sources)
foreach(proto ${confab_protos})
    get_filename_component(name ${proto} NAME_WE)
    add_custom_command(
        OUTPUT ${confab_proto_dir}/${name}.pb.cc ${confab_proto_dir}/${name}.pb.h
        COMMAND protobuf::protoc --cpp_out=${confab_proto_dir} -I ${PROJECT_SOURCE_DIR}/proto/livekit
                -I ${PROJECT_SOURCE_DIR}/proto/confab -I ${PROJECT_SOURCE_DIR}/proto/rpc ${proto}
        DEPENDS ${confab_protos}
        VERBATIM)
    list(APPEND confab_proto_sources ${confab_proto_dir}/${name}.pb.cc)
endforeach()
if(confab_proto_sources)
    add_library(confab_proto_generated STATIC ${confab_proto_sources})
    target_include_directories(confab_proto_generated SYSTEM PUBLIC ${confab_proto_dir})
    target_link_libraries(confab_proto_generated PUBLIC protobuf::libprotobuf)
    target_compile_options(confab_proto_generated PRIVATE -w -O1)
    foreach(source ${confab_proto_sources})
        if(NOT source MATCHES "livekit_(data|models|room|rtc|webhook)\\.pb\\.cc$")
            set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS -O0)
        endif()
    endforeach()
    if(CONFAB_SANITIZE MATCHES "address")
        # Generated code: checking it would double the time of this build and find nothing of ours.
        target_compile_options(confab_proto_generated PRIVATE -fno-sanitize=all)
    endif()
else()
    add_library(confab_proto_generated INTERFACE)
endif()

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "proto/proto_json.h"

#include <doctest/doctest.h>

#include "livekit_room.pb.h"

namespace confab::proto {

TEST_CASE("protobuf JSON: the two dialects [API-W2] [HOOK-03]") {
    livekit::Room room;
    room.set_name("n");
    room.set_creation_time(5);
    const std::string api = to_api_json(room);
    CHECK(api.find(R"("creation_time":"5")") != std::string::npos);
    CHECK(api.find(R"("empty_timeout":0)") != std::string::npos);
    CHECK(api.find(R"("enabled_codecs":[])") != std::string::npos);
    CHECK(to_camel_json(room) == R"({"name":"n","creationTime":"5"})");
    livekit::Room read;
    CHECK(parse_json(R"({"creationTime":"7","max_participants":3,"x":[{}]})", read));
    CHECK(read.creation_time() == 7);
    CHECK(read.max_participants() == 3);
    CHECK_FALSE(parse_json(R"({"max_participants":-3})", read));
    CHECK_FALSE(parse_json(R"({"max_participants":1.5})", read));
    CHECK_FALSE(parse_json("null", read));
}

}  // namespace confab::proto

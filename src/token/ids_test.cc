// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Identifiers clients parse.
#include "token/ids.h"

#include <doctest/doctest.h>

#include <set>

namespace confab::token {

TEST_CASE("make_id: prefix and 12 characters without look-alikes [SID-01] [SID-02]") {
    Rng rng(1);
    std::set<std::string> seen;
    std::set<char> letters;
    for (int i = 0; i < 5000; ++i) {
        const std::string id = make_id(kRoomPrefix, rng);
        CHECK(id.size() == 15);
        CHECK(id.starts_with("RM_"));
        CHECK(is_valid_id(id));
        seen.insert(id);
        letters.insert(id.begin() + 3, id.end());
    }
    CHECK(seen.size() == 5000);
    CHECK(letters.size() == 57);
    for (const char c : {'0', '1', 'I', 'O', 'l', '_'})
        CHECK_FALSE(letters.contains(c));
}

TEST_CASE("make_track_sid: kind and source letters [SID-03]") {
    Rng rng(2);
    const auto prefix = [&rng](livekit::TrackType type, livekit::TrackSource source) {
        const std::string sid = make_track_sid(type, source, rng);
        CHECK(is_valid_id(sid));
        return sid.substr(0, sid.size() - kIdLength);
    };
    CHECK(prefix(livekit::VIDEO, livekit::CAMERA) == "TR_VC");
    CHECK(prefix(livekit::AUDIO, livekit::MICROPHONE) == "TR_AM");
    CHECK(prefix(livekit::VIDEO, livekit::SCREEN_SHARE) == "TR_VS");
    CHECK(prefix(livekit::AUDIO, livekit::SCREEN_SHARE_AUDIO) == "TR_As");
    CHECK(prefix(livekit::VIDEO, livekit::UNKNOWN) == "TR_V");
}

TEST_CASE("make_deterministic_id: same input, same id [SID-04]") {
    const std::string id = make_deterministic_id(kAgentDispatchPrefix, "request 1");
    CHECK(id == make_deterministic_id(kAgentDispatchPrefix, "request 1"));
    CHECK(id != make_deterministic_id(kAgentDispatchPrefix, "request 2"));
    CHECK(id.starts_with("AD_"));
    CHECK(id.size() == 15);
}

TEST_CASE("is_valid_id: one or two prefixes, then letters and digits [SID-01]") {
    CHECK(is_valid_id("RM_abc"));
    CHECK(is_valid_id("p_RM_abcdefghijkl"));
    for (const char* id : {"", "RM_", "_abc", "abc", "a_b_c_d", "RM_a-b", "RM__abc",
                           "abcdefghijklmnopq_abc", "RM_abcdefghijklmno"})
        CHECK_FALSE(is_valid_id(id));
}

}  // namespace confab::token

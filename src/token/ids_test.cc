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

TEST_CASE("is_valid_id: every length up to the limits, none beyond [SID-01] [SID-03]") {
    const auto id = [](std::size_t prefix, std::size_t rest) {
        return std::string(prefix, 'P') + "_" + std::string(rest, 'x');
    };
    for (std::size_t prefix = 1; prefix <= 16; ++prefix)
        for (std::size_t rest = 1; rest <= 14; ++rest)
            CHECK(is_valid_id(id(prefix, rest)));
    CHECK_FALSE(is_valid_id(id(17, 12)));
    CHECK_FALSE(is_valid_id(id(2, 15)));
    CHECK(is_valid_id(id(16, 0) + id(16, 14)));  // two prefixes, as of a proxied room
    CHECK_FALSE(is_valid_id(id(16, 0) + id(17, 12)));
    for (const char bad : {'-', '.', ' ', '\0', '\x7f', '\xc3', '/', '@', '[', '`', '{', ':'}) {
        CAPTURE(bad);
        CHECK_FALSE(is_valid_id(std::string("RM_ab") + bad));
        CHECK_FALSE(is_valid_id(std::string("R") + bad + "_ab"));
    }
    for (const char edge : {'0', '9', 'A', 'Z', 'a', 'z'})
        CHECK(is_valid_id(std::string(1, edge) + "_" + edge));
}

TEST_CASE("random texts: all letters of their alphabet and no others, as long as asked [SID-02]") {
    Rng rng(3);
    const auto alphabet = [](const std::string& text) {
        return std::set<char>(text.begin(), text.end());
    };
    const std::string letters = random_letters(rng, 5'000);
    CHECK(letters.size() == 5'000);
    CHECK(alphabet(letters) == std::set<char>(kLetters.begin(), kLetters.end()));
    CHECK(alphabet(letters).size() == 52);
    const std::string both = random_alphanumeric(rng, 5'000);
    std::set<char> expected(kLetters.begin(), kLetters.end());
    for (char digit = '0'; digit <= '9'; ++digit)
        expected.insert(digit);
    CHECK(alphabet(both) == expected);
    CHECK(random_letters(rng, 0).empty());
}

TEST_CASE("ids: the same seed gives the same ids, which replays rely on [SID-02] [SIO-01]") {
    Rng one(4);
    Rng two(4);
    for (int i = 0; i < 100; ++i)
        CHECK(make_id(kParticipantPrefix, one) == make_id(kParticipantPrefix, two));
    Rng other(5);
    CHECK(make_id(kParticipantPrefix, one) != make_id(kParticipantPrefix, other));
}

TEST_CASE("make_deterministic_id: all of the input counts, and the prefix stands before [SID-04]") {
    std::set<std::string> seen;
    for (int i = 0; i < 2'000; ++i)
        seen.insert(make_deterministic_id("", "request " + std::to_string(i)));
    CHECK(seen.size() == 2'000);
    CHECK(make_deterministic_id("A_", "x").substr(2) == make_deterministic_id("B_", "x").substr(2));
    // On every machine and in every release: what is stored under it is found again.
    CHECK(make_deterministic_id(kAgentDispatchPrefix, "request 1") == "AD_DZvyuTfykuTc");
}

}  // namespace confab::token

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/sip/rules/media.h"

#include <doctest/doctest.h>

#include <string>

#include "cluster/services/sip/sip_testing.h"

namespace confab::cluster::services::sip {
namespace {

livekit::SIPMediaConfig of(const std::string& json) {
    return testing::from_json<livekit::SIPMediaConfig>(json);
}
livekit::SIPMediaEncryption encryption(const char* below, const char* above) {
    const auto media = [](const std::string& value) {
        return of(value.empty() ? "{}" : R"({"encryption":"SIP_MEDIA_ENCRYPT_)" + value + "\"}");
    };
    return merged(media(below), media(above)).encryption();
}

}  // namespace

TEST_CASE("Media: what is said above goes, but nothing weakens the encryption [SIP-30]") {
    CHECK(encryption("REQUIRE", "DISABLE") == livekit::SIP_MEDIA_ENCRYPT_REQUIRE);
    CHECK(encryption("REQUIRE", "") == livekit::SIP_MEDIA_ENCRYPT_REQUIRE);
    CHECK(encryption("REQUIRE", "ALLOW") == livekit::SIP_MEDIA_ENCRYPT_ALLOW);
    CHECK(encryption("", "ALLOW") == livekit::SIP_MEDIA_ENCRYPT_ALLOW);
    CHECK_FALSE(merged(of("{}"), of("{}")).has_encryption());
}

TEST_CASE("Media: codecs come as one list, the time-out by itself [SIP-30]") {
    const auto below = of(
        R"({"codecs":[{"name":"PCMU","rate":8000}],"onlyListedCodecs":true,"mediaTimeout":"5s"})");
    const auto none = merged(below, of(R"({"onlyListedCodecs":false,"mediaTimeout":"7s"})"));
    CHECK(none.codecs(0).name() == "PCMU");
    CHECK(none.only_listed_codecs());
    CHECK(none.media_timeout().seconds() == 7);
    const auto own = merged(below, of(R"({"codecs":[{"name":"G722","rate":8000}]})"));
    CHECK(own.codecs_size() == 1);
    CHECK(own.codecs(0).name() == "G722");
    CHECK_FALSE(own.only_listed_codecs());
    CHECK(own.media_timeout().seconds() == 5);
}

TEST_CASE("Media: the older field counts where the newer says nothing [SIP-30]") {
    auto info = testing::trunk(R"({"mediaEncryption":"SIP_MEDIA_ENCRYPT_ALLOW"})");
    bring_up(info);
    CHECK(info.media().encryption() == livekit::SIP_MEDIA_ENCRYPT_ALLOW);
    info.set_media_encryption(livekit::SIP_MEDIA_ENCRYPT_REQUIRE);
    bring_up(info);
    CHECK(info.media().encryption() == livekit::SIP_MEDIA_ENCRYPT_ALLOW);
    auto plain = testing::trunk("{}");
    bring_up(plain);
    CHECK(plain.has_media());
    CHECK_FALSE(plain.media().has_encryption());
}

}  // namespace confab::cluster::services::sip

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a connection tells its media worker against what it tells the client.
#include "room/negotiate/peer_link.h"

#include <doctest/doctest.h>

#include "room/test_support.h"
#include "rtc/sdp/description/description.h"

namespace confab::room {
namespace {

using R = livekit::SignalResponse;
using testing::Harness;

std::string offer_with(std::string_view setup, bool ice_lite) {
    std::string sdp = testing::make_offer({});
    const std::string_view from = "a=setup:actpass";
    for (auto at = sdp.find(from); at != std::string::npos; at = sdp.find(from, at + 1))
        sdp.replace(at, from.size(), "a=setup:" + std::string(setup));
    if (ice_lite) sdp.insert(sdp.find("a=group:"), "a=ice-lite\r\n");
    return sdp;
}

}  // namespace

TEST_CASE("PeerLink: the DTLS role of the answer is that of the worker [DTLS-01][ICE-03]") {
    for (const std::string_view setup : {"actpass", "active", "passive"}) {
        for (const bool lite : {false, true}) {
            CAPTURE(setup);
            CAPTURE(lite);
            Harness h;
            const SessionId alice = h.join_active("r", "alice");
            const std::size_t before = h.commands_of<sfu::SetRemote>().size();
            h.offer(alice, offer_with(setup, lite));
            REQUIRE(h.count(alice, R::kAnswer) == 1);
            const auto answer = sdp::parse(h.of(alice, R::kAnswer)[0].answer().sdp());
            REQUIRE(answer.has_value());
            const auto told = answer->sections.at(0).setup;
            REQUIRE(told.has_value());
            CHECK(*told != sdp::Setup::kActPass);
            CHECK(to_text(*told) != setup);
            REQUIRE(h.commands_of<sfu::SetRemote>().size() == before + 1);
            const auto role = h.commands_of<sfu::SetRemote>().back().local_dtls_role;
            CHECK((role == sfu::DtlsRole::kClient) == (*told == sdp::Setup::kActive));
        }
    }
}

TEST_CASE("PeerLink: candidates that descriptions repeat count once [SIG-03] [ICE-13]") {
    Harness h;
    const SessionId alice = h.join_active("r", "alice");
    const auto line = [](int port) {
        return "candidate:1 1 udp 1 10.0.0.1 " + std::to_string(port) + " typ host";
    };
    const auto told = [&] { return h.commands_of<sfu::AddRemoteCandidate>().size(); };
    const auto trickle = [&](int port) {
        livekit::SignalRequest request;
        request.mutable_trickle()->set_candidateinit(R"({"candidate":")" + line(port) + R"("})");
        h.send(alice, request);
    };
    std::string offer = testing::make_offer({});
    for (int port = 1; port <= 10; ++port)
        offer += "a=" + line(port) + "\r\n";
    for (std::uint32_t id = 1; id <= 100; ++id)
        h.offer(alice, offer, id);
    CHECK(told() == 10);
    for (int port = 1; port <= static_cast<int>(PeerLink::kMaxCandidates) + 1; ++port)
        trickle(port);
    CHECK(told() == PeerLink::kMaxCandidates);
    CHECK(h.manager.snapshot().counters.dropped_candidates == 1);
    // After a restart all are new.
    std::string restarted = testing::make_offer({}, 0, 0, "othr");
    restarted += "a=" + line(1) + "\r\n";
    h.offer(alice, restarted, 101);
    CHECK(told() == PeerLink::kMaxCandidates + 1);
}

TEST_CASE("PeerLink: Chromium is offered AES-GCM alone, who is unknown all profiles [DES-23]") {
    const auto offered = [](const char* browser, const char* version, const char* os) {
        Harness h;
        JoinParams params = testing::test_join("r", "alice");
        params.client.set_browser(browser);
        params.client.set_browser_version(version);
        params.client.set_os(os);
        (void)h.join(params);
        return h.commands_of<sfu::CreatePeer>().at(0).srtp_profiles;
    };
    using P = sfu::SrtpProfile;
    const std::vector gcm{P::kAeadAes128Gcm, P::kAeadAes256Gcm};
    const std::vector all{P::kAeadAes128Gcm, P::kAeadAes256Gcm, P::kAes128CmSha1_80};
    CHECK(offered("Chrome", "120", "Linux") == gcm);
    CHECK(offered("HeadlessChrome", "156.0.1", "Linux") == gcm);
    CHECK(offered("Edge", "130.0", "Windows") == gcm);
    CHECK(offered("Chrome", "119.9", "Linux") == all);
    CHECK(offered("Chrome", "140", "iOS") == all);
    CHECK(offered("Firefox", "140", "Linux") == all);
    CHECK(offered("Safari", "18", "macOS") == all);
}

TEST_CASE("PeerLink: after a handshake that failed with GCM alone all profiles [DES-23]") {
    for (const auto failure : {sfu::PeerFailure::kDtls, sfu::PeerFailure::kFingerprint}) {
        Harness h;
        h.auto_connect = false;
        const auto join = [&](const char* identity) {
            JoinParams params = testing::test_join("r", identity);
            params.client.set_browser("Chrome");
            params.client.set_browser_version("140");
            params.client.set_os("Linux");
            const SessionId session = h.join(params);
            return std::pair(session, h.commands_of<sfu::CreatePeer>().back());
        };
        const auto [alice, peer] = join("alice");
        REQUIRE(peer.srtp_profiles.size() == 2);
        sfu::PeerStateChanged failed;
        failed.peer = peer.peer;
        failed.state = sfu::PeerState::kFailed;
        failed.failure = failure;
        h.event(failed);
        REQUIRE(h.count(alice, R::kLeave) == 1);
        const bool dtls = failure == sfu::PeerFailure::kDtls;
        CHECK(join("alice").second.srtp_profiles.size() == (dtls ? 3 : 2));
        CHECK(join("bob").second.srtp_profiles.size() == 2);
    }
}

}  // namespace confab::room

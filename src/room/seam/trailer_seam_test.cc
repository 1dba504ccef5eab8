// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Frames with a packet trailer, to a client that takes it off itself and to one that would show it:
// 02 IN-42, 01 SIG-66.
#include <doctest/doctest.h>

#include "room/seam/media_seam_testing.h"
#include "wire/rtcp/rtcp.h"
#include "wire/video/packet_trailer_testing.h"

namespace confab::room::testing {
namespace {

using wire::test::joined;

const Bytes kTrailer = wire::test::usual_packet_trailer();

// A VP8 frame behind its descriptor: a key frame of 64 x 48, and what it shows.
Bytes key_frame(std::uint8_t number) {
    Bytes frame{0, 0, 0, 0x9D, 0x01, 0x2A, 64, 0, 48, 0};
    frame.resize(60, number);
    return frame;
}

struct Trio {
    explicit Trio(bool announced, bool encrypted = false) {
        const SessionId alice = w.room.join_active("r", "alice");
        (void)w.room.join_active("r", "plain");
        JoinParams params = test_join("r", "knows");
        params.client.add_capabilities(livekit::ClientInfo::CAP_PACKET_TRAILER);
        (void)w.room.join(params);
        livekit::SignalRequest request;
        livekit::AddTrackRequest& add = *request.mutable_add_track();
        add.set_cid("cam");
        add.set_type(livekit::VIDEO);
        add.set_source(livekit::CAMERA);
        if (announced) add.add_packet_trailer_features(livekit::PTF_USER_TIMESTAMP);
        if (encrypted) add.set_encryption(livekit::Encryption::GCM);
        w.room.send(alice, request);
        w.room.offer(alice, make_offer({{"cam", true, {}}}));
        w.run(Duration::seconds(1));
        camera.emplace(w.receiver(0), 77);
        const auto down = w.room.commands_of<sfu::AddDownTrack>();
        REQUIRE(down.size() == 2);
        plain = down[0].strip_packet_trailers || !announced ? down[0] : down[1];
        knows = plain.down_track == down[0].down_track ? down[1] : down[0];
    }
    void send(const Bytes& frame, bool marker = true) {
        camera->timestamp += 3000;
        w.send(w.receiver(0).peer, camera->packet(joined({0x10}, frame), marker));
        w.run(Duration::millis(33));
    }
    // What came of the last frame, behind its descriptor.
    Bytes last(const sfu::AddDownTrack& to) {
        const sfu::test::ReceivedRtp& packet = w.client(to.peer).rtp.back();
        return {packet.payload.begin() + 1, packet.payload.end()};
    }

    RoomAndShard w;
    std::optional<Stream> camera;
    sfu::AddDownTrack plain;
    sfu::AddDownTrack knows;
};

}  // namespace

TEST_CASE("Trailers: who does not know them does not get them [IN-42] [SIG-66] [IN-43] [outside]") {
    for (const bool encrypted : {false, true}) {
        Trio t(true, encrypted);
        for (std::uint8_t number = 1; number <= 5; ++number) {
            const bool marker = number != 3;
            const Bytes frame = key_frame(number);
            t.send(joined(frame, kTrailer), marker);
            CHECK(t.last(t.knows) == joined(frame, kTrailer));
            CHECK(t.last(t.plain) == (marker ? frame : joined(frame, kTrailer)));
        }
    }
}

TEST_CASE("Trailers: of a track that announced none nothing is cut off [IN-42]") {
    Trio t(false);
    const Bytes frame = joined(key_frame(1), kTrailer);
    t.send(frame);
    CHECK(t.last(t.knows) == frame);
    CHECK(t.last(t.plain) == frame);
}

TEST_CASE("Trailers: a lost frame comes again without its trailer [IN-42] [FWD-11]") {
    Trio t(true);
    const Bytes frame = key_frame(9);
    t.send(joined(frame, kTrailer));
    t.send(key_frame(10));
    auto& seen = t.w.client(t.plain.peer).rtp;
    const std::uint16_t lost = seen.at(seen.size() - 2).sequence;
    t.w.run(Duration::millis(200));
    const std::size_t before = seen.size();
    Bytes compound(100);
    ByteWriter out(compound);
    const std::vector<std::uint16_t> list{lost};
    REQUIRE(wire::write_nack(out, 1, t.plain.ssrc.value(), list));
    compound.resize(out.size());
    t.w.send_rtcp(t.plain.peer, compound);
    t.w.run(Duration::millis(50));
    std::size_t copies = 0;
    for (std::size_t i = before; i < seen.size(); ++i) {
        if (seen[i].ssrc != t.plain.rtx_ssrc.value()) continue;
        ++copies;
        CHECK(load_be16(seen[i].payload.data()) == lost);
        CHECK(Bytes(seen[i].payload.begin() + 3, seen[i].payload.end()) == frame);
    }
    CHECK(copies == 1);
}

}  // namespace confab::room::testing

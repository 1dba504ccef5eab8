// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Streams are known by what their packets say of themselves, not by all that an offer says of
// SSRCs: 02 SDP-28.
#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "room/seam/media_seam_testing.h"

namespace confab::room::testing {
namespace {

void add_camera(RoomAndShard& w, SessionId alice) {
    livekit::SignalRequest request;
    request.mutable_add_track()->set_cid("cam");
    request.mutable_add_track()->set_type(livekit::VIDEO);
    request.mutable_add_track()->set_source(livekit::CAMERA);
    w.room.send(alice, request);
}

// A key frame of VP8, 64 x 48, behind a descriptor without fields.
Bytes key_frame() {
    Bytes frame{0x10, 0, 0, 0, 0x9D, 0x01, 0x2A, 64, 0, 48, 0};
    frame.resize(60, 7);
    return frame;
}

// A packet with these extensions and no other.
Bytes packet_of(Stream& source, const std::vector<std::pair<std::uint8_t, Bytes>>& values) {
    Bytes out(1400);
    ByteWriter writer(out);
    wire::RtpHeader header;
    header.payload_type = source.pt;
    header.sequence = source.sequence++;
    header.timestamp = source.timestamp += 3000;
    header.ssrc = source.ssrc;
    header.marker = true;
    header.has_extension = !values.empty();
    wire::write_rtp_header(writer, header);
    wire::ExtensionWriter extensions;
    for (const auto& [id, value] : values)
        extensions.add(id, value);
    if (!values.empty()) extensions.write(writer);
    writer.bytes(key_frame());
    out.resize(writer.size());
    return out;
}

Bytes text(std::string_view value) {
    return {value.begin(), value.end()};
}

}  // namespace

TEST_CASE(
    "SSRCs: streams without a declaration are known by mid and rid, a SIM group makes no layers, "
    "SSRC 0 is nobody's [SDP-28] [outside]") {
    for (const bool sim_group : {false, true}) {
        CAPTURE(sim_group);
        RoomAndShard w;
        const SessionId alice = w.room.join_active("r", "alice");
        (void)w.room.join_active("r", "bob");
        add_camera(w, alice);
        std::string offer = make_offer(
            {{"cam", true,
              sim_group ? std::vector<std::string>{} : std::vector<std::string>{"q", "h", "f"}}});
        if (sim_group) {
            std::string lines = "a=ssrc-group:SIM 71 72 73\r\n";
            for (const char* ssrc : {"71", "72", "73"})
                lines += std::string("a=ssrc:") + ssrc + " cname:c\r\n";
            offer.insert(offer.find("a=msid:"), lines);
        }
        w.room.offer(alice, offer);
        w.run(Duration::seconds(1));
        const sfu::AddReceiver receiver = w.receiver(0);
        std::set<std::string> rids;
        for (const auto& layer : receiver.layers)
            rids.insert(layer.rid);
        CHECK(rids ==
              (sim_group ? std::set<std::string>{""} : std::set<std::string>{"q", "h", "f"}));
        sfu::test::Client& eyes = w.client(w.room.commands_of<sfu::AddDownTrack>().at(0).peer);
        const auto sent = [&](std::uint32_t ssrc,
                              const std::vector<std::pair<std::uint8_t, Bytes>>& values) {
            Stream source(receiver, ssrc);
            const std::size_t before = eyes.rtp.size();
            for (int i = 0; i < 20; ++i) {
                w.send(receiver.peer, packet_of(source, values));
                w.run(Duration::millis(33));
            }
            return eyes.rtp.size() - before;
        };
        const std::pair<std::uint8_t, Bytes> mid{receiver.extensions.mid, text(receiver.mid)};
        const std::pair<std::uint8_t, Bytes> rid{receiver.extensions.rid, text("q")};
        CHECK(sent(0, {mid}) == 0);
        if (sim_group) {
            // The first one is the track, the others are nothing.
            CHECK(sent(71, {}) >= 19);
            CHECK(sent(72, {}) == 0);
        } else {
            CHECK(sent(555, {}) == 0);
            CHECK(sent(556, {mid, rid}) >= 19);
        }
    }
}

}  // namespace confab::room::testing

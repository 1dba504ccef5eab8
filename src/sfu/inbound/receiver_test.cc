// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One codec of a published track and its streams (02 SDP-27, SDP-28, IN-05, IN-13).
#include "sfu/inbound/receiver.h"

#include <doctest/doctest.h>

#include "sfu/inbound/inbound_testing.h"

namespace confab::sfu {
namespace {

using namespace inbound_test;

AddReceiver simulcast() {
    AddReceiver config = video_receiver();
    config.layers = {{"q", 0, {}, {}, 0, 0}, {"h", 1, {}, {}, 0, 0}, {"f", 2, {}, {}, 0, 0}};
    return config;
}

}  // namespace

TEST_CASE("Receiver: rids name layers; without any all belongs to the one [SDP-27]") {
    Receiver layers(simulcast());
    CHECK(layers.find_layer("h")->spatial == 1);
    CHECK(layers.find_layer("x") == nullptr);
    CHECK(layers.find_layer("") == nullptr);
    CHECK(layers.attach("x", Ssrc(1)) == nullptr);
    Receiver plain(video_receiver());
    CHECK(plain.find_layer("whatever") != nullptr);
    AddReceiver named = video_receiver();
    named.layers.front().rid = "f";
    CHECK(Receiver(named).find_layer("h") == nullptr);  // one, but with a name
    AddReceiver none = video_receiver();
    none.layers.clear();
    Receiver made(none);
    REQUIRE(made.attach("", Ssrc(1)) != nullptr);
    CHECK(made.find_by_spatial(0)->ssrc() == Ssrc(1));
}

TEST_CASE("Receiver: a stream for each layer, a new one for a new SSRC of it [SDP-28]") {
    Receiver receiver(simulcast());
    CHECK(receiver.find_by_spatial(0) == nullptr);
    const InboundStream* low = receiver.attach("q", Ssrc(11));
    REQUIRE(receiver.attach("f", Ssrc(13)) != nullptr);
    CHECK(receiver.attach("q", Ssrc(11)) == low);
    CHECK(receiver.streams().size() == 2);
    CHECK(receiver.find_by_spatial(2)->ssrc() == Ssrc(13));
    CHECK(receiver.find_by_spatial(1) == nullptr);
    // What was known of the stream before is gone with it.
    Bytes bytes = build({1, 0, 96, 11, vp8_key()});
    InboundStream* stream = receiver.find_by_spatial(0);
    REQUIRE(stream->receive(at_ms(0), wire::parse_rtp(bytes).value()));
    CHECK(receiver.attach("q", Ssrc(11))->started());
    CHECK_FALSE(receiver.attach("q", Ssrc(21))->started());
    CHECK(receiver.streams().size() == 2);
    CHECK(receiver.find_by_spatial(0)->ssrc() == Ssrc(21));
}

TEST_CASE("Receiver: a mute reaches each of its streams [IN-04]") {
    Receiver receiver(simulcast());
    for (const auto& [rid, ssrc] : {std::pair{"q", 11U}, std::pair{"f", 13U}}) {
        InboundStream* stream = receiver.attach(rid, Ssrc(ssrc));
        for (const std::uint16_t number : std::vector<std::uint16_t>{1, 3}) {
            Bytes bytes = build({number, number * 3000U, 96, ssrc, vp8_key()});
            REQUIRE(stream->receive(at_ms(0), wire::parse_rtp(bytes).value()));
        }
    }
    CHECK_FALSE(receiver.muted());
    receiver.set_muted(Timestamp(), true);
    CHECK(receiver.muted());
    std::array<std::uint8_t, 100> buffer{};
    for (const auto& stream : receiver.streams()) {
        ByteWriter out(buffer);
        CHECK(stream->write_nack(at_ms(500), out) == 0);
    }
    receiver.set_muted(Timestamp(), false);
    CHECK_FALSE(receiver.muted());
}

TEST_CASE("Receiver: the start of each layer is told once, the worst loss is taken once [IN-05]") {
    Receiver receiver(simulcast());
    for (std::uint8_t spatial = 0; spatial < 3; ++spatial) {
        CHECK_FALSE(receiver.has_started(spatial));
        CHECK(receiver.take_started(spatial, spatial == 2));
        CHECK_FALSE(receiver.take_started(spatial, spatial == 2));
        CHECK(receiver.has_started(spatial));
    }
    // And once more when its size is known.
    for (std::uint8_t spatial = 0; spatial < 3; ++spatial) {
        CHECK(receiver.take_started(spatial, true) == (spatial < 2));
        CHECK_FALSE(receiver.take_started(spatial, true));
        CHECK_FALSE(receiver.take_started(spatial, false));
    }
    for (const std::uint8_t loss : std::vector<std::uint8_t>{3, 200, 7})
        receiver.note_loss(loss);
    CHECK(receiver.take_worst_loss() == 200);
    CHECK(receiver.take_worst_loss() == 0);
    CHECK(receiver.accepts_payload_type(96));
    CHECK_FALSE(receiver.accepts_payload_type(97));
    CHECK(receiver.is_rtx_payload_type(97));
    CHECK_FALSE(receiver.is_rtx_payload_type(96));
    Receiver sound(audio_receiver(false));
    CHECK_FALSE(sound.is_rtx_payload_type(0));  // it has none
}

}  // namespace confab::sfu

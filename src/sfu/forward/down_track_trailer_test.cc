// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Packet trailers: passed on, or left out for a subscriber that does not know them (02 IN-42).
#include <doctest/doctest.h>

#include <tuple>

#include "sfu/forward/forward_testing.h"
#include "sfu/forward/leg_testing.h"
#include "wire/video/packet_trailer_testing.h"

namespace confab::sfu {
namespace {

using test::at_ms;
using test::Leg;
using wire::test::joined;
using wire::test::packet_trailer;
using wire::test::usual_packet_trailer;

const Bytes kPicture(100, 0x5A);

AddDownTrack config_of(Codec codec, bool strip) {
    AddDownTrack config = test::subscription(codec);
    config.strip_packet_trailers = strip;
    return config;
}

// What goes out of one frame with this end.
Bytes sent_of(Leg& leg, const Bytes& payload, std::int64_t ms, bool marker = true) {
    leg.stream.packet().payload = payload;
    leg.stream.packet().marker = leg.stream.packet().frame_end = marker;
    const auto sent = leg.send(ms, 3000, ms == 0);
    REQUIRE(sent);
    CHECK(sent->marker == marker);
    return to_vector(sent->body(payload));
}

}  // namespace

TEST_CASE("DownTrack: a trailer passes, or is left out for those who do not know it [IN-42]") {
    const Bytes payload = joined(kPicture, usual_packet_trailer());
    for (const bool strip : {false, true}) {
        Leg leg(config_of(Codec::kH264, strip), Codec::kH264);
        CHECK(sent_of(leg, payload, 0) == (strip ? kPicture : payload));
        // Without marker it passes, and so does what ends otherwise.
        CHECK(sent_of(leg, payload, 33, false) == payload);
        CHECK(sent_of(leg, kPicture, 66) == kPicture);
        // Nothing but a trailer: an empty packet keeps the marker.
        CHECK(sent_of(leg, usual_packet_trailer(), 99) ==
              (strip ? Bytes{} : usual_packet_trailer()));
    }
}

TEST_CASE("DownTrack: length and name of a trailer are trusted alone [IN-42]") {
    Leg leg(config_of(Codec::kH264, true), Codec::kH264);
    const Bytes picture(300, 0x5A);
    CHECK(sent_of(leg, joined(picture, packet_trailer({})), 0) == picture);
    CHECK(sent_of(leg, joined(picture, packet_trailer({{200, Bytes(9, 1)}})), 33) == picture);
    CHECK(sent_of(leg, joined(picture, packet_trailer({}, 200)), 66).size() == 105);
    for (const unsigned impossible : {0U, 4U}) {
        const Bytes payload =
            joined(picture, packet_trailer({}, static_cast<std::uint8_t>(impossible)));
        CHECK(sent_of(leg, payload, 99 + impossible) == payload);
    }
}

TEST_CASE("DownTrack: a trailer at the end of an aggregate of NAL units stays [IN-42]") {
    // STAP-A (24) and AP (48): their last unit has its length before it.
    for (const auto& [codec, first, kept] :
         {std::tuple{Codec::kH264, 24, true}, std::tuple{Codec::kH264, 28, false},
          std::tuple{Codec::kH265, 96, true}, std::tuple{Codec::kH265, 98, false},
          std::tuple{Codec::kH265, 24, false}}) {
        CAPTURE(first);
        Leg leg(config_of(codec, true), codec);
        Bytes picture = kPicture;
        picture[0] = static_cast<std::uint8_t>(first);
        const Bytes payload = joined(picture, usual_packet_trailer());
        CHECK(sent_of(leg, payload, 0) == (kept ? payload : picture));
    }
}

TEST_CASE("DownTrack: a trailer behind a descriptor that is made anew [IN-42] [IN-34]") {
    const Bytes descriptor{0x10};
    const auto whole = [&](const Bytes& end) { return joined(descriptor, end); };
    Leg leg(config_of(Codec::kVp8, true), Codec::kVp8);
    CHECK(sent_of(leg, whole(joined(kPicture, usual_packet_trailer())), 0) == kPicture);
    // All behind the descriptor, and one octet more, which is the descriptor's.
    CHECK(sent_of(leg, whole(joined(kPicture, packet_trailer({}, 105))), 33).empty());
    const Bytes beyond = joined(kPicture, packet_trailer({}, 106));
    CHECK(sent_of(leg, whole(beyond), 66) == beyond);
}

TEST_CASE("DownTrack: a copy leaves out what the packet left out [IN-42] [FWD-11]") {
    const Bytes trailer = usual_packet_trailer();
    for (const Codec codec : {Codec::kH264, Codec::kVp8}) {
        for (const bool strip : {false, true}) {
            Leg leg(config_of(codec, strip), codec);
            std::int64_t ms = 0;
            // The last one is nothing but a trailer, and asked for all the same.
            for (const Bytes& end : {joined(kPicture, trailer), kPicture, trailer}) {
                const Bytes payload = codec == Codec::kVp8 ? joined({0x10}, end) : end;
                for (const bool marker : {true, false}) {
                    leg.stream.packet().payload = payload;
                    leg.stream.packet().marker = leg.stream.packet().frame_end = marker;
                    const MediaPacket source = leg.stream.next(3000, ms == 0);
                    const auto sent = test::pass(leg.track, source, at_ms(ms));
                    REQUIRE(sent);
                    auto copy = leg.nack(sent->sequence, ms + 500);
                    REQUIRE(copy.size() == 1);
                    complete_resend(copy[0], source, leg.track.strips_trailers());
                    const Bytes again = to_vector(copy[0].packet.body(payload));
                    CHECK(again == to_vector(sent->body(payload)));
                    const bool cut = strip && marker && end != kPicture;
                    CHECK(again.size() == end.size() - (cut ? trailer.size() : 0));
                    ms += 1000;
                }
            }
        }
    }
}

// A layer of a picture is a frame of its own, the marker is at the end of the last one.
TEST_CASE("DownTrack: of a layer below the highest its trailer is left out, too [IN-42]") {
    const Bytes payload = joined(kPicture, usual_packet_trailer());
    for (const bool strip : {false, true}) {
        const Bytes& wanted = strip ? kPicture : payload;
        SourceState source = test::source_of(Codec::kVp9);
        source.mode = LayerMode::kMultipleSpatialLayersPerStream;
        Leg leg(config_of(Codec::kVp9, strip), source);
        leg.stream.packet().payload = payload;
        leg.stream.packet().marker = false;
        const MediaPacket packet = leg.stream.next(0, true);
        const auto sent = test::pass(leg.track, packet, at_ms(0));
        REQUIRE(sent);
        CHECK_FALSE(sent->marker);
        CHECK(to_vector(sent->body(payload)) == wanted);
        auto copy = leg.nack(sent->sequence, 500);
        REQUIRE(copy.size() == 1);
        complete_resend(copy[0], packet, leg.track.strips_trailers());
        CHECK(to_vector(copy[0].packet.body(payload)) == wanted);
    }
}

TEST_CASE("DownTrack: a trailer that is left out does not count as sent [IN-42] [FWD-10]") {
    std::array<std::uint64_t, 2> octets{};
    for (const bool strip : {false, true}) {
        Leg leg(config_of(Codec::kH264, strip), Codec::kH264);
        (void)sent_of(leg, joined(kPicture, usual_packet_trailer()), 0);
        octets.at(strip ? 1 : 0) = leg.track.stats().octets;
    }
    CHECK(octets[0] == octets[1] + usual_packet_trailer().size());
}

}  // namespace confab::sfu

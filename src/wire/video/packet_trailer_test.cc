// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/video/packet_trailer.h"

#include <doctest/doctest.h>

#include "wire/video/packet_trailer_testing.h"

namespace confab::wire {
namespace {

using test::joined;
using test::packet_trailer;

Bytes picture(std::size_t size) {
    return Bytes(size, 0x5A);
}

TEST_CASE("packet trailer: is found behind a frame by its length and its name [IN-42]") {
    const Bytes trailer = test::usual_packet_trailer();
    REQUIRE(trailer.size() == 21);
    CHECK(packet_trailer_size(joined(picture(100), trailer)) == 21);
    CHECK(packet_trailer_size(trailer) == 21);  // a packet of nothing else
    // As a recorded client wrote it: frame id 7, then the length 11 and the name.
    const Bytes written{0xFD, 0xFB, 0xFF, 0xFF, 0xFF, 0xF8, 0xF4, 'L', 'K', 'T', 'S'};
    CHECK(packet_trailer({{2, {0, 0, 0, 7}}}) == written);
    CHECK(packet_trailer_size(joined(picture(3), written)) == 11);
}

TEST_CASE("packet trailer: what its values are is not looked at [IN-42]") {
    CHECK(packet_trailer_size(joined(picture(50), packet_trailer({{200, picture(30)}}))) == 37);
    CHECK(packet_trailer_size(joined(picture(50), packet_trailer({}))) == 5);
    // A length that reaches into the picture.
    CHECK(packet_trailer_size(joined(picture(300), packet_trailer({}, 200))) == 200);
    CHECK(packet_trailer_size(joined(picture(300), packet_trailer({}, 255))) == kMaxPacketTrailer);
}

TEST_CASE("packet trailer: a length that cannot be is none [IN-42]") {
    for (const unsigned claimed : {0U, 1U, 4U})
        CHECK(packet_trailer_size(joined(
                  picture(50), packet_trailer({}, static_cast<std::uint8_t>(claimed)))) == 0);
    CHECK(packet_trailer_size(joined(picture(50), packet_trailer({}, 5))) == 5);
    // As much as there is, and one more.
    CHECK(packet_trailer_size(joined(picture(94), packet_trailer({}, 99))) == 99);
    CHECK(packet_trailer_size(joined(picture(94), packet_trailer({}, 100))) == 0);
}

TEST_CASE("packet trailer: other ends of frames are none [IN-42]") {
    CHECK(packet_trailer_size({}) == 0);
    const Bytes empty = packet_trailer({});
    CHECK(packet_trailer_size(empty) == 5);
    CHECK(packet_trailer_size(BytesView(empty).last(4)) == 0);  // the name alone
    CHECK(packet_trailer_size(picture(100)) == 0);
    for (std::size_t i = 1; i < empty.size(); ++i) {
        Bytes other = joined(picture(20), empty);
        other[20 + i] ^= 0x20;
        CHECK(packet_trailer_size(other) == 0);
    }
    // One that does not end the frame.
    CHECK(packet_trailer_size(joined(joined(picture(20), empty), picture(1))) == 0);
}

}  // namespace
}  // namespace confab::wire

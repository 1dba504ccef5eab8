// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/ice/channel_data.h"

#include <doctest/doctest.h>

#include <array>

#include "wire/ice/stun.h"

using namespace confab;
using namespace confab::wire;

namespace {

using State = TurnFrame::State;

Bytes binding_request() {
    Bytes buffer(200);
    StunBuilder builder(buffer, StunClass::kRequest, StunMethod::kBinding, {1, 2, 3});
    builder.text(StunAttr::kSoftware, "abcde");
    return to_vector(builder.finish());
}

}  // namespace

TEST_CASE("ChannelData: on UDP as long as its data, in a stream a multiple of four [TURN-14]") {
    const Bytes data = {1, 2, 3, 4, 5};
    std::array<std::uint8_t, 64> out{};
    const Bytes plain = to_vector(build_channel_data(out, 0x4001, data, false));
    CHECK(plain == Bytes{0x40, 0x01, 0, 5, 1, 2, 3, 4, 5});
    const Bytes padded = to_vector(build_channel_data(out, 0x4001, data, true));
    CHECK(padded == Bytes{0x40, 0x01, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0});
    for (const Bytes& message : {plain, padded}) {
        const auto parsed = ChannelData::parse(message);
        REQUIRE(parsed.has_value());
        CHECK(parsed->channel == 0x4001);
        CHECK(to_vector(parsed->data) == data);  // padding is not data
    }
    std::array<std::uint8_t, 8> small{};
    CHECK(build_channel_data(small, 0x4001, data, false).empty());
}

TEST_CASE("ChannelData: what is cut off or no ChannelData is none [TURN-14]") {
    CHECK_FALSE(ChannelData::parse({}));
    CHECK_FALSE(ChannelData::parse(Bytes{0x40, 0x01, 0}));
    CHECK_FALSE(ChannelData::parse(Bytes{0x40, 0x01, 0, 3, 1, 2}));
    CHECK_FALSE(ChannelData::parse(Bytes{0x80, 0x01, 0, 0}));
    CHECK_FALSE(ChannelData::parse(Bytes{0x00, 0x01, 0, 0}));
    CHECK(ChannelData::parse(Bytes{0x40, 0x01, 0, 0})->data.empty());
}

TEST_CASE("next_turn_frame: messages of both kinds, however a stream is cut [TURN-14]") {
    std::array<std::uint8_t, 64> out{};
    const Bytes request = binding_request();
    const Bytes channel = to_vector(build_channel_data(out, 0x4001, Bytes{1, 2, 3, 4, 5}, true));
    Bytes stream = request;
    stream.insert(stream.end(), channel.begin(), channel.end());

    for (std::size_t size = 0; size < request.size(); ++size)
        CHECK(next_turn_frame(BytesView(stream).first(size), true).state == State::kMore);
    CHECK(next_turn_frame(stream, true).state == State::kWhole);
    CHECK(next_turn_frame(stream, true).size == request.size());

    const BytesView rest = BytesView(stream).subspan(request.size());
    for (std::size_t size = 0; size < rest.size(); ++size)
        CHECK(next_turn_frame(rest.first(size), true).state == State::kMore);
    CHECK(next_turn_frame(rest, true).size == 12);
}

TEST_CASE("next_turn_frame: who has no allocation sends short messages only [TURN-14] [IMM-3]") {
    const auto state = [](std::size_t length, bool allocated) {
        Bytes header = {0, 3, 0, 0, 0x21, 0x12, 0xA4, 0x42};
        header[2] = static_cast<std::uint8_t>(length >> 8);
        header[3] = static_cast<std::uint8_t>(length & 0xFF);
        return next_turn_frame(header, allocated).state;
    };
    CHECK(state(kMaxStrangersMessage, false) == TurnFrame::State::kMore);
    CHECK(state(kMaxStrangersMessage + 4, false) == TurnFrame::State::kInvalid);
    CHECK(state(0xFFFC, true) == TurnFrame::State::kMore);
}

TEST_CASE("next_turn_frame: a stream of something else is told by its first bytes [TURN-14]") {
    const Bytes not_turn[] = {{0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01},  // TLS
                              {0x80},
                              {0x00, 0x01, 0x00, 0x03},
                              {0x00, 0x01, 0x00, 0x08, 1, 2, 3, 4}};
    for (const bool allocated : {false, true})
        for (const Bytes& stream : not_turn)
            CHECK(next_turn_frame(stream, allocated).state == State::kInvalid);
    // 'G' has the bits of ChannelData, and would make us wait for 21 KiB.
    CHECK(next_turn_frame(as_bytes("GET / HTTP/1.1\r\n"), false).state == State::kInvalid);
}

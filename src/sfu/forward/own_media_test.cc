// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/forward/own_media.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "wire/video/blank_frames.h"

namespace confab::sfu {
namespace {

constexpr Duration kFrame = BlankFrames::kAudioInterval;

Timestamp at_ms(std::int64_t ms) {
    return Timestamp::micros(1'000'000 + ms * 1'000);
}

TEST_CASE("BlankFrames: so many as were asked for, one per call, in their distance [FWD-17]") {
    BlankFrames blank;
    CHECK_FALSE(blank.take_due(at_ms(0), kFrame));
    blank.start(3, at_ms(0));
    CHECK(blank.take_due(at_ms(0), kFrame));
    CHECK(blank.next_deadline() == at_ms(20));
    CHECK_FALSE(blank.take_due(at_ms(19), kFrame));
    // Late: the next one comes a frame later, not at once.
    CHECK(blank.take_due(at_ms(100), kFrame));
    CHECK(blank.next_deadline() == at_ms(120));
    CHECK(blank.take_due(at_ms(120), kFrame));
    CHECK(blank.done());
    CHECK(blank.next_deadline().is_never());
    CHECK_FALSE(blank.take_due(at_ms(200), kFrame));
    blank.start(3, at_ms(300));
    blank.stop();
    CHECK_FALSE(blank.take_due(at_ms(300), kFrame));
}

TEST_CASE("BlankFrames: a frame of each codec that has one, others leave it as it is [FWD-15]") {
    BlankFrames blank;
    REQUIRE(blank.prepare(Codec::kRed, PayloadType(109), {}));
    CHECK(blank.payload().size() == 1 + wire::opus_silence().size());
    CHECK(blank.payload()[0] == 109);
    const Bytes trailer{1, 2, 3};
    REQUIRE(blank.prepare(Codec::kVp8, std::nullopt, trailer));
    const BytesView frame = blank.payload();
    CHECK(frame.size() == wire::vp8_blank_frame().size() + 3);
    CHECK(std::equal(trailer.begin(), trailer.end(), frame.end() - 3));
    CHECK_FALSE(blank.prepare(Codec::kVp9, std::nullopt, {}));
    CHECK(blank.prepare(Codec::kVp8, std::nullopt, trailer));
    CHECK(blank.payload().size() == frame.size());
}

TEST_CASE("EarlyMedia: each 100 ms for 5 s once packets can be sent, only if wanted [FWD-16]") {
    EarlyMedia none;
    none.start(at_ms(0));
    CHECK(none.next_deadline().is_never());
    CHECK_FALSE(none.take_due(at_ms(1'000), false));

    Rng rng(1);
    EarlyMedia early(rng);
    CHECK(early.next_deadline().is_never());
    early.start(at_ms(0));
    int sent = 0;
    for (std::int64_t ms = 0; ms < 10'000; ++ms)
        sent += early.take_due(at_ms(ms), false) ? 1 : 0;
    CHECK(sent == 50);
    early.start(at_ms(20'000));
    CHECK(early.next_deadline().is_never());
}

TEST_CASE("EarlyMedia: none behind the last one or once it is stopped [FWD-16]") {
    Rng rng(1);
    EarlyMedia last(rng), stopped(rng);
    last.start(at_ms(0));
    CHECK(last.take_due(at_ms(100), true));
    CHECK(last.next_deadline().is_never());
    stopped.start(at_ms(0));
    stopped.stop();
    CHECK(stopped.next_deadline().is_never());
    // Both number spaces leave room to go back and before they wrap (FWD-01).
    for (int i = 0; i < 100; ++i) {
        const EarlyMedia one(rng);
        CHECK((one.sequence() >= 0x8000 && one.sequence() < 0xC000));
        CHECK((one.timestamp() >= 0x8000'0000 && one.timestamp() < 0xC000'0000));
    }
}

}  // namespace
}  // namespace confab::sfu

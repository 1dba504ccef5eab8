// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "load/stream_meter.h"

#include <doctest/doctest.h>

namespace confab::load {
namespace {

using client::MediaKind;

constexpr Timestamp at(std::int64_t ms) {
    return Timestamp::micros(ms * 1000);
}

// A stream of pictures of one packet, 30 a second, the first of which is a key frame.
struct Stream {
    explicit Stream(MediaKind kind = MediaKind::kVideo, std::uint32_t sample = 1)
        : meter(kind, sample) {}
    // The n-th packet, as much later than it should.
    bool packet(int n, std::int64_t late_ms = 0) {
        const std::int64_t ms = n * 100 / 3 + late_ms;
        now = at(ms);
        return meter.receive({now, static_cast<std::uint16_t>(65'530 + n),
                              static_cast<std::uint32_t>(n) * 3000, 1000});
    }
    void key() {
        client::MediaStamp stamp;
        stamp.key = true;
        meter.stamped(now, stamp);
    }
    void run(int from, int to) {
        for (int n = from; n < to; ++n) {
            (void)packet(n);
            if (n == 0) key();
        }
    }
    StreamMeter meter;
    Timestamp now;
};

TEST_CASE("StreamMeter: packets in order are counted, over the wrap of numbers [LKC-32]") {
    Stream stream;
    stream.run(0, 100);
    stream.meter.finish(stream.now);
    CHECK(stream.meter.figures().packets == 100);
    CHECK(stream.meter.figures().bytes == 100'000);
    CHECK(stream.meter.figures().lost == 0);
    CHECK(stream.meter.figures().missing == 0);
    CHECK(stream.meter.figures().freezes == 0);
    CHECK(stream.meter.highest_sequence() == 65'530 + 99);
}

TEST_CASE("StreamMeter: contents are wanted until a key frame, then now and then [LKC-32]") {
    Stream stream(MediaKind::kVideo, 10);
    CHECK(stream.packet(0));
    CHECK(stream.packet(1));
    stream.key();
    CHECK(stream.packet(2));
    int wanted = 0;
    for (int n = 3; n < 103; ++n)
        wanted += stream.packet(n) ? 1 : 0;
    CHECK(wanted == 10);
}

TEST_CASE("StreamMeter: what is late is asked for, and no loss once it comes [LKC-32]") {
    Stream stream;
    stream.run(0, 10);
    (void)stream.packet(11);
    CHECK(stream.meter.take_asks(stream.now).empty());
    CHECK(stream.meter.next_deadline() == stream.now + StreamMeter::kFirstAsk);
    CHECK(stream.meter.take_asks(stream.now + StreamMeter::kFirstAsk) ==
          std::vector<std::uint16_t>{static_cast<std::uint16_t>(65'530 + 10)});
    CHECK(stream.meter.take_asks(stream.now + Duration::millis(50)).empty());
    stream.meter.repaired(stream.now + Duration::millis(60),
                          static_cast<std::uint16_t>(65'530 + 10));
    stream.meter.handle_timeout(stream.now + Duration::seconds(2));
    stream.meter.finish(stream.now + Duration::seconds(2));
    CHECK(stream.meter.figures().missing == 1);
    CHECK(stream.meter.figures().repaired == 1);
    CHECK(stream.meter.figures().lost == 0);
    CHECK(stream.meter.figures().packets == 12);
    CHECK(stream.meter.figures().asks == 1);
}

TEST_CASE("StreamMeter: copies of what was not missing, or was repaired, are nothing [LKC-32]") {
    Stream stream;
    stream.run(0, 10);
    (void)stream.packet(11);
    for (const int number : {9, 10, 10, 12})
        stream.meter.repaired(stream.now, static_cast<std::uint16_t>(65'530 + number));
    CHECK(stream.meter.figures().repaired == 1);
    CHECK(stream.meter.figures().packets == 12);
}

TEST_CASE("StreamMeter: out of order is neither lost nor repeated; twice is repeated [LKC-32]") {
    Stream stream;
    stream.run(0, 3);
    (void)stream.packet(4);
    (void)stream.packet(3);
    CHECK_FALSE(stream.packet(3));
    stream.meter.finish(stream.now);
    CHECK(stream.meter.figures().packets == 5);
    CHECK(stream.meter.figures().repeated == 1);
    CHECK(stream.meter.figures().lost == 0);
}

TEST_CASE("StreamMeter: an unrepaired loss breaks pictures until a key frame [LKC-32]") {
    Stream stream;
    stream.run(0, 10);
    (void)stream.packet(11);
    stream.meter.handle_timeout(stream.now + StreamMeter::kPatience - Duration::millis(1));
    CHECK(stream.meter.decodes());
    const Timestamp lost_at = stream.now + StreamMeter::kPatience;
    stream.meter.handle_timeout(lost_at);
    CHECK(stream.meter.figures().lost == 1);
    CHECK(stream.meter.figures().freezes == 1);
    CHECK_FALSE(stream.meter.decodes());
    CHECK(stream.meter.take_key_frame_request(lost_at));
    CHECK_FALSE(stream.meter.take_key_frame_request(lost_at));
    client::MediaStamp stamp;
    stream.meter.stamped(lost_at + Duration::millis(100), stamp);
    CHECK_FALSE(stream.meter.decodes());
    stamp.key = true;
    stream.meter.stamped(lost_at + Duration::millis(300), stamp);
    CHECK(stream.meter.decodes());
    // Since the packet was missed.
    CHECK(stream.meter.figures().frozen == StreamMeter::kPatience + Duration::millis(300));
}

TEST_CASE("StreamMeter: a key frame that comes before a loss is given up ends it [LKC-32]") {
    Stream stream(MediaKind::kVideo, 17);
    stream.run(0, 10);
    CHECK(stream.packet(11));  // without the tenth: contents are wanted
    const Timestamp noticed = stream.now;
    CHECK(stream.packet(12));
    stream.key();
    const Duration took = stream.now - noticed;
    stream.run(13, 40);
    stream.meter.handle_timeout(noticed + StreamMeter::kPatience);
    CHECK(stream.meter.decodes());
    CHECK_FALSE(stream.meter.take_key_frame_request(noticed + StreamMeter::kPatience));
    CHECK(stream.meter.figures().lost == 1);
    CHECK(stream.meter.figures().freezes == 1);
    CHECK(stream.meter.figures().frozen == took);
}

TEST_CASE("StreamMeter: a gap of more than three pictures is a freeze, three are none [LKC-32]") {
    Stream stream;
    stream.run(0, 30);
    (void)stream.packet(30, 60);  // 93 ms
    CHECK(stream.meter.figures().freezes == 0);
    Stream other;
    other.run(0, 30);
    (void)other.packet(30, 80);  // 113 ms
    CHECK(other.meter.figures().freezes == 1);
    CHECK(other.meter.figures().frozen > Duration::millis(75));
    CHECK(other.meter.figures().frozen < Duration::millis(85));
}

TEST_CASE("StreamMeter: gaps before the first picture are none; of sound they are counted apart") {
    StreamMeter video(MediaKind::kVideo, 1);
    for (int n = 0; n < 4; ++n)
        (void)video.receive(
            {at(n * 1000), static_cast<std::uint16_t>(n), 3000U * static_cast<unsigned>(n), 9});
    CHECK(video.figures().freezes == 0);
    StreamMeter audio(MediaKind::kAudio, 1);
    for (const int ms : {0, 20, 40, 60, 130, 150})
        (void)audio.receive(
            {at(ms), static_cast<std::uint16_t>(ms / 10), 48U * static_cast<unsigned>(ms), 9});
    CHECK(audio.figures().freezes == 0);
    CHECK(audio.figures().audio_gaps == 1);
}

TEST_CASE("StreamMeter: fewer pictures a second are soon no freezes") {
    Stream stream;
    stream.run(0, 30);
    for (int n = 32; n < 32 + 4 * 40; n += 4) {
        const auto sequence = static_cast<std::uint16_t>(65'530 + 30 + (n - 32) / 4);
        (void)stream.meter.receive(
            {at(n * 100 / 3), sequence, static_cast<std::uint32_t>(n) * 3000, 9});
    }
    CHECK(stream.meter.figures().freezes <= 5);
}

TEST_CASE("StreamMeter: behind a long gap nothing is asked for, numbers held are bounded") {
    Stream stream;
    stream.run(0, 3);
    (void)stream.packet(3 + static_cast<int>(StreamMeter::kMaxGap) + 1);
    CHECK(stream.meter.figures().lost == StreamMeter::kMaxGap + 1);
    CHECK(stream.meter.take_asks(stream.now + Duration::seconds(1)).empty());
    Stream holes;
    holes.run(0, 1);
    for (int n = 2; n < 2 * static_cast<int>(StreamMeter::kMaxMissing) + 6; n += 2)
        (void)holes.packet(n);
    CHECK(holes.meter.figures().lost == 2);
    holes.meter.finish(holes.now + StreamMeter::kPatience);
    CHECK(holes.meter.figures().lost == StreamMeter::kMaxMissing + 2);
}

TEST_CASE("StreamMeter: what may still be on its way in the end is not lost, older is [LKC-32]") {
    Stream stream;
    stream.run(0, 10);
    (void)stream.packet(11);  // without the tenth
    stream.run(12, 24);
    (void)stream.packet(25);
    const Timestamp end = at(11 * 100 / 3) + StreamMeter::kPatience;
    SUBCASE("just before its time") {
        stream.meter.finish(end - Duration::millis(1));
        CHECK(stream.meter.figures().lost == 0);
        CHECK(stream.meter.figures().freezes == 0);
    }
    SUBCASE("the first of two") {
        stream.meter.finish(end);
        CHECK(stream.meter.figures().lost == 1);
        CHECK(stream.meter.figures().freezes == 1);
        CHECK(stream.meter.figures().frozen == StreamMeter::kPatience);
    }
    CHECK(stream.meter.figures().missing == 2);
    CHECK(stream.meter.figures().stopped == 0);
}

TEST_CASE("StreamMeter: what stops for ever is a freeze, unless it was ended [LKC-32]") {
    for (const bool there : {true, false}) {
        CAPTURE(there);
        Stream stream;
        stream.run(0, 100);
        Stream short_silence = stream;
        short_silence.meter.finish(stream.now + StreamMeter::kStopped, there);
        CHECK(short_silence.meter.figures().freezes == 0);
        stream.meter.finish(stream.now + Duration::seconds(5), there);
        CHECK(stream.meter.figures().freezes == (there ? 1 : 0));
        CHECK(stream.meter.figures().stopped == (there ? 1 : 0));
        CHECK(stream.meter.figures().frozen >
              (there ? Duration::millis(4900) : Duration::millis(-1)));
        CHECK(stream.meter.figures().lost == 0);
    }
    Stream sound(MediaKind::kAudio);
    for (int n = 0; n < 50; ++n)
        (void)sound.packet(n);
    sound.meter.finish(sound.now + Duration::seconds(5));
    CHECK(sound.meter.figures().audio_gaps == 1);
    CHECK(sound.meter.figures().stopped == 1);
    CHECK(sound.meter.figures().freezes == 0);
}

TEST_CASE("StreamMeter: pictures that never begin are a freeze [LKC-32]") {
    Stream stream;
    for (int n = 0; n < 100; ++n)
        (void)stream.packet(n);
    stream.meter.finish(stream.now);
    CHECK(stream.meter.figures().stopped == 1);
    CHECK(stream.meter.figures().freezes == 1);
    CHECK(stream.meter.figures().frozen == stream.now - at(0));
}

TEST_CASE("StreamMeter: an outage is one freeze from its first picture to a key frame [LKC-32]") {
    for (const int pictures : {60, 600}) {
        CAPTURE(pictures);  // of 2 s, and of more than is asked for again
        Stream stream;
        stream.run(0, 30);
        const Timestamp last = stream.now;
        (void)stream.packet(30 + pictures);
        stream.meter.handle_timeout(stream.now + StreamMeter::kPatience);
        CHECK(stream.meter.figures().lost == static_cast<std::uint64_t>(pictures));
        CHECK(stream.meter.figures().freezes == 1);
        client::MediaStamp stamp;
        stamp.key = true;
        const Timestamp again = stream.now + Duration::millis(700);
        stream.meter.stamped(again, stamp);
        CHECK(stream.meter.figures().freezes == 1);
        const Duration all = again - last;
        CHECK(stream.meter.figures().frozen <= all);
        CHECK(stream.meter.figures().frozen > all - Duration::millis(40));
    }
}

TEST_CASE("StreamMeter: a stream without our stamps is only counted") {
    Stream stream;
    for (std::uint32_t n = 0; n < StreamMeter::kMaxForeign; ++n) {
        CHECK(stream.packet(static_cast<int>(n)));
        stream.meter.unstamped();
    }
    CHECK_FALSE(stream.packet(static_cast<int>(StreamMeter::kMaxForeign)));
    CHECK_FALSE(stream.meter.take_key_frame_request(stream.now + Duration::seconds(5)));
}

TEST_CASE("StreamMeter: a picture that never begins is asked for [LKC-33]") {
    Stream stream;
    (void)stream.packet(0);
    CHECK_FALSE(stream.meter.take_key_frame_request(stream.now));
    CHECK(stream.meter.take_key_frame_request(stream.now + StreamMeter::kKeyFrameAgain));
    CHECK(stream.meter.figures().key_asks == 1);
}

}  // namespace
}  // namespace confab::load

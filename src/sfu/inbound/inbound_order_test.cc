// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which packets of a publisher count: late, twice, repaired, far ahead, counted anew (02 IN-01 to
// IN-03, RFC 3550 appendix A.1).
#include <doctest/doctest.h>

#include <set>

#include "sfu/inbound/inbound_stream.h"
#include "sfu/inbound/inbound_testing.h"

namespace confab::sfu {
namespace {

using namespace inbound_test;

constexpr std::uint32_t kFrame = 9000;  // 100 ms

// A camera of one packet each 100 ms.
class Camera : public Feed {
  public:
    explicit Camera(std::uint16_t first) : Feed(video_receiver()), sequence_(first) {}
    std::optional<MediaPacket> next(const Bytes& payload = vp8_delta()) {
        ms_ += 100;
        timestamp_ += kFrame;
        return (*this)(ms_, {sequence_++, timestamp_, 96, kSsrc, payload});
    }
    std::int64_t send(int count) {
        std::int64_t last = 0;
        for (int i = 0; i < count; ++i) {
            const auto packet = next(i == 0 ? vp8_key() : vp8_delta());
            REQUIRE(packet);
            last = packet->sequence;
        }
        return last;
    }
    // As one that lost its memory: from another number on; the first such packet is taken for a
    // stray. What of the second one comes out, 100 ms behind the last.
    std::optional<MediaPacket> restart_at(std::uint16_t sequence, std::uint32_t timestamp) {
        ms_ += 100;
        (void)(*this)(ms_, {sequence, timestamp, 96, kSsrc, vp8_key()});
        sequence_ = static_cast<std::uint16_t>(sequence + 2);
        timestamp_ = timestamp;
        return (*this)(ms_,
                       {static_cast<std::uint16_t>(sequence + 1), timestamp, 96, kSsrc, vp8_key()});
    }
    std::int64_t ms() const { return ms_; }
    std::uint32_t timestamp() const { return timestamp_; }
    std::uint16_t sequence() const { return sequence_; }
    void lose(int count) { sequence_ = static_cast<std::uint16_t>(sequence_ + count); }

  private:
    std::int64_t ms_ = 0;
    std::uint16_t sequence_;
    std::uint32_t timestamp_ = 100'000;
};

}  // namespace

TEST_CASE("InboundStream: a late packet counts once, up to the window's length behind [IN-01]") {
    for (const int sent : {1, 30, 2000}) {  // also where the window was gone through before
        for (const int lost : {1, 500, 1022, 1500}) {
            CAPTURE(sent);
            CAPTURE(lost);
            Camera camera(60'000);
            (void)camera.send(sent);
            const std::uint16_t missing = camera.sequence();
            camera.lose(lost);
            const auto newest = camera.next();
            REQUIRE(newest);
            for (const int place : std::set<int>{0, lost / 2, lost - 1}) {
                const auto number = static_cast<std::uint16_t>(missing + place);
                const std::int64_t behind = lost - place;
                const PacketSpec late{number, 1, 96, kSsrc, vp8_delta()};
                const auto packet = camera(camera.ms(), late);
                CHECK(packet.has_value() == (behind < 1024));
                if (packet) CHECK(packet->sequence == newest->sequence - behind);
                CHECK_FALSE(camera(camera.ms(), late));
            }
        }
    }
}

TEST_CASE("InboundStream: a repair is no reordering, and an original no repair [IN-03] [OBS-01]") {
    Camera camera(100);
    (void)camera.send(3);
    camera.lose(2);
    REQUIRE(camera.next());
    REQUIRE(camera(camera.ms(), {103, 1, 96, kSsrc, vp8_delta()}));
    CHECK(camera.stream_.counters().out_of_order == 1);
    CHECK(camera.stream_.counters().repaired == 0);
    REQUIRE(camera.rtx(camera.ms(), {1, 1, 97, 0, vp8_delta()}, 104));
    CHECK(camera.stream_.counters().out_of_order == 1);
    CHECK(camera.stream_.counters().repaired == 1);
    // A copy of what nobody misses any more fills its place, but was not asked for.
    camera.lose(1);
    REQUIRE(camera.next());
    camera.stream_.set_muted(true);
    CHECK(camera.rtx(camera.ms(), {2, 1, 97, 0, vp8_delta()}, 106));
    CHECK(camera.stream_.counters().repaired == 1);
    CHECK(camera.stream_.take_round().out_of_order == 1);
    CHECK(camera.stream_.take_round().out_of_order == 0);
}

TEST_CASE("InboundStream: a repair may overtake by 128 and no more, originals by any [IN-03]") {
    for (const int ahead : {1, 127, 128, 129, 1000}) {
        CAPTURE(ahead);
        const auto number = static_cast<std::uint16_t>(65'500 + ahead);
        Camera repaired(65'500);
        const std::int64_t newest = repaired.send(1);
        const auto copy = repaired.rtx(200, {1, 200'000, 97, 0, vp8_delta()}, number);
        REQUIRE(copy.has_value() == (ahead <= 128));
        if (copy) CHECK(copy->sequence == newest + ahead);
        CHECK(repaired.stream_.counters().malformed == (ahead <= 128 ? 0 : 1));
        Camera original(65'500);
        (void)original.send(1);
        original.lose(ahead - 1);
        CHECK(original.next()->sequence == newest + ahead);
    }
}

TEST_CASE("InboundStream: RTX of another type, or too short for a number, is nothing [IN-03]") {
    Camera camera(100);
    (void)camera.send(3);
    camera.lose(1);
    REQUIRE(camera.next());
    CHECK_FALSE(camera.rtx(camera.ms(), {1, 1, 101, 0, vp8_delta()}, 103));
    for (const std::size_t size : {0U, 1U, 2U}) {
        CAPTURE(size);
        camera.last_ = build({1, 1, 97, 99, Bytes(size, 0)});
        const auto view = wire::parse_rtp(camera.last_).value();
        CHECK_FALSE(camera.stream_.receive_rtx(at_ms(camera.ms()), view, camera.last_));
    }
    CHECK(camera.stream_.counters().padding_only == 4);
    CHECK(camera.stream_.counters().malformed == 0);
    CHECK(camera.rtx(camera.ms(), {1, 1, 97, 0, vp8_delta()}, 103));
}

TEST_CASE("InboundStream: what is older than the padding remembered has no place [IN-02]") {
    Camera camera(100);
    (void)camera.send(1);
    std::uint16_t number = 101;
    // Number 101 is missing; behind it one padding packet beside each packet with content.
    for (std::size_t i = 0; i <= rtp::PaddingCompactor::kMaxRanges; ++i) {
        number = static_cast<std::uint16_t>(number + 1);
        CHECK_FALSE(camera(camera.ms(), {number, camera.timestamp(), 96, kSsrc, {}, 200}));
        camera.lose(camera.sequence() == 101 ? 2 : 1);
        number = camera.sequence();
        REQUIRE(camera.next());
    }
    CHECK_FALSE(camera(camera.ms(), {101, 1, 96, kSsrc, vp8_delta()}));
    CHECK(camera.stream_.counters().too_late == 1);
    CHECK(camera.stream_.counters().padding_only == rtp::PaddingCompactor::kMaxRanges + 1);
}

// ------------------------------------------------------------------ counted anew

TEST_CASE("InboundStream: its own time behind a restart, or the clock's where it jumps [IN-01]") {
    struct Row {
        std::int64_t from_last;  // the new time, behind the last one before
        std::int64_t expected;
    };
    constexpr std::int64_t kSecond = 90'000;
    for (const Row& row : {Row{kFrame, kFrame}, Row{1, 1}, Row{0, kFrame}, Row{-50'000, kFrame},
                           Row{kFrame + kSecond, kFrame + kSecond},
                           Row{kFrame + kSecond + 1, kFrame}, Row{50 * kSecond, kFrame}}) {
        CAPTURE(row.from_last);
        Camera camera(40'000);
        (void)camera.send(9);
        const auto last = camera.next();
        REQUIRE(last);
        const auto time = static_cast<std::uint32_t>(camera.timestamp() + row.from_last);
        const auto packet = camera.restart_at(9000, time);
        REQUIRE(packet);
        CHECK(packet->timestamp - last->timestamp == row.expected);
        CHECK(packet->sequence == last->sequence + 2);
        const auto next = camera.next();
        REQUIRE(next);
        CHECK(next->timestamp - packet->timestamp == kFrame);
        CHECK(next->sequence == packet->sequence + 1);
    }
}

TEST_CASE("InboundStream: a second restart keeps what the first took from the time [IN-01]") {
    Camera camera(40'000);
    (void)camera.send(10);
    const auto first = camera.restart_at(20'000, 7);
    REQUIRE(first);
    const auto before = camera.next();
    REQUIRE(before);
    // Another count, the same clock.
    const auto second = camera.restart_at(1000, camera.timestamp() + kFrame);
    REQUIRE(second);
    CHECK(second->timestamp - before->timestamp == kFrame);
    CHECK(second->sequence == before->sequence + 2);
    CHECK(camera.stream_.counters().restarts == 2);
}

TEST_CASE("InboundStream: nothing from before a restart is asked for or known [IN-01] [IN-04]") {
    Camera camera(40'000);
    (void)camera.send(2000);  // each place of the window was used
    camera.lose(3);
    REQUIRE(camera.next());
    wire::SenderReport report;
    report.ntp = NtpTime(1ULL << 40);
    camera.stream_.receive_sender_report(at_ms(camera.ms()), report);
    REQUIRE(camera.stream_.sender_report());
    const auto packet = camera.restart_at(20'000, 7);
    REQUIRE(packet);
    CHECK_FALSE(camera.stream_.sender_report());  // its time is not of this count
    CHECK(nacked(camera.stream_, at_ms(camera.ms() + 50)) == std::vector<std::uint16_t>{20'000});
    // From the window behind it everything may come.
    const auto stray = camera(camera.ms(), {20'000, 7, 96, kSsrc, vp8_key()});
    REQUIRE(stray);
    CHECK(stray->sequence == packet->sequence - 1);
    // The numbers left out are no loss, those before it are.
    CHECK(camera.stream_.report_block(at_ms(camera.ms()))->cumulative_lost == 3);
}

TEST_CASE("InboundStream: neither copies nor padding restart a stream [IN-03] [IMM-10]") {
    Camera camera(40'000);
    (void)camera.send(10);
    for (std::uint16_t number = 9000; number < 9010; ++number) {
        CHECK_FALSE(camera.rtx(camera.ms(), {number, 7, 97, 0, vp8_delta()}, number));
        CHECK_FALSE(camera(camera.ms(), {number, 7, 96, kSsrc, {}, 100}));
    }
    CHECK(camera.stream_.counters().restarts == 0);
    CHECK(camera.stream_.counters().duplicates == 20);
    REQUIRE(camera.next());
}

TEST_CASE("InboundStream: counts through numbers used before, frames of many packets too [IN-01]") {
    Camera camera(40'000);
    (void)camera.send(1200);
    REQUIRE(camera.restart_at(39'990, camera.timestamp() + kFrame));
    std::int64_t expected = camera.next()->sequence + 1;
    for (int frame = 0; frame < 20; ++frame) {
        const auto first = camera.next();
        REQUIRE(first);
        CHECK(first->sequence == expected++);
        for (int i = 0; i < 3; ++i) {  // of the same time
            const auto rest = camera(
                camera.ms(), {camera.sequence(), camera.timestamp(), 96, kSsrc, vp8_delta()});
            REQUIRE(rest);
            CHECK(rest->sequence == expected++);
            camera.lose(1);
        }
    }
    // A copy of an old one that is still ahead has an older time.
    CHECK_FALSE(camera(camera.ms(), {40'090, 200'000, 96, kSsrc, vp8_delta()}));
}

}  // namespace confab::sfu

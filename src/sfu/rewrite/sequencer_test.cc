// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// 02 FWD-11.
#include "sfu/rewrite/sequencer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/rng.h"

namespace confab::sfu {
namespace {

constexpr Duration kRtt = Duration::millis(40);
Timestamp at_ms(std::int64_t ms) {
    return Timestamp::micros(ms * 1000);
}

ForwardedPacket random_packet(Rng& rng, std::int64_t sequence) {
    ForwardedPacket p;
    p.sequence = sequence;
    p.timestamp = rng.u32();
    p.marker = rng.below(2) == 0;
    p.payload_type = static_cast<std::uint8_t>(96 + rng.below(32));
    p.has_abs_capture_time = rng.below(4) == 0;
    switch (rng.below(4)) {
        case 0:
            p.prefix_size = static_cast<std::uint8_t>(1 + rng.below(6));
            p.payload_offset = static_cast<std::uint16_t>(1 + rng.below(6));
            rng.fill(BytesSpan(p.prefix).first(p.prefix_size));
            break;
        case 1:
            p.dd_mode = rng.below(2) == 0 ? DescriptorMode::kAsIs : DescriptorMode::kSetMask;
            p.dd_mask = rng.u32();
            p.dd_frame_number = rng.u16();
            p.dd_target_count = static_cast<std::uint8_t>(1 + rng.below(32));
            break;
        case 2:
            p.payload_offset = static_cast<std::uint16_t>(rng.below(200));
            p.payload_size = static_cast<std::uint16_t>(rng.below(200));
            break;
        default:
            break;
    }
    return p;
}

}  // namespace

TEST_CASE("Sequencer: gives back what was sent, like a full history [FWD-11] [DES-56] [DES-32]") {
    struct Sent {
        ForwardedPacket packet;
        std::int64_t source = 0;
        std::uint8_t stream = 0;
    };
    Rng rng(3);
    Sequencer sequencer(Sequencer::kVideoEntries);
    std::map<std::int64_t, Sent> history;
    std::int64_t out = 65'000;  // wraps on the wire
    std::int64_t source = 0x1'0000 + 64'900;
    for (int i = 0; i < 4000; ++i) {
        out += 1 + static_cast<std::int64_t>(rng.below(2));
        source += static_cast<std::int64_t>(rng.below(4)) - 1;
        const Sent sent{random_packet(rng, out), source, static_cast<std::uint8_t>(rng.below(3))};
        sequencer.push(at_ms(i), sent.packet, sent.source, sent.stream, 1);
        history[out] = sent;
        const std::int64_t asked = out - static_cast<std::int64_t>(rng.below(600));
        Sequencer::Found found;
        const auto answer = sequencer.request(at_ms(i + 1'000'000 + 200 * i),
                                              static_cast<std::uint16_t>(asked), kRtt, found);
        const bool kept = history.contains(asked) && out - asked < 512;
        if (answer != Sequencer::Answer::kResend) {
            REQUIRE((!kept || answer == Sequencer::Answer::kLost));
            continue;
        }
        REQUIRE(history.contains(asked));
        const Sent& expected = history[asked];
        REQUIRE(found.source_sequence == expected.source);
        REQUIRE(found.stream == expected.stream);
        REQUIRE(found.spatial == 1);
        const ForwardedPacket& p = found.packet;
        const ForwardedPacket& e = expected.packet;
        REQUIRE(p.timestamp == e.timestamp);
        REQUIRE(p.marker == e.marker);
        REQUIRE(p.has_abs_capture_time == e.has_abs_capture_time);
        REQUIRE(p.payload_offset == e.payload_offset);
        REQUIRE(p.payload_size == e.payload_size);
        REQUIRE(p.prefix_size == e.prefix_size);
        REQUIRE(p.prefix == e.prefix);
        REQUIRE(p.dd_mode == e.dd_mode);
        REQUIRE(p.dd_mask == e.dd_mask);
        REQUIRE(p.dd_frame_number == e.dd_frame_number);
        REQUIRE(p.dd_target_count == e.dd_target_count);
    }
}

TEST_CASE("Sequencer: at most three copies, none too soon [FWD-11]") {
    Sequencer sequencer(Sequencer::kAudioEntries);
    ForwardedPacket p;
    p.sequence = 7;
    Sequencer::Found found;
    sequencer.push(at_ms(1000), p, 70'000, 0, 0);
    using Answer = Sequencer::Answer;
    CHECK(sequencer.request(at_ms(1079), 7, kRtt, found) == Answer::kTooSoon);
    CHECK(sequencer.request(at_ms(1080), 7, kRtt, found) == Answer::kResend);
    CHECK(found.resends == 1);
    CHECK(sequencer.request(at_ms(1159), 7, kRtt, found) == Answer::kTooSoon);
    // The gap is never longer than 100 ms.
    CHECK(sequencer.request(at_ms(1180), 7, Duration::seconds(1), found) == Answer::kResend);
    CHECK(sequencer.request(at_ms(1279), 7, Duration::seconds(1), found) == Answer::kTooSoon);
    CHECK(sequencer.request(at_ms(1280), 7, kRtt, found) == Answer::kResend);
    // It may still be on its way for a while, or for two round trips.
    CHECK(sequencer.request(at_ms(1579), 7, kRtt, found) == Answer::kTooOften);
    CHECK(sequencer.request(at_ms(1580), 7, kRtt, found) == Answer::kLost);
    CHECK(sequencer.request(at_ms(2279), 7, Duration::millis(500), found) == Answer::kTooOften);
    CHECK(sequencer.request(at_ms(9000), 7, kRtt, found) == Answer::kLost);
    CHECK(sequencer.request(at_ms(9000), 8, kRtt, found) == Answer::kUnknown);
    CHECK(sequencer.request(at_ms(9000), 7 + 256, kRtt, found) == Answer::kUnknown);
    sequencer.clear();
    CHECK(sequencer.request(at_ms(9000), 7, kRtt, found) == Answer::kUnknown);
}

TEST_CASE("Sequencer: a packet is known until the ring comes round to its place [FWD-11]") {
    for (const std::size_t entries :
         {Sequencer::kAudioEntries, Sequencer::kVideoEntries, Sequencer::kMaxEntries}) {
        CAPTURE(entries);
        Sequencer sequencer(entries);
        ForwardedPacket p;
        Sequencer::Found found;
        for (std::size_t i = 0; i < entries; ++i) {
            p.sequence = 65'000 + static_cast<std::int64_t>(i);
            sequencer.push(at_ms(0), p, 70'000, 0, 0);
        }
        CHECK(sequencer.find(65'000, found));
        p.sequence += 1;
        sequencer.push(at_ms(0), p, 70'000, 0, 0);
        CHECK_FALSE(sequencer.find(65'000, found));
        CHECK(sequencer.find(65'001, found));
        CHECK(sequencer.find(static_cast<std::uint16_t>(p.sequence), found));
        CHECK_FALSE(sequencer.find(static_cast<std::uint16_t>(p.sequence + 1), found));
    }
}

TEST_CASE(
    "Sequencer: has places for a second of packets, no more than its most [FWD-11] [DES-34]") {
    ForwardedPacket p;
    Sequencer::Found found;
    struct Row {
        std::int64_t ms;  // between two packets
        std::size_t places;
    };
    for (const Row& row : {Row{20, 64}, Row{40, 32}, Row{4, 256}, Row{3, 512}, Row{1, 512}}) {
        CAPTURE(row.ms);
        Sequencer sequencer(512);
        CHECK(sequencer.places() == 0);
        CHECK_FALSE(sequencer.find(0, found));
        CHECK_FALSE(sequencer.spatial_of(0));
        for (std::int64_t i = 0; i < 3000; ++i) {
            p.sequence = 65'000 + i;
            sequencer.push(at_ms(row.ms * i), p, i, 0, 0);
            const std::int64_t kept =
                std::min<std::int64_t>({i, 511, (Sequencer::kKept.ms() - 1) / row.ms});
            REQUIRE(sequencer.find(static_cast<std::uint16_t>(p.sequence - kept), found));
            REQUIRE(found.source_sequence == i - kept);
        }
        CHECK(sequencer.places() == row.places);
    }
}

TEST_CASE(
    "Sequencer: the layer that a number was sent of, until the number is forgotten [FWD-11]") {
    Sequencer sequencer(Sequencer::kAudioEntries);
    CHECK_FALSE(sequencer.spatial_of(0));  // an empty place is nobody's
    ForwardedPacket p;
    p.sequence = 300;
    sequencer.push(at_ms(0), p, 70'000, 1, 2);
    CHECK_FALSE(sequencer.spatial_of(300 - 256));
    CHECK(sequencer.spatial_of(300) == 2);
    Sequencer::Found found;
    CHECK(sequencer.find(300, found));
    CHECK(found.stream == 1);
    CHECK(found.spatial == 2);
    CHECK(found.resends == 0);
    for (int i = 0; i < 256; ++i) {
        CHECK(sequencer.find(300, found));
        ++p.sequence;
        sequencer.push(at_ms(0), p, 70'000, 0, 0);
    }
    CHECK_FALSE(sequencer.spatial_of(300));
    CHECK(sequencer.spatial_of(556) == 0);
    // Half a cycle and a whole one later it is another's number.
    p.sequence = 0x1'0000 + 300;
    sequencer.push(at_ms(0), p, 70'000, 0, 1);
    CHECK(sequencer.spatial_of(300) == 1);
    CHECK_FALSE(sequencer.spatial_of(556));
}

namespace {

// Frames of VP8 and single packets, in order and late, put into one sequencer as they are and into
// another packet by packet.
class FramesAndPackets {
  public:
    explicit FramesAndPackets(std::uint64_t seed) : rng_(seed) {}

    void push(Timestamp now) {
        if (rng_.below(4) == 0) number_ += 1 + static_cast<std::int64_t>(rng_.below(3));
        if (!left_out_.empty() && rng_.below(3) == 0) {
            push_late(now);
        } else if (rng_.below(3) == 0) {
            push_alone(now, number_++);
        } else {
            if (rng_.below(5) == 0) left_out_.push_back(number_++);
            push_frame(now);
        }
    }
    void check(Timestamp now) {
        const auto asked =
            static_cast<std::uint16_t>(number_ + 2 - static_cast<std::int64_t>(rng_.below(150)));
        CAPTURE(asked);
        REQUIRE(frames.spatial_of(asked) == packets.spatial_of(asked));
        Sequencer::Found a, b;
        REQUIRE(frames.request(now, asked, kRtt, a) == packets.request(now, asked, kRtt, b));
        REQUIRE(frames.find(asked, a) == packets.find(asked, b));
        REQUIRE(a.source_sequence == b.source_sequence);
        REQUIRE(a.stream == b.stream);
        REQUIRE(a.spatial == b.spatial);
        REQUIRE(a.packet.timestamp == b.packet.timestamp);
        REQUIRE(a.packet.marker == b.packet.marker);
        REQUIRE(a.packet.payload_type == b.packet.payload_type);
        REQUIRE(a.packet.payload_offset == b.packet.payload_offset);
        REQUIRE(a.packet.payload_size == b.packet.payload_size);
        REQUIRE(a.packet.prefix_size == b.packet.prefix_size);
        REQUIRE(a.packet.prefix == b.packet.prefix);
    }

    Sequencer frames{1024};
    Sequencer packets{4096};

  private:
    void push_alone(Timestamp now, std::int64_t number) {
        const ForwardedPacket p = random_packet(rng_, number);
        frames.push(now, p, number + 70'000, 1, 2);
        packets.push(now, p, number + 70'000, 1, 2);
    }
    void push_late(Timestamp now) {
        push_alone(now, left_out_.back());
        left_out_.pop_back();
    }
    void push_frame(Timestamp now) {
        SharedFrame frame;
        frame.count = static_cast<std::uint32_t>(2 + rng_.below(SharedFrame::kMost - 1));
        frame.marker = rng_.below(2) == 0;
        frame.first_octet = 0x90;
        frame.later_octet = 0x80;
        ForwardedPacket p;
        p.sequence = number_;
        p.timestamp = rng_.u32();
        p.payload_type = 96;
        if (rng_.below(3) > 0) {
            p.prefix_size = 6;
            p.payload_offset = static_cast<std::uint16_t>(rng_.below(7));
            rng_.fill(BytesSpan(p.prefix).first(p.prefix_size));
        }
        frames.push_frame(now, p, frame, number_ + 70'000, 2, 1);
        for (std::size_t i = 0; i < frame.count; ++i, ++p.sequence) {
            p.marker = frame.is_marked(i);
            if (p.prefix_size > 0) p.prefix[0] = frame.octet(i);
            packets.push(now, p, number_++ + 70'000, 2, 1);
        }
    }

    Rng rng_;
    std::int64_t number_ = 65'000;
    std::vector<std::int64_t> left_out_;
};

}  // namespace

TEST_CASE(
    "Sequencer: a frame is known by each of its packets, as if these had been sent one by one "
    "[FWD-11] [DES-44] [DES-56]") {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
        FramesAndPackets both(seed);
        for (int i = 0; i < 3000; ++i) {
            both.push(at_ms(10 * i));
            both.check(at_ms(10 * i + 5));
        }
    }
}

TEST_CASE("Sequencer: a place is for a whole frame [FWD-11] [DES-44]") {
    Sequencer sequencer(Sequencer::kVideoEntries);
    SharedFrame frame;
    frame.count = 20;
    ForwardedPacket p;
    Sequencer::Found found;
    for (std::int64_t i = 0; i < 300; ++i) {
        p.sequence = 65'000 + 20 * i;
        sequencer.push_frame(at_ms(33 * i), p, frame, 20 * i, 0, 0);
        // A second is at least thirty frames of twenty packets.
        const std::int64_t kept = std::min<std::int64_t>(20 * i, 600);
        REQUIRE(sequencer.find(static_cast<std::uint16_t>(p.sequence - kept), found));
        REQUIRE(found.source_sequence == 20 * i - kept);
    }
    CHECK(sequencer.places() == 32);
}

TEST_CASE(
    "Sequencer: who asks for many numbers by turns gets no more copies than who asks for one "
    "[FWD-11] [BWE-21]") {
    using Answer = Sequencer::Answer;
    constexpr std::int64_t kNumbers = 1200;
    // Numbers that differ by a power of two and less than all that are known.
    for (const std::int64_t apart : {64, 128, 256, 512, 1024}) {
        CAPTURE(apart);
        Sequencer sequencer(Sequencer::kVideoEntries);
        SharedFrame frame;
        frame.count = 20;
        ForwardedPacket p;
        Sequencer::Found found;
        for (std::int64_t i = 0; i < kNumbers / 20; ++i) {
            p.sequence = 20 * i;
            sequencer.push_frame(at_ms(10 * i), p, frame, 20 * i, 0, 0);
        }
        std::map<std::int64_t, int> copies;
        bool lost = false;
        for (std::int64_t ms = 800; ms < 1200; ++ms)
            for (std::int64_t number = 10; number < kNumbers; number += apart) {
                const auto wire = static_cast<std::uint16_t>(number);
                const Answer answer = sequencer.request(at_ms(ms), wire, kRtt, found);
                if (answer == Answer::kResend) ++copies[number];
                lost = lost || answer == Answer::kLost;
            }
        CHECK_FALSE(lost);
        for (const auto& [number, count] : copies)
            CHECK(count == Sequencer::kMaxResends);
        // All of them, where the table tells them apart.
        std::set<std::int64_t> told_apart;
        for (std::int64_t number = 10; number < kNumbers; number += apart)
            told_apart.insert(number % static_cast<std::int64_t>(Sequencer::kMaxRepeats));
        CHECK(copies.size() == told_apart.size());
    }
}

TEST_CASE("Sequencer: who keeps for longer has places for that long [FWD-11] [DES-34]") {
    ForwardedPacket p;
    Sequencer::Found found;
    Sequencer sequencer(512, Sequencer::kVideoKept);
    for (std::int64_t i = 0; i < 300; ++i) {
        p.sequence = i;
        sequencer.push(at_ms(33 * i), p, i, 0, 0);
        const std::int64_t kept = std::min<std::int64_t>(i, 1499 / 33);
        REQUIRE(sequencer.find(static_cast<std::uint16_t>(i - kept), found));
    }
    CHECK(sequencer.places() == 64);
}

TEST_CASE(
    "Sequencer: what was asked for within a second is not forgotten where there may be more "
    "places [FWD-11]") {
    for (const bool asks : {true, false}) {
        CAPTURE(asks);
        Sequencer sequencer(Sequencer::kAudioEntries);
        SharedFrame frame;
        frame.count = 3;
        ForwardedPacket p;
        Sequencer::Found found;
        for (std::int64_t i = 0; i < 40; ++i) {
            p.sequence = 3 * i;
            sequencer.push_frame(at_ms(40 * i), p, frame, 3 * i, 0, 0);
            // The last packet of the first frame, after 1.2 s: places for 1.28 s are full then.
            if (asks && i == 30) {
                CHECK(sequencer.request(at_ms(40 * i), 2, kRtt, found) ==
                      Sequencer::Answer::kResend);
            }
        }
        CHECK(sequencer.find(2, found) == asks);
        CHECK(sequencer.places() == (asks ? 64 : 32));
    }
}

TEST_CASE("Sequencer: the gap is twice the round trip, over the wrap of its clock too [FWD-11]") {
    using Answer = Sequencer::Answer;
    for (const std::int64_t sent : {std::int64_t{1000}, (std::int64_t{1} << 32) - 10}) {
        for (const auto& [rtt, gap] : {std::pair{0, 0}, std::pair{10, 20}, std::pair{49, 98},
                                       std::pair{50, 100}, std::pair{51, 100}}) {
            CAPTURE(rtt);
            Sequencer sequencer(Sequencer::kAudioEntries);
            ForwardedPacket p;
            p.sequence = 7;
            sequencer.push(at_ms(sent), p, 70'000, 0, 0);
            Sequencer::Found found;
            const Duration trip = Duration::millis(rtt);
            if (gap > 0)
                CHECK(sequencer.request(at_ms(sent + gap - 1), 7, trip, found) == Answer::kTooSoon);
            CHECK(sequencer.request(at_ms(sent + gap), 7, trip, found) == Answer::kResend);
        }
    }
}

TEST_CASE("Sequencer: what it gives back holds nothing of the packet found before [FWD-11]") {
    Sequencer sequencer(Sequencer::kAudioEntries);
    ForwardedPacket described;
    described.sequence = 1;
    described.dd_mode = DescriptorMode::kSetMask;
    described.dd_mask = 5;
    described.marker = true;
    ForwardedPacket plain;
    plain.sequence = 2;
    plain.payload_type = 111;
    sequencer.push(at_ms(0), described, 70'000, 0, 0);
    sequencer.push(at_ms(0), plain, 70'001, 0, 0);
    Sequencer::Found found;
    REQUIRE(sequencer.find(1, found));
    CHECK(found.packet.payload_type == 0);  // its place holds the decode targets
    REQUIRE(sequencer.find(2, found));
    CHECK(found.packet.dd_mode == DescriptorMode::kNone);
    CHECK(found.packet.dd_mask == 0);
    CHECK_FALSE(found.packet.marker);
    CHECK(found.packet.payload_type == 111);
    CHECK(found.packet.payload_size == ForwardedPacket::kToEnd);
}

}  // namespace confab::sfu

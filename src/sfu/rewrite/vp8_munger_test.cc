// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RFC 7741 descriptors across switches and temporal filtering (02 FWD-06).
#include "sfu/rewrite/vp8_munger.h"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <vector>

#include "base/rng.h"

namespace confab::sfu {
namespace {

using Order = Munger::Order;
using Verdict = Vp8Munger::Verdict;

wire::Vp8Descriptor full(std::uint16_t picture_id, std::uint8_t tl0, std::uint8_t tid,
                         std::uint8_t key_idx) {
    wire::Vp8Descriptor d;
    d.extended = d.has_picture_id = d.has_tl0_pic_idx = d.has_tid = d.has_key_idx = true;
    d.start_of_partition = true;
    d.picture_id = picture_id;
    d.picture_id_15bit = picture_id > 127;
    d.tl0_pic_idx = tl0;
    d.temporal_id = tid;
    d.key_idx = key_idx;
    return d;
}

wire::Vp8Descriptor parsed(const DescriptorPatch& patch) {
    const auto d = wire::parse_vp8(BytesView(patch.bytes).first(patch.size));
    REQUIRE(d.has_value());
    return *d;
}

wire::Vp8Descriptor send(Vp8Munger& munger, const wire::Vp8Descriptor& d, std::int64_t timestamp) {
    DescriptorPatch patch;
    REQUIRE(munger.process(d, timestamp, Order::kNext, false, patch) == Verdict::kForward);
    return parsed(patch);
}

}  // namespace

TEST_CASE("Vp8Munger: a late picture goes by the limit of its time, not of now [FWD-06]") {
    Vp8Munger munger;
    DescriptorPatch patch;
    const auto process = [&](std::uint16_t id, std::uint8_t tid, Order order, std::int8_t limit) {
        return munger.process(full(id, 1, tid, 0), id, order, tid > limit, patch, limit);
    };
    munger.switch_source(full(1000, 1, 0, 0));
    CHECK(process(1000, 0, Order::kNext, 2) == Verdict::kForward);
    CHECK(process(1003, 2, Order::kGap, 2) == Verdict::kForward);  // the last that may pass
    CHECK(process(1004, 0, Order::kNext, 0) == Verdict::kForward);
    CHECK(process(1002, 1, Order::kLate, 0) == Verdict::kForward);  // 1003 needs it
    CHECK(process(1005, 1, Order::kNext, 0) == Verdict::kFilter);
    CHECK(process(1007, 2, Order::kGap, 2) == Verdict::kForward);
    CHECK(process(1006, 2, Order::kLate, 2) == Verdict::kFill);  // it needs 1005
}

TEST_CASE("Vp8Munger: a late picture may be the newest that was sent [FWD-06]") {
    Vp8Munger munger;
    DescriptorPatch patch;
    munger.switch_source(full(1000, 20, 0, 0));
    (void)send(munger, full(1000, 20, 0, 0), 1);
    CHECK(munger.process(full(1002, 21, 2, 0), 3, Order::kGap, true, patch) == Verdict::kFilter);
    REQUIRE(munger.process(full(1001, 21, 0, 0), 2, Order::kLate, false, patch) ==
            Verdict::kForward);
    CHECK(parsed(patch).picture_id == 1001);
    munger.switch_source(full(5, 7, 0, 0));
    const auto next = send(munger, full(5, 7, 0, 0), 4);
    CHECK(next.picture_id == 1002);
    CHECK(next.tl0_pic_idx == 22);
}

TEST_CASE("Vp8Munger: goes on by one where the layer changes [FWD-06]") {
    // Values of the recording of a VP8 simulcast: f → q and q → f.
    Vp8Munger munger;
    munger.switch_source(full(0x0435, 0x12, 0, 3));
    (void)send(munger, full(0x0435, 0x12, 0, 3), 1);
    munger.switch_source(full(0x2C6B, 0x38, 0, 0x18));
    const auto first = send(munger, full(0x2C6B, 0x38, 0, 0x18), 2);
    CHECK(first.picture_id == 0x0436);
    CHECK(first.tl0_pic_idx == 0x13);
    CHECK(first.key_idx == 4);
    const auto second = send(munger, full(0x2C6C, 0x39, 0, 0x19), 3);
    CHECK(second.picture_id == 0x0437);
    CHECK(second.tl0_pic_idx == 0x14);
    CHECK(second.key_idx == 5);
}

TEST_CASE("Vp8Munger: the first source keeps its values, 7-bit ids become longer [FWD-06]") {
    Vp8Munger munger;
    auto d = full(126, 255, 0, 31);
    munger.switch_source(d);
    DescriptorPatch patch;
    REQUIRE(munger.process(d, 1, Order::kNext, false, patch) == Verdict::kForward);
    CHECK(patch.size == 5);  // X, flags, 7-bit id, TL0PICIDX, TID and KEYIDX
    CHECK(parsed(patch).picture_id == 126);
    d = full(127, 0, 0, 0);
    CHECK(send(munger, d, 2).picture_id == 127);
    d = full(0, 1, 0, 1);  // a source with 7 bits wraps, we do not
    d.picture_id_15bit = false;
    REQUIRE(munger.process(d, 3, Order::kNext, false, patch) == Verdict::kForward);
    CHECK(patch.size == 6);
    CHECK(parsed(patch).picture_id == 128);
}

TEST_CASE("Vp8Munger: a descriptor may shrink behind the wrap of 15 bits [FWD-06]") {
    Vp8Munger munger;
    munger.switch_source(full(0x7FFF, 0, 0, 0));
    CHECK(send(munger, full(0x7FFF, 0, 0, 0), 1).picture_id == 0x7FFF);
    auto d = full(0, 1, 0, 1);
    d.picture_id_15bit = true;
    DescriptorPatch patch;
    REQUIRE(munger.process(d, 2, Order::kNext, false, patch) == Verdict::kForward);
    CHECK(patch.size == 5);
    CHECK(parsed(patch).picture_id == 0);
}

TEST_CASE("Vp8Munger: packets of a picture differ in what is theirs alone [FWD-06]") {
    Vp8Munger munger;
    munger.switch_source(full(500, 7, 0, 3));
    (void)send(munger, full(500, 7, 0, 3), 1);
    munger.switch_source(full(900, 70, 0, 9));
    wire::Vp8Descriptor d = full(900, 70, 0, 9);
    CHECK(send(munger, d, 2).start_of_partition);
    d.start_of_partition = false;
    d.partition_id = 5;
    wire::Vp8Descriptor got = send(munger, d, 2);
    CHECK_FALSE(got.start_of_partition);
    CHECK(got.partition_id == 5);
    CHECK(got.picture_id == 501);
    CHECK(got.tl0_pic_idx == 8);
    CHECK(got.key_idx == 4);
    // A client may contradict itself.
    d.tl0_pic_idx = 72;
    CHECK(send(munger, d, 2).tl0_pic_idx == 10);
    d.key_idx = 11;
    CHECK(send(munger, d, 2).key_idx == 6);
    d.temporal_id = 1;
    CHECK(send(munger, d, 2).temporal_id == 1);
    d.layer_sync = true;
    CHECK(send(munger, d, 2).layer_sync);
    d.non_reference = true;
    CHECK(send(munger, d, 2).non_reference);
    d.has_tl0_pic_idx = false;
    CHECK_FALSE(send(munger, d, 2).has_tl0_pic_idx);
}

TEST_CASE("Vp8Munger: filtered pictures leave no gap, lost ones do [FWD-06]") {
    Vp8Munger munger;
    munger.switch_source(full(1000, 1, 0, 0));
    CHECK(send(munger, full(1000, 1, 0, 0), 1).picture_id == 1000);
    DescriptorPatch patch;
    CHECK(munger.process(full(1001, 1, 2, 0), 2, Order::kNext, true, patch) == Verdict::kFilter);
    CHECK(munger.process(full(1001, 1, 2, 0), 2, Order::kNext, true, patch) == Verdict::kFilter);
    CHECK(send(munger, full(1002, 1, 1, 0), 3).picture_id == 1001);
    // 1003 and 1004 are lost; 1005 is too high, behind a gap or not.
    CHECK(munger.process(full(1005, 1, 2, 0), 6, Order::kGap, true, patch) == Verdict::kFilter);
    CHECK(munger.process(full(1005, 1, 2, 0), 6, Order::kNext, true, patch) == Verdict::kFilter);
    CHECK(send(munger, full(1006, 2, 0, 0), 7).picture_id == 1004);
    // The lost ones come late: what is wanted finds its place, of the others the number is filled.
    REQUIRE(munger.process(full(1003, 1, 0, 0), 4, Order::kLate, false, patch) ==
            Verdict::kForward);
    CHECK(parsed(patch).picture_id == 1002);
    CHECK(munger.process(full(1004, 1, 1, 0), 5, Order::kLate, true, patch) == Verdict::kFill);
    CHECK(munger.process(full(1004, 1, 1, 0), 5, Order::kLate, false, patch) == Verdict::kFill);
    CHECK(munger.process(full(1001, 1, 2, 0), 2, Order::kLate, false, patch) == Verdict::kFill);
    CHECK(munger.process(full(900, 1, 0, 0), 0, Order::kLate, false, patch) == Verdict::kDrop);
}

TEST_CASE("Vp8Munger: passes the one-byte descriptor, filters by picture time [IN-25] [TRAP-36]") {
    Vp8Munger munger;
    wire::Vp8Descriptor d;
    d.start_of_partition = true;
    munger.switch_source(d);
    DescriptorPatch patch;
    REQUIRE(munger.process(d, 100, Order::kNext, false, patch) == Verdict::kForward);
    CHECK(patch.size == 1);
    CHECK(patch.bytes[0] == 0x10);
    CHECK(munger.process(d, 200, Order::kNext, true, patch) == Verdict::kFilter);
    d.start_of_partition = false;
    CHECK(munger.process(d, 200, Order::kNext, false, patch) == Verdict::kFilter);
    CHECK(munger.process(d, 200, Order::kLate, false, patch) == Verdict::kFill);
    CHECK(munger.process(d, 300, Order::kGap, true, patch) == Verdict::kFilter);
    CHECK(munger.process(d, 300, Order::kNext, true, patch) == Verdict::kFilter);
    CHECK(munger.process(d, 250, Order::kLate, true, patch) == Verdict::kFill);
    CHECK(munger.process(d, 250, Order::kLate, false, patch) == Verdict::kForward);
    CHECK(munger.blank_frame().size == 1);
}

TEST_CASE("Vp8Munger: a blank frame continues all counters [FWD-15]") {
    Vp8Munger munger;
    munger.switch_source(full(0x2FF7, 0x1C, 2, 0x1B));
    (void)send(munger, full(0x2FF7, 0x1C, 2, 0x1B), 1);
    // As recorded: 90 f0 af f8 1d 3c.
    const DescriptorPatch blank = munger.blank_frame();
    CHECK(blank.size == 6);
    CHECK(to_vector(BytesView(blank.bytes).first(6)) == Bytes{0x90, 0xF0, 0xAF, 0xF8, 0x1D, 0x3C});
    CHECK(parsed(munger.blank_frame()).picture_id == 0x2FF9);
}

TEST_CASE("Vp8Munger: each of many switches goes on by one, whatever was before [FWD-06]") {
    Vp8Munger munger;
    std::uint16_t picture = 0x7FFE;
    std::uint8_t tl0 = 254;
    std::uint8_t key = 30;
    munger.switch_source(full(picture, tl0, 0, key));
    (void)send(munger, full(picture, tl0, 0, key), 1);
    std::int64_t time = 1;
    for (const std::uint16_t first : std::vector<std::uint16_t>{100, 20'000, 5, 0x7FFF}) {
        const auto byte = static_cast<std::uint8_t>(first * 7);
        munger.switch_source(full(first, byte, 0, byte & 0x1F));
        for (std::uint8_t i = 0; i < 3; ++i) {  // all three counters wrap on the way
            picture = static_cast<std::uint16_t>((picture + 1) & 0x7FFF);
            tl0 = static_cast<std::uint8_t>(tl0 + 1);
            key = static_cast<std::uint8_t>((key + 1) & 0x1F);
            auto in = full(static_cast<std::uint16_t>((first + i) & 0x7FFF),
                           static_cast<std::uint8_t>(byte + i), 0,
                           static_cast<std::uint8_t>((byte + i) & 0x1F));
            in.picture_id_15bit = true;
            const auto out = send(munger, in, ++time);
            CHECK(out.picture_id == picture);
            CHECK(out.picture_id_15bit == (picture > 127));
            CHECK(out.tl0_pic_idx == tl0);
            CHECK(out.key_idx == key);
        }
    }
}

TEST_CASE("Vp8Munger: late packets of the source before a switch have no place [FWD-06]") {
    Vp8Munger munger;
    DescriptorPatch patch;
    munger.switch_source(full(1000, 1, 0, 0));
    (void)send(munger, full(1000, 1, 0, 0), 1);
    REQUIRE(munger.process(full(1002, 1, 0, 0), 3, Order::kGap, false, patch) == Verdict::kForward);
    munger.switch_source(full(1010, 1, 0, 0));
    (void)send(munger, full(1010, 1, 0, 0), 4);
    for (const std::uint16_t id : std::vector<std::uint16_t>{1000, 1001, 1002, 1009})
        CHECK(munger.process(full(id, 1, 0, 0), 2, Order::kLate, false, patch) == Verdict::kDrop);
}

TEST_CASE("Vp8Munger: a late picture is known for 128 pictures [FWD-06]") {
    for (const int back : {1, 127, 128, 129}) {
        CAPTURE(back);
        Vp8Munger munger;
        DescriptorPatch patch;
        munger.switch_source(full(1000, 1, 0, 0));
        (void)send(munger, full(1000, 1, 0, 0), 1);
        const auto newest = static_cast<std::uint16_t>(1001 + back);
        REQUIRE(munger.process(full(newest, 1, 0, 0), 3, Order::kGap, false, patch) ==
                Verdict::kForward);
        const Verdict late = munger.process(full(1001, 1, 0, 0), 2, Order::kLate, false, patch);
        CHECK(late == (back < 128 ? Verdict::kForward : Verdict::kDrop));
        if (late == Verdict::kForward) CHECK(parsed(patch).picture_id == 1001);
    }
}

TEST_CASE("Vp8Munger: the first picture behind a switch passes whatever its time [TRAP-36]") {
    Vp8Munger munger;
    wire::Vp8Descriptor d;
    d.start_of_partition = true;
    DescriptorPatch patch;
    munger.switch_source(d);
    REQUIRE(munger.process(d, 100, Order::kNext, false, patch) == Verdict::kForward);
    CHECK(munger.process(d, 200, Order::kNext, true, patch) == Verdict::kFilter);
    munger.switch_source(d);  // to a source whose clock stands just there
    CHECK(munger.process(d, 200, Order::kNext, false, patch) == Verdict::kForward);
}

TEST_CASE("Vp8Munger: a blank frame is a whole reference picture of layer 0 [FWD-15]") {
    Vp8Munger munger;
    auto d = full(126, 255, 2, 31);
    d.non_reference = true;
    d.start_of_partition = false;
    d.partition_id = 3;
    munger.switch_source(d);
    (void)send(munger, d, 1);
    for (const std::uint16_t expected : std::vector<std::uint16_t>{127, 128, 129}) {
        const DescriptorPatch blank = munger.blank_frame();
        CHECK(blank.size == (expected > 127 ? 6 : 5));
        const auto out = parsed(blank);
        CHECK(out.picture_id == expected);
        CHECK_FALSE(out.non_reference);
        CHECK(out.start_of_partition);
        CHECK(out.partition_id == 0);
        CHECK(out.temporal_id == 0);
        CHECK(out.layer_sync);
        CHECK(out.tl0_pic_idx == expected - 127);
        CHECK(out.key_idx == expected - 127);
    }
    // What comes then goes on behind them.
    munger.switch_source(full(9, 9, 0, 9));
    const auto next = send(munger, full(9, 9, 0, 9), 2);
    CHECK(next.picture_id == 130);
    CHECK(next.tl0_pic_idx == 3);
    CHECK(next.key_idx == 3);
}

TEST_CASE("Vp8Munger: an encoder that starts anew in one stream goes on [FWD-06]") {
    Vp8Munger munger;
    munger.switch_source(full(5000, 1, 0, 0));
    (void)send(munger, full(5000, 1, 0, 0), 1);
    CHECK(send(munger, full(100, 1, 0, 0), 2).picture_id == 5001);
    CHECK(send(munger, full(101, 1, 0, 0), 3).picture_id == 5002);
}

TEST_CASE("Vp8Munger: equals a model with full history [FWD-06] [DES-56]") {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
        Rng rng(seed);
        Vp8Munger munger;
        std::int64_t id = static_cast<std::int64_t>(rng.below(0x8000));
        std::map<std::int64_t, std::int64_t> offset_of;  // pictures forwarded or lost
        std::set<std::int64_t> filtered;
        std::int64_t offset = 0;
        const auto at = [&](std::int64_t n) {
            auto d = full(static_cast<std::uint16_t>(n & 0x7FFF), 0, 0, 0);
            d.picture_id_15bit = true;
            return d;
        };
        munger.switch_source(at(id));
        for (int step = 0; step < 2000; ++step) {
            DescriptorPatch patch;
            const bool too_high = step > 0 && rng.below(3) == 0;
            const bool gap = step > 0 && rng.below(8) == 0;
            if (gap)
                for (std::uint64_t k = rng.below(3); k > 0; --k)
                    offset_of[id++] = offset;
            const auto verdict =
                munger.process(at(id), id, gap ? Order::kGap : Order::kNext, too_high, patch);
            if (too_high) {
                REQUIRE(verdict == Verdict::kFilter);
                filtered.insert(id);
                ++offset;
            } else {
                REQUIRE(verdict == Verdict::kForward);
                offset_of[id] = offset;
                REQUIRE(parsed(patch).picture_id == ((id - offset) & 0x7FFF));
            }
            ++id;
            const std::int64_t late = id - 1 - static_cast<std::int64_t>(rng.below(100));
            const auto again = munger.process(at(late), late, Order::kLate, false, patch);
            if (filtered.contains(late)) {
                REQUIRE(again == Verdict::kFill);
            } else if (offset_of.contains(late)) {
                REQUIRE(again == Verdict::kForward);
                REQUIRE(parsed(patch).picture_id == ((late - offset_of[late]) & 0x7FFF));
            }
        }
    }
}

// Chromium's form; which layer a packet is of says its dependency descriptor.
TEST_CASE(
    "Vp8Munger: without picture ids, too, a late packet goes by the limit of its time [FWD-06] "
    "[IN-25]") {
    Vp8Munger munger;
    DescriptorPatch patch;
    wire::Vp8Descriptor d;
    d.start_of_partition = true;
    const auto process = [&](std::int64_t time, std::int8_t temporal, Order order,
                             std::int8_t limit) {
        return munger.process(d, time, order, temporal > limit, patch, limit, temporal);
    };
    munger.switch_source(d);
    CHECK(process(100, 0, Order::kNext, 2) == Verdict::kForward);
    CHECK(process(200, 2, Order::kGap, 2) == Verdict::kForward);  // one of it is missing
    CHECK(process(300, 0, Order::kNext, 0) == Verdict::kForward);
    CHECK(process(200, 2, Order::kLate, 0) == Verdict::kForward);
    CHECK(process(400, 1, Order::kGap, 0) == Verdict::kFilter);  // likewise
    CHECK(process(500, 2, Order::kNext, 2) == Verdict::kForward);
    CHECK(process(400, 1, Order::kLate, 2) == Verdict::kFill);
    CHECK(process(200, 2, Order::kLate, 2) == Verdict::kForward);
    // Of another source what was then is not known.
    munger.switch_source(d);
    CHECK(process(900, 0, Order::kNext, 1) == Verdict::kForward);
    CHECK(process(400, 2, Order::kLate, 1) == Verdict::kFill);
    CHECK(process(400, 1, Order::kLate, 1) == Verdict::kForward);
}

}  // namespace confab::sfu

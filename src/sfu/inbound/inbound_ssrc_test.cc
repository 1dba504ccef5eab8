// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// SSRCs that ended, were replaced, may be meant twice or are not known yet (02 SDP-28, IN-13,
// IN-52).
#include <doctest/doctest.h>

#include <vector>

#include "sfu/inbound/inbound_table_testing.h"

namespace confab::sfu {
namespace {

using namespace table_test;

TEST_CASE("InboundTable: of a removed section all SSRCs are out for 5 s, others stay [IMM-9]") {
    AddReceiver with_ssrcs = simulcast("3");
    with_ssrcs.layers = {{"", 0, Ssrc(31), Ssrc(32), 0, 0}};
    AddReceiver plain = simulcast("2");
    plain.layers = {{}};
    Receiver first(simulcast("1")), second(plain), silent(with_ssrcs);
    InboundTable table;
    for (Receiver* receiver : {&first, &second, &silent})
        table.add(*receiver);
    bool fresh = false;
    REQUIRE(table.resolve(packet(11, 96, "1", "q").view(), at_ms(0), fresh));
    REQUIRE(table.resolve(packet(21, 96, "2", "").view(), at_ms(0), fresh));
    table.remove(first, at_ms(100));
    table.remove(silent, at_ms(100));  // none of whose packets came
    const std::int64_t end = 100 + InboundTable::kRetired.ms();
    CHECK(table.find(21));
    for (const std::uint32_t ssrc : {11U, 31U})
        CHECK_FALSE(table.resolve(packet(ssrc, 96, "2", "").view(), at_ms(end - 1), fresh));
    CHECK_FALSE(table.resolve(packet(32, 97, "", "").view(), at_ms(end - 1), fresh));
    CHECK(table.find(21));  // none of them took its place
    CHECK(table.resolve(packet(11, 96, "2", "").view(), at_ms(end), fresh).receiver == &second);
    CHECK_FALSE(table.find(21));
}

TEST_CASE("InboundTable: an SSRC that was replaced does not take its layer back [IMM-9]") {
    Receiver receiver(simulcast("1"));
    InboundTable table;
    table.add(receiver);
    bool fresh = false;
    REQUIRE(table.resolve(packet(11, 96, "1", "q").view(), at_ms(0), fresh));
    REQUIRE(table.resolve(packet(12, 96, "1", "h").view(), at_ms(0), fresh));
    REQUIRE(table.resolve(packet(21, 96, "1", "q").view(), at_ms(100), fresh));
    CHECK_FALSE(table.resolve(packet(11, 96, "1", "q").view(), at_ms(200), fresh));
    CHECK(table.find(21));
    CHECK(table.find(12));
}

TEST_CASE("InboundTable: what may be meant twice, or is not declared, is nobody's [SDP-28]") {
    AddReceiver single = simulcast("1");
    single.layers = {{}};
    AddReceiver other = single;
    other.mid = "2";
    bool fresh = false;
    {
        Receiver one(single), two(other);
        InboundTable table;
        table.add(one);
        table.add(two);
        for (const std::uint8_t pt : std::vector<std::uint8_t>{96, 97})
            CHECK_FALSE(table.resolve(packet(11, pt, "", "").view(), at_ms(0), fresh));
        CHECK_FALSE(table.resolve(packet(11, 98, "1", "").view(), at_ms(0), fresh));  // its type
        CHECK_FALSE(table.resolve(packet(11, 96, "3", "").view(), at_ms(0), fresh));
        CHECK(table.resolve(packet(11, 96, "2", "").view(), at_ms(0), fresh).receiver == &two);
        CHECK(table.resolve(packet(12, 97, "1", "").view(), at_ms(0), fresh).receiver == &one);
    }
    Receiver layers(simulcast("1"));
    InboundTable table;
    table.add(layers);
    for (const std::uint8_t pt : std::vector<std::uint8_t>{96, 97})
        CHECK_FALSE(table.resolve(packet(11, pt, "", "").view(), at_ms(0), fresh));
    CHECK_FALSE(table.resolve(packet(12, 97, "1", "x", 6).view(), at_ms(0), fresh));
    // One layer whose SSRC is known takes no other.
    AddReceiver known = single;
    known.layers = {{"", 0, Ssrc(5), {}, 0, 0}};
    Receiver declared(known);
    InboundTable third;
    third.add(declared);
    CHECK_FALSE(third.resolve(packet(6, 96, "", "").view(), at_ms(0), fresh));
    CHECK(third.resolve(packet(5, 96, "", "").view(), at_ms(0), fresh));
}

TEST_CASE("InboundTable: ten looks at an SSRC, 25 SSRCs at a time [SDP-28] [IMM-15]") {
    Receiver receiver(simulcast("1"));
    InboundTable table;
    table.add(receiver);
    bool fresh = false;
    const auto look = [&](std::uint32_t ssrc, bool named) {
        return static_cast<bool>(table.resolve(
            packet(ssrc, 96, named ? "1" : "", named ? "q" : "").view(), at_ms(0), fresh));
    };
    for (std::uint32_t i = 1; i < InboundTable::kMaxProbes; ++i)
        CHECK_FALSE(look(7, false));
    CHECK(look(7, true));  // the tenth
    for (std::uint32_t i = 0; i < InboundTable::kMaxProbes; ++i)
        CHECK_FALSE(look(8, false));
    for (std::uint32_t i = 1; i < InboundTable::kMaxProbed; ++i)
        CHECK_FALSE(look(100 + i, false));
    CHECK_FALSE(look(8, true));  // still known
    CHECK_FALSE(look(99, false));
    CHECK(look(8, true));
}

TEST_CASE("InboundTable: early reports are kept for eight SSRCs, the newest of each [IN-13]") {
    InboundTable table;
    wire::SenderReport report;
    const Bytes block(24, 1);
    for (std::uint32_t ssrc = 1; ssrc <= InboundTable::kMaxEarlyReports; ++ssrc) {
        report.ssrc = ssrc;
        report.blocks = wire::ReportBlocks(block);
        table.keep_early_report(at_ms(ssrc), report);
    }
    report.ssrc = 2;
    report.rtp_time = 77;
    table.keep_early_report(at_ms(50), report);  // no ninth: the second of its SSRC
    CHECK(table.take_early_report(1)->arrival == at_ms(1));
    const auto newest = table.take_early_report(2);
    REQUIRE(newest);
    CHECK(newest->arrival == at_ms(50));
    CHECK(newest->report.blocks.size() == 0);  // their bytes are gone
    CHECK(newest->report.rtp_time == 77);
    CHECK_FALSE(table.take_early_report(2));
    CHECK(table.take_early_report(8));
}

TEST_CASE("InboundTable: the RTX SSRC of a layer, learned or declared [IN-52] [SDP-28]") {
    AddReceiver declared = simulcast("1");
    declared.layers[0].rtx_ssrc = Ssrc(91);
    declared.layers[2].rtx_ssrc = Ssrc(93);
    Receiver first(declared), second(simulcast("2"));
    InboundTable table;
    table.add(first);
    table.add(second);
    bool fresh = false;
    (void)table.resolve(packet(12, 97, "2", "h", 6).view(), at_ms(0), fresh);
    (void)table.resolve(packet(13, 97, "1", "f", 6).view(), at_ms(0), fresh);
    (void)table.resolve(packet(14, 96, "2", "q").view(), at_ms(0), fresh);  // media is no RTX
    CHECK(table.rtx_ssrc_of(first, 0) == Ssrc(91));
    CHECK(table.rtx_ssrc_of(first, 1) == Ssrc());
    CHECK(table.rtx_ssrc_of(first, 2) == Ssrc(13));  // as it came
    CHECK(table.rtx_ssrc_of(second, 0) == Ssrc());
    CHECK(table.rtx_ssrc_of(second, 1) == Ssrc(12));
}

}  // namespace
}  // namespace confab::sfu

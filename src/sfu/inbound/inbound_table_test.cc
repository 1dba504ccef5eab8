// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/inbound/inbound_table.h"

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "sfu/inbound/inbound_table_testing.h"

namespace confab::sfu {
namespace {

using namespace table_test;

TEST_CASE(
    "InboundTable: mid and rid tell the layer once, then the SSRC alone does [IN-50][SDP-28]") {
    Receiver receiver(simulcast("1"));
    InboundTable table;
    table.add(receiver);
    bool fresh = false;
    const auto h = table.resolve(packet(11, 96, "1", "h").view(), at_ms(0), fresh);
    REQUIRE(h);
    CHECK(fresh);
    CHECK(h.stream->spatial() == 1);
    const auto again = table.resolve(packet(11, 96, "", "").view(), at_ms(0), fresh);
    CHECK_FALSE(fresh);
    CHECK(again.stream == h.stream);
    const auto rtx = table.resolve(packet(12, 97, "1", "h", 6).view(), at_ms(0), fresh);
    REQUIRE(rtx);
    CHECK(rtx.rtx);
    CHECK(rtx.stream == h.stream);
    CHECK_FALSE(table.resolve(packet(13, 96, "1", "x").view(), at_ms(0), fresh));
    CHECK_FALSE(table.resolve(packet(0, 96, "1", "f").view(), at_ms(0), fresh));
}

TEST_CASE(
    "InboundTable: none of many SSRCs in use is forgotten, named at first only [IN-50][SDP-28]") {
    constexpr std::uint32_t kSections = 40;
    std::vector<std::unique_ptr<Receiver>> receivers;
    InboundTable table;
    bool fresh = false;
    std::uint32_t number = 0;
    // Not in their order.
    const auto ssrc_of = [](std::uint32_t n) { return n * 0x9E37'79B9U; };
    for (std::uint32_t i = 0; i < kSections; ++i) {
        const std::string mid = std::to_string(i);
        table.add(*receivers.emplace_back(std::make_unique<Receiver>(simulcast(mid))));
        for (const char* rid : {"q", "h", "f"}) {
            const std::uint32_t media = ssrc_of(++number);
            const std::uint32_t rtx = ssrc_of(++number);
            REQUIRE(table.resolve(packet(media, 96, mid, rid).view(), at_ms(0), fresh));
            REQUIRE(table.resolve(packet(rtx, 97, mid, rid, 6).view(), at_ms(0), fresh).rtx);
        }
    }
    for (std::uint32_t n = 1; n <= number; ++n) {
        CAPTURE(n);
        const bool rtx = n % 2 == 0;
        const auto route =
            table.resolve(packet(ssrc_of(n), rtx ? 97 : 96, "", "").view(), at_ms(9), fresh);
        CHECK_FALSE(fresh);
        CHECK(route.receiver == receivers[(n - 1) / 6].get());
        CHECK(route.spatial == (n - 1) / 2 % 3);
        CHECK(route.rtx == rtx);
    }
    CHECK(table.known_ssrcs() == 6 * kSections);
}

TEST_CASE("InboundTable: a publisher that changes its SSRCs makes it no larger [SDP-28][IMM-15]") {
    Receiver receiver(simulcast("1"));
    InboundTable table;
    table.add(receiver);
    bool fresh = false;
    for (std::uint32_t ssrc = 1; ssrc < 5000; ++ssrc) {
        const char* rid = std::array{"q", "h", "f"}[ssrc % 3];
        const bool rtx = ssrc % 2 == 0;
        (void)table.resolve(packet(ssrc, rtx ? 97 : 96, "1", rid, rtx ? 6 : 5).view(), at_ms(ssrc),
                            fresh);
        CHECK(fresh);
        CHECK(table.known_ssrcs() <= 6);
    }
    CHECK(table.known_ssrcs() == 6);
    table.remove(receiver, at_ms(6000));
    CHECK(table.known_ssrcs() == 0);
}

TEST_CASE("InboundTable: a layer that comes with a new SSRC starts anew [SDP-28]") {
    Receiver receiver(simulcast("1"));
    InboundTable table;
    table.add(receiver);
    bool fresh = false;
    table.resolve(packet(11, 96, "1", "q").view(), at_ms(0), fresh);
    const auto second = table.resolve(packet(21, 96, "1", "q").view(), at_ms(0), fresh);
    CHECK(fresh);
    CHECK(second.stream->ssrc() == Ssrc(21));
    CHECK(receiver.streams().size() == 1);
    CHECK_FALSE(table.find(11));
    table.remove(receiver, at_ms(0));
    CHECK_FALSE(table.find(21));
}

TEST_CASE("InboundTable: SSRCs of the SDP need no extension; one section needs neither [SDP-28]") {
    AddReceiver config = simulcast("2");
    config.layers = {{"", 0, Ssrc(5), Ssrc(6), 0, 0}};
    Receiver known(config);
    InboundTable table;
    table.add(known);
    bool fresh = false;
    CHECK(table.resolve(packet(5, 96, "", "").view(), at_ms(0), fresh).stream->ssrc() == Ssrc(5));
    CHECK(table.resolve(packet(6, 97, "", "").view(), at_ms(0), fresh).rtx);
    CHECK_FALSE(table.resolve(packet(7, 96, "", "").view(), at_ms(0), fresh));

    AddReceiver audio;
    audio.codecs = {{Codec::kOpus, PayloadType(111), std::nullopt, 48'000, true}};
    Receiver microphone(audio);
    InboundTable plain;
    plain.add(microphone);
    CHECK(plain.resolve(packet(9, 111, "", "").view(), at_ms(0), fresh).receiver == &microphone);
    CHECK_FALSE(plain.resolve(packet(10, 111, "", "").view(), at_ms(0), fresh));
}

TEST_CASE(
    "InboundTable: unknown SSRCs are looked at ten times and never grow it [SDP-28][IMM-15]") {
    Receiver receiver(simulcast("1"));
    InboundTable table;
    table.add(receiver);
    bool fresh = false;
    for (int i = 0; i < 10; ++i)
        CHECK_FALSE(table.resolve(packet(7, 96, "", "").view(), at_ms(0), fresh));
    CHECK_FALSE(table.resolve(packet(7, 96, "1", "q").view(), at_ms(0), fresh));  // too late
    for (std::uint32_t ssrc = 1000; ssrc < 9000; ++ssrc)
        CHECK_FALSE(table.resolve(packet(ssrc, 96, "", "").view(), at_ms(0), fresh));
    CHECK(table.resolve(packet(7, 96, "1", "q").view(), at_ms(0), fresh));  // forgotten meanwhile
}

TEST_CASE("InboundTable: a late packet of a track that ended is nobody's [IMM-9][SDP-28][IN-03]") {
    // One video section ends, another one that takes the same payload types stays.
    AddReceiver first = simulcast("1");
    first.layers = {{"", 0, Ssrc(5), Ssrc(6), 0, 0}};
    AddReceiver second = simulcast("2");
    second.layers = {{}};
    Receiver ended(first), other(second);
    InboundTable table;
    table.add(ended);
    table.add(other);
    bool fresh = false;
    REQUIRE(table.resolve(packet(5, 96, "", "").view(), at_ms(0), fresh));
    REQUIRE(table.resolve(packet(6, 97, "", "").view(), at_ms(0), fresh).rtx);
    REQUIRE(table.resolve(packet(8, 96, "2", "").view(), at_ms(0), fresh).receiver == &other);
    table.remove(ended, at_ms(100));
    // By payload type both would be the other section's now.
    CHECK_FALSE(table.resolve(packet(6, 97, "", "").view(), at_ms(110), fresh));
    CHECK_FALSE(table.resolve(packet(5, 96, "", "").view(), at_ms(110), fresh));
    CHECK_FALSE(table.resolve(packet(6, 97, "", "").view(), at_ms(60'000), fresh));
    // RTX that was never anybody else's is still found that way.
    const auto own = table.resolve(packet(9, 97, "", "").view(), at_ms(110), fresh);
    CHECK(own.rtx);
    CHECK(own.receiver == &other);

    // The section is used again: an old packet that still names it does not become its stream.
    Receiver again(simulcast("1"));
    table.add(again);
    CHECK_FALSE(table.resolve(packet(5, 96, "1", "q").view(), at_ms(200), fresh));
    const auto fresh_layer = table.resolve(packet(15, 96, "1", "q").view(), at_ms(210), fresh);
    REQUIRE(fresh_layer.receiver == &again);
    // An SSRC of the SDP is believed at once, one that is named later on as well.
    AddReceiver named = simulcast("3");
    named.layers = {{"", 0, Ssrc(5), {}, 0, 0}};
    Receiver back(named);
    table.add(back);
    CHECK(table.resolve(packet(5, 96, "", "").view(), at_ms(220), fresh).receiver == &back);
    CHECK(table.resolve(packet(6, 97, "1", "q", 6).view(), at_ms(60'000), fresh).rtx);
}

TEST_CASE("InboundTable: what ended is forgotten some day [IMM-15]") {
    InboundTable table;
    bool fresh = false;
    for (std::uint32_t i = 0; i < 1000; ++i) {
        AddReceiver config = simulcast("1");
        config.layers = {{"", 0, Ssrc(100 + i), {}, 0, 0}};
        Receiver receiver(config);
        table.add(receiver);
        CHECK(table.resolve(packet(100 + i, 96, "", "").view(), at_ms(0), fresh));
        table.remove(receiver, at_ms(0));
    }
    Receiver receiver([] {
        AddReceiver config = simulcast("1");
        config.layers = {{}};
        return config;
    }());
    table.add(receiver);
    CHECK_FALSE(table.resolve(packet(1099, 96, "", "").view(), at_ms(0), fresh));
    CHECK(table.resolve(packet(100, 96, "", "").view(), at_ms(0), fresh));
}

TEST_CASE("InboundTable: probes on RTX before the layer starts do not use it up [IN-52][IN-03]") {
    Receiver receiver(simulcast("1"));
    InboundTable table;
    table.add(receiver);
    bool fresh = false;
    for (int i = 0; i < 85; ++i) {
        const auto route = table.resolve(packet(12, 97, "1", "f", 6).view(), at_ms(i), fresh);
        CHECK_FALSE(route);
        CHECK(fresh == (i == 0));
    }
    CHECK(table.rtx_ssrc_of(receiver, 2) == Ssrc(12));
    CHECK(table.rtx_ssrc_of(receiver, 1) == Ssrc());
    const auto media = table.resolve(packet(11, 96, "1", "f").view(), at_ms(100), fresh);
    const auto rtx = table.resolve(packet(12, 97, "", "").view(), at_ms(101), fresh);
    CHECK(rtx.rtx);
    CHECK(rtx.stream == media.stream);
}

TEST_CASE("InboundTable: a sender report waits for its SSRC to be recognised [IN-13][TRAP-37]") {
    InboundTable table;
    wire::SenderReport report;
    for (std::uint32_t ssrc = 1; ssrc <= 20; ++ssrc) {
        report.ssrc = ssrc;
        table.keep_early_report(Timestamp::micros(ssrc), report);
    }
    CHECK(table.take_early_report(20)->arrival == Timestamp::micros(20));
    CHECK_FALSE(table.take_early_report(20).has_value());
    CHECK_FALSE(table.take_early_report(1).has_value());
}

TEST_CASE("InboundTable: an SSRC that nobody claimed is looked at again later [IN-50][SDP-28]") {
    Receiver early(simulcast("1"));
    InboundTable table;
    table.add(early);
    bool fresh = false;
    // Packets before the section that they belong to was negotiated.
    for (std::uint32_t i = 0; i < 2 * InboundTable::kMaxProbes; ++i)
        CHECK_FALSE(table.resolve(packet(11, 96, "2", "q").view(), at_ms(0), fresh));
    Receiver late(simulcast("2"));
    table.add(late);
    CHECK(table.resolve(packet(11, 96, "2", "q").view(), at_ms(0), fresh));
    // Packets without the extensions that would name it, which come later.
    for (std::uint32_t i = 0; i < 2 * InboundTable::kMaxProbes; ++i)
        CHECK_FALSE(table.resolve(packet(12, 96, "", "").view(), at_ms(0), fresh));
    CHECK_FALSE(table.resolve(packet(12, 96, "2", "h").view(), at_ms(0), fresh));
    const std::int64_t again = InboundTable::kProbeAgain.ms();
    CHECK_FALSE(table.resolve(packet(12, 96, "2", "h").view(), at_ms(again - 1), fresh));
    CHECK(table.resolve(packet(12, 96, "2", "h").view(), at_ms(again), fresh));
}

}  // namespace
}  // namespace confab::sfu

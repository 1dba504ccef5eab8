// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/inbound/inbound_table.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "wire/rtp/rtp_extensions.h"

namespace confab::sfu {
namespace {

Timestamp at_ms(std::int64_t ms) {
    return Timestamp::micros(1'000'000 + ms * 1000);
}

AddReceiver simulcast(const std::string& mid) {
    AddReceiver config;
    config.kind = MediaKind::kVideo;
    config.mid = mid;
    config.codecs = {{Codec::kVp8, PayloadType(96), PayloadType(97), 90'000, true, std::nullopt}};
    config.extensions.mid = 4;
    config.extensions.rid = 5;
    config.extensions.repaired_rid = 6;
    config.layers = {{"q", 0, {}, {}, 0, 0}, {"h", 1, {}, {}, 0, 0}, {"f", 2, {}, {}, 0, 0}};
    return config;
}

struct Built {
    Bytes bytes;
    wire::RtpPacketView view() const { return wire::parse_rtp(bytes).value(); }
};
Built packet(std::uint32_t ssrc, std::uint8_t pt, const std::string& mid, const std::string& rid,
             std::uint8_t rid_id = 5) {
    Built built{Bytes(200)};
    ByteWriter out(built.bytes);
    wire::RtpHeader header;
    header.ssrc = ssrc;
    header.payload_type = pt;
    wire::ExtensionWriter extensions;
    if (!mid.empty()) extensions.add(4, as_bytes(mid));
    if (!rid.empty()) extensions.add(rid_id, as_bytes(rid));
    header.has_extension = !extensions.empty();
    wire::write_rtp_header(out, header);
    extensions.write(out);
    out.u32(0x10203040);
    built.bytes.resize(out.size());
    return built;
}

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

TEST_CASE("InboundTable: remembers a bounded number of SSRCs, the newest [SDP-28][IMM-15]") {
    std::vector<std::unique_ptr<Receiver>> receivers;
    InboundTable table;
    std::uint32_t ssrc = 0;
    for (std::size_t i = 0; i <= InboundTable::kMaxSsrcs / 3; ++i) {
        const std::string mid = std::to_string(i);
        table.add(*receivers.emplace_back(std::make_unique<Receiver>(simulcast(mid))));
        for (const char* rid : {"q", "h", "f"}) {
            bool fresh = false;
            REQUIRE(table.resolve(packet(++ssrc, 96, mid, rid).view(), at_ms(0), fresh));
        }
    }
    REQUIRE(ssrc == InboundTable::kMaxSsrcs + 1);
    CHECK_FALSE(table.find(1));
    CHECK(table.find(2));
    CHECK(table.find(ssrc));
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
    audio.codecs = {{Codec::kOpus, PayloadType(111), std::nullopt, 48'000, true, std::nullopt}};
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

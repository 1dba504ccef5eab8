// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/inbound_table.h"

#include <doctest/doctest.h>

#include <string>

#include "wire/rtp_extensions.h"

namespace confab::sfu {
namespace {

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
    const auto h = table.resolve(packet(11, 96, "1", "h").view(), fresh);
    REQUIRE(h);
    CHECK(fresh);
    CHECK(h.stream->spatial() == 1);
    const auto again = table.resolve(packet(11, 96, "", "").view(), fresh);
    CHECK_FALSE(fresh);
    CHECK(again.stream == h.stream);
    const auto rtx = table.resolve(packet(12, 97, "1", "h", 6).view(), fresh);
    REQUIRE(rtx);
    CHECK(rtx.rtx);
    CHECK(rtx.stream == h.stream);
    CHECK_FALSE(table.resolve(packet(13, 96, "1", "x").view(), fresh));
    CHECK_FALSE(table.resolve(packet(0, 96, "1", "f").view(), fresh));
}

TEST_CASE("InboundTable: a layer that comes with a new SSRC starts anew [SDP-28]") {
    Receiver receiver(simulcast("1"));
    InboundTable table;
    table.add(receiver);
    bool fresh = false;
    table.resolve(packet(11, 96, "1", "q").view(), fresh);
    const auto second = table.resolve(packet(21, 96, "1", "q").view(), fresh);
    CHECK(fresh);
    CHECK(second.stream->ssrc() == Ssrc(21));
    CHECK(receiver.streams().size() == 1);
    CHECK_FALSE(table.find(11));
    table.remove(receiver);
    CHECK_FALSE(table.find(21));
}

TEST_CASE("InboundTable: SSRCs of the SDP need no extension; one section needs neither [SDP-28]") {
    AddReceiver config = simulcast("2");
    config.layers = {{"", 0, Ssrc(5), Ssrc(6), 0, 0}};
    Receiver known(config);
    InboundTable table;
    table.add(known);
    bool fresh = false;
    CHECK(table.resolve(packet(5, 96, "", "").view(), fresh).stream->ssrc() == Ssrc(5));
    CHECK(table.resolve(packet(6, 97, "", "").view(), fresh).rtx);
    CHECK_FALSE(table.resolve(packet(7, 96, "", "").view(), fresh));

    AddReceiver audio;
    audio.codecs = {{Codec::kOpus, PayloadType(111), std::nullopt, 48'000, true, std::nullopt}};
    Receiver microphone(audio);
    InboundTable plain;
    plain.add(microphone);
    CHECK(plain.resolve(packet(9, 111, "", "").view(), fresh).receiver == &microphone);
    CHECK_FALSE(plain.resolve(packet(10, 111, "", "").view(), fresh));
}

TEST_CASE(
    "InboundTable: unknown SSRCs are looked at ten times and never grow it [SDP-28][IMM-15]") {
    Receiver receiver(simulcast("1"));
    InboundTable table;
    table.add(receiver);
    bool fresh = false;
    for (int i = 0; i < 10; ++i)
        CHECK_FALSE(table.resolve(packet(7, 96, "", "").view(), fresh));
    CHECK_FALSE(table.resolve(packet(7, 96, "1", "q").view(), fresh));  // too late
    for (std::uint32_t ssrc = 1000; ssrc < 9000; ++ssrc)
        CHECK_FALSE(table.resolve(packet(ssrc, 96, "", "").view(), fresh));
    CHECK(table.resolve(packet(7, 96, "1", "q").view(), fresh));  // forgotten meanwhile
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

}  // namespace
}  // namespace confab::sfu

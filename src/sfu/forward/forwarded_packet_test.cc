// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Headers built for subscribers, read back with the parsers of wire/ (02 FWD-08, FWD-09).
#include "sfu/forward/forwarded_packet.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/rng.h"
#include "sfu/forward/forward_testing.h"
#include "wire/rtp/dependency_descriptor.h"
#include "wire/rtp/rtp.h"
#include "wire/rtp/rtp_extensions.h"

namespace confab::sfu {
namespace {

const SendExtensions kIds{.dependency_descriptor = 1,
                          .abs_capture_time = 2,
                          .abs_send_time = 3,
                          .transport_cc = 5,
                          .playout_delay = 6,
                          .mid = 7};

wire::DependencyStructure structure() {
    wire::DependencyStructure out;
    REQUIRE(
        wire::parse_dependency_descriptor(test::from_hex(test::kL3T3KeyStructure), nullptr, &out));
    return out;
}

}  // namespace

TEST_CASE("build_header: fresh header and extensions [FWD-09] [PAC-01] [IN-40]") {
    ForwardedPacket p;
    p.sequence = 0x5'1234;
    p.timestamp = 0xCAFEBABE;
    p.ssrc = 0x01020304;
    p.payload_type = 96;
    p.marker = true;
    p.has_abs_capture_time = true;
    p.abs_capture_time = 0x1122334455667788;
    p.prefix_size = 3;
    p.prefix = {9, 8, 7};
    std::array<std::uint8_t, 100> buffer{};
    const SendStamps stamps{0xABCDEF, 0x4321};
    const std::size_t size = build_header(p, kIds, stamps, {}, buffer);
    CHECK(size == header_size(p, kIds, {}));
    const auto view = wire::parse_rtp(BytesView(buffer).first(size));
    REQUIRE(view);
    CHECK(view->header.sequence == 0x1234);
    CHECK(view->header.timestamp == 0xCAFEBABE);
    CHECK(view->header.ssrc == 0x01020304);
    CHECK(view->header.payload_type == 96);
    CHECK(view->header.marker);
    CHECK(view->header.csrc_count == 0);
    CHECK(view->header.padding_size == 0);
    CHECK(view->header.extension_profile == wire::kOneByteProfile);
    CHECK(to_vector(view->payload) == Bytes{9, 8, 7});
    const auto capture = wire::read_abs_capture_time(*wire::find_extension(*view, 2));
    REQUIRE(capture);
    CHECK(capture->capture_ntp == 0x1122334455667788);
    CHECK_FALSE(capture->clock_offset.has_value());
    CHECK(wire::read_abs_send_time(*wire::find_extension(*view, 3)) == 0xABCDEF);
    CHECK(wire::read_transport_sequence(*wire::find_extension(*view, 5)) == 0x4321);
    CHECK_FALSE(wire::find_extension(*view, 1).has_value());
}

TEST_CASE("build_header: no extension, no block; too small a buffer gives 0 [FWD-09]") {
    ForwardedPacket p;
    std::array<std::uint8_t, 12> buffer{};
    CHECK(build_header(p, {}, {}, {}, buffer) == 12);
    CHECK((buffer[0] & 0x10) == 0);
    for (std::size_t room = 0; room < 24; ++room)
        CHECK(build_header(p, kIds, {}, {},
                           BytesSpan(buffer).first(std::min<std::size_t>(room, 12))) == 0);
}

TEST_CASE("build_header: a structure of 90 bytes takes the two-byte form [FWD-08] [IN-26]") {
    const Bytes dd = test::from_hex(test::kL3T3KeyStructure);
    ForwardedPacket p;
    p.dd_mode = DescriptorMode::kAsIs;
    p.dd_frame_number = load_be16(&dd[1]);
    std::array<std::uint8_t, kMaxForwardedHeader> buffer{};
    const std::size_t size = build_header(p, kIds, {0x123456, 99}, dd, buffer);
    CHECK(size == header_size(p, kIds, dd));
    const auto view = wire::parse_rtp(BytesView(buffer).first(size));
    REQUIRE(view);
    CHECK(view->header.extension_profile == wire::kTwoByteProfile);
    CHECK(to_vector(*wire::find_extension(*view, 1)) == dd);  // byte for byte
    CHECK(wire::read_abs_send_time(*wire::find_extension(*view, 3)) == 0x123456);
    CHECK(wire::read_transport_sequence(*wire::find_extension(*view, 5)) == 99);
}

TEST_CASE("write_masked_descriptor: masks as recorded [FWD-08]") {
    struct Row {
        const char* in;
        std::uint32_t mask;
        const char* out;
    };
    // Source and subscriber side of the AV1 recording (L3T3_KEY, 9 targets).
    const Row rows[] = {{"00005b", 0x007, "00005b401c"}, {"c3005e", 0x007, "c3005e401c"},
                        {"8b005a", 0x1FF, "8b005a47fc"}, {"490056", 0x03F, "49005640fc"},
                        {"8b005a", 0x049, "8b005a4124"}, {"8b005a", 0x0DB, "8b005a436c"}};
    for (const Row& row : rows) {
        const Bytes in = test::from_hex(row.in);
        std::array<std::uint8_t, 8> out{};
        const std::size_t size = write_masked_descriptor(in, 9, row.mask, load_be16(&in[1]), out);
        CHECK(to_vector(BytesView(out).first(size)) == test::from_hex(row.out));
        CHECK(size == in.size() + 2);  // the packet grows by 4 with padding
    }
}

TEST_CASE("write_masked_descriptor: changes nothing but mask and number [FWD-08]") {
    const wire::DependencyStructure s = structure();
    // Explicit chain and frame diffs from the VP9 recording, and packets with a mask already.
    const char* const inputs[] = {"c2003f1a80282018",    "8100441b20504840", "8700b01a60282018",
                                  "8800bc1ac0403830",    "85005c",           "4b005a47fc",
                                  "810044581d9028242000"};
    for (const char* const hex : inputs) {
        const Bytes in = test::from_hex(hex);
        const auto before = wire::parse_dependency_descriptor(in, &s);
        REQUIRE(before);
        std::array<std::uint8_t, 32> out{};
        const std::size_t size =
            write_masked_descriptor(in, s.decode_target_count, 0x049, 0xBEEF, out);
        CHECK(size == masked_descriptor_size(in, s.decode_target_count));
        const auto after = wire::parse_dependency_descriptor(BytesView(out).first(size), &s);
        REQUIRE(after);
        wire::DependencyInfo expected = *before;
        expected.frame_number = 0xBEEF;
        expected.has_active_targets = true;
        expected.active_targets = 0x049;
        CHECK(*after == expected);
        for (std::size_t cut = 0; cut < size; ++cut)
            CHECK(write_masked_descriptor(in, s.decode_target_count, 0x049, 1,
                                          BytesSpan(out).first(cut)) == 0);
    }
    // A mask said to be longer than what there is.
    std::array<std::uint8_t, 64> room{};
    CHECK(write_masked_descriptor(test::from_hex("00000040"), 9, 1, 1, room) == 0);
    CHECK(write_masked_descriptor(test::from_hex("0000004000"), 32, 1, 1, room) == 0);
    for (std::size_t cut = 0; cut < 3; ++cut) {
        const Bytes in(cut, 0);
        std::array<std::uint8_t, 8> out{};
        CHECK(write_masked_descriptor(in, 9, 1, 1, out) == 0);
    }
}

TEST_CASE("write_masked_descriptor: any bytes, any counts, never beyond its size [FWD-08]") {
    Rng rng(11);
    for (int i = 0; i < 20'000; ++i) {
        Bytes in(rng.below(24));
        rng.fill(in);
        const auto targets = static_cast<std::uint8_t>(rng.below(34));
        const std::size_t size = masked_descriptor_size(in, targets);
        Bytes out(size);  // exactly as long as announced: a sanitizer would see more
        const std::size_t written = write_masked_descriptor(in, targets, rng.u32(), 7, out);
        REQUIRE((written == 0 || written == size));
    }
}

TEST_CASE("ForwardedPacket: body() stays inside the source payload") {
    const Bytes payload{1, 2, 3, 4};
    ForwardedPacket p;
    CHECK(p.body(payload).size() == 4);
    p.payload_offset = 3;
    CHECK(to_vector(p.body(payload)) == Bytes{4});
    p.payload_offset = 4;
    CHECK(p.body(payload).empty());
    p.payload_offset = 1;
    p.payload_size = 2;
    CHECK(to_vector(p.body(payload)) == Bytes{2, 3});
    p.payload_size = 9;
    CHECK(p.body(payload).size() == 3);
}

TEST_CASE("build_header: ids above 14 and values above 16 octets take two bytes [FWD-09]") {
    struct Row {
        const char* what;
        SendExtensions ids;
        std::size_t dd;
        bool two_byte;
    };
    const auto with = [](auto member, std::uint8_t id) {
        SendExtensions ids = kIds;
        ids.*member = id;
        return ids;
    };
    using E = SendExtensions;
    const Row rows[] = {
        {"none", kIds, 3, false},
        {"16 octets", kIds, 16, false},
        {"17 octets", kIds, 17, true},
        {"17 octets, not negotiated", with(&E::dependency_descriptor, 0), 17, false},
        {"descriptor 14", with(&E::dependency_descriptor, 14), 3, false},
        {"descriptor 15", with(&E::dependency_descriptor, 15), 3, true},
        {"playout 14", with(&E::playout_delay, 14), 3, false},
        {"playout 15", with(&E::playout_delay, 15), 3, true},
        {"capture 15", with(&E::abs_capture_time, 15), 3, true},
        {"send time 15", with(&E::abs_send_time, 15), 3, true},
        {"transport 15", with(&E::transport_cc, 15), 3, true}};
    for (const Row& row : rows) {
        CAPTURE(row.what);
        ForwardedPacket p;
        p.dd_mode = DescriptorMode::kAsIs;
        p.dd_frame_number = 0x1234;
        p.has_playout_delay = true;
        p.playout_delay = {1, 2, 3};
        p.has_abs_capture_time = true;
        p.abs_capture_time = 77;
        const Bytes dd(row.dd, 0x55);
        std::array<std::uint8_t, kMaxForwardedHeader> buffer{};
        buffer.fill(0xFF);
        const std::size_t size = build_header(p, row.ids, {0xABCDEF, 0x4321}, dd, buffer);
        REQUIRE(size == header_size(p, row.ids, dd));
        CHECK(size % 4 == 0);
        const auto view = wire::parse_rtp(BytesView(buffer).first(size));
        REQUIRE(view);
        CHECK((view->header.extension_profile == wire::kTwoByteProfile) == row.two_byte);
        // All are there whatever the form, and behind them zeros.
        const auto found = wire::find_extension(*view, row.ids.dependency_descriptor);
        REQUIRE(found.has_value() == (row.ids.dependency_descriptor != 0));
        if (found) {
            CHECK(found->size() == row.dd);
            CHECK(load_be16(found->data() + 1) == 0x1234);
            CHECK(found->front() == 0x55);
        }
        CHECK(to_vector(*wire::find_extension(*view, row.ids.playout_delay)) == Bytes{1, 2, 3});
        CHECK(wire::find_extension(*view, row.ids.abs_capture_time)->size() == 8);
        CHECK(wire::read_abs_send_time(*wire::find_extension(*view, row.ids.abs_send_time)) ==
              0xABCDEF);
        CHECK(wire::read_transport_sequence(*wire::find_extension(*view, row.ids.transport_cc)) ==
              0x4321);
        for (std::size_t room = 0; room < size; ++room)
            REQUIRE(build_header(p, row.ids, {}, dd, BytesSpan(buffer).first(room)) == 0);
    }
}

TEST_CASE("build_header: what is stamped alone, of any ids, is read back [FWD-09] [PAC-01]") {
    for (std::uint8_t send_time = 0; send_time < 20; ++send_time)
        for (std::uint8_t transport = 0; transport < 20; ++transport) {
            if (send_time != 0 && send_time == transport) continue;
            CAPTURE(int{send_time});
            CAPTURE(int{transport});
            SendExtensions ids;
            ids.abs_send_time = send_time;
            ids.transport_cc = transport;
            std::array<std::uint8_t, 40> buffer{};
            buffer.fill(0xFF);
            ForwardedPacket p;
            p.prefix_size = 2;
            p.prefix = {8, 9};
            const std::size_t size = build_header(p, ids, {0xFFABCDEF, 0x4321}, {}, buffer);
            REQUIRE(size == header_size(p, ids, {}));
            const auto view = wire::parse_rtp(BytesView(buffer).first(size));
            REQUIRE(view);
            CHECK(to_vector(view->payload) == Bytes{8, 9});
            const bool two_byte = std::max(send_time, transport) > 14;
            if (send_time + transport > 0)
                CHECK((view->header.extension_profile == wire::kTwoByteProfile) == two_byte);
            if (send_time != 0)
                CHECK(wire::read_abs_send_time(*wire::find_extension(*view, send_time)) ==
                      0xABCDEF);
            if (transport != 0)
                CHECK(wire::read_transport_sequence(*wire::find_extension(*view, transport)) ==
                      0x4321);
        }
}

TEST_CASE(
    "FrameHeader: writes what build_header() does for each packet of a frame [DES-44] [FWD-09]") {
    Rng rng(11);
    for (int i = 0; i < 3000; ++i) {
        CAPTURE(i);
        const auto id = [&] {
            return static_cast<std::uint8_t>(rng.below(3) == 0 ? 0 : 1 + rng.below(14));
        };
        const SendExtensions ids{.abs_send_time = id(), .transport_cc = id(), .mid = id()};
        ForwardedPacket p;
        p.timestamp = rng.u32();
        p.ssrc = rng.u32();
        p.payload_type = static_cast<std::uint8_t>(rng.below(128));
        p.sequence = rng.u32();
        p.marker = rng.below(2) == 0;
        p.prefix_size = static_cast<std::uint8_t>(rng.below(7));
        SendStamps stamps{rng.u32() & 0xFFFFFF, rng.u16()};
        const FrameHeader header(p, ids, stamps);
        for (int k = 0; k < 4; ++k) {
            p.sequence = rng.u32();
            p.marker = rng.below(2) == 0;
            p.padding = rng.below(2) == 0;
            stamps.transport_sequence = rng.u16();
            std::array<std::uint8_t, 64> expected{};
            const std::size_t size = build_header(p, ids, stamps, {}, expected);
            REQUIRE(header.size() == size - p.prefix_size);
            std::array<std::uint8_t, FrameHeader::kRoom> out{};
            header.write(out.data(), p.sequence, p.marker, p.padding, stamps.transport_sequence);
            CHECK(std::equal(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(header.size()),
                             expected.begin()));
        }
    }
    // What has more than stamps, or takes the long form.
    ForwardedPacket p;
    CHECK(FrameHeader(p, {.abs_send_time = 15}, {}).size() == 0);
    CHECK(FrameHeader(p, {.transport_cc = 15}, {}).size() == 0);
    p.has_playout_delay = true;
    CHECK(FrameHeader(p, {.abs_send_time = 3}, {}).size() == 0);
}

TEST_CASE("build_header: no id, no extension; no packet that has none is asked for it [FWD-09]") {
    ForwardedPacket p;
    p.has_playout_delay = p.has_abs_capture_time = true;
    p.dd_mode = DescriptorMode::kAsIs;
    const Bytes dd(3, 0);
    CHECK(header_size(p, {}, dd) == 12);
    p.has_playout_delay = p.has_abs_capture_time = false;
    p.dd_mode = DescriptorMode::kNone;
    SendExtensions ids = kIds;
    ids.abs_send_time = ids.transport_cc = 0;
    CHECK(header_size(p, ids, dd) == 12);
    p.dd_mode = DescriptorMode::kAsIs;
    CHECK(header_size(p, ids, Bytes(2, 0)) == 12);  // no descriptor is that short
    CHECK(header_size(p, ids, dd) == 12 + 4 + 4);
}

TEST_CASE("build_header: the longest descriptor fits, one octet more does not [FWD-08]") {
    for (const std::size_t length : {254U, 255U, 256U}) {
        CAPTURE(length);
        ForwardedPacket p;
        p.dd_mode = DescriptorMode::kAsIs;
        p.has_playout_delay = p.has_abs_capture_time = true;
        p.prefix_size = 8;
        const Bytes dd(length, 0x55);
        std::array<std::uint8_t, kMaxForwardedHeader + 4> buffer{};
        const std::size_t size = build_header(p, kIds, {}, dd, buffer);
        CHECK((size > 0) == (length <= wire::kMaxDependencyDescriptorSize));
        CHECK(size <= kMaxForwardedHeader);
    }
}

TEST_CASE("build_header: a descriptor that takes no mask leaves no old octets [FWD-08]") {
    ForwardedPacket p;
    p.dd_mode = DescriptorMode::kSetMask;
    p.dd_target_count = 9;
    p.dd_mask = 7;
    const Bytes broken = test::from_hex("00000040");  // says it has a mask, and ends
    std::array<std::uint8_t, 100> buffer{};
    buffer.fill(0xEE);
    const std::size_t size = build_header(p, kIds, {}, broken, buffer);
    const auto view = wire::parse_rtp(BytesView(buffer).first(size));
    REQUIRE(view);
    CHECK(to_vector(*wire::find_extension(*view, 1)) == Bytes(4, 0));
}

TEST_CASE("write_masked_descriptor: masks of 0 to 32 targets, no more [FWD-08]") {
    for (const std::uint8_t targets : std::vector<std::uint8_t>{0, 1, 3, 11, 31, 32, 33}) {
        CAPTURE(static_cast<int>(targets));
        const Bytes in = test::from_hex("c30004");
        const std::size_t size = masked_descriptor_size(in, targets);
        CHECK(size == (24U + 5U + targets + 7U) / 8U);
        Bytes out(size);
        const std::size_t written = write_masked_descriptor(in, targets, ~0U, 0xBEEF, out);
        REQUIRE(written == (targets <= 32 ? size : 0));
        if (written == 0) continue;
        CHECK(load_be16(&out[1]) == 0xBEEF);
        // Flag A, then a one for each target and zeros.
        unsigned ones = 0;
        for (std::size_t bit = 29; bit < 8 * size; ++bit)
            ones += out[bit / 8] >> (7 - bit % 8) & 1U;
        CHECK(ones == targets);
        CHECK((out[3] & 0xF8) == 0x40);
    }
}

}  // namespace confab::sfu

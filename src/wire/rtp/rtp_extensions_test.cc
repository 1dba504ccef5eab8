// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/rtp/rtp_extensions.h"

#include <map>

#include "wire/video/media_test_util.h"

namespace confab::wire {
namespace {

std::map<int, std::string> read_all(std::uint16_t profile, BytesView block, bool* ok = nullptr) {
    ExtensionReader reader(profile, block);
    std::map<int, std::string> found;
    while (const auto element = reader.next())
        found.emplace(element->id, to_hex(element->data));
    if (ok != nullptr) *ok = reader.ok();
    return found;
}

using Found = std::map<int, std::string>;

TEST_CASE("ExtensionReader: one-byte form with padding between elements") {
    // The block of RFC 8285 §4.2 with padding before, between and behind.
    CHECK(read_all(0xBEDE, hex("0010aa0021bbbb33ccccccccff0000")) ==
          Found{{1, "aa"}, {2, "bbbb"}, {3, "cccccccc"}});
}

TEST_CASE("ExtensionReader: id 15, and id 0 with a length, end the one-byte form") {
    bool ok = false;
    CHECK(read_all(0xBEDE, hex("10aaf0bb20cc"), &ok) == Found{{1, "aa"}});
    CHECK(ok);
    CHECK(read_all(0xBEDE, hex("10aa01bbbb20cc"), &ok) == Found{{1, "aa"}});
    CHECK(ok);
}

TEST_CASE("ExtensionReader: two-byte form with empty and long elements and appbits") {
    const Found expected{{1, ""}, {15, "aa"}, {200, "bbbbbb"}};
    const Bytes block =
        hex("0100"
            "000f01aa"
            "c803bbbbbb"
            "00");
    CHECK(read_all(0x1000, block) == expected);
    CHECK(read_all(0x100F, block) == expected);
    CHECK(read_all(0x1010, block).empty());
    CHECK(read_all(0x0000, block).empty());
}

TEST_CASE("ExtensionReader: an element beyond the block is refused [IMM-7]") {
    bool ok = true;
    CHECK(read_all(0xBEDE, hex("10aa23bbbbbb"), &ok) == Found{{1, "aa"}});
    CHECK_FALSE(ok);
    CHECK(read_all(0x1000, hex("0101aa02ffbb"), &ok) == Found{{1, "aa"}});
    CHECK_FALSE(ok);
    CHECK(read_all(0x1000, hex("0101aa02"), &ok) == Found{{1, "aa"}});
    CHECK_FALSE(ok);
    const Bytes two =
        hex("0103010203"
            "02021122"
            "000301ff");
    const Bytes one =
        hex("1201020302112233"
            "00"
            "50ff");
    for_each_prefix(two, [](BytesView prefix) { (void)read_all(0x1000, prefix); });
    for_each_prefix(one, [](BytesView prefix) { (void)read_all(0xBEDE, prefix); });
}

TEST_CASE("find_extension: by id, absent, and id 0") {
    const Bytes packet =
        hex("906000010000000200000003"
            "bede0002"
            "30ff"
            "51aabb"
            "000000"
            "01");
    const auto parsed = parse_rtp(packet);
    REQUIRE(parsed.has_value());
    CHECK(to_hex(*find_extension(*parsed, 5)) == "aabb");
    CHECK_FALSE(find_extension(*parsed, 4).has_value());
    CHECK_FALSE(find_extension(*parsed, 0).has_value());
}

TEST_CASE("extension values: reading and their sizes [IN-30] [IN-40] [IN-41]") {
    const auto level = read_audio_level(hex("89"));
    REQUIRE(level.has_value());
    CHECK(level->voice_activity);
    CHECK(level->level == 9);
    CHECK(read_audio_level(hex("7f"))->level == 127);
    CHECK_FALSE(read_audio_level({}).has_value());

    CHECK(read_abs_send_time(hex("85e5d4")) == 0x85E5D4U);
    CHECK_FALSE(read_abs_send_time(hex("85e5")).has_value());
    CHECK(read_transport_sequence(hex("0102")) == 0x0102);
    CHECK_FALSE(read_transport_sequence(hex("010203")).has_value());

    const auto short_time = read_abs_capture_time(hex("eeaa81616584358d"));
    REQUIRE(short_time.has_value());
    CHECK(short_time->capture_ntp == 0xEEAA81616584358DULL);
    CHECK_FALSE(short_time->clock_offset.has_value());
    const auto long_time = read_abs_capture_time(hex("eeaa81616584358dfffffffffffffffe"));
    CHECK(long_time->clock_offset == -2);
    CHECK_FALSE(read_abs_capture_time(hex("eeaa8161658435")).has_value());
    CHECK_FALSE(read_abs_capture_time(hex("eeaa81616584358d00")).has_value());

    const auto delay = read_playout_delay(hex("123456"));
    REQUIRE(delay.has_value());
    CHECK(delay->min == 0x123);
    CHECK(delay->max == 0x456);
}

TEST_CASE("extension values: mid and rid characters and length [IN-50]") {
    CHECK(read_mid(as_bytes("0")) == "0");
    CHECK(read_mid(as_bytes("audio-1.a")) == "audio-1.a");
    CHECK_FALSE(read_mid(as_bytes("a b")).has_value());
    CHECK_FALSE(read_mid(as_bytes("")).has_value());
    CHECK(read_rid(as_bytes("q")) == "q");
    CHECK(read_rid(as_bytes("0123456789abcDEF")) == "0123456789abcDEF");
    CHECK_FALSE(read_rid(as_bytes("0123456789abcDEFx")).has_value());
    CHECK_FALSE(read_rid(as_bytes("q-1")).has_value());
    CHECK_FALSE(read_rid(hex("7100")).has_value());
}

TEST_CASE("to_abs_send_time: NTP shifted by 14, 24 bits [FWD-09]") {
    CHECK(to_abs_send_time(NtpTime(0x0000000100000000ULL)) == 1U << 18);
    CHECK(to_abs_send_time(NtpTime(0xFFFFFFFFFFFFFFFFULL)) == 0xFFFFFF);
    CHECK(to_abs_send_time(NtpTime(0x0000004000000000ULL)) == 0);  // 64 s wrap
}

std::string written(ExtensionWriter& extensions) {
    std::array<std::uint8_t, 1024> buffer{};
    ByteWriter out(buffer);
    CHECK(extensions.write(out));
    CHECK(out.size() == extensions.size());
    return to_hex(out.written());
}

TEST_CASE("ExtensionWriter: one-byte form padded to a word, ids 0 left out [SDP-11]") {
    ExtensionWriter extensions;
    extensions.add_abs_send_time(3, 0x85E5D4);
    extensions.add_transport_sequence(0, 1);
    CHECK(written(extensions) == "bede00013285e5d4");
    extensions.add_audio_level(1, {true, 5});
    CHECK(written(extensions) == "bede00023285e5d410850000");
    ExtensionWriter none;
    CHECK(written(none).empty());
    CHECK(none.empty());
}

TEST_CASE("ExtensionWriter: two-byte form for long or empty values and high ids [SDP-11]") {
    const Bytes sixteen(16, 0xAA);
    const Bytes seventeen(17, 0xAA);
    ExtensionWriter fits;
    fits.add(1, sixteen);
    CHECK_FALSE(fits.two_byte());
    CHECK(written(fits) == "bede00051f" + to_hex(sixteen) + "000000");
    ExtensionWriter longer;
    longer.add(1, seventeen);
    longer.add_abs_send_time(3, 0x010203);
    CHECK(longer.two_byte());
    CHECK(written(longer) == "100000060111" + to_hex(seventeen) + "0303010203");
    ExtensionWriter high_id;
    high_id.add(15, Bytes{7});
    CHECK(high_id.two_byte());
    ExtensionWriter empty;
    empty.add(2, {});
    CHECK(empty.two_byte());
    CHECK(written(empty) == "1000000102000000");
}

TEST_CASE("ExtensionWriter: values can be stamped later at their offset [FWD-09]") {
    std::array<std::uint8_t, 64> buffer{};
    ByteWriter out(buffer);
    out.zeros(12);
    ExtensionWriter extensions;
    extensions.add_abs_capture_time(2, {0x0102030405060708ULL, std::nullopt});
    extensions.add_abs_send_time(3, 0);
    CHECK_FALSE(extensions.value_offset(3).has_value());
    REQUIRE(extensions.write(out));
    const auto offset = extensions.value_offset(3);
    REQUIRE(offset.has_value());
    store_abs_send_time(BytesSpan(buffer).subspan(*offset, 3), 0xABCDEF);
    CHECK(to_hex(out.written()).substr(24) ==
          "bede0004270102030405060708"
          "32abcdef"
          "000000");
    CHECK_FALSE(extensions.value_offset(9).has_value());
}

TEST_CASE("ExtensionWriter: no room, too many and too long") {
    std::array<std::uint8_t, 7> buffer{};
    ByteWriter out(buffer);
    ExtensionWriter extensions;
    extensions.add_abs_send_time(3, 1);
    CHECK_FALSE(extensions.write(out));
    ExtensionWriter many;
    many.add(1, Bytes(256));
    CHECK(many.empty());
    for (std::uint8_t id = 1; id <= 14; ++id)
        many.add_transport_sequence(id, id);
    CHECK(many.size() == 4 + 3 * ExtensionWriter::kMaxElements);
}

TEST_CASE("ExtensionWriter: what was written is read again") {
    Rng rng(2);
    for (int round = 0; round < 2000; ++round) {
        ExtensionWriter extensions;
        std::vector<Bytes> values;
        values.reserve(ExtensionWriter::kMaxElements);
        Found expected;
        const bool small = coin(rng);
        const std::size_t count = rng.below(ExtensionWriter::kMaxElements + 1);
        for (std::size_t i = 0; i < count; ++i) {
            const auto id = static_cast<std::uint8_t>(1 + rng.below(small ? 14 : 255));
            values.push_back(random_bytes(rng, small ? 15 : 255));
            if (small) values.back().push_back(0);
            extensions.add(id, values.back());
            expected.emplace(id, to_hex(values.back()));
        }
        Bytes buffer(4096);
        ByteWriter out(buffer);
        REQUIRE(extensions.write(out));
        if (count == 0) continue;
        const BytesView block = out.written();
        CHECK(block.size() % 4 == 0);
        CHECK(std::size_t{4} * load_be16(&block[2]) == block.size() - 4);
        CHECK(read_all(load_be16(&block[0]), block.subspan(4)) == expected);
        if (small) CHECK_FALSE(extensions.two_byte());
    }
}

}  // namespace
}  // namespace confab::wire

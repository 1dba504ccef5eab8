// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include <doctest/doctest.h>

#include <string>

#include "base/bytes.h"
#include "base/net_address.h"
#include "base/result.h"
#include "base/ring.h"
#include "base/rng.h"
#include "base/sequence.h"
#include "base/slot_map.h"
#include "base/text.h"
#include "base/time.h"

namespace confab {
namespace {

enum class TestError : std::uint8_t { kOdd };
Result<int, TestError> half(int v) {
    if (v % 2 != 0) return fail(TestError::kOdd);
    return v / 2;
}
Result<int, TestError> quarter(int v) {
    CONFAB_TRY(const int h, half(v));
    return half(h);
}

TEST_CASE("Result: CONFAB_TRY returns the error and binds the value") {
    CHECK(quarter(8).value() == 2);
    CHECK(quarter(6).error() == TestError::kOdd);
    CHECK(quarter(3).error() == TestError::kOdd);
}

TEST_CASE("load_be and store_be: octets in network order, at any address, when compiled too") {
    constexpr std::array<std::uint8_t, 9> kOctets{0xFF, 1, 2, 3, 4, 5, 6, 7, 8};
    static_assert(load_be16(&kOctets[1]) == 0x0102);
    static_assert(load_be32(&kOctets[1]) == 0x01020304);
    static_assert(load_be64(&kOctets[1]) == 0x0102030405060708);
    static_assert([] {
        std::array<std::uint8_t, 9> out{0xFF};
        store_be64(&out[1], 0x0102030405060708);
        return out == std::array<std::uint8_t, 9>{0xFF, 1, 2, 3, 4, 5, 6, 7, 8};
    }());
    CHECK(load_be16(&kOctets[1]) == 0x0102);
    CHECK(load_be32(&kOctets[1]) == 0x01020304);
    CHECK(load_be64(&kOctets[1]) == 0x0102030405060708);
    std::array<std::uint8_t, 18> out{};
    store_be16(&out[1], 0x0102);
    CHECK(out == std::array<std::uint8_t, 18>{0, 1, 2});
    store_be32(&out[1], 0x01020304);
    CHECK(out == std::array<std::uint8_t, 18>{0, 1, 2, 3, 4});
    store_be64(&out[1], 0x0102030405060708);
    CHECK(out == std::array<std::uint8_t, 18>{0, 1, 2, 3, 4, 5, 6, 7, 8});
    store_be128(&out[1], 0x1112131415161718, 0x2122232425262728);
    CHECK(out == std::array<std::uint8_t, 18>{0, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18,
                                              0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28});
}

TEST_CASE("ByteReader: the error is sticky and reads give zero") {
    const Bytes data{1, 2, 3};
    ByteReader reader(data);
    CHECK(reader.u16() == 0x0102);
    CHECK(reader.u16() == 0);
    CHECK_FALSE(reader.ok());
    CHECK(reader.u8() == 0);
    CHECK(reader.remaining() == 0);
}

TEST_CASE("ByteWriter: never writes past its buffer") {
    std::array<std::uint8_t, 5> buffer{};
    ByteWriter writer(BytesSpan(buffer).first(4));
    writer.u32(0x01020304);
    writer.u8(9);
    CHECK_FALSE(writer.ok());
    CHECK(writer.size() == 4);
    CHECK(buffer[4] == 0);
}

template <typename T>
void check_unwrap_around(std::int64_t centre) {
    Unwrapper<T> unwrapper;
    const std::int64_t base = unwrapper.unwrap(static_cast<T>(centre));
    for (std::int64_t d = -100; d <= 100; ++d)
        CHECK(unwrapper.peek(static_cast<T>(centre + d)) == base + d);
}

TEST_CASE("Unwrapper: neighbours keep their distance around every wrap point") {
    for (const std::int64_t centre : {0LL, 1LL, 0x7FFFLL, 0x8000LL, 0xFFFFLL})
        check_unwrap_around<std::uint16_t>(centre);
    for (const std::int64_t centre : {0LL, 0x7FFFFFFFLL, 0x80000000LL, 0xFFFFFFFFLL})
        check_unwrap_around<std::uint32_t>(centre);
}

TEST_CASE("Unwrapper: 70 000 steps count on over the wrap") {
    SeqUnwrapper unwrapper;
    const std::int64_t first = unwrapper.unwrap(65'000);
    std::int64_t last = first;
    for (int i = 1; i <= 70'000; ++i)
        last = unwrapper.unwrap(static_cast<std::uint16_t>(65'000 + i));
    CHECK(last - first == 70'000);
    CHECK(unwrapper.unwrap(static_cast<std::uint16_t>(65'000 + 69'990)) == first + 69'990);
    CHECK(unwrapper.highest() == last);
}

TEST_CASE("NtpTime: to and from Unix time is the identity to the microsecond") {
    Rng rng(7);
    for (int i = 0; i < 10'000; ++i) {
        const auto time =
            UnixTime::micros(static_cast<std::int64_t>(rng.below(2'085'000'000'000'000)));
        const NtpTime ntp = NtpTime::from_unix(time);
        CHECK(ntp.to_unix() == time);
        const auto step =
            Duration::micros(static_cast<std::int64_t>(rng.below(10'000'000)) - 5'000'000);
        CHECK(((ntp + step) - ntp - step).us() * ((ntp + step) - ntp - step).us() <= 1);
    }
    CHECK(from_compact_ntp(to_compact_ntp(Duration::millis(1500))) == Duration::millis(1500));
}

TEST_CASE("Timestamp: never stays never") {
    CHECK((Timestamp::never() + Duration::seconds(1)).is_never());
    CHECK(earlier(Timestamp::never(), Timestamp::micros(5)) == Timestamp::micros(5));
}

TEST_CASE("IpAddress: parse and print agree") {
    for (const char* text : {"1.2.3.4", "255.255.255.255", "::", "::1", "fe80::1",
                             "2001:db8::1:0:0:1", "1:2:3:4:5:6:7:8", "::ffff:102:304"})
        CHECK(IpAddress::parse(text).value().to_string() == text);
    CHECK(IpAddress::parse("::ffff:1.2.3.4").value().is_v6());
    for (const char* text : {"", "1.2.3", "1.2.3.256", "01.2.3.4", "1.2.3.4.5", ":::", "1::2::3",
                             "g::", "1:2:3:4:5:6:7:8:9", "12345::", "1.2.3.4 ", "::1.2.3"})
        CHECK_FALSE(IpAddress::parse(text).has_value());
    CHECK(SocketAddress::parse("[::1]:80").value().to_string() == "[::1]:80");
    CHECK_FALSE(SocketAddress::parse("::1:80").has_value());
    CHECK_FALSE(SocketAddress::parse("1.2.3.4:65536").has_value());
    CHECK(IpAddress::parse("127.3.2.1")->is_loopback());
    CHECK(IpAddress::parse("fe80::2")->is_link_local());
}

TEST_CASE("base64: all forms round-trip and strict decoding refuses the others") {
    Rng rng(3);
    for (std::size_t size = 0; size < 70; ++size) {
        Bytes data(size);
        rng.fill(data);
        for (const auto form : {Base64::kStandard, Base64::kUrl, Base64::kUrlNoPadding})
            CHECK(base64_decode(base64_encode(data, form), form).value() == data);
    }
    CHECK_FALSE(base64_decode("+/==", Base64::kUrl).has_value());
    CHECK_FALSE(base64_decode("QQ", Base64::kUrl).has_value());
    CHECK_FALSE(base64_decode("QQ=", Base64::kStandard).has_value());
    CHECK_FALSE(base64_decode("Q", Base64::kUrlNoPadding).has_value());
}

TEST_CASE("text: UTF-8 validity follows RFC 3629") {
    CHECK(is_valid_utf8("h\xC3\xA9llo \xF0\x9F\x98\x80"));
    for (const char* bad : {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80", "\xE2\x82"}) {
        CHECK_FALSE(is_valid_utf8(bad));
        // Wherever it stands among octets that are looked at eight at a time.
        for (std::size_t before = 0; before < 18; ++before)
            for (const std::size_t behind : {0U, 1U, 7U, 8U, 9U})
                CHECK_FALSE(
                    is_valid_utf8(std::string(before, 'a') + bad + std::string(behind, 'b')));
    }
    for (std::size_t before = 0; before < 18; ++before)
        CHECK(is_valid_utf8(std::string(before, 'a') + "\xF0\x9F\x98\x80" + std::string(9, 'b')));
}

TEST_CASE("Ring: refuses when full and keeps order") {
    Ring<int, 4> ring;
    for (int i = 0; i < 4; ++i)
        CHECK(ring.push(i));
    CHECK_FALSE(ring.push(9));
    CHECK(ring.pop().value() == 0);
    CHECK(ring.push(4));
    for (int i = 1; i <= 4; ++i)
        CHECK(ring.pop().value() == i);
    CHECK_FALSE(ring.pop().has_value());
}

TEST_CASE("SlotMap: an outdated handle finds nothing after its slot is used again") {
    SlotMap<std::string> map;
    const auto a = map.emplace("a");
    CHECK(*map.find(a) == "a");
    CHECK(map.erase(a));
    CHECK_FALSE(map.erase(a));
    const auto b = map.emplace("b");
    CHECK(b.index == a.index);
    CHECK(map.find(a) == nullptr);
    CHECK(*map.find(b) == "b");
    CHECK_FALSE(static_cast<bool>(Handle<std::string>{}));
}

TEST_CASE("Rng: equal seeds give equal streams, below() stays in range") {
    Rng a(42), b(42);
    for (int i = 0; i < 1000; ++i)
        CHECK(a.u64() == b.u64());
    for (int i = 0; i < 1000; ++i)
        CHECK(a.below(7) < 7);
    CHECK(a.below(0) == 0);
}

}  // namespace
}  // namespace confab

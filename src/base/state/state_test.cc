// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The codec of exported state: what is written is read, what is newer is skipped, what is broken
// is refused.
#include "base/state/state.h"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <vector>

using namespace confab;

namespace {

enum class Colour : std::uint8_t { kRed, kGreen, kBlue };

const Timestamp kNow = Timestamp::micros(5'000'000);

struct Part {
    int depth = -1;
    void save(StateWriter& out) const { out.field(1, depth); }
    void load(StateReader& in) {
        in.field(1, depth);
        in.require(depth >= 0);
    }
};

struct Sample {
    std::uint16_t small = 1;
    std::int64_t big = 2;
    bool flag = false;
    Colour colour = Colour::kRed;
    Duration length = Duration::millis(3);
    Timestamp at;
    Timestamp never = Timestamp::never();
    Bytes bytes;
    std::string text;
    std::array<std::uint8_t, 4> fixed{};
    std::optional<std::uint32_t> none;
    std::optional<std::uint32_t> some;
    std::vector<Part> list;
    std::set<std::uint16_t> numbers;
    std::map<std::uint16_t, Bytes> map;
    Part part{7};
    std::optional<Part> maybe;

    template <typename Self, typename Io>
    static void fields(Self& self, Io& io) {
        state_version(io, 3);
        io.field(2, self.small);
        io.field(3, self.big);
        io.field(4, self.flag);
        io.choice(5, self.colour, Colour::kBlue);
        io.field(6, self.length);
        io.field(7, self.at);
        io.field(8, self.never);
        io.field(9, self.bytes, 8);
        io.field(10, self.text, 8);
        io.field(11, self.fixed);
        io.field(12, self.none);
        io.field(13, self.some);
        io.list(14, self.list, 4, [](auto& inner, auto& part) { inner.field(1, part.depth); });
        io.numbers(15, self.numbers, 4);
        io.map(16, self.map, 4, [](auto& inner, auto& value) { inner.field(2, value, 300); });
        io.part(17, self.part);
        io.maybe(18, self.maybe, [](auto& inner, auto& part) { inner.field(1, part.depth); });
    }
    void save(StateWriter& out) const { fields(*this, out); }
    void load(StateReader& in) { fields(*this, in); }
};

Sample sample() {
    Sample s;
    s.small = 0xFFFF;
    s.big = std::numeric_limits<std::int64_t>::min();
    s.flag = true;
    s.colour = Colour::kBlue;
    s.length = -Duration::seconds(9);
    s.at = kNow - Duration::micros(1);
    s.bytes = {1, 2, 3};
    s.text = "text";
    s.fixed = {9, 8, 7, 6};
    s.some = 0;
    s.list = {Part{1}, Part{2}};
    s.numbers = {0, 5};
    s.map = {{3, Bytes(200, 1)}, {4, {}}};
    s.maybe = Part{3};
    return s;
}

// A record of one field.
Bytes raw(std::uint8_t tag, const Bytes& value) {
    Bytes bytes{tag, static_cast<std::uint8_t>(value.size())};
    bytes.insert(bytes.end(), value.begin(), value.end());
    return bytes;
}

}  // namespace

TEST_CASE("State: what is written is read, and written again is the same [SIO-11]") {
    const Sample s = sample();
    const Bytes bytes = export_state(s, kNow);
    Sample r;
    r.never = kNow;
    REQUIRE(import_state(r, bytes, kNow));
    CHECK(r.small == s.small);
    CHECK(r.big == s.big);
    CHECK(r.flag);
    CHECK(r.colour == Colour::kBlue);
    CHECK(r.length == s.length);
    CHECK(r.at == s.at);
    CHECK(r.never.is_never());
    CHECK(r.bytes == s.bytes);
    CHECK(r.text == s.text);
    CHECK(r.fixed == s.fixed);
    CHECK_FALSE(r.none);
    CHECK(r.some == 0U);
    REQUIRE(r.list.size() == 2);
    CHECK(r.list[1].depth == 2);
    CHECK(r.numbers == s.numbers);
    CHECK(r.map == s.map);
    CHECK(r.part.depth == 7);
    REQUIRE(r.maybe);
    CHECK(r.maybe->depth == 3);
    CHECK(export_state(r, kNow) == bytes);
}

TEST_CASE("State: points of time are those of the clock of the reader [SIO-11]") {
    const Bytes bytes = export_state(sample(), kNow);
    Sample r;
    const Timestamp other = Timestamp::micros(77);
    REQUIRE(import_state(r, bytes, other));
    CHECK(other - r.at == Duration::micros(1));
    CHECK(r.never.is_never());
    CHECK(export_state(r, other) == bytes);
}

TEST_CASE("State: what was very long ago stays so [SIO-11]") {
    Sample s = sample();
    s.at = Timestamp::micros(std::numeric_limits<std::int64_t>::min() / 4);
    const Bytes bytes = export_state(s, kNow);
    Sample r;
    REQUIRE(import_state(r, bytes, kNow));
    CHECK(kNow - r.at > Duration::seconds(1'000'000'000));
    CHECK(export_state(r, kNow) == bytes);
}

TEST_CASE("State: cut at any length or with any octet changed it is refused or harmless [SIO-11]") {
    const Bytes bytes = export_state(sample(), kNow);
    std::size_t refused = 0;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        Sample r;
        if (!import_state(r, BytesView(bytes).first(size), kNow)) ++refused;
    }
    CHECK(refused > bytes.size() * 9 / 10);  // the rest ends behind a field
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        for (int bit = 0; bit < 8; ++bit) {
            Bytes changed = bytes;
            changed[i] = static_cast<std::uint8_t>(changed[i] ^ (1 << bit));
            Sample r;
            if (!import_state(r, changed, kNow)) continue;
            CHECK(r.bytes.size() <= 8);
            CHECK(r.list.size() <= 4);
            CHECK(r.part.depth >= 0);
        }
    }
}

TEST_CASE("State: unknown fields are skipped, a higher version is refused [SIO-11]") {
    Bytes newer = export_state(sample(), kNow);
    const Bytes unknown = raw(200, {1, 2, 3});
    newer.insert(newer.end(), unknown.begin(), unknown.end());
    Sample r;
    CHECK(import_state(r, newer, kNow));
    CHECK(export_state(r, kNow) == export_state(sample(), kNow));
    // Between the known ones, as in a part of it.
    Bytes inner = raw(1, {3});
    const Bytes part = raw(17, [] {
        Bytes both = raw(0, {5});
        const Bytes known = raw(1, {8});
        both.insert(both.end(), known.begin(), known.end());
        return both;
    }());
    inner.insert(inner.end(), part.begin(), part.end());
    Sample with_part;
    REQUIRE(import_state(with_part, inner, kNow));
    CHECK(with_part.part.depth == 4);
    CHECK(with_part.small == 1);  // not there: as it was

    Sample other;
    CHECK_FALSE(import_state(other, raw(1, {4}), kNow));
    CHECK_FALSE(import_state(other, raw(1, {}), kNow));
    CHECK_FALSE(import_state(other, {}, kNow));
}

TEST_CASE("State: numbers too large, lists too long, keys twice and lengths beyond are refused") {
    const auto with = [](const Bytes& field) {
        Bytes bytes = raw(1, {3});
        bytes.insert(bytes.end(), field.begin(), field.end());
        Sample r;
        return import_state(r, bytes, kNow);
    };
    CHECK(with(raw(2, {0xFF, 0xFF})));
    CHECK_FALSE(with(raw(2, {1, 0, 0})));
    CHECK_FALSE(with(raw(2, Bytes(9, 0))));
    CHECK_FALSE(with(raw(4, {2})));
    CHECK(with(raw(5, {2})));
    CHECK_FALSE(with(raw(5, {3})));
    CHECK_FALSE(with(raw(6, Bytes(8, 0xFF))));  // a length of time beyond all reason
    CHECK_FALSE(with(raw(7, Bytes(8, 0xFF))));
    CHECK(with(raw(9, Bytes(8, 1))));
    CHECK_FALSE(with(raw(9, Bytes(9, 1))));
    CHECK_FALSE(with(raw(11, Bytes(3, 1))));
    CHECK_FALSE(with(raw(17, raw(1, {1}))));  // the part refuses what it reads: -1
    CHECK_FALSE(with({2}));
    CHECK_FALSE(with({2, 5, 1}));
    CHECK_FALSE(with({2, 0x80, 0x80, 0x80, 0x80, 0x80, 0}));
    Bytes five;
    Bytes twice;
    for (int i = 0; i < 5; ++i) {
        const Bytes one = raw(14, raw(1, {2}));
        five.insert(five.end(), one.begin(), one.end());
    }
    CHECK_FALSE(with(five));
    five.resize(five.size() * 4 / 5);
    CHECK(with(five));
    for (int i = 0; i < 2; ++i) {
        const Bytes one = raw(16, raw(1, {9}));
        twice.insert(twice.end(), one.begin(), one.end());
    }
    CHECK_FALSE(with(twice));
}

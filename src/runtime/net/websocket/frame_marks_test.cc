// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/websocket/frame_marks.h"

#include <doctest/doctest.h>

#include <vector>

namespace confab::net {
namespace {

constexpr std::uint8_t kFin = 0x80, kRsv1 = 0x40;

Bytes frame(int first, std::size_t size, bool masked = true) {
    const int mask = masked ? 0x80 : 0;
    Bytes out{static_cast<std::uint8_t>(first)};
    const auto put = [&out](std::size_t octet) { out.push_back(static_cast<std::uint8_t>(octet)); };
    if (size < 126) {
        put(static_cast<std::size_t>(mask) | size);
    } else {
        const bool wide = size > 0xFFFF;
        put(static_cast<std::size_t>(mask) | (wide ? 127 : 126));
        for (int shift = wide ? 56 : 8; shift >= 0; shift -= 8)
            put(size >> shift & 0xFF);
    }
    // The payload looks like frames that are compressed.
    out.resize(out.size() + (masked ? 4 : 0) + size, kFin | kRsv1 | 1);
    return out;
}

void append(Bytes& out, const Bytes& more) {
    out.insert(out.end(), more.begin(), more.end());
}

struct Seen {
    Bytes bytes;
    std::vector<FrameMarks::Message> messages;
};
Seen pass(const Bytes& bytes, std::size_t at_once, bool allowed = true) {
    FrameMarks marks;
    if (allowed) marks.allow_compression();
    Seen seen{bytes, {}};
    for (std::size_t i = 0; i < bytes.size(); i += at_once)
        marks.pass(BytesSpan(seen.bytes).subspan(i, std::min(at_once, bytes.size() - i)));
    while (marks.begun() > 0)
        seen.messages.push_back(marks.take());
    return seen;
}

}  // namespace

TEST_CASE("FrameMarks: finds each message wherever the bytes are cut [CON-41]") {
    Bytes bytes, expected;
    const auto add = [&](int first, int becomes, std::size_t size, bool masked = true) {
        append(bytes, frame(first, size, masked));
        append(expected, frame(becomes, size, masked));
    };
    std::size_t messages = 0;
    for (const std::size_t size : {0U, 1U, 125U, 126U, 300U, 65'535U, 65'536U, 70'000U}) {
        add(kFin | kRsv1 | 1, kFin | 2, size);       // compressed text
        add(kRsv1 | 2, 2, size);                     // compressed, first of two fragments
        add(kFin | 9, kFin | 9, size % 126, false);  // a ping between them
        add(kFin, kFin, size);                       // the second
        add(kFin | 1, kFin | 1, size, false);        // plain text
        messages += 3;
    }
    for (const std::size_t at_once : {1U, 2U, 3U, 7U, 1000U, 4096U, 1U << 20}) {
        CAPTURE(at_once);
        const Seen seen = pass(bytes, at_once);
        CHECK(seen.bytes == expected);
        REQUIRE(seen.messages.size() == messages);
        for (std::size_t i = 0; i < messages; ++i) {
            CHECK(seen.messages[i].compressed == (i % 3 != 2));
            CHECK(seen.messages[i].text == (i % 3 != 1));
        }
    }
}

TEST_CASE("FrameMarks: leaves faults and what was not agreed on to the reader") {
    for (const int first : {kFin | kRsv1 | 9, kFin | kRsv1 | 8, kFin | kRsv1, kFin | 0x60 | 1,
                            kFin | 0x20 | 2, kFin | kRsv1 | 3}) {
        CAPTURE(first);
        const Bytes bytes = frame(first, 5);
        const Seen seen = pass(bytes, 100);
        CHECK(seen.bytes == bytes);
        for (const FrameMarks::Message& message : seen.messages)
            CHECK_FALSE(message.compressed);
    }
    const Bytes bytes = frame(kFin | kRsv1 | 1, 5);
    const Seen seen = pass(bytes, 100, false);
    CHECK(seen.bytes == bytes);
    REQUIRE(seen.messages.size() == 1);
    CHECK_FALSE(seen.messages[0].compressed);
}

TEST_CASE("FrameMarks: nothing to take gives nothing") {
    FrameMarks marks;
    CHECK_FALSE(marks.take().compressed);
    CHECK_FALSE(marks.take().text);
}

}  // namespace confab::net

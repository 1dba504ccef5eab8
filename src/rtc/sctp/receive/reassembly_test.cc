// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Messages cut into fragments and delivered in random order come out whole, and ordered ones in
// order (RFC 9260 §6.5, §6.6).
#include "rtc/sctp/receive/reassembly.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>

#include "base/rng.h"

using namespace confab;
using namespace confab::sctp;
using wire::sctp::DataChunk;

namespace {

struct Piece {
    std::int64_t tsn;
    DataChunk chunk;
    Bytes payload;
};

DataChunk chunk(std::uint16_t stream, std::uint16_t ssn, bool begin, bool end,
                bool unordered = false) {
    DataChunk c;
    c.stream = stream;
    c.ssn = ssn;
    c.begin = begin;
    c.end = end;
    c.unordered = unordered;
    return c;
}

struct Box {
    explicit Box(std::size_t max = 65535) : reassembly(max) {}
    bool add(std::int64_t tsn, DataChunk c, const Bytes& payload) {
        c.payload = payload;
        return reassembly.add(tsn, c, events);
    }
    std::vector<Bytes> take() {
        std::vector<Bytes> out;
        while (auto e = events.pop())
            if (auto* m = std::get_if<MessageReceived>(&*e)) out.push_back(m->payload);
        return out;
    }
    Reassembly reassembly;
    EventQueue events;
};

}  // namespace

TEST_CASE("Reassembly: random fragments in random order, ordered and unordered streams") {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        CAPTURE(seed);
        Rng rng(seed);
        std::deque<Piece> pieces;
        std::vector<Bytes> sent[4];
        std::uint16_t ssn[4] = {65534, 0, 0, 0};
        Box box;
        // Stream 0 starts just before its number wraps.
        wire::sctp::ForwardTsnView start;
        Bytes skip(4);
        start.skipped = skip;
        for (const int number : {30'000, 60'000, 65'533}) {
            store_be16(skip.data() + 2, static_cast<std::uint16_t>(number));
            box.reassembly.forward(0, start, box.events);
        }
        std::int64_t tsn = 1;
        for (int message = 0; message < 60; ++message) {
            const auto stream = static_cast<std::uint16_t>(rng.below(4));
            const bool unordered = stream == 3;
            const std::size_t count = 1 + rng.below(6);
            Bytes whole;
            for (std::size_t i = 0; i < count; ++i) {
                Bytes part(1 + rng.below(30));
                rng.fill(part);
                whole.insert(whole.end(), part.begin(), part.end());
                pieces.push_back(
                    {tsn++,
                     chunk(stream, unordered ? 0 : ssn[stream], i == 0, i + 1 == count, unordered),
                     part});
            }
            if (!unordered) ++ssn[stream];
            sent[stream].push_back(whole);
        }
        for (std::size_t i = pieces.size(); i > 1; --i)
            std::swap(pieces[i - 1], pieces[rng.below(i)]);
        for (const Piece& p : pieces)
            REQUIRE(box.add(p.tsn, p.chunk, p.payload));
        std::vector<Bytes> got[4];
        while (auto e = box.events.pop()) {
            auto& m = std::get<MessageReceived>(*e);
            got[m.stream].push_back(m.payload);
        }
        for (int s = 0; s < 3; ++s)
            CHECK(got[s] == sent[s]);
        std::sort(got[3].begin(), got[3].end());
        std::sort(sent[3].begin(), sent[3].end());
        CHECK(got[3] == sent[3]);
        CHECK(box.reassembly.held_bytes() == 0);
        CHECK(box.events.bytes() == 0);
    }
}

TEST_CASE("Reassembly: FORWARD-TSN gives up the incomplete and releases what waited") {
    Box box;
    box.add(1, chunk(5, 0, true, false), {1});  // never completed
    box.add(4, chunk(5, 2, true, true), {4});   // waits for number 1
    box.add(3, chunk(5, 1, true, true), {3});   // waits for number 0
    CHECK(box.take().empty());
    Bytes entry(4);
    store_be16(entry.data(), 5);
    wire::sctp::ForwardTsnView forward;
    forward.skipped = entry;
    box.reassembly.forward(2, forward, box.events);
    CHECK(box.take() == std::vector<Bytes>{{3}, {4}});
    CHECK(box.reassembly.held_bytes() == 0);
    box.add(9, chunk(5, 0, true, true), {9});  // older than what was skipped
    CHECK(box.take().empty());
    CHECK(box.reassembly.held_bytes() == 0);
}

TEST_CASE("Reassembly: a message above the limit empties and blocks its stream until the reset") {
    Box box(10);
    box.add(1, chunk(1, 0, true, false), Bytes(6));
    box.add(5, chunk(2, 0, true, false), Bytes(6));
    CHECK_FALSE(box.add(2, chunk(1, 0, false, false), Bytes(6)));
    CHECK(std::holds_alternative<MessageTooLarge>(*box.events.pop()));
    CHECK(box.add(3, chunk(1, 0, false, true), Bytes(6)));
    CHECK(box.add(4, chunk(1, 1, true, true), Bytes(1)));
    box.add(6, chunk(2, 0, false, true), Bytes(1));
    CHECK(box.take().size() == 1);  // stream 2 goes on
    const std::uint16_t ids[] = {1};
    box.reassembly.reset(ids, box.events);
    CHECK(std::get<StreamReset>(*box.events.pop()).stream == 1);
    box.add(7, chunk(1, 0, true, true), Bytes(3));
    CHECK(box.take().size() == 1);
    CHECK(box.reassembly.held_bytes() == 0);
}

TEST_CASE("Reassembly: neighbours that do not belong together are dropped, not joined [IMM-8]") {
    Box box;
    box.add(1, chunk(1, 0, true, false), {1});
    box.add(2, chunk(2, 0, false, true), {2});  // another stream in the middle
    box.add(4, chunk(1, 0, true, false), {4});
    box.add(5, chunk(1, 0, true, true), {5});  // a begin behind an open message
    box.add(7, chunk(1, 1, false, true), {7});
    box.add(6, chunk(1, 3, true, true), {6});  // an end before a continuation
    CHECK(box.take() == std::vector<Bytes>{{5}});
    box.reassembly.reset({}, box.events);
    CHECK(box.reassembly.tracked_streams() == 0);
    box.reassembly.forward(100, {}, box.events);
    CHECK(box.reassembly.held_bytes() == 0);
}

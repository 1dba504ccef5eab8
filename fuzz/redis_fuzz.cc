// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
// fuzz: modules redis base

// What a Redis server may say: the same values however the bytes are cut, within the limit, and a
// session that answers every command once, whatever comes.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "redis/session.h"

using namespace confab;
using namespace confab::redis;

namespace {

constexpr std::size_t kLimit = 2'000;

std::vector<Value> read(BytesView stream, std::size_t max_cut) {
    ReplyReader reader(kLimit);
    std::vector<Value> values;
    for (std::size_t cut = 1; !stream.empty(); cut = cut % max_cut + 1) {
        // A copy of the exact size lets the sanitizer see every read past the piece.
        const Bytes piece = to_vector(stream.first(std::min(stream.size(), cut)));
        stream = stream.subspan(piece.size());
        BytesView rest = piece;
        while (true) {
            auto value = reader.read(rest);
            if (!value) return values;
            CONFAB_CHECK(reader.bytes_held() <= kLimit + 2 * ReplyReader::kMaxLine);
            if (!*value) break;
            values.push_back(std::move(**value));
        }
        CONFAB_CHECK(rest.empty());
    }
    return values;
}

void drive(BytesView stream) {
    Timestamp now = Timestamp::micros(1);
    std::size_t asked = 0;
    std::size_t answered = 0;
    Session session(now, {"user", "secret", 1, "confab"}, {});
    const auto done = [&](Timestamp, const Result<Value, Fault>&) { ++answered; };
    const std::array<std::string_view, 3> words = {"SUBSCRIBE", "a", "b"};
    while (!stream.empty()) {
        const std::uint8_t step = stream.front();
        if (step % 4 == 0) asked += session.command(now, words, done) ? 1 : 0;
        if (step % 4 == 1) asked += session.subscription(now, words, done) ? 1 : 0;
        const std::size_t size = std::min<std::size_t>(stream.size(), 1 + step % 50);
        session.received(now, stream.subspan(1, size - 1));
        stream = stream.subspan(size);
        now = now + Duration::millis(step);
        session.advance(now);
        CONFAB_CHECK(session.state() == Session::State::kEnded || session.next_deadline() > now);
        (void)session.take_output();
    }
    session.closed(now, "the end");
    CONFAB_CHECK(asked == answered && session.waiting() == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const BytesView input{data, size};
    CONFAB_CHECK(read(input, 1) == read(input, 1 + size));
    drive(input);
    return 0;
}

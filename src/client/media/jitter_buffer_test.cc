// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/media/jitter_buffer.h"

#include <doctest/doctest.h>

#include <vector>

namespace confab::client {
namespace {

constexpr Timestamp kStart = Timestamp::micros(1'000'000);

struct Buffer {
    JitterBuffer buffer;
    JitterBuffer::Added add(std::int64_t sequence, Timestamp at = kStart, std::uint8_t octet = 1) {
        return buffer.add({sequence, 90, false, true, at, Bytes{octet}});
    }
    std::vector<std::int64_t> take(Timestamp now = kStart) {
        std::vector<std::int64_t> out;
        while (const auto packet = buffer.pop(now))
            out.push_back(packet->sequence);
        return out;
    }
};
using Sequences = std::vector<std::int64_t>;
using Added = JitterBuffer::Added;

TEST_CASE("JitterBuffer: puts in order what comes out of order") {
    Buffer b;
    CHECK(b.add(12) == Added::kNew);
    CHECK(b.take().empty());  // where the stream begins is not known yet
    b.buffer.start(10);
    CHECK(b.take().empty());
    b.add(10);
    CHECK(b.take() == Sequences{10});
    b.add(11);
    CHECK(b.take() == Sequences{11, 12});
    CHECK(b.buffer.next_deadline().is_never());
}

TEST_CASE("JitterBuffer: gives up what is missing when what is behind it has waited [IN-04]") {
    Buffer b;
    b.buffer.start(10);
    b.add(12, kStart);
    const Timestamp deadline = kStart + JitterBuffer::kPatience;
    CHECK(b.buffer.next_deadline() == deadline);
    CHECK(b.take(deadline - Duration::micros(1)).empty());
    const auto packet = b.buffer.pop(deadline);
    REQUIRE(packet.has_value());
    CHECK_FALSE(packet->contiguous);
    CHECK(b.buffer.given_up() == 2);
    CHECK(b.add(11) == Added::kLate);
    b.add(13);
    CHECK(b.buffer.pop(deadline)->contiguous);
}

TEST_CASE("JitterBuffer: the same again is nothing new, another packet of the number a conflict") {
    Buffer b;
    b.buffer.start(10);
    b.add(11);
    CHECK(b.add(11) == Added::kDuplicate);
    CHECK(b.add(11, kStart, 2) == Added::kConflict);
    b.add(10);
    CHECK(b.take() == Sequences{10, 11});
    CHECK(b.add(10) == Added::kLate);
}

TEST_CASE("JitterBuffer: holds kMaxHeld packets, then waits no longer") {
    Buffer b;
    b.buffer.start(0);
    for (std::size_t i = 1; i < JitterBuffer::kMaxHeld; ++i)
        b.add(static_cast<std::int64_t>(i));
    CHECK(b.take().empty());
    b.add(static_cast<std::int64_t>(JitterBuffer::kMaxHeld));
    CHECK(b.buffer.held() == JitterBuffer::kMaxHeld);
    CHECK(b.take().size() == JitterBuffer::kMaxHeld);
    CHECK(b.buffer.given_up() == 1);
}

TEST_CASE("JitterBuffer: what nobody takes is dropped beyond kMaxHeld") {
    Buffer b;  // not started: nothing can be taken
    for (std::size_t i = 0; i < JitterBuffer::kMaxHeld; ++i)
        CHECK(b.add(static_cast<std::int64_t>(i)) == Added::kNew);
    CHECK(b.add(static_cast<std::int64_t>(JitterBuffer::kMaxHeld)) == Added::kFull);
    CHECK(b.add(5) == Added::kDuplicate);
    CHECK(b.buffer.held() == JitterBuffer::kMaxHeld);
}

TEST_CASE("JitterBuffer: begins where it is told, what came before is late") {
    Buffer b;
    b.add(8);
    b.add(12);
    b.buffer.start(10);
    CHECK(b.add(9) == Added::kLate);
    b.add(10);
    b.add(11);
    CHECK(b.take() == Sequences{10, 11, 12});
    CHECK(b.buffer.given_up() == 0);
}

}  // namespace
}  // namespace confab::client

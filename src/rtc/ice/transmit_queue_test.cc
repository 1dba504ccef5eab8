// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/ice/transmit_queue.h"

#include <doctest/doctest.h>

using namespace confab;
using namespace confab::ice;

namespace {

Path path_to(std::uint16_t port) {
    Path path;
    path.remote.port = port;
    return path;
}

}  // namespace

TEST_CASE("TransmitQueue: first in, first out, each with its path and octets") {
    TransmitQueue queue;
    queue.push(path_to(1), Bytes{1});
    queue.push(path_to(2), Bytes{2, 2});
    auto first = queue.pop();
    REQUIRE(first);
    CHECK(first->path == path_to(1));
    CHECK(to_vector(first->bytes()) == Bytes{1});
    queue.push(path_to(3), Bytes(kMaxStunMessage, 3));  // while something is left
    CHECK(queue.pop()->path == path_to(2));
    const auto last = queue.pop();
    REQUIRE(last);
    CHECK(last->bytes().size() == kMaxStunMessage);
    CHECK_FALSE(queue.pop());
    queue.push(path_to(4), Bytes{4});
    CHECK(queue.pop()->path == path_to(4));
    CHECK(queue.dropped() == 0);
}

TEST_CASE("TransmitQueue: bounded, the newest is dropped and counted; an empty one too") {
    TransmitQueue queue;
    for (std::uint16_t i = 1; i <= kMaxQueuedTransmits + 3; ++i)
        queue.push(path_to(i), Bytes{1});
    CHECK(queue.dropped() == 3);
    CHECK(queue.bytes_held() >= kMaxQueuedTransmits);
    for (std::uint16_t i = 1; i <= kMaxQueuedTransmits; ++i)
        CHECK(queue.pop()->path == path_to(i));
    CHECK_FALSE(queue.pop());
    queue.push(path_to(1), {});
    CHECK(queue.dropped() == 4);
    CHECK_FALSE(queue.pop());
}

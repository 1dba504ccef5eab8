// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "websocket/inflater.h"

#include <doctest/doctest.h>

#include "base/bytes.h"
#include "base/rng.h"
#include "websocket/websocket_testing.h"

namespace confab::websocket {

TEST_CASE("Inflater: gives what was compressed, each message by itself [CON-41]") {
    Inflater inflater;
    Rng rng(3);
    for (const std::size_t size : {0U, 1U, 100U, 1023U, 1024U, 1025U, 300'000U}) {
        Bytes noise(size);
        rng.fill(noise);
        for (const std::string& plain : {std::string(as_text(noise)), std::string(size, 'a')}) {
            const auto back = inflater.inflate(deflated(plain), size);
            REQUIRE(back);
            CHECK(*back == plain);
        }
    }
}

TEST_CASE("Inflater: a message may be as long as the limit and no longer [CON-41] [IMM-13]") {
    Inflater inflater;
    const std::string bomb = deflated(std::string(1'000'000, 'a'));
    CHECK(bomb.size() < 10'000);
    CHECK(inflater.inflate(bomb, 1'000'001)->size() == 1'000'000);
    CHECK(inflater.inflate(bomb, 1'000'000)->size() == 1'000'000);
    CHECK(inflater.inflate(bomb, 999'999).error() == InflateError::kTooLarge);
    CHECK(inflater.inflate(bomb, 1).error() == InflateError::kTooLarge);
    CHECK(inflater.inflate(bomb, 0)->size() == 1'000'000);
}

TEST_CASE("Inflater: what is no DEFLATE is broken, and the next message is read again") {
    Inflater inflater;
    CHECK(inflater.inflate("\xFF\xFF\xFF\xFF", 100).error() == InflateError::kBroken);
    CHECK(*inflater.inflate(deflated("hello"), 100) == "hello");
    const std::string again = deflated("hello hello hello hello");
    CHECK(*inflater.inflate(again, 100) == "hello hello hello hello");
    // Three bytes at a distance of one, where nothing was: those of the message before are not
    // there.
    CHECK(*inflater.inflate(deflated("a"), 100) == "a");
    CHECK(inflater.inflate(std::string("\x02\x02\0\0", 4), 100).error() == InflateError::kBroken);
}

TEST_CASE("Inflater: a final block ends a message, and nothing is behind it (RFC 7692, 7.2.3.4)") {
    Inflater inflater;
    const std::string final_block("\xF3\x48\xCD\xC9\xC9\x07\x00\x00", 8);
    CHECK(*inflater.inflate(final_block, 100) == "Hello");
    CHECK(inflater.inflate(final_block + deflated("more"), 100).error() == InflateError::kBroken);
    CHECK(*inflater.inflate(final_block.substr(0, 7), 100) == "Hello");
}

}  // namespace confab::websocket

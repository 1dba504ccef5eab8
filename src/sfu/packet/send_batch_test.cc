// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/packet/send_batch.h"

#include <doctest/doctest.h>

#include "base/rng.h"

namespace confab::sfu {
namespace {

TEST_CASE("SendBatch: equal lengths to one path make one run, the shorter last one closes it") {
    SendBatch batch;
    ice::Path a, b;
    a.remote.port = 1;
    b.remote.port = 2;
    for (const std::size_t size : {1200U, 1200U, 1200U, 700U, 700U})
        batch.commit(a, size);
    batch.commit(b, 700);
    batch.commit(a, 700);
    batch.commit(a, 701);
    REQUIRE(batch.run_count() == 5);
    CHECK(batch.run(0).count == 4);
    CHECK(batch.run(0).size == 3 * 1200 + 700);
    CHECK(batch.run(0).segment_size == 1200);
    CHECK(batch.run(1).count == 1);
    CHECK(batch.run(2).path == b);
    CHECK(batch.run(4).segment_size == 701);
    batch.clear();
    for (int i = 0; i < 130; ++i)
        batch.commit(a, 100);
    CHECK(batch.run(0).count == SendBatch::kMaxSegments);
    CHECK(batch.run_count() == 3);
    batch.clear();
    ice::Path tcp = a;
    tcp.protocol = ice::Protocol::kTcp;
    batch.commit(tcp, 100);
    batch.commit(tcp, 100);
    CHECK(batch.run_count() == 2);
}

TEST_CASE(
    "SendBatch: a run that was sent another way has no datagrams, its neighbours do [DES-10]") {
    SendBatch batch;
    ice::Path a, b;
    a.remote.port = 1;
    b.remote.port = 2;
    batch.commit(a, 100);
    batch.commit(b, 100);
    batch.mark_sent(0);
    CHECK(batch.run(0).count == 0);
    CHECK(batch.run(1).count == 1);
    CHECK(batch.run_count() == 2);
    batch.clear();
    batch.commit(a, 100);
    CHECK(batch.run(0).count == 1);
}

TEST_CASE("SendBatch: more of the same path is what naming it again gives [DES-10] [DES-44]") {
    Rng rng(9);
    for (const auto protocol : {ice::Protocol::kUdp, ice::Protocol::kTcp}) {
        SendBatch batch, named;
        ice::Path a, b;
        a.protocol = b.protocol = protocol;
        b.remote.port = 2;
        // Runs of up to kMaxSegments and up to kMaxRunSize.
        for (std::size_t i = 0; named.has_room(); ++i) {
            const std::size_t size = i < 150 ? 100 : 1000 + 30 * (rng.below(20) / 18);
            const Worth worth = rng.below(3) == 0 ? Worth::kFirst : Worth::kPicture;
            const bool other = i > 200 && i < 220;
            CHECK(batch.room() >= 1);
            named.commit(other ? b : a, size, worth);
            if (i == 0 || i == 201 || i == 220)
                batch.commit(other ? b : a, size, worth);
            else
                batch.commit_more(size, worth);
        }
        CHECK(batch.room() == 0);
        REQUIRE(batch.run_count() == named.run_count());
        for (std::size_t i = 0; i < named.run_count(); ++i) {
            CHECK(batch.run(i).path == named.run(i).path);
            CHECK(batch.run(i).offset == named.run(i).offset);
            CHECK(batch.run(i).size == named.run(i).size);
            CHECK(batch.run(i).segment_size == named.run(i).segment_size);
            CHECK(batch.run(i).count == named.run(i).count);
            CHECK(batch.run(i).kept_longest == named.run(i).kept_longest);
        }
    }
}

TEST_CASE("SendBatch: a run knows which of its datagrams are kept longest [DES-06]") {
    SendBatch batch;
    ice::Path a;
    for (std::size_t i = 0; i < SendBatch::kMaxSegments; ++i)
        batch.commit(a, 100, i % 3 == 0 ? Worth::kFirst : Worth::kPicture);
    batch.commit(a, 100, Worth::kPicture);
    batch.commit(a, 50);
    REQUIRE(batch.run_count() == 2);
    CHECK(batch.run(0).kept_longest == 0x9249'2492'4924'9249);
    CHECK(batch.run(1).kept_longest == 2);
}

}  // namespace
}  // namespace confab::sfu

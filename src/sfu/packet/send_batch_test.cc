// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/packet/send_batch.h"

#include <doctest/doctest.h>

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

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/data/data_links.h"

#include <doctest/doctest.h>

namespace confab::sfu {
namespace {

constexpr RoomId kRoom(1);

DataMessage message(std::size_t bytes, bool lossy) {
    DataMessage m;
    m.sender = MemberId(1);
    m.lossy = lossy;
    m.payload = sctp::SharedBytes(Bytes(bytes, 1));
    return m;
}

TEST_CASE(
    "DataLinks: with kMaxLossy on the way lossy messages are dropped, others go on [DES-41]") {
    DataLinks links(3);
    (void)links.add(1, kRoom, message(DataLinks::kMaxLossy, false));
    CHECK_FALSE(links.add(1, kRoom, message(1, true)));
    links.add_frame({1}, kRoom, DataTrackId(1), Bytes(20, 1));
    CHECK(links.dropped() == 2);
    CHECK(links.add(1, kRoom, message(1, false)));
    // Each worker for itself.
    CHECK(links.add(2, kRoom, message(1, true)));
    links.add_frame({2}, kRoom, DataTrackId(1), Bytes(20, 1));
    CHECK(links.dropped() == 2);
}

TEST_CASE("DataLinks: a worker with kMaxBytes on its way has no room [DC-20] [DES-41]") {
    DataLinks links(3);
    CHECK(links.have_room({}));
    CHECK(links.have_room({1, 2}));
    for (std::size_t sent = 0; sent < DataLinks::kMaxBytes; sent += 60'000)
        (void)links.add(2, kRoom, message(60'000, false));
    CHECK_FALSE(links.have_room({1, 2}));
    CHECK(links.have_room({1}));
    (void)links.flush([](WorkerIndex, BytesView) { return true; });
    CHECK(links.have_room({1, 2}));
}

TEST_CASE("DataLinks: a flush says whether anything waited and whether some is left [DES-41]") {
    DataLinks links(3);
    const auto flush = [&](bool taken) {
        return links.flush([&](WorkerIndex to, BytesView) {
            CHECK(to == 2);
            return taken;
        });
    };
    CHECK_FALSE(flush(true).any);
    links.add_left({2}, kRoom, MemberId(7));
    const DataLinks::Flushed full = flush(false);
    CHECK(full.any);
    CHECK(full.more);
    const DataLinks::Flushed done = flush(true);
    CHECK(done.any);
    CHECK_FALSE(done.more);
}

TEST_CASE("DataLinks: records arrive in order, those of no worker at all never [DES-41]") {
    DataLinks here(2), there(2);
    (void)here.add(1, kRoom, message(3'000, false));
    here.add_taken(1, kRoom, MemberId(2), 10);
    here.add_left({1}, kRoom, MemberId(3));
    std::vector<std::size_t> kinds;
    (void)here.flush([&](WorkerIndex to, BytesView piece) {
        CHECK(to == 1);
        const auto note = [&](const LinkRecord& record) { kinds.push_back(record.index()); };
        there.receive(2, piece, note);
        CHECK(kinds.empty());
        return true;
    });
    here.add_taken(1, kRoom, MemberId(2), 10);
    (void)here.add(1, kRoom, message(3'000, false));
    here.add_left({1}, kRoom, MemberId(3));
    (void)here.flush([&](WorkerIndex, BytesView piece) {
        there.receive(0, piece, [&](const LinkRecord& record) { kinds.push_back(record.index()); });
        return true;
    });
    CHECK(kinds == std::vector<std::size_t>{2, 0, 3});
}

}  // namespace
}  // namespace confab::sfu

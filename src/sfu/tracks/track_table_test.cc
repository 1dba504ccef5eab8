// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/tracks/track_table.h"

#include <doctest/doctest.h>

namespace confab::sfu {
namespace {

const ReceiverId kTrack(7);

struct Worker {
    void publish() {
        AddReceiver config;
        config.receiver = kTrack;
        auto entry = std::make_unique<ReceiverEntry>();
        entry->receiver = std::make_unique<Receiver>(config);
        entry->track = &table.at_home(kTrack, MediaKind::kAudio);
        table.add_receiver(std::move(entry));
    }
    ShardOptions options;
    TrackTable table{1, options};
};

TEST_CASE("TrackTable: a track is made once and knows its home [DES-40]") {
    Worker worker;
    CHECK(worker.table.find(kTrack) == nullptr);
    Track& home = worker.table.at_home(kTrack, MediaKind::kVideo);
    CHECK(worker.table.is_home(home));
    CHECK(&worker.table.at(kTrack, 2, MediaKind::kVideo) == &home);
    const Track& replica = worker.table.at(ReceiverId(8), 2, MediaKind::kVideo);
    CHECK_FALSE(worker.table.is_home(replica));
    CHECK(worker.table.size() == 2);
}

TEST_CASE("TrackTable: a track outlives its receiver while a worker holds on to it [DES-40]") {
    Worker worker;
    worker.publish();
    worker.table.drop_if_unused(kTrack);  // it has a receiver
    REQUIRE(worker.table.find(kTrack) != nullptr);
    worker.table.find(kTrack)->set_replica(2, 0);
    worker.table.remove_receiver(kTrack);
    CHECK(worker.table.find_receiver(kTrack) == nullptr);
    REQUIRE(worker.table.find(kTrack) != nullptr);
    worker.publish();  // it comes back to the same track
    CHECK(worker.table.find(kTrack)->replicas().size() == 1);
    worker.table.remove_receiver(kTrack);
    worker.table.find(kTrack)->remove_replica(2);
    worker.table.drop_if_unused(kTrack);
    CHECK(worker.table.find(kTrack) == nullptr);
}

TEST_CASE("TrackTable: a track goes with its receiver when nobody else needs it [IMM-15]") {
    Worker worker;
    worker.publish();
    CHECK(worker.table.receivers() == 1);
    worker.table.remove_receiver(kTrack);
    CHECK(worker.table.receivers() == 0);
    CHECK(worker.table.size() == 0);
    worker.table.remove_receiver(kTrack);  // twice does no harm
}

}  // namespace
}  // namespace confab::sfu

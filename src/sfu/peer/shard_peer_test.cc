// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/peer/shard_peer.h"

#include <doctest/doctest.h>

#include "sfu/peer/peer_pair_testing.h"

namespace confab::sfu {
using test::world_time;

TEST_CASE("ShardPeer: packets stay until their encryption is complete [DES-24]") {
    test::PeerPair pair;
    REQUIRE(pair.local->transport().srtp_sender() != nullptr);
    srtp::BatchEncryptor encryptor(pair.engine);
    PacketPool pool;
    SendBatch batch;
    const SendExtensions extensions;
    for (int i = 0; i < 20; ++i) {
        PacketRef packet = pool.acquire_large();
        packet.set_size(500);
        std::fill(packet.data().begin(), packet.data().end(), static_cast<std::uint8_t>(i));
        ForwardedPacket forwarded;
        forwarded.sequence = i;
        forwarded.ssrc = 5;
        const BytesView payload = packet.data();
        (void)pair.local->downlink().enqueue(
            {forwarded, std::move(packet), payload, {}, &extensions});
    }
    REQUIRE(pool.large_in_use() == 20);
    CHECK_FALSE(pair.local->downlink().flush({world_time(400), NtpTime()}, encryptor, batch));
    // Without the library each packet is done at once.
    const bool under_way = encryptor.pending() > 0;
    CHECK(pool.large_in_use() == (under_way ? 20 : 0));
    CHECK(pair.local->counters().rtp_out == 20);
    encryptor.complete_all();
    pair.local->downlink().release_flushed();
    CHECK(pool.large_in_use() == 0);
    // Nothing is sent twice.
    const std::size_t runs = batch.run_count();
    CHECK_FALSE(pair.local->downlink().flush({world_time(400), NtpTime()}, encryptor, batch));
    CHECK(batch.run_count() == runs);
    CHECK(pair.local->counters().rtp_out == 20);
}

}  // namespace confab::sfu

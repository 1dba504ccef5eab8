// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Two clients that talk over data channels, with real rooms and a real shard between them, chunk by
// chunk: DTLS is left out, so that what passes can be read and lost.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "livekit_models.pb.h"
#include "room/seam/media_seam_testing.h"
#include "wire/sctp/sctp_packet.h"

namespace confab::room::testing {

inline constexpr std::size_t kCommonHeader = 12;

// The SCTP packet in a datagram; empty when there is none.
inline BytesView sctp_in(BytesView datagram) {
    const bool record = datagram.size() > kCommonHeader && datagram[0] == 23;
    return record ? datagram.subspan(1) : BytesView();
}
// The types of its chunks.
inline std::vector<int> chunks_of(BytesView packet) {
    std::vector<int> result;
    for (std::size_t at = kCommonHeader; at + 4 <= packet.size();) {
        result.push_back(packet[at]);
        const std::size_t size = load_be16(&packet[at + 2]);
        if (size < 4) break;
        at += (size + 3) & ~std::size_t{3};
    }
    return result;
}
inline constexpr int kData = 0, kInit = 1, kCookieEcho = 10, kForwardTsn = 192;

// alice sends on channels of her own, bob listens on the server's.
struct Pair {
    explicit Pair(const sfu::ShardOptions& options = {}) : w(test_config(), options) {
        w.world.lose = [this](const sfu::test::Client& client, BytesView datagram) {
            const BytesView packet = sctp_in(datagram);
            if (packet.empty()) return false;
            if (lose_down && lose_down(client, packet)) return true;
            for (const int chunk : chunks_of(packet))
                ++down[&client][chunk];
            largest = std::max(largest, packet.size());
            return false;
        };
        w.world.drop_to_shards = [this](BytesView datagram) {
            const BytesView packet = sctp_in(datagram);
            if (packet.empty()) return false;
            for (const int chunk : chunks_of(packet))
                ++up[chunk];
            return lose_up && lose_up(packet);
        };
        alice = w.room.join_active("r", "alice");
        bob = w.room.join_active("r", "bob");
        w.room.offer(alice, make_offer({{"cid", false, {}}}));
        w.run(Duration::millis(1));
        const auto remotes = w.room.commands_of<sfu::SetRemote>();
        sender = &w.client(remotes.back().peer);
        listener = &w.client(w.room.commands_of<sfu::OpenDataChannels>().at(1).peer);
    }
    void open() {
        for (const char* label : {"_reliable", "_lossy"}) {
            peer::WantedChannel channel{label, true, {}};
            if (std::string(label) == "_lossy") channel = {label, false, std::uint16_t{0}};
            sender->transport->want_channel(now(), channel);
        }
        w.run(Duration::seconds(2));
        REQUIRE(sender->channels.contains("_reliable"));
        REQUIRE(sender->channels.contains("_lossy"));
    }
    Timestamp now() const { return sfu::test::world_time(w.world.now_ms); }
    void say(const std::string& label, const std::string& text, std::uint32_t sequence = 0) {
        livekit::DataPacket packet;
        packet.mutable_user()->set_payload(text);
        packet.set_sequence(sequence);
        CHECK(sender->transport->send_message(
                  now(), sender->channels.at(label),
                  sctp::SharedBytes(to_vector(as_bytes(packet.SerializeAsString())))) ==
              sctp::SendStatus::kOk);
    }
    // What bob got so far, in order.
    std::vector<std::string> heard() const { return heard(*listener); }
    static std::vector<std::string> heard(const sfu::test::Client& end) {
        std::vector<std::string> result;
        for (const std::string& message : end.messages) {
            livekit::DataPacket packet;
            REQUIRE(packet.ParseFromString(message));
            result.push_back(packet.user().payload());
        }
        return result;
    }

    RoomAndShard w;
    SessionId alice;
    SessionId bob;
    sfu::test::Client* sender = nullptr;
    sfu::test::Client* listener = nullptr;
    std::map<const sfu::test::Client*, std::map<int, int>> down;
    std::map<int, int> up;
    std::size_t largest = 0;
    std::function<bool(const sfu::test::Client&, BytesView)> lose_down;
    std::function<bool(BytesView)> lose_up;
};

}  // namespace confab::room::testing

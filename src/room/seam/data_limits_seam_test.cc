// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Who opens fewer channels, takes next to nothing, or wants fewer frames than are published: real
// rooms, a real shard and both ends of their connections: 02 DC-09, DC-24, DT-04, DT-05.
#include <doctest/doctest.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "room/seam/channels_seam_testing.h"

namespace confab::room::testing {
namespace {

using R = livekit::SignalResponse;

// Packets of a data track, as its publisher sends them, and what a subscriber got of them.
struct DataTrackCall : Pair {
    static constexpr std::size_t kHeader = 12;

    DataTrackCall() {
        open();
        sender->transport->want_channel(now(), {"_data_track", false, std::uint16_t{0}});
        w.run(Duration::millis(500));
        livekit::SignalRequest request;
        request.mutable_publish_data_track_request()->set_pub_handle(5);
        request.mutable_publish_data_track_request()->set_name("pose");
        w.room.send(alice, request);
        sid = w.room.of(alice, R::kPublishDataTrackResponse)
                  .at(0)
                  .publish_data_track_response()
                  .info()
                  .sid();
    }
    // With so many frames a second at most; none: all.
    void subscribe(std::optional<std::uint32_t> target_fps) {
        livekit::SignalRequest request;
        auto& update = *request.mutable_update_data_subscription()->add_updates();
        update.set_track_sid(sid);
        update.set_subscribe(true);
        if (target_fps) update.mutable_options()->set_target_fps(*target_fps);
        w.room.send(bob, request);
        w.run(Duration::millis(100));
    }
    void packet(std::uint16_t of_sequence, std::uint16_t of_frame, bool first, bool last) {
        Bytes bytes(kHeader + 100, 7);
        bytes[0] = static_cast<std::uint8_t>((first ? 0x10 : 0) | (last ? 0x08 : 0));
        bytes[1] = 0;
        store_be16(&bytes[2], 5);
        store_be16(&bytes[4], of_sequence);
        store_be16(&bytes[6], of_frame);
        CHECK(sender->transport->send_message(now(), sender->channels.at("_data_track"),
                                              sctp::SharedBytes(std::move(bytes))) ==
              sctp::SendStatus::kOk);
    }
    // Thirty frames a second of three packets.
    void play(std::int64_t ms) {
        for (std::int64_t at = 0; at < ms; at += 33, ++frame) {
            for (int part = 0; part < 3; ++part)
                packet(sequence++, frame, part == 0, part == 2);
            w.run(Duration::millis(33));
        }
    }
    // Packets of each frame that bob got since the last call.
    std::map<std::uint16_t, int> got() {
        std::map<std::uint16_t, int> result;
        for (; seen < listener->messages.size(); ++seen) {
            const BytesView bytes = as_bytes(listener->messages[seen]);
            REQUIRE(bytes.size() == kHeader + 100);
            ++result[load_be16(&bytes[6])];
        }
        return result;
    }

    std::string sid;
    std::uint16_t sequence = 65'500;
    std::uint16_t frame = 65'530;
    std::size_t seen = 0;
};

}  // namespace

TEST_CASE(
    "Channels: who opens the reliable one alone hears what is said reliably "
    "[DC-09] [outside]") {
    Pair c;
    JoinParams params = test_join("r", "carol");
    params.single_connection = true;
    const SessionId carol = c.w.room.join(params);
    c.w.room.offer(carol, make_offer({}));
    c.w.run(Duration::seconds(1));
    sfu::test::Client& end = c.w.client(c.w.room.commands_of<sfu::SetRemote>().back().peer);
    c.open();
    c.say("_reliable", "before", 1);
    c.w.run(Duration::millis(500));
    CHECK(Pair::heard(end).empty());
    end.transport->want_channel(c.now(), {"_reliable", true, {}});
    c.w.run(Duration::millis(500));
    CHECK(Pair::heard(end) == std::vector<std::string>{"before"});
    c.say("_reliable", "after", 2);
    c.say("_lossy", "lost");
    c.w.run(Duration::millis(500));
    CHECK(Pair::heard(end) == std::vector<std::string>{"before", "after"});
    CHECK(c.heard().size() == 3);
}

TEST_CASE(
    "Data: with a limit of what may wait, who takes nothing loses the rest, and nobody is held "
    "back "
    "[DC-24] [outside]") {
    for (const std::size_t limit : {std::size_t{0}, std::size_t{100'000}}) {
        CAPTURE(limit);
        sfu::ShardOptions options;
        options.data.max_buffered = limit;
        Pair c(options);
        (void)c.w.room.join_active("r", "carol");
        c.open();
        const sfu::test::Client& carol =
            c.w.client(c.w.room.commands_of<sfu::OpenDataChannels>().at(2).peer);
        bool deaf = true;
        c.lose_down = [&](const sfu::test::Client& client, BytesView) {
            return deaf && &client == c.listener;
        };
        constexpr std::uint32_t kMessages = 100;
        for (std::uint32_t i = 0; i < kMessages; ++i) {
            c.say("_reliable", std::to_string(i) + std::string(9'000, '.'), i + 1);
            c.w.run(Duration::millis(20));
        }
        const std::uint64_t dropped = c.w.world.shards[0]->snapshot().data_dropped;
        // Without it the sender waits for bob, and carol with it.
        CHECK((Pair::heard(carol).size() == kMessages) == (limit > 0));
        CHECK((dropped > 0) == (limit > 0));
        if (limit == 0) continue;
        deaf = false;
        c.w.run(Duration::seconds(20));
        const auto heard = c.heard();
        CHECK(heard.size() + dropped == kMessages);
        CHECK(heard.size() >= 11);
        CHECK(heard.size() <= 13);
        for (std::size_t i = 0; i < heard.size(); ++i)
            CHECK(heard[i].starts_with(std::to_string(i) + "."));
        // It takes again, and gets all.
        c.say("_reliable", "again", kMessages + 1);
        c.w.run(Duration::seconds(1));
        CHECK(c.heard().back() == "again");
    }
}

TEST_CASE("Data tracks: as many whole frames a second as were asked for [DT-05] [outside]") {
    DataTrackCall c;
    c.subscribe(std::nullopt);
    const auto played = [&](std::int64_t ms) {
        c.play(ms);
        c.w.run(Duration::millis(200));
        const auto frames = c.got();
        for (const auto& [number, packets] : frames)
            CHECK(packets == 3);
        return frames.size();
    };
    CHECK(played(3'300) == 100);
    c.subscribe(10);
    const std::size_t some = played(3'300);
    CHECK(some >= 32);
    CHECK(some <= 35);
    c.subscribe(1);
    const std::size_t few = played(3'300);
    CHECK(few >= 3);
    CHECK(few <= 5);
    c.subscribe(60);
    CHECK(played(990) == 30);
    c.subscribe(0);
    CHECK(played(990) == 30);
    // The handle stayed what it was.
    CHECK(c.w.room.count(c.bob, R::kDataTrackSubscriberHandles) == 1);
}

TEST_CASE(
    "Data tracks: what is lost or late on the way to the server is counted [DT-04] [outside]") {
    DataTrackCall c;
    c.subscribe(std::nullopt);
    c.play(990);
    const auto figures = [&] { return c.w.world.shards[0]->snapshot().data_tracks; };
    CHECK(figures().packets == 90);
    CHECK(figures().frames == 30);
    CHECK(figures().bytes == 90 * 112);
    CHECK(figures().lost == 0);
    CHECK(figures().out_of_order == 0);
    // Two are left out by their publisher, one comes late.
    const std::uint16_t first = c.sequence;
    for (const int ahead : {0, 3, 4, 1, 5})
        c.packet(static_cast<std::uint16_t>(first + ahead), c.frame, ahead == 0, ahead == 5);
    c.w.run(Duration::millis(200));
    CHECK(figures().packets == 95);
    CHECK(figures().frames == 31);
    CHECK(figures().lost == 2);
    CHECK(figures().out_of_order == 1);
    CHECK(c.got().size() == 31);
}

}  // namespace confab::room::testing

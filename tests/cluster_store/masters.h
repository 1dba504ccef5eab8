// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A node's connections to all masters of a Redis Cluster, and the checks that use them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../redis_session/socket.h"
#include "redis/cluster/cluster_client.h"

namespace confab::cluster::store {

class MastersNode {
  public:
    explicit MastersNode(std::uint16_t seed)
        : client(redis::clock_now(), {{"127.0.0.1", seed}}, 2, {}, told(), 7, redis::kTiming) {
        until("the masters", [this] { return client.is_up(redis::Line::kCommands); });
    }
    MastersNode(const MastersNode&) = delete;
    MastersNode& operator=(const MastersNode&) = delete;

    void until(const std::string& what, const std::function<bool()>& holds) {
        const Timestamp end = redis::clock_now() + redis::kPatience;
        while (!holds()) {
            redis::expect(redis::clock_now() < end, "waited in vain for " + what);
            while (const auto dial = client.dial(redis::clock_now()))
                connect(*dial);
            for (std::size_t link = 0; link < client.links(); ++link)
                turn(link);
            client.advance(redis::clock_now());
            if (on_turn) on_turn(redis::clock_now());
        }
    }
    // Again while there is no answer.
    redis::Value ask(const std::vector<std::string>& words) {
        std::optional<redis::Value> value;
        bool asked = false;
        const std::vector<std::string_view> views(words.begin(), words.end());
        until(words.front(), [&] {
            if (!value && !asked)
                asked = client
                            .command(redis::clock_now(), views,
                                     [&](Timestamp, Result<redis::Value, redis::Fault> reply) {
                                         asked = false;
                                         if (reply) value = std::move(*reply);
                                     })
                            .has_value();
            return value.has_value();
        });
        return *value;
    }

  private:
    redis::Events told() {
        redis::Events events;
        events.on_up = [this](Timestamp at, redis::Line line) {
            if (line == redis::Line::kCommands) ++ups;
            if (line == redis::Line::kCommands && on_up) on_up(at);
        };
        return events;
    }
    void turn(std::size_t link) {
        std::unique_ptr<redis::Socket>& socket = sockets_[link];
        if (!client.keeps(link)) socket.reset();
        if (!socket) return;
        const bool open = socket->turn(
            client.take_output(link), Duration::millis(1),
            [&](BytesView bytes) { client.received(redis::clock_now(), link, bytes); });
        if (!open) client.closed(redis::clock_now(), link, "end of file");
    }
    void connect(const redis::Dial& dial) {
        sockets_[dial.link] = std::make_unique<redis::Socket>(dial.to.port);
        if (!sockets_[dial.link]->connected())
            return client.closed(redis::clock_now(), dial.link, "refused");
        client.connected(redis::clock_now(), dial.link);
    }

    std::map<std::size_t, std::unique_ptr<redis::Socket>> sockets_;

  public:
    int ups = 0;
    std::function<void(Timestamp)> on_up;    // of the commands
    std::function<void(Timestamp)> on_turn;  // what has deadlines
    redis::ClusterClient client;
};

// cluster_store PORT masters; the port is that of one of them.
int run_masters(int argc, char** argv);

}  // namespace confab::cluster::store

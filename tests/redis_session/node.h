// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The two connections of a node as the checks use them.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "redis/client.h"
#include "socket.h"

namespace confab::redis {

class Node {
  public:
    Node(std::uint16_t port, const Login& login)
        : port_(port), client(clock_now(), Address{"127.0.0.1", port}, login, told(), 7, kTiming) {}

    void until(const std::string& what, const std::function<bool()>& holds) {
        const Timestamp end = clock_now() + kPatience;
        while (!holds()) {
            expect(clock_now() < end, "waited in vain for " + what);
            while (const auto dial = client.dial(clock_now()))
                connect(*dial);
            for (std::size_t link = 0; link < client.links(); ++link)
                turn(link);
            client.advance(clock_now());
        }
    }
    bool is_up() const { return client.is_up(Line::kCommands) && client.is_up(Line::kChannels); }

  private:
    Events told() {
        return {[this](Timestamp, std::string_view, std::string payload) {
                    payloads.push_back(std::move(payload));
                },
                {},
                [this](Timestamp, Line) { ++ups; },
                [this](Timestamp, Line, const Fault&) { ++downs; },
                [this](Timestamp, const std::string& channel, const std::string&) {
                    refused.push_back(channel);
                }};
    }
    void turn(std::size_t link) {
        std::unique_ptr<Socket>& socket = sockets_[link];
        if (!client.keeps(link)) socket.reset();
        if (!socket) return;
        const bool open =
            socket->turn(client.take_output(link), Duration::millis(5),
                         [&](BytesView bytes) { client.received(clock_now(), link, bytes); });
        if (!open) client.closed(clock_now(), link, "end of file");
    }
    void connect(const Dial& dial) {
        sockets_[dial.link] = std::make_unique<Socket>(port_);
        if (!sockets_[dial.link]->connected())
            return client.closed(clock_now(), dial.link, "refused");
        client.connected(clock_now(), dial.link);
    }

    std::uint16_t port_;
    std::array<std::unique_ptr<Socket>, 2> sockets_;

  public:
    std::vector<std::string> payloads;
    std::vector<std::string> refused;
    int ups = 0;
    int downs = 0;
    Client client;
};

}  // namespace confab::redis

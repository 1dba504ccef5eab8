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
        : port_(port), client(clock_now(), login, told(), 7, kTiming) {}

    void until(const std::string& what, const std::function<bool()>& holds) {
        const Timestamp end = clock_now() + kPatience;
        while (!holds()) {
            expect(clock_now() < end, "waited in vain for " + what);
            turn(Line::kCommands);
            turn(Line::kChannels);
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
    void turn(Line line) {
        std::unique_ptr<Socket>& socket = sockets_[static_cast<std::size_t>(line)];
        if (!client.is_open(line)) socket.reset();
        if (client.wants(clock_now(), line)) {
            client.connecting(line);
            socket = std::make_unique<Socket>(port_);
            if (!socket->connected()) return client.closed(clock_now(), line, "refused");
            client.connected(clock_now(), line);
        }
        if (!client.is_open(line)) return;
        const bool open =
            socket->turn(client.take_output(line), Duration::millis(5),
                         [&](BytesView bytes) { client.received(clock_now(), line, bytes); });
        if (!open) client.closed(clock_now(), line, "end of file");
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

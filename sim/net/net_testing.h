// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// For tests: both ends of the paths of media, which write down what they are handed and when.
#pragma once

#include <string>
#include <vector>

#include "sim/net/event_queue.h"
#include "sim/net/media_ends.h"
#include "sim/report.h"

namespace confab::sim::testing {

class NotingEnds final : public ClientEnd, public ServerEnd {
  public:
    explicit NotingEnds(const EventQueue& events) : events_(events) {}

    void media_sent(ClientId to, BytesView bytes) override {
        sent.push_back(std::to_string(to) + " " + std::string(as_text(bytes)));
    }
    void media_arrived(ClientId at, client::Target, const ice::Path&, BytesSpan bytes) override {
        note("client " + std::to_string(at) + " " + std::string(as_text(bytes)));
    }
    void stream_opened(ClientId by, client::Target, const ice::Path& path) override {
        note("client " + std::to_string(by) + " opened " + std::to_string(path.tcp_connection));
    }
    void datagram_arrived(const SocketAddress& from, const SocketAddress&,
                          BytesView bytes) override {
        last_from = from;
        note("server " + std::string(as_text(bytes)));
    }
    void frame_arrived(const ServerStream& stream, BytesView bytes) override {
        note("shard " + std::to_string(stream.shard) + " " + std::string(as_text(bytes)));
    }
    void stream_closed(const ServerStream& stream) override {
        note("shard " + std::to_string(stream.shard) + " closed");
    }

    // What has come since the last call, each with its ms from the start of the run.
    std::vector<std::string> take() { return std::exchange(arrived_, {}); }

    std::vector<std::string> sent;  // left servers for clients
    SocketAddress last_from;

  private:
    void note(const std::string& what) {
        arrived_.push_back(std::to_string((events_.now() - kRunStart).ms()) + " " + what);
    }

    const EventQueue& events_;
    std::vector<std::string> arrived_;
};

inline void run_for(EventQueue& events, Duration length) {
    const Timestamp end = events.now() + length;
    while (events.step(end)) {
    }
}

}  // namespace confab::sim::testing

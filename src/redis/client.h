// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a node holds of one Redis server: a connection for commands and one for channels, made again
// when they end, with all channels subscribed again (RDS-30). Two, since a server ends listeners
// that are slow and blocks nobody else for it. Without sockets: a driver connects when wants() says
// so, hands over bytes and a time, and writes what take_output() gives.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/rng.h"
#include "base/time.h"
#include "redis/port.h"
#include "redis/session.h"

namespace confab::redis {

class Client final : public Port {
  public:
    static constexpr Duration kFirstPause = Duration::millis(50);
    static constexpr Duration kLongestPause = Duration::seconds(2);
    static constexpr std::size_t kChannelsAtOnce = 64;  // of one SUBSCRIBE

    Client(Timestamp now, Login login, Events events, std::uint64_t seed, Timing timing = {});
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    // ---- Port
    Result<void, Fault> command(Timestamp now, Words words, Reply done) override;
    void subscribe(Timestamp now, std::string channel) override;
    void unsubscribe(Timestamp now, const std::string& channel) override;
    bool is_up(Line line) const override { return at(line).up; }

    // The latest reason for not being up.
    const std::string& trouble(Line line) const { return at(line).trouble; }

    // ---- the driver. wants(): connect, and say connected() or closed().
    bool wants(Timestamp now, Line line) const;
    void connecting(Line line) { at(line).connecting = true; }
    void connected(Timestamp now, Line line);
    void received(Timestamp now, Line line, BytesView bytes);
    void closed(Timestamp now, Line line, std::string_view why);
    void advance(Timestamp now);
    Timestamp next_deadline() const;
    std::string take_output(Line line);
    // Of a session that has ended by itself: the driver closes its socket.
    bool is_open(Line line) const { return at(line).session != nullptr; }

  private:
    struct End {
        std::unique_ptr<Session> session;
        bool connecting = false;
        bool up = false;
        Duration pause = kFirstPause;
        Timestamp next_attempt;
        std::string trouble;
    };

    End& at(Line line) { return ends_[static_cast<std::size_t>(line)]; }
    const End& at(Line line) const { return ends_[static_cast<std::size_t>(line)]; }
    void look(Timestamp now, Line line);
    void down(Timestamp now, Line line, const Fault& fault);
    void up(Timestamp now, Line line);
    void subscribe_all(Timestamp now);
    void ask_for(Timestamp now, std::vector<std::string> channels);
    void settle(Timestamp now, const std::vector<std::string>& channels,
                const Result<Value, Fault>& reply);

    Login login_;
    Events events_;
    Timing timing_;
    Rng rng_;
    std::array<End, 2> ends_;
    std::set<std::string> channels_;
    bool subscribing_ = false;             // all were asked for on this connection
    std::size_t unconfirmed_ = 0;          // its SUBSCRIBEs
    std::vector<std::string> one_by_one_;  // of a SUBSCRIBE that was refused as a whole
};

}  // namespace confab::redis

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a node holds of one Redis server: a connection for commands and one for channels, made again
// when they end, with all channels subscribed again (RDS-30). Two, since a server ends listeners
// that are slow and blocks nobody else for it. Where the server is may change (Sentinel).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "redis/channels.h"
#include "redis/driven.h"
#include "redis/lifeline.h"

namespace confab::redis {

class Client final : public Driven {
  public:
    // Without an address it waits for one.
    Client(Timestamp now, std::optional<Address> server, Login login, Events events,
           std::uint64_t seed, Timing timing = {});
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    // Both connections lead there from now on.
    void move(Timestamp now, const Address& server);
    const std::optional<Address>& server() const { return server_; }

    // ---- Port. command() is kClosed at once while there is no connection.
    Result<void, Fault> command(Timestamp now, Words words, Reply done) override;
    void subscribe(Timestamp now, std::string channel) override;
    void unsubscribe(Timestamp now, const std::string& channel) override;
    bool is_up(Line line) const override { return up_[static_cast<std::size_t>(line)]; }

    // ---- Driven; the links are the Lines.
    std::optional<Dial> dial(Timestamp now) override;
    void connected(Timestamp now, std::size_t link) override;
    void received(Timestamp now, std::size_t link, BytesView bytes) override;
    void closed(Timestamp now, std::size_t link, std::string_view why) override;
    void advance(Timestamp now) override;
    Timestamp next_deadline() const override;
    std::string take_output(std::size_t link) override;
    bool keeps(std::size_t link) const override { return lines_[link].keeps(); }
    std::size_t links() const override { return lines_.size(); }
    std::string trouble() const override;

  private:
    void look(Timestamp now, std::size_t link);
    void settle(Timestamp now, std::size_t link);

    std::optional<Address> server_;
    Login login_;
    Events events_;
    Timing timing_;
    std::array<Lifeline, 2> lines_;
    std::array<bool, 2> up_ = {false, false};
    Channels channels_;
};

}  // namespace confab::redis

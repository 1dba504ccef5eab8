// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A Client whose server is the master that Sentinels name: both its connections move with it
// (RDS-30; a listener left at the old master hears nothing).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "redis/client.h"
#include "redis/sentinel/sentinels.h"

namespace confab::redis {

class SentinelClient final : public Driven {
  public:
    SentinelClient(Timestamp now, std::vector<Address> sentinels, std::string master_name,
                   Login sentinel_login, Login login, Events events, std::uint64_t seed,
                   Timing timing = {});

    Result<void, Fault> command(Timestamp now, Words words, Reply done) override;
    void subscribe(Timestamp now, std::string channel) override {
        client_.subscribe(now, std::move(channel));
    }
    void unsubscribe(Timestamp now, const std::string& channel) override {
        client_.unsubscribe(now, channel);
    }
    bool is_up(Line line) const override { return client_.is_up(line); }

    // The links are the Client's and, behind them, the one to a Sentinel.
    std::optional<Dial> dial(Timestamp now) override;
    void connected(Timestamp now, std::size_t link) override;
    void received(Timestamp now, std::size_t link, BytesView bytes) override;
    void closed(Timestamp now, std::size_t link, std::string_view why) override;
    void advance(Timestamp now) override;
    Timestamp next_deadline() const override;
    std::string take_output(std::size_t link) override;
    bool keeps(std::size_t link) const override;
    std::size_t links() const override { return client_.links() + 1; }
    std::string trouble() const override;

  private:
    bool move(Timestamp now, const Address& master, bool is_old);
    bool is_sentinel(std::size_t link) const { return link == client_.links(); }

    Client client_;
    Sentinels sentinels_;
};

}  // namespace confab::redis

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A client of a Redis Cluster: a connection for commands to each master, and one for channels to
// any of them (RDS-29: a publication reaches the listeners of all nodes). Commands follow their
// slots, also while these move.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "redis/channels.h"
#include "redis/cluster/slots.h"
#include "redis/driven.h"
#include "redis/lifeline.h"

namespace confab::redis {

class ClusterClient final : public Driven {
  public:
    static constexpr std::size_t kMaxMembers = 256;
    static constexpr std::size_t kMaxHeld = 10'000;  // commands on their way to another node
    static constexpr Duration kAskEvery = Duration::seconds(5);   // for the slots, when all is well
    static constexpr Duration kAskAgain = Duration::millis(200);  // when it is not

    // `seeds`: some of its nodes, at least one. `max_redirects`: of one command (RDS-28).
    ClusterClient(Timestamp now, std::vector<Address> seeds, std::size_t max_redirects, Login login,
                  Events events, std::uint64_t seed, Timing timing = {});
    ClusterClient(const ClusterClient&) = delete;
    ClusterClient& operator=(const ClusterClient&) = delete;
    ~ClusterClient() override;

    // ---- Port. kCommands is up while every slot has a master that is connected; a command is
    // kClosed at once while its own has none.
    Result<void, Fault> command(Timestamp now, Words words, Reply done) override;
    void subscribe(Timestamp now, std::string channel) override;
    void unsubscribe(Timestamp now, const std::string& channel) override;
    bool is_up(Line line) const override { return up_[static_cast<std::size_t>(line)]; }

    // ---- Driven: link 0 is for channels, the others for the members.
    std::optional<Dial> dial(Timestamp now) override;
    void connected(Timestamp now, std::size_t link) override;
    void received(Timestamp now, std::size_t link, BytesView bytes) override;
    void closed(Timestamp now, std::size_t link, std::string_view why) override;
    void advance(Timestamp now) override;
    Timestamp next_deadline() const override;
    std::string take_output(std::size_t link) override;
    bool keeps(std::size_t link) const override;
    std::size_t links() const override { return members_.size() + 1; }
    std::string trouble() const override { return trouble_; }

  private:
    struct Member;
    struct Errand;  // a command, until it is answered for good
    static constexpr std::size_t kNobody = kMaxMembers;

    Lifeline* line(std::size_t link);
    const Lifeline* line(std::size_t link) const;
    void look(Timestamp now);
    void look_at_channels(Timestamp now);
    void tell(Timestamp now);
    std::string what_is_missing() const;

    std::size_t member(Timestamp now, const Address& address);
    std::size_t any_ready() const;
    void ask_for_slots(Timestamp now);
    void learn(Timestamp now, const std::vector<SlotRange>& ranges);
    void want_seeds(Timestamp now);

    Result<void, Fault> send(Timestamp now, std::size_t to, bool asking,
                             const std::shared_ptr<Errand>& errand);
    void answered(Timestamp now, const Address& by, const std::shared_ptr<Errand>& errand,
                  Result<Value, Fault> reply);
    void go_on(Timestamp now);

    std::vector<Address> seeds_;
    std::size_t max_redirects_;
    Login login_;
    Events events_;
    Timing timing_;
    std::uint64_t seed_;

    Lifeline channel_line_;
    std::size_t channel_place_ = 0;  // whose turn it is to be connected to
    Channels channels_;
    std::vector<std::unique_ptr<Member>> members_;
    std::array<std::uint16_t, kSlots> owners_;
    std::size_t owned_ = 0;  // slots, when they were told
    bool asking_for_slots_ = false;
    Timestamp next_ask_;
    std::vector<std::shared_ptr<Errand>> held_;
    std::array<bool, 2> up_ = {false, false};
    std::optional<Fault> latest_;
    std::string trouble_;
};

}  // namespace confab::redis

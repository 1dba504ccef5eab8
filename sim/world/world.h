// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One run: shards, clients, the network between them and the steps of a scenario, all on one
// virtual clock and one seed (02 DES-50…54). The same scenario and seed give the same datagrams.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sim/net/event_queue.h"
#include "sim/net/run_hash.h"
#include "sim/world/direct_control.h"
#include "sim/world/scenario.h"
#include "sim/world/sfu_host.h"

namespace confab::sim {

struct RunStats {
    std::uint64_t events = 0;
    std::uint64_t datagrams = 0;
    std::uint64_t lost = 0;  // on links
    std::uint64_t rtp_to_clients = 0;
    std::uint64_t frames = 0;  // decoded, all subscribers
    std::uint64_t freezes = 0;
    std::uint64_t switches = 0;
    std::uint64_t repaired = 0;
    std::uint64_t late = 0;  // numbers that left the server out of order
    std::uint64_t messages = 0;
    std::uint64_t plis = 0;     // that publishers got
    std::uint64_t links = 0;    // messages between shards
    std::size_t most_sent = 0;  // datagrams after one input
};

struct RunResult {
    std::uint64_t hash = 0;
    std::uint64_t violations = 0;
    std::vector<std::string> texts;
    RunStats stats;
    bool ok() const { return violations == 0; }
};

class World final : public ControlHost {
  public:
    // More events in one virtual second than this per client mean that something runs away.
    static constexpr std::uint64_t kMaxEventsPerSecond = 40'000;

    World(const Scenario& scenario, std::uint64_t seed);
    ~World() override;

    // The scenario, the healing, the farewell.
    RunResult run();

    // ControlHost
    Timestamp now() const override { return events_.now(); }
    std::size_t shards() const override { return host_.size(); }
    SocketAddress server_address(std::size_t shard) const override {
        return SfuHost::address(shard);
    }
    void command(std::size_t shard, sfu::Command command) override {
        host_.command(shard, std::move(command));
    }
    Client* client(ClientId id) override;

  private:
    struct Seat {
        std::unique_ptr<Client> client;
        std::unique_ptr<Link> up;
        std::unique_ptr<Link> down;
        SocketAddress outside;  // as the server sees the client
        Timestamp planned = Timestamp::never();
        std::uint64_t incarnation = 0;
        std::uint32_t speaker = 0;  // sender id of its messages
        LinkProfile up_profile;
        LinkProfile down_profile;
    };

    void apply(const Step& step);
    void join(Seat& seat, const Step& step);
    void leave(Seat& seat, ClientId id);
    void set_links(Seat& seat, const LinkProfile& up, const LinkProfile& down);
    SocketAddress new_outside(ClientId id);
    void close_outside(const Seat& seat);

    void transmit_to_client(std::size_t shard, const SocketAddress& to, BytesView bytes);
    void transmit_from_client(Seat& seat, const OutgoingDatagram& datagram);
    void turn(ClientId id);
    void plan_timeout(ClientId id);
    void talk(ClientId id);

    void run_until(Timestamp end);
    void heal();
    void check_flow();
    void farewell();
    void check_empty();
    void collect(Seat& seat);
    void note(const std::string& what) { report_.violation(now(), what); }

    Scenario scenario_;
    Rng rng_;
    EventQueue events_;
    Report report_;
    RunHash hash_;
    srtp::Engine engine_;
    SfuHost host_;
    DirectControl control_;
    std::vector<Seat> seats_;
    struct Outside {
        ClientId client = 0;
        std::uint64_t incarnation = 0;
        bool open = true;  // false: the NAT has forgotten the port
    };
    std::map<SocketAddress, Outside> outside_;
    std::uint16_t next_port_ = 20'000;
    std::uint32_t next_speaker_ = 1;
    std::uint64_t bugs_before_ = 0;
    bool bandwidth_limited_ = false;  // somebody reported a narrow downlink
    RunStats stats_;
};

RunResult run_scenario(const Scenario& scenario, std::uint64_t seed);

}  // namespace confab::sim

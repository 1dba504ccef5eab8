// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/world/world.h"

#include "base/check.h"

namespace confab::sim {
namespace {
constexpr UnixTime kWall = UnixTime::seconds(1'700'000'000);
constexpr std::uint32_t kClientNetwork = 0xC0A8'0000;   // 192.168.0.0, behind NAT
constexpr std::uint32_t kOutsideNetwork = 0xC633'6400;  // 198.51.100.0
constexpr Duration kMessageInterval = Duration::millis(700);
}  // namespace

World::World(const Scenario& scenario, std::uint64_t seed)
    : scenario_(scenario),
      rng_(seed),
      events_(kRunStart),
      host_(
          {scenario.shards, kWall}, events_, rng_.fork(), report_,
          [this](std::size_t shard, const SocketAddress& to, BytesView bytes) {
              transmit_to_client(shard, to, bytes);
          },
          [this](std::size_t shard, const sfu::Event& event) {
              control_.handle_event(shard, event);
          }),
      control_(*this, rng_.fork()),
      seats_(scenario.clients),
      bugs_before_(bug_count()) {
    for (const Step& step : scenario_.steps)
        events_.plan(kRunStart + step.at, [this, &step] { apply(step); });
}

World::~World() = default;

Client* World::client(ClientId id) {
    return id < seats_.size() ? seats_[id].client.get() : nullptr;
}

// ---------------------------------------------------------------- steps

SocketAddress World::new_outside(ClientId id) {
    const auto host = static_cast<std::uint32_t>(id + 1);
    const SocketAddress address{IpAddress::v4(kOutsideNetwork + host), next_port_++};
    outside_[address] = {id, seats_[id].incarnation, true};
    return address;
}

// What the server still sends there counts as sent, and is lost.
void World::close_outside(const Seat& seat) {
    const auto found = outside_.find(seat.outside);
    if (found != outside_.end()) found->second.open = false;
}

void World::join(Seat& seat, const Step& step) {
    if (seat.client) return;
    const auto host = static_cast<std::uint32_t>(step.client + 1);
    ClientConfig config;
    config.name = "client " + std::to_string(step.client);
    config.address = {IpAddress::v4(kClientNetwork + host), next_port_++};
    config.wall = kWall;
    config.own_ssrc = rng_.u32();
    config.credentials = {"u" + std::to_string(rng_.u32()),
                          "password" + std::to_string(rng_.u64())};
    ++seat.incarnation;
    seat.speaker = next_speaker_++;
    seat.outside = new_outside(step.client);
    seat.up = std::make_unique<Link>(seat.up_profile, rng_.fork());
    seat.down = std::make_unique<Link>(seat.down_profile, rng_.fork());
    seat.client = std::make_unique<Client>(config, engine_, rng_.fork(), report_);
    seat.planned = Timestamp::never();
    control_.join(step.client, step.value != 0);
    if (scenario_.messages) talk(step.client);
}

void World::leave(Seat& seat, ClientId id) {
    if (!seat.client) return;
    control_.leave(id);
    close_outside(seat);
    seat.client.reset();
    ++seat.incarnation;
}

void World::set_links(Seat& seat, const LinkProfile& up, const LinkProfile& down) {
    seat.up_profile = up;
    seat.down_profile = down;
    if (seat.up) seat.up->set_profile(up);
    if (seat.down) seat.down->set_profile(down);
}

void World::apply(const Step& step) {
    if (step.client >= seats_.size()) return;
    Seat& seat = seats_[step.client];
    const ClientId id = step.client;
    switch (step.kind) {
        case StepKind::kJoin:
            join(seat, step);
            break;
        case StepKind::kLeave:
            if (seat.client) collect(seat);
            leave(seat, id);
            break;
        case StepKind::kPublishAudio:
            control_.publish(id, sfu::MediaKind::kAudio, 1, step.value != 0);
            break;
        case StepKind::kPublishVideo:
            control_.publish(id, sfu::MediaKind::kVideo, step.layers, step.value != 0);
            break;
        case StepKind::kUnpublish:
            control_.unpublish(id);
            break;
        case StepKind::kMute:
            control_.set_muted(id, step.value, true);
            break;
        case StepKind::kUnmute:
            control_.set_muted(id, step.value, false);
            break;
        case StepKind::kSettings:
            control_.update_settings(id, step.value, step.settings);
            break;
        case StepKind::kBandwidth:
            bandwidth_limited_ = true;
            if (seat.client) seat.client->subscriber().set_bandwidth(step.value);
            break;
        case StepKind::kIceRestart:
            control_.restart_ice(id);
            break;
        case StepKind::kNatRebind:
            close_outside(seat);
            if (seat.client) seat.outside = new_outside(id);
            break;
        case StepKind::kLinks:
            set_links(seat, step.up, step.down);
            break;
        case StepKind::kOutage: {
            const Timestamp until = now() + Duration::millis(static_cast<std::int64_t>(step.value));
            if (seat.up) seat.up->set_outage(until);
            if (seat.down) seat.down->set_outage(until);
            break;
        }
    }
    turn(id);
}

// ---------------------------------------------------------------- network

void World::transmit_to_client(std::size_t shard, const SocketAddress& to, BytesView bytes) {
    const SocketAddress from = SfuHost::address(shard);
    hash_.add_datagram(now(), from, to, bytes);
    ++stats_.datagrams;
    const auto found = outside_.find(to);
    if (found == outside_.end()) return note("datagram to an address of nobody");
    const ClientId id = found->second.client;
    Seat& seat = seats_[id];
    if (!seat.client || seat.incarnation != found->second.incarnation) return;  // left
    seat.client->note_sent(now(), bytes);
    if (!found->second.open) return;
    const Deliveries deliveries = seat.down->offer(now(), bytes.size());
    for (std::size_t i = 0; i < deliveries.count; ++i)
        events_.plan(deliveries.at[i], [this, id, from, incarnation = seat.incarnation,
                                        copy = to_vector(bytes)]() mutable {
            Seat& at = seats_[id];
            if (!at.client || at.incarnation != incarnation) return;
            at.client->handle_packet(now(), from, copy);
            turn(id);
        });
}

void World::transmit_from_client(Seat& seat, const OutgoingDatagram& datagram) {
    hash_.add_datagram(now(), seat.outside, datagram.to, datagram.bytes);
    ++stats_.datagrams;
    const Deliveries deliveries = seat.up->offer(now(), datagram.bytes.size());
    for (std::size_t i = 0; i < deliveries.count; ++i)
        events_.plan(deliveries.at[i], [this, from = seat.outside, to = datagram.to,
                                        copy = datagram.bytes] { host_.deliver(from, to, copy); });
}

void World::turn(ClientId id) {
    Seat& seat = seats_[id];
    if (!seat.client) return;
    while (const auto datagram = seat.client->poll_transmit())
        transmit_from_client(seat, *datagram);
    plan_timeout(id);
}

void World::plan_timeout(ClientId id) {
    Seat& seat = seats_[id];
    const Timestamp deadline = seat.client->next_deadline();
    if (deadline >= seat.planned) return;
    seat.planned = deadline;
    events_.plan(deadline, [this, id, deadline, incarnation = seat.incarnation] {
        Seat& at = seats_[id];
        if (!at.client || at.incarnation != incarnation || at.planned != deadline) return;
        at.planned = Timestamp::never();
        at.client->handle_timeout(now());
        turn(id);
    });
}

void World::talk(ClientId id) {
    events_.plan(now() + kMessageInterval, [this, id, incarnation = seats_[id].incarnation] {
        Seat& seat = seats_[id];
        if (!seat.client || seat.incarnation != incarnation) return;
        (void)seat.client->send_message(now(), seat.speaker);
        turn(id);
        talk(id);
    });
}

RunResult run_scenario(const Scenario& scenario, std::uint64_t seed) {
    return World(scenario, seed).run();
}

}  // namespace confab::sim

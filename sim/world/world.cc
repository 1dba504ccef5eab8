// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// World: its parts, who comes and goes, and when they act.
#include "sim/world/world.h"

#include <algorithm>

namespace confab::sim {
namespace {

constexpr UnixTime kWallAtZero = UnixTime::seconds(1'700'000'000);
constexpr std::uint32_t kClientNetwork = 0xC0A8'0000;  // 192.168.0.0, behind NAT
constexpr Duration kSecond = Duration::seconds(1);

}  // namespace

World::World(const Scenario& scenario, Rng& rng)
    : scenario_(scenario),
      rng_(rng),
      events_(kRunStart),
      people_(scenario),
      truth_(people_, *this),
      servers_(scenario, kWallAtZero, events_, rng, report_, *this),
      udp_(scenario.clients, events_, report_, *this, servers_),
      streams_(scenario.clients, events_, *this, servers_),
      sockets_(scenario.clients, events_, *this),
      seats_(scenario.clients) {}

// ---------------------------------------------------------------- clients

Client* World::present(ClientId id) {
    Client* client = seats_[id].client.get();
    return client != nullptr && client->phase() != Client::Phase::kGone ? client : nullptr;
}

void World::join(ClientId id, bool single) {
    forget(id);
    ClientConfig config;
    config.name = "client " + std::to_string(id);
    config.identity = people_.at(id).identity;
    config.person = people_.number_of(id);
    config.address = IpAddress::v4(kClientNetwork + static_cast<std::uint32_t>(id + 1));
    config.single = single;
    config.light = scenario_.light;
    config.auto_data = id % 2 == 0;
    config.rules = &truth_;
    config.wall_at_zero = kWallAtZero;
    config.invisible = people_.hidden_from(id);
    udp_.attach(id, rng_);
    sockets_.attach(id, Duration::millis(static_cast<std::int64_t>(5 + rng_.below(40))));
    Seat& seat = seats_[id];
    ++seat.incarnation;
    seat.generation = 0;
    seat.planned = Timestamp::never();
    seat.client = std::make_unique<Client>(std::move(config), engine_, rng_.fork(), report_,
                                           [this] { return next_number_++; });
    truth_.begin_session(now(), id);
    seat.client->start(now());
}

// The client is no more, whether or not the server knows.
void World::forget(ClientId id) {
    Seat& seat = seats_[id];
    if (!seat.client) return;
    collect(*seat.client);
    udp_.detach(id);
    streams_.close_all(id);
    sockets_.detach(id);
    seat.client.reset();
}

void World::kill(ClientId id, bool silently) {
    sockets_.close(id, silently);
    forget(id);
}

// ---------------------------------------------------------------- time

void World::run_until(Timestamp end) {
    while (now() < end) {
        const Timestamp second = std::min(end, now() + kSecond);
        const std::uint64_t before = events_.taken();
        const std::uint64_t limit = kMaxEventsPerSecond * std::max<std::uint64_t>(1, seats_.size());
        while (events_.step(second)) {
            if (events_.taken() - before <= limit) continue;
            return note("more than " + std::to_string(limit) + " events in a second");
        }
    }
}

void World::turn(ClientId id) {
    Seat& seat = seats_[id];
    if (!seat.client) return;
    Client& client = *seat.client;
    if (client.poll_close()) sockets_.close(id, false);
    if (const auto request = client.poll_open())
        sockets_.open(id, servers_.home_of(people_.at(id).room), *request);
    if (seat.generation != client.generation()) {
        seat.generation = client.generation();
        streams_.close_all(id);
        udp_.open_ports(id);
    }
    while (auto message = client.session().poll_signal()) {
        if (!sockets_.is_open(id)) continue;
        hash_.add(as_bytes(*message));
        ++stats_.signals;
        sockets_.send_up(id, std::move(*message));
    }
    open_streams(id);
    while (const auto out = client.poll_transmit())
        send_media(id, *out);
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

// Candidates of every generation of ICE open one.
void World::open_streams(ClientId id) {
    client::Session& session = seats_[id].client->session();
    for (const client::Target target : {client::Target::kPublisher, client::Target::kSubscriber}) {
        client::Connection* connection = session.connection(target);
        if (connection == nullptr) continue;
        for (const SocketAddress& listener : connection->take_tcp_candidates()) {
            TcpStreams::Opening opening;
            opening.target = target;
            opening.inside = connection->address();
            opening.outside = udp_.fresh_address(id);
            opening.listener = listener;
            opening.socket = SfuHost::kTcpSocket;
            opening.node = servers_.home_of(people_.at(id).room);
            opening.shard =
                servers_.nodes()[opening.node]->media().arrives_at(opening.outside, listener);
            streams_.open(id, opening);
        }
    }
}

// ---------------------------------------------------------------- what came of it

void World::collect(Client& client) {
    stats_.plis += client.session().publisher().counters().plis;
    stats_.messages += client.messages().checker().received();
    stats_.resumes += client.attempts().resumes();
    stats_.rejoins += client.attempts().joins();
    for (const auto& [track, stream] : client.subscriber().streams()) {
        stats_.repaired += stream->counters().repaired;
        stats_.late += stream->sent_log().late();
        stats_.frames += stream->video().counters().frames;
        stats_.freezes += stream->video().counters().freezes;
        stats_.switches += stream->video().counters().switches;
    }
}

RunStats World::stats() const {
    RunStats stats = stats_;
    stats.events = events_.taken();
    stats.lost = udp_.lost();
    for (const auto& node : servers_.nodes()) {
        const SfuHostCounters& media = node->media().counters();
        stats.links += media.links;
        stats.most_sent = std::max(stats.most_sent, media.most_sent);
        stats.moved += node->control().rooms().snapshot().moved;
    }
    return stats;
}

std::uint64_t World::fingerprint() const {
    RunHash hash = hash_;
    hash.add(events_.taken());
    return hash.value();
}

}  // namespace confab::sim

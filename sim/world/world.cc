// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// World: who comes and goes, and when they act.
#include "sim/world/world.h"

#include "base/check.h"

namespace confab::sim {
namespace {

constexpr UnixTime kWallAtZero = UnixTime::seconds(1'700'000'000);
constexpr std::uint32_t kClientNetwork = 0xC0A8'0000;  // 192.168.0.0, behind NAT
constexpr Duration kMessageInterval = Duration::millis(700);

}  // namespace

World::World(const Scenario& scenario, std::uint64_t seed)
    : scenario_(scenario),
      rng_(seed),
      events_(kRunStart),
      seats_(scenario.clients),
      bugs_before_(bug_count()) {
    NodeHost& host = *this;
    for (NodeId node = 0; node < scenario.nodes; ++node)
        nodes_.push_back(std::make_unique<Node>(node, scenario.shards, kWallAtZero, events_, rng_,
                                                report_, host));
    for (const Step& step : scenario_.steps)
        events_.plan(kRunStart + step.at, [this, &step] { apply(step); });
}

World::~World() = default;

// ---------------------------------------------------------------- people

Person World::person(ClientId id) const {
    Person person;
    if (id < scenario_.people.size()) person = scenario_.people[id];
    if (person.identity.empty()) person.identity = "client-" + std::to_string(id);
    return person;
}

std::uint32_t World::number_of(ClientId id) const {
    ClientId first = 0;
    while (!same_room(first, id) || person(first).identity != person(id).identity)
        ++first;
    return static_cast<std::uint32_t>(first + 1);
}

void World::join(ClientId id, const Step& step) {
    Seat& seat = seats_[id];
    if (is_in(seat)) return;
    if (seat.client) forget(id);
    ClientConfig config;
    config.name = "client " + std::to_string(id);
    config.identity = person(id).identity;
    config.person = number_of(id);
    config.address = IpAddress::v4(kClientNetwork + static_cast<std::uint32_t>(id + 1));
    config.single = step.value == 0;
    config.light = scenario_.light;
    config.auto_data = id % 2 == 0;
    config.rules = this;
    config.wall_at_zero = kWallAtZero;
    for (ClientId other = 0; other < seats_.size(); ++other)
        if (same_room(id, other) && person(other).hidden &&
            person(other).identity != config.identity)
            config.invisible.insert(person(other).identity);
    ++seat.incarnation;
    seat.up = std::make_unique<Link>(seat.up_profile, rng_.fork());
    seat.down = std::make_unique<Link>(seat.down_profile, rng_.fork());
    seat.signal_delay = Duration::millis(static_cast<std::int64_t>(5 + rng_.below(40)));
    seat.client = std::make_unique<Client>(std::move(config), engine_, rng_.fork(), report_,
                                           [this] { return next_number_++; });
    seat.generation = 0;
    seat.planned = Timestamp::never();
    reset_rights(id);
    seat.client->start(now());
    if (scenario_.messages) talk(id);
}

// The client is no more, whether or not the server knows.
void World::forget(ClientId id) {
    Seat& seat = seats_[id];
    if (!seat.client) return;
    collect(seat);
    close_outside(seat);
    close_streams(id);
    seat.client.reset();
    seat.wire = 0;
    ++seat.incarnation;
}

void World::kill(ClientId id, bool silently) {
    Seat& seat = seats_[id];
    if (seat.wire != 0) drop_wire(seat.wire, !silently, false);
    forget(id);
}

// ---------------------------------------------------------------- time

// Everything the client has to say, then when it wants to be asked again.
void World::turn(ClientId id) {
    Seat& seat = seats_[id];
    if (!seat.client) return;
    Client& client = *seat.client;
    if (client.poll_close() && seat.wire != 0) drop_wire(seat.wire, true, false);
    if (const auto request = client.poll_open()) open_wire(id, *request);
    if (seat.generation != client.generation()) {
        close_outside(seat);
        close_streams(id);
        seat.generation = client.generation();
        seat.outside = {new_outside(id, client::Target::kPublisher),
                        new_outside(id, client::Target::kSubscriber)};
    }
    while (const auto message = client.session().poll_signal()) {
        Wire* wire = wires_.find(seat.wire);
        if (wire == nullptr) continue;
        livekit::SignalRequest request;
        (void)request.ParseFromString(*message);
        hash_.add(as_bytes(*message));
        ++stats_.signals;
        events_.plan(up_arrival(*wire), [this, id, of = wire->id, request = std::move(request)] {
            Wire* at = wires_.find(of);
            if (at == nullptr || !at->server_open || !at->has_session) return;
            at->last_heard = now();
            note_request(id, request);
            nodes_[at->node]->control().request(at->session, request);
        });
    }
    open_streams(id);
    while (const auto out = client.poll_transmit())
        transmit_from_client(id, *out);
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

// To everybody, and now and then to one alone, who may be in another room.
void World::talk(ClientId id) {
    events_.plan(now() + kMessageInterval, [this, id, incarnation = seats_[id].incarnation] {
        Seat& seat = seats_[id];
        if (!seat.client || seat.incarnation != incarnation || over_) return;
        if (seat.client->settled()) say_everything(id);
        turn(id);
        talk(id);
    });
}

void World::say_everything(ClientId id) {
    Seat& seat = seats_[id];
    Client& client = *seat.client;
    if (seat.may_send_data) {
        client.publish_data_again();
        (void)client.say(now(), DataKind::kReliable, 0, {});
        const ClientId to = rng_.below(seats_.size());
        (void)client.say(now(), DataKind::kReliable, called_by(id, to), person(to).identity);
    } else {
        (void)client.say(now(), DataKind::kForbidden, 0, {});
    }
    (void)client.say(now(), DataKind::kLossy, 0, {});
    client.say_on_tracks(now());
}

// Whom a client calls by somebody's identity: there may be a namesake in its own room.
std::uint32_t World::called_by(ClientId id, ClientId to) const {
    for (ClientId other = 0; other < seats_.size(); ++other)
        if (same_room(id, other) && person(other).identity == person(to).identity)
            return number_of(other);
    return number_of(to);
}

std::string room_name(std::size_t room) {
    return "room-" + std::to_string(room);
}

RunResult run_scenario(const Scenario& scenario, std::uint64_t seed) {
    return World(scenario, seed).run();
}

}  // namespace confab::sim

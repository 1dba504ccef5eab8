// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Data routers of some workers without their shards: connections and rings are counters that a test
// sets by hand, in virtual time.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sfu/data/data_packet_testing.h"
#include "sfu/data/data_router.h"

namespace confab::sfu::test {

struct DataConnection {
    struct Sent {
        DataChannel channel = DataChannel::kOther;
        std::string bytes;
    };
    bool connected = true;
    std::set<DataChannel> channels{DataChannel::kReliable, DataChannel::kLossy,
                                   DataChannel::kDataTrack};
    sctp::SendStatus answer = sctp::SendStatus::kOk;
    std::size_t buffered = 0;        // not acknowledged
    std::size_t lossy_buffered = 0;  // the same of the other channels
    bool keeps = false;              // what it is sent stays unacknowledged
    std::optional<Duration> round_trip;
    Duration least_round_trip;
    std::vector<Sent> sent;
};

inline constexpr UnixTime kDay = UnixTime::seconds(1'700'000'000);

class DataPortTwin : public DataPort {
  public:
    bool is_connected(PeerId peer) override { return connections[peer].connected; }
    bool has_channel(PeerId peer, DataChannel channel) override {
        return connections[peer].channels.contains(channel);
    }
    sctp::SendStatus send(Timestamp, PeerId to, DataChannel channel,
                          const sctp::SharedBytes& payload) override {
        DataConnection& connection = connections[to];
        if (connection.answer != sctp::SendStatus::kOk) return connection.answer;
        if (!connection.channels.contains(channel)) return sctp::SendStatus::kClosed;
        if (connection.keeps)
            (channel == DataChannel::kReliable ? connection.buffered : connection.lossy_buffered) +=
                payload.size();
        connection.sent.push_back({channel, std::string(as_text(payload.view()))});
        return sctp::SendStatus::kOk;
    }
    std::size_t buffered(PeerId to, DataChannel channel) override {
        const DataConnection& connection = connections[to];
        return channel == DataChannel::kReliable ? connection.buffered : connection.lossy_buffered;
    }
    Duration least_round_trip(PeerId peer) override { return connections[peer].least_round_trip; }
    void resume(PeerId sender) override { resumed.push_back(sender); }
    void emit(Event event) override { events.push_back(std::move(event)); }
    std::optional<Duration> round_trip(PeerId peer) override {
        const auto found = connections.find(peer);
        return found == connections.end() ? std::nullopt : found->second.round_trip;
    }
    UnixTime wall(Timestamp now) override { return kDay + (now - Timestamp()); }
    bool push_link(WorkerIndex to, BytesView piece) override {
        if (ring_room == 0) return false;
        --ring_room;
        pieces[to].push_back(to_vector(piece));
        return true;
    }
    template <typename T>
    std::vector<T> events_of() const {
        std::vector<T> found;
        for (const Event& event : events)
            if (const auto* one = std::get_if<T>(&event)) found.push_back(*one);
        return found;
    }

    std::map<PeerId, DataConnection> connections;
    std::vector<PeerId> resumed;
    std::vector<Event> events;
    std::map<WorkerIndex, std::vector<Bytes>> pieces;
    std::size_t ring_room = 1'000'000;  // pieces that rings take before they are full
};

// One room on some workers.
struct DataRouters {
    DataRouters(std::size_t workers, const DataLimits& limits)
        : DataRouters(workers, MetricsOptions{}, limits) {}
    explicit DataRouters(std::size_t workers = 1, const MetricsOptions& metrics = {},
                         const DataLimits& limits = {}) {
        for (std::size_t i = 0; i < workers; ++i) {
            ports.push_back(std::make_unique<DataPortTwin>());
            routers.push_back(std::make_unique<DataRouter>(static_cast<WorkerIndex>(i), workers,
                                                           *ports.back(), metrics, limits));
        }
    }
    DataRouter& router(std::size_t at = 0) { return *routers[at]; }
    DataPortTwin& port(std::size_t at = 0) { return *ports[at]; }

    // ------------------------------------------------------------ who is there
    // With a connection of its number; the caller may change the connection before.
    PeerId next_peer() const { return PeerId(joined + 1); }
    DataMember join(const std::string& identity, WorkerIndex at = 0) {
        DataMember member;
        member.room = RoomId(1);
        member.peer = next_peer();
        member.member = MemberId(++joined);
        member.identity = identity;
        member.sid = "PA_" + identity;
        member.may_publish = true;
        places[member.member] = at;
        tell(member);
        return member;
    }
    std::size_t place(const DataMember& member) const { return places.at(member.member); }
    void tell(DataMember member) { command(place(member), member); }
    void leave(const DataMember& member) {
        command(place(member), DataMemberGone{RoomId(1), member.member});
    }
    void spread(const std::vector<WorkerIndex>& workers, bool metrics_heard = false) {
        for (const WorkerIndex worker : workers)
            command(worker, DataWorkers{RoomId(1), workers, metrics_heard});
    }
    template <typename C>
    void command(std::size_t at, C&& c) {
        router(at).apply(now, c);
    }
    DataConnection& connection(const DataMember& member) {
        return port(place(member)).connections[member.peer];
    }
    // Its connection and its channels come up.
    void come_up(const DataMember& member) {
        connection(member) = DataConnection();
        router(place(member)).connected(now, member.peer);
        router(place(member)).channel_opened(now, member.peer);
    }

    // ------------------------------------------------------------ what is said
    std::size_t say(const DataMember& from, BytesView packet,
                    DataChannel channel = DataChannel::kReliable) {
        return router(place(from)).handle_message(now, from.peer, channel, packet);
    }
    // Says one after the other, of so many octets, until it is held back; gives how many.
    std::size_t flood(const DataMember& from, std::size_t octets, std::size_t limit = 100'000) {
        std::size_t said = 0;
        for (; said < limit && may_send(from); ++said)
            (void)say(from, text_packet(std::to_string(said) + std::string(octets, '.')));
        return said;
    }
    bool may_send(const DataMember& from) { return router(place(from)).may_send(from.peer); }
    std::vector<std::string> heard(const DataMember& at) {
        std::vector<std::string> result;
        for (const DataConnection::Sent& sent : connection(at).sent)
            result.push_back(text_in(sent.bytes));
        return result;
    }
    // It took what it was sent, and may have more.
    void acknowledge(const DataMember& at) {
        connection(at).buffered = 0;
        router(place(at)).made_room(now, at.peer);
    }
    // Who may go on, at the end of a turn.
    std::vector<PeerId> resumed(std::size_t at = 0) {
        router(at).resume_senders();
        return std::exchange(port(at).resumed, {});
    }

    // ------------------------------------------------------------ rings and time
    // All that waits crosses, until nothing does.
    void exchange() {
        for (bool moved = true; moved;) {
            moved = false;
            for (std::size_t from = 0; from < routers.size(); ++from) {
                moved |= router(from).flush_links() && port(from).ring_room > 0;
                for (auto& [to, pieces] : port(from).pieces)
                    for (const Bytes& piece : std::exchange(pieces, {})) {
                        router(to).handle_link(now, static_cast<WorkerIndex>(from), piece);
                        moved = true;
                    }
            }
        }
    }
    void run(Duration time) {
        const Timestamp end = now + time;
        for (auto& one : routers)
            while (one->next_deadline() <= end) {
                now = std::max(now, one->next_deadline());
                one->handle_timeout(now);
            }
        now = end;
    }

    Timestamp now = Timestamp::micros(1'000'000);
    std::uint64_t joined = 0;
    std::map<MemberId, std::size_t> places;
    std::vector<std::unique_ptr<DataPortTwin>> ports;
    std::vector<std::unique_ptr<DataRouter>> routers;
};

using Texts = std::vector<std::string>;

}  // namespace confab::sfu::test

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/console/console_figures.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "token/room_key.h"

namespace confab::control {
namespace {

using Summaries = std::vector<std::optional<std::vector<room::RoomSummary>>>;

constexpr const char* kNoAnswer =
    "a control thread or a node does not answer: ask again, and see the log if that goes on";

console::WorkerCounters counters_of(const worker::Mailbox::Published& published) {
    const sfu::ShardSnapshot& shard = published.shard;
    return {published.at,   shard.rtp_in,        shard.rtp_out,
            shard.bytes_in, shard.rtp_bytes_out, published.busy_us};
}

console::RoomRow row_of(const livekit::Room& room, std::string_view tenant, std::size_t tracks) {
    console::RoomRow row;
    row.name = room.name();
    row.tenant = tenant;
    row.sid = room.sid();
    row.participants = room.num_participants();
    row.publishers = room.num_publishers();
    row.tracks = static_cast<std::uint32_t>(tracks);
    row.created_ms =
        room.creation_time_ms() != 0 ? room.creation_time_ms() : room.creation_time() * 1000;
    row.recording = room.active_recording();
    row.metadata = room.metadata();
    return row;
}

std::int64_t tracks_of(const cluster::nodes::NodeFigures& figures) {
    return figures.num_tracks_in;
}

}  // namespace

ConsoleFigures::ConsoleFigures(Node node)
    : node_(std::move(node)),
      overview_meters_(node_.control.first().media().size()),
      minute_meters_(node_.control.first().media().size()) {
    (void)look(minute_meters_);
    (void)look(overview_meters_);
}

console::WorkerRates ConsoleFigures::minute() {
    return look(minute_meters_);
}

console::WorkerRates ConsoleFigures::look(Meters& meters) {
    worker::ControlPort& media = node_.control.first().media();
    workers_.clear();
    for (std::size_t i = 0; i < media.size(); ++i) {
        const worker::Mailbox::Published& published = media.snapshot(i);
        workers_.push_back({published.shard.peers, meters[i].look(counters_of(published))});
    }
    return console::sum_of(workers_);
}

console::JoinCounts ConsoleFigures::joins(const console::JoinCounts& home) {
    console::JoinCounts all = node_.control.totals().joins;
    all.merge(home);
    return all;
}

console::NodeView ConsoleFigures::self() const {
    console::NodeView view;
    view.self = true;
    view.state = node_.not_ready && !node_.not_ready().empty() ? "SHUTTING_DOWN" : "SERVING";
    const room::RoomManager::Snapshot now = node_.control.totals().rooms;
    view.rooms = static_cast<std::int64_t>(now.rooms);
    view.participants = static_cast<std::int64_t>(now.participants);
    if (!node_.figures) return view;
    const cluster::nodes::NodeFigures figures = node_.figures();
    view.cpu = static_cast<double>(figures.cpu_load);
    view.tracks = tracks_of(figures);
    return view;
}

std::vector<console::NodeView> ConsoleFigures::nodes() const {
    if (node_.cluster == nullptr) return {self()};
    std::vector<console::NodeView> all;
    for (const Cluster::SeenNode& seen : seen_nodes(*node_.cluster)) {
        const cluster::nodes::NodeRecord& record = seen.record;
        console::NodeView view;
        if (seen.self) view = self();
        view.id = record.id;
        view.address = record.ip;
        view.region = record.region;
        view.state = seen.silent ? "SILENT" : std::string(to_text(record.state));
        view.self = seen.self;
        if (record.stats) {
            const cluster::nodes::NodeFigures& figures = record.stats->figures;
            view.started = UnixTime::seconds(record.stats->started_at);
            if (!seen.self) {
                view.cpu = static_cast<double>(figures.cpu_load);
                view.rooms = figures.num_rooms;
                view.participants = figures.num_clients;
                view.tracks = tracks_of(figures);
            }
        }
        all.push_back(std::move(view));
    }
    return all;
}

console::Overview ConsoleFigures::overview(const console::JoinCounts& home) {
    console::Overview view;
    view.cluster = node_.cluster != nullptr;
    view.nodes = nodes();
    (void)look(overview_meters_);
    view.workers = workers_;
    view.joins = joins(home);
    return view;
}

// The rooms that are here, and of each tenant those of all nodes.
struct ConsoleFigures::Listing {
    void add(const livekit::ListRoomsResponse& response, const std::string& tenant) {
        for (const livekit::Room& room : response.rooms()) {
            const auto here = tracks.find(token::room_key(tenant, room.name()));
            rows.push_back(row_of(room, tenant, here == tracks.end() ? 0 : here->second));
        }
    }

    Rooms reply;
    std::map<std::string, std::size_t> tracks;  // by key, of rooms that are here
    std::vector<console::RoomRow> rows;
    std::size_t waiting = 0;
    bool failed = false;
};

void ConsoleFigures::rooms(Rooms reply) {
    const auto listing = std::make_shared<Listing>();
    listing->reply = std::move(reply);
    node_.control.gather<std::vector<room::RoomSummary>>(
        [](ControlPlane& plane) { return room::room_summaries(plane.rooms()); }, kShardPatience,
        [this, listing](const Summaries& shards) {
            for (const auto& shard : shards) {
                if (!shard)  // a list without its rooms would be a lie
                    return listing->reply(fail(std::string(kNoAnswer)));
                for (const room::RoomSummary& room : *shard) {
                    listing->tracks[room.key] = room.tracks;
                    if (node_.cluster == nullptr)
                        listing->rows.push_back(
                            row_of(room.room, token::tenant_in(room.key), room.tracks));
                }
            }
            if (node_.cluster == nullptr) return listing->reply(std::move(listing->rows));
            list(listing);
        });
}

void ConsoleFigures::list(const std::shared_ptr<Listing>& listing) {
    std::set<std::string> tenants = node_.keys.tenants();
    tenants.insert(std::string());
    listing->waiting = tenants.size();
    for (const std::string& tenant : tenants) {
        api::CallContext context;
        context.now = net::EventLoop::now();
        context.tenant = tenant;
        node_.rooms.list_rooms(
            context, {},
            [listing, tenant](Result<livekit::ListRoomsResponse, api::ServiceError> listed) {
                listing->failed = listing->failed || !listed;
                if (listed) listing->add(*listed, tenant);
                if (--listing->waiting > 0) return;
                if (listing->failed) return listing->reply(fail(std::string(kNoAnswer)));
                listing->reply(std::move(listing->rows));
            });
    }
}

void ConsoleFigures::room(const std::string& key, Room reply) {
    using Found = std::optional<room::RoomFigures>;
    node_.control.ask<Found>(
        node_.control.shard_of(key),
        [key](ControlPlane& plane, Callback<Found> answer) {
            answer(room::room_figures(plane.rooms(), key));
        },
        [this, key, reply = std::move(reply)](std::optional<Found> found) mutable {
            if (!found) return reply(fail(std::string(kNoAnswer)));
            if (*found) return reply(**std::move(found));
            if (node_.cluster == nullptr) return reply(fail(std::string(kNoRoom)));
            find_elsewhere(key, std::move(reply));
        });
}

void ConsoleFigures::find_elsewhere(const std::string& key, Room reply) {
    const token::RoomName named = token::split_room_key(key);
    api::CallContext context;
    context.now = net::EventLoop::now();
    context.tenant = named.tenant;
    livekit::ListRoomsRequest wanted;
    wanted.add_names(std::string(named.name));
    node_.rooms.list_rooms(
        context, wanted,
        [this, context, name = std::string(named.name), reply = std::move(reply)](
            Result<livekit::ListRoomsResponse, api::ServiceError> listed) mutable {
            if (!listed) return reply(fail(std::string(kNoAnswer)));
            if (listed->rooms().empty()) return reply(fail(std::string(kNoRoom)));
            room::RoomFigures figures;
            figures.room = listed->rooms(0);
            livekit::ListParticipantsRequest people;
            people.set_room(name);
            node_.rooms.list_participants(
                context, people,
                [figures = std::move(figures), reply = std::move(reply)](
                    Result<livekit::ListParticipantsResponse, api::ServiceError> there) mutable {
                    if (!there) return reply(fail(std::string(kNoAnswer)));
                    for (livekit::ParticipantInfo& info : *there->mutable_participants())
                        figures.participants.push_back({std::move(info), {}, {}, {}});
                    reply(std::move(figures));
                });
        });
}

}  // namespace confab::control

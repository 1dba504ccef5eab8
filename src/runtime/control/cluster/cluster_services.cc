// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/cluster/cluster_services.h"

#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "room/inspect/room_figures.h"
#include "runtime/net/event_loop.h"
#include "runtime/telemetry/log.h"

namespace confab::control {

namespace services = cluster::services;

namespace {

UnixTime wall_at(Timestamp at) {
    return net::EventLoop::wall() + (at - net::EventLoop::now());
}

// What the request of an egress is to a worker.
::rpc::StartEgressRequest to_worker(room::StartEgress wanted) {
    ::rpc::StartEgressRequest request;
    request.set_room_id(std::move(wanted.room_sid));
    if (auto* whole = std::get_if<livekit::RoomCompositeEgressRequest>(&wanted.request))
        *request.mutable_room_composite() = std::move(*whole);
    else if (auto* one = std::get_if<livekit::ParticipantEgressRequest>(&wanted.request))
        *request.mutable_participant() = std::move(*one);
    else if (auto* track = std::get_if<livekit::TrackEgressRequest>(&wanted.request))
        *request.mutable_track() = std::move(*track);
    return request;
}

// Of all layers together; what is said of a track and what comes of it stand in one order.
std::vector<services::IngressTrack> published(const room::ParticipantFigures& figures) {
    std::vector<services::IngressTrack> tracks;
    tracks.reserve(figures.tracks.size());
    for (std::size_t i = 0; i < figures.tracks.size(); ++i)
        tracks.push_back(
            {figures.info.tracks(static_cast<int>(i)), figures.tracks[i].bytes_per_second * 8});
    return tracks;
}

// Of the node of the session, whichever shard it is in.
services::WhipNotices::Look tracks_by(ControlNode& node) {
    using Tracks = std::vector<services::IngressTrack>;
    return [&node](const services::IngressSession& session, Callback<Tracks> answer) {
        node.ask<Tracks>(
            node.shard_of(session.room),
            [session](ControlPlane& plane, Callback<Tracks> found) {
                const auto there =
                    room::participant_figures(plane.rooms(), session.room, session.identity);
                found(there ? published(*there) : Tracks());
            },
            [answer = std::move(answer)](const std::optional<Tracks>& found) mutable {
                answer(found.value_or(Tracks()));
            });
    };
}

// Read each time: keys change while the server runs.
services::AutoEgressService::KeyOf keys_by(const ControlNode& node) {
    return [&keys = node.keys()](const std::string& tenant) { return keys.signing_key_of(tenant); };
}

void log_failure(const livekit::EgressInfo& info) {
    telemetry::log_error("a recording that a room was made with does not begin",
                         {{"room", info.room_name()},
                          telemetry::LogField::if_any("participant", info.participant().identity()),
                          telemetry::LogField::if_any("trackID", info.track().track_id()),
                          {"error", info.error()}});
}

}  // namespace

ClusterServices::ClusterServices(const Parts& parts, Timestamp now, std::uint64_t seed)
    : egress_workers_(parts.retrier, turns_, parts.egress_ids),
      sip_dialers_(parts.retrier, turns_, parts.sip_ids),
      egress_store_(parts.redis, parts.notices),
      sweeper_(parts.redis, parts.notices, now),
      ingress_store_(parts.redis, parts.notices),
      hooks_(parts.webhook, wall_at, seed),
      egress_records_(egress_store_, hooks_),
      egress_service_({parts.retrier, egress_workers_, turns_, egress_store_, parts.reader,
                       egress_records_, parts.plan, metadata_by(parts.rooms)},
                      seed + 1),
      egress_(egress_service_),
      auto_egress_(
          {egress_service_, egress_store_, hooks_, wall_at, log_failure, keys_by(parts.node)},
          seed + 6),
      whip_notices_(parts.bus, tracks_by(parts.node)),
      ingress_records_(ingress_store_, hooks_),
      ingress_service_(
          {parts.retrier, turns_, ingress_store_, ingress_records_, parts.plan, parts.addresses},
          seed + 2),
      ingress_(ingress_service_),
      sip_store_(parts.redis, parts.notices),
      sip_records_(sip_store_),
      sip_store_service_(sip_records_, seed + 3),
      sip_call_service_(parts.retrier, sip_dialers_, sip_records_, seed + 4),
      sip_(sip_store_service_, sip_call_service_) {
    serve_workers(parts.bus, seed);
    serve_rooms(parts.node, parts.wake);
}

void ClusterServices::serve_workers(rpc::Bus& bus, std::uint64_t seed) {
    auto served = services::IoInfo::serve(
        {bus, egress_store_, egress_records_, ingress_store_, ingress_records_});
    if (served)
        io_ = *std::move(served);
    else
        telemetry::log_error("workers of egress and ingress cannot ask this node",
                             {{"error", served.error().text}});
    auto sip_served = services::sip::SipIo::serve(bus, sip_records_, seed + 5);
    if (sip_served)
        sip_io_ = *std::move(sip_served);
    else
        telemetry::log_error("SIP services cannot ask this node",
                             {{"error", sip_served.error().text}});
}

void ClusterServices::serve_rooms(ControlNode& node, std::function<void()> wake) {
    node.set_egress([this, wake](room::StartEgress wanted) {
        const bool may_run = wanted.may_run;
        std::string tenant = std::move(wanted.tenant);
        auto_egress_.start(net::EventLoop::now(), to_worker(std::move(wanted)), may_run,
                           std::move(tenant));
        wake();
    });
    node.set_whip_ingress([this, wake = std::move(wake)](WhipSessions::IngressNews news) {
        const Timestamp now = net::EventLoop::now();
        if (news.there)
            whip_notices_.opened(now, {news.room, news.identity, std::move(news.sid)});
        else
            whip_notices_.closed(now, news.sid);
        wake();
    });
}

void ClusterServices::handle_timeout(cluster::nodes::Clock clock) {
    auto_egress_.handle_timeout(clock.now);
    whip_notices_.handle_timeout(clock.now);
    turns_.handle_timeout(clock.now);
    if (io_) io_->handle_timeout(clock.now);
    if (sweeper_.next_deadline() <= clock.now) sweeper_.handle_timeout(clock.now, clock.wall);
}

Timestamp ClusterServices::next_deadline() const {
    Timestamp next = earlier(turns_.next_deadline(), sweeper_.next_deadline());
    next = earlier(next, earlier(auto_egress_.next_deadline(), whip_notices_.next_deadline()));
    return io_ ? earlier(next, io_->next_deadline()) : next;
}

}  // namespace confab::control

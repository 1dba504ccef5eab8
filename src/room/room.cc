// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/room.h"

#include "base/check.h"
#include "room/signal/unpublished.h"
#include "token/ids.h"

namespace confab::room {
namespace {

NegotiationSettings negotiation_settings(const CodecList& codecs, const SendSettings& send) {
    return {&codecs, send.sync_streams, send.playout_delay.has_value()};
}

// Whom a participant hears, besides itself.
std::vector<const Participant*> heard_by(const Participant& p, const Publications& publications,
                                         const Subscriptions& subscriptions) {
    std::vector<const Participant*> result;
    for (const Participant* publisher : publications.announced().publishers())
        if (publisher != &p && subscriptions.subscribes_to(p, *publisher))
            result.push_back(publisher);
    return result;
}

RoomNote::What what_of(std::string_view event) {
    using What = RoomNote::What;
    if (event == "room_started") return What::kRoomStarted;
    if (event == "room_finished") return What::kRoomFinished;
    if (event == "participant_joined") return What::kJoined;
    return event == "participant_left" ? What::kLeft : What::kAborted;
}

void note_for_history(const RoomScope& scope, const RoomNews& news, std::string_view event,
                      const Participant* p) {
    if (!scope.config.history_listens) return;
    RoomNote note{what_of(event), scope.clock.wall, news.key()};
    note.room_sid = news.info().sid();
    if (p != nullptr) {
        note.identity = p->identity();
        note.sid = p->sid();
        note.joined = UnixTime::millis(p->info.joined_at_ms());
        note.client = p->client;
        note.reason = p->info.disconnect_reason();
        note.path = p->seen.path;
        if (p->seen.quality) note.quality = p->seen.quality->mos;
    }
    scope.out.note(std::move(note));
}

livekit::WebhookEvent new_event(const RoomScope& scope, const char* event) {
    livekit::WebhookEvent result;
    result.set_event(event);
    result.set_id(token::make_id(token::kWebhookEventPrefix, scope.ids.rng()));
    result.set_created_at(scope.clock.wall.s());
    return result;
}

// Of what its permission does not allow any more, which it knows by now.
void tell_ended(Timestamp now, Participant& p, const std::vector<std::string>& tracks,
                const std::vector<livekit::DataTrackInfo>& data_tracks) {
    for (const std::string& sid : tracks)
        tell_unpublished(now, p, sid);
    for (const livekit::DataTrackInfo& info : data_tracks)
        tell_data_unpublished(now, p, info);
}

}  // namespace

Room::Room(const RoomScope& scope, RoomOrigin origin)
    : scope_(&scope),
      id_(sfu::RoomId(scope.ids.next())),
      created_(scope.now() - origin.age),
      roster_(scope, origin.info.empty_timeout(), origin.info.departure_timeout()),
      news_(scope, roster_),
      records_(scope, roster_, news_, std::move(origin.internal)),
      egress_(scope, news_),
      publications_(scope, this, id_, roster_, ssrcs_, wiring_),
      subscriptions_(scope, this, roster_, ssrcs_,
                     SendSettings{scope.ids.secret(43), origin.sync_streams, origin.playout_delay},
                     wiring_),
      negotiation_(scope, this, roster_,
                   negotiation_settings(publications_.codecs(), subscriptions_.settings()),
                   wiring_),
      data_(scope, roster_, wiring_, id_),
      quality_(scope, roster_,
               [this](const Participant& p) { return heard_by(p, publications_, subscriptions_); }),
      speakers_(scope, this, roster_,
                [this](const Participant& p, const Participant& speaker) {
                    return subscriptions_.subscribes_to(p, speaker);
                }),
      sessions_(scope, roster_, news_, session_wiring_),
      requests_(scope, roster_, request_wiring_),
      dispatches_(scope, roster_, wiring_) {
    news_.set_room(std::move(origin.info), std::move(origin.key));
    if (scope.config.agents_listen) scope.out.served({key(), true});
    webhook("room_started", nullptr, nullptr);
    egress_.start(std::move(origin.egress),
                  origin.adopted ? std::optional(origin.age) : std::nullopt);
    const std::string tenant(token::tenant_in(key()));
    if (origin.stored_agents.dispatches.empty())
        dispatches_.start(origin.agents, tenant);
    else
        dispatches_.resume(std::move(origin.stored_agents), tenant);
}

Room::~Room() = default;

livekit::ParticipantInfo Room::describe(const Participant& p) const {
    livekit::ParticipantInfo result = p.info;
    if (p.closing) return result;
    publications_.describe(p, result);
    data_.describe(p, result);
    return result;
}

std::vector<livekit::ParticipantInfo> Room::list() const {
    std::vector<livekit::ParticipantInfo> result;
    for (const auto& [identity, p] : roster_.participants())
        result.push_back(describe(*p));
    return result;
}

void Room::changed(Participant& p, bool immediate) {
    p.info.set_version(p.info.version() + 1);
    if (!p.closing) publications_.told(p);
    p.shown.clear();
    roster_.shown_otherwise(p);
    roster_.touch(p);
    news_.participant_changed(describe(p), immediate);
    records_.participant_changed(p);
}

// The list of a join is made of these; whatever changes a participant for others ends in changed().
const std::string& Room::shown(Participant& p) const {
    if (p.shown.empty()) p.shown = encoded_other(describe(p));
    return p.shown;
}

void Room::webhook(const char* event, const Participant* p, const livekit::TrackInfo* track) {
    if (track == nullptr) note_for_history(*scope_, news_, event, p);
    livekit::WebhookEvent result = new_event(*scope_, event);
    const bool of_track = track != nullptr;  // HOOK-04: only names
    const bool names = !scope_->config.webhooks_sent;
    if (names || (of_track && !scope_->config.full_room_in_webhooks)) {
        result.mutable_room()->set_sid(news_.info().sid());
        result.mutable_room()->set_name(news_.info().name());
    } else {
        *result.mutable_room() = news_.told();
    }
    if (p != nullptr && (names || of_track)) {
        result.mutable_participant()->set_sid(p->sid());
        result.mutable_participant()->set_identity(p->identity());
    } else if (p != nullptr) {
        *result.mutable_participant() = describe(*p);
    }
    if (of_track) *result.mutable_track() = *track;
    scope_->out.webhook({std::move(result), std::string(token::tenant_in(key()))});
}

void Room::job_webhook(const char* event, const livekit::Job& job) {
    livekit::WebhookEvent result = new_event(*scope_, event);
    if (scope_->config.webhooks_sent) {
        *result.mutable_room() = news_.told();
        *result.mutable_job() = job;
    } else {
        result.mutable_room()->set_sid(news_.info().sid());
        result.mutable_room()->set_name(news_.info().name());
        result.mutable_job()->set_id(job.id());
    }
    scope_->out.webhook({std::move(result), std::string(token::tenant_in(key()))});
}

// ---------------------------------------------------------------- service calls

const livekit::TrackInfo* Room::mute_track(Participant& p, const std::string& sid, bool muted) {
    return publications_.ask_mute(p, sid, muted);
}

void Room::update_participant(Participant& p, const livekit::UpdateParticipantRequest& request) {
    livekit::UpdateParticipantMetadata metadata;
    metadata.set_name(request.name());
    metadata.set_metadata(request.metadata());
    *metadata.mutable_attributes() = request.attributes();
    requests_.apply_metadata(p, metadata);
    if (request.has_permission()) set_permission(p, request.permission());
}

void Room::set_permission(Participant& p, const livekit::ParticipantPermission& permission) {
    if (token::same(p.info.permission(), permission)) return;
    const bool shown_again = p.hidden() && !permission.hidden();
    if (permission.hidden() &&
        !p.hidden()) {  // to the others it leaves; it is told nothing of that
        p.info.set_version(p.info.version() + 1);
        livekit::ParticipantInfo info = p.info;
        info.set_state(livekit::ParticipantInfo::DISCONNECTED);
        news_.participant_hidden(std::move(info));
    }
    p.info.mutable_permission()->CopyFrom(permission);
    if (!p.grants.video) p.grants.video.emplace();
    token::set_permission(*p.grants.video, permission);
    const auto ended = publications_.rights_changed(p);
    if (!permission.can_publish()) p.info.set_is_publisher(false);
    data_.update(p);
    std::vector<livekit::DataTrackInfo> ended_data;
    if (!permission.can_publish_data()) ended_data = data_.unpublish_all(p);
    subscriptions_.rights_changed(p);
    if (p.closing) return;
    data_.reconcile(p);
    roster_.count(p);
    changed(p, true);
    tell_ended(scope_->now(), p, ended, ended_data);
    if (shown_again) {  // they let go of its tracks with it
        for (const Publication& track : publications_.announced().of(p))
            subscriptions_.renew(track, Subscriptions::Renewed::kAll);
        data_.renew(p);
    }
    sessions_.send_token(p);
    news_.counts_changed();
    news_.recording_changed();
}

// ---------------------------------------------------------------- time and end

Timestamp Room::next_deadline() const {
    return earlier(own_deadline(), roster_.next_deadline());
}

Timestamp Room::scan_deadlines() const {
    Timestamp result = own_deadline();
    for (const auto& [identity, p] : roster_.participants())
        result = earlier(result, deadline_of(*p));
    return result;
}

Timestamp Room::deadline_of(const Participant& p) const {
    const Timestamp own = earlier(p.next_deadline(), negotiation_.next_deadline(p));
    const Timestamp tracks =
        earlier(publications_.next_deadline(p), subscriptions_.next_deadline(p));
    return earlier(own, tracks);
}

void Room::finish_turn() {
    roster_.finish_turn([this](const Participant& p) { return deadline_of(p); });
    negotiation_.finish_turn();
    // Who went took everything along: what stays is there until the room ends, and adds up.
    (void)CONFAB_BUG_IF(
        roster_.empty() && (ssrcs_.size() != 0 || !publications_.announced().empty()),
        "room_left_behind");
    records_.finish_turn([this](const Participant& p) { return describe(p); });
    dispatches_.finish_turn();
}

Timestamp Room::own_deadline() const {
    const Timestamp told = earlier(news_.next_deadline(), quality_.next_deadline());
    const Timestamp own = earlier(roster_.end_deadline(), speakers_.next_deadline());
    const Timestamp parts = earlier(data_.next_deadline(), dispatches_.next_deadline());
    return earlier(told, earlier(parts, own));
}

void Room::handle_timeout() {
    const Timestamp now = scope_->now();
    news_.handle_timeout(now);
    quality_.handle_timeout(now);
    speakers_.handle_timeout(now);
    data_.handle_timeout(now);
    dispatches_.handle_timeout(now);
    for (const std::uint64_t number : roster_.take_due(now)) {
        Participant* p = roster_.find_number(number);
        if (p == nullptr) continue;
        roster_.touch(*p);
        sessions_.handle_timeout(*p);
    }
}

void Room::close(livekit::DisconnectReason reason, RoomEnd end) {
    if (end == RoomEnd::kMoves) dispatches_.room_moves();  // before its agents are seen to go
    sessions_.end_all(reason);
    dispatches_.room_ends();
    if (end == RoomEnd::kCopy) dispatches_.finish_turn();  // jobs that nobody is to wait for
    scope_->out.observe(RoomOver{scope_->now() - created_});
    if (end == RoomEnd::kOver) webhook("room_finished", nullptr, nullptr);
}

}  // namespace confab::room

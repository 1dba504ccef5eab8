// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Room: what it shows of itself and of its participants.
#include "room/publish/codec_lists.h"
#include "room/room.h"
#include "room/signal/responses.h"
#include "token/ids.h"

namespace confab::room {
namespace {

NegotiationSettings negotiation_settings(std::vector<sdp::EnabledCodec> codecs,
                                         const SendSettings& send) {
    return {std::move(codecs), send.sync_streams, send.playout_delay.has_value()};
}

}  // namespace

Room::Room(const RoomScope& scope, RoomOrigin origin)
    : scope_(&scope),
      id_(sfu::RoomId(scope.ids.next())),
      created_(scope.now() - origin.age),
      roster_(scope, origin.info.empty_timeout(), origin.info.departure_timeout()),
      news_(scope, roster_),
      records_(scope, roster_, news_, std::move(origin.internal)),
      publications_(scope, this, id_, roster_, ssrcs_, wiring_),
      subscriptions_(scope, this, roster_, ssrcs_,
                     SendSettings{scope.ids.secret(43), origin.sync_streams, origin.playout_delay},
                     wiring_),
      negotiation_(scope, this, roster_,
                   negotiation_settings(publications_.codecs(), subscriptions_.settings()),
                   wiring_),
      data_(scope, roster_, wiring_, id_),
      quality_(scope, roster_, [this](const Participant& p) { return heard_by(p); }),
      speakers_(scope, this, roster_,
                [this](const Participant& p, const Participant& speaker) {
                    return subscriptions_.subscribes_to(p, speaker);
                }),
      requests_(scope, roster_, session_wiring_) {
    origin.info.clear_enabled_codecs();
    for (const sdp::EnabledCodec& codec : publications_.codecs()) {
        livekit::Codec& shown = *origin.info.add_enabled_codecs();
        shown.set_mime(codec.mime);
        shown.set_fmtp_line(codec.fmtp);
    }
    news_.set_room(std::move(origin.info));
    webhook("room_started", nullptr, nullptr);
}

Room::~Room() = default;

std::vector<const Participant*> Room::heard_by(const Participant& p) const {
    std::vector<const Participant*> result;
    for (const Participant* publisher : publications_.publishers())
        if (publisher != &p && subscriptions_.subscribes_to(p, *publisher))
            result.push_back(publisher);
    return result;
}

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
    touch(p);
    news_.participant_changed(describe(p), immediate);
    records_.participant_changed(p);
}

// To the others it leaves; it stays, and is told nothing of that.
void Room::hide(Participant& p) {
    p.info.set_version(p.info.version() + 1);
    livekit::ParticipantInfo info = p.info;
    info.set_state(livekit::ParticipantInfo::DISCONNECTED);
    news_.participant_hidden(std::move(info));
}

// The list of a join is made of these; whatever changes a participant for others ends in changed().
const std::string& Room::shown(Participant& p) const {
    if (p.shown.empty()) p.shown = encoded_other(describe(p));
    return p.shown;
}

void Room::webhook(const char* event, const Participant* p, const livekit::TrackInfo* track) {
    livekit::WebhookEvent result;
    result.set_event(event);
    result.set_id(token::make_id(token::kWebhookEventPrefix, scope_->ids.rng()));
    result.set_created_at(scope_->clock.wall.s());
    if (track != nullptr) {  // HOOK-04: only names
        if (scope_->config.full_room_in_webhooks) {
            *result.mutable_room() = news_.info();
        } else {
            result.mutable_room()->set_sid(news_.info().sid());
            result.mutable_room()->set_name(news_.info().name());
        }
        result.mutable_participant()->set_sid(p->sid());
        result.mutable_participant()->set_identity(p->identity());
        *result.mutable_track() = *track;
    } else {
        *result.mutable_room() = news_.info();
        if (p != nullptr) *result.mutable_participant() = describe(*p);
    }
    scope_->out.webhook(std::move(result));
}

void Room::send_refresh(Participant& p) {
    p.refresh_at = scope_->now() + kRefreshInterval;
    if (!scope_->config.mint_token) return;
    livekit::SignalResponse response;
    response.set_refresh_token(scope_->config.mint_token(p.current_grants()));
    if (!response.refresh_token().empty()) p.signal.send(std::move(response));
}

std::vector<livekit::ICEServer> Room::ice_servers(const Participant& p) const {
    if (!scope_->config.ice_servers) return {};
    return scope_->config.ice_servers(p.sid(), negotiation_.ice(p) == IcePreference::kTls);
}

livekit::ServerInfo Room::server_info() const {
    livekit::ServerInfo result;
    result.set_version(scope_->config.server_version);
    result.set_protocol(scope_->config.protocol);
    result.set_region(scope_->config.region);
    result.set_node_id(scope_->config.node_id);
    result.set_agent_protocol(1);
    return result;
}

}  // namespace confab::room

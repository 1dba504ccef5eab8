// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Room: what it shows of itself and of its participants.
#include "room/codec_lists.h"
#include "room/room.h"
#include "room/signal/responses.h"
#include "token/ids.h"

namespace confab::room {
namespace {

std::uint32_t or_default(std::uint32_t value, std::uint32_t fallback) {
    return value != 0 ? value : fallback;
}

// What the room's own request says wins over the configuration.
std::optional<sfu::PlayoutDelayLimits> playout_delay(const livekit::CreateRoomRequest& settings,
                                                     const Config& config) {
    if (settings.min_playout_delay() == 0 && settings.max_playout_delay() == 0)
        return config.room.playout_delay;
    return sfu::PlayoutDelayLimits{Duration::millis(settings.min_playout_delay()),
                                   Duration::millis(settings.max_playout_delay())};
}

std::vector<sdp::EnabledCodec> enabled_codecs(const Config& config) {
    auto codecs = config.room.enabled_codecs;
    if (codecs.empty()) return default_codecs();
    for (const auto& codec : codecs)
        if (codec.mime == "video/rtx") return codecs;
    codecs.push_back({"video/rtx", ""});
    return codecs;
}

}  // namespace

Room::Room(const RoomScope& scope, const livekit::CreateRoomRequest& settings)
    : scope_(&scope),
      id_(sfu::RoomId(scope.ids.next())),
      codecs_(enabled_codecs(scope.config)),
      sif_trailer_(scope.ids.secret(43)),
      sync_streams_(settings.sync_streams() || scope.config.room.sync_streams),
      playout_delay_(playout_delay(settings, scope.config)),
      created_(scope.now()),
      counters_told_(scope.now()),
      next_quality_(scope.now() + kQualityInterval),
      broadcaster_(scope.now(), scope.config.update_batch_interval),
      lifecycle_(scope.now(), or_default(settings.empty_timeout(), scope.config.room.empty_timeout),
                 or_default(settings.departure_timeout(), scope.config.room.departure_timeout)) {
    const RoomDefaults& defaults = scope.config.room;
    info_.set_sid(token::make_id(token::kRoomPrefix, scope.ids.rng()));
    info_.set_name(settings.name());
    info_.set_empty_timeout(or_default(settings.empty_timeout(), defaults.empty_timeout));
    info_.set_departure_timeout(
        or_default(settings.departure_timeout(), defaults.departure_timeout));
    info_.set_max_participants(or_default(settings.max_participants(), defaults.max_participants));
    info_.set_creation_time(scope.clock.wall.s());
    info_.set_creation_time_ms(scope.clock.wall.ms());
    info_.set_turn_password(scope.ids.secret(43));
    info_.set_metadata(settings.metadata());
    for (const sdp::EnabledCodec& codec : codecs_) {
        livekit::Codec& shown = *info_.add_enabled_codecs();
        shown.set_mime(codec.mime);
        shown.set_fmtp_line(codec.fmtp);
    }
    signal_info_ = info_;
    webhook("room_started", nullptr, nullptr);
}

Room::~Room() = default;

std::vector<Participant*> Room::everyone() const {
    std::vector<Participant*> result;
    result.reserve(participants_.size());
    scope_->counters.participants_visited += participants_.size();
    for (const auto& [identity, p] : participants_)
        result.push_back(p.get());
    return result;
}

std::vector<Participant*> Room::publishers() const {
    std::vector<Participant*> result;
    for (const auto& [identity, tracks] : announced_)
        if (Participant* p = find(identity)) result.push_back(p);
    scope_->counters.participants_visited += result.size();
    return result;
}

Participant* Room::find(const std::string& identity) const {
    const auto it = participants_.find(identity);
    return it == participants_.end() ? nullptr : it->second.get();
}

Participant* Room::find_sid(const std::string& sid) const {
    const auto it = identity_of_sid_.find(sid);
    return it == identity_of_sid_.end() ? nullptr : find(it->second);
}

Room::TrackRef Room::find_track(const std::string& sid) const {
    const auto it = publisher_of_track_.find(sid);
    if (it == publisher_of_track_.end()) return {};
    Participant* publisher = find(it->second);
    return publisher == nullptr ? TrackRef{} : TrackRef{publisher, publisher->publish.find(sid)};
}

bool Room::subscribes_to(Participant& p, const Participant& publisher) const {
    for (const auto& [sid, track] : publisher.publish.tracks()) {
        const Subscription* s = p.subscriptions.find(sid);
        if (s != nullptr && s->state != SubscriptionState::kNone) return true;
    }
    return false;
}

livekit::Room Room::snapshot() const {
    livekit::Room result = info_;
    result.set_num_participants(heads_.present());
    result.set_num_publishers(heads_.publishers());
    result.set_active_recording(heads_.recorders() > 0);
    return result;
}

// After every change of what a participant is or may.
void Room::count(Participant& p, bool present) {
    Standing standing;
    if (present) {
        standing.present = !p.dependent();
        standing.publisher = p.info.is_publisher();
        standing.recorder = p.info.permission().recorder();
    }
    heads_.change(p.standing, standing);
    lifecycle_.set_present(scope_->now(), heads_.present());
}

std::vector<livekit::ParticipantInfo> Room::list() const {
    std::vector<livekit::ParticipantInfo> result;
    for (const auto& [identity, p] : participants_)
        result.push_back(p->to_proto());
    return result;
}

void Room::changed(Participant& p, bool immediate) {
    p.info.set_version(p.info.version() + 1);
    p.update_at = Timestamp::never();
    p.shown.clear();
    touch(p);
    for (const Broadcaster::Update& update :
         broadcaster_.push(scope_->now(), p.to_proto(), immediate))
        deliver(update);
}

void Room::deliver(const Broadcaster::Update& update) {
    const bool hidden = update.info.permission().hidden();
    tell(update_message({update.info}), [&](const Participant& p) {
        if (hidden && p.sid() != update.info.sid()) return false;
        if (update.legacy_only && p.traits.gates.identity_reconnect) return false;
        return p.info.state() != livekit::ParticipantInfo::JOINING;
    });
}

// The list of a join is made of these; whatever changes a participant for others ends in changed().
const std::string& Room::shown(Participant& p) const {
    if (p.shown.empty()) p.shown = encoded_other(p.to_proto());
    return p.shown;
}

void Room::deliver_batch(const std::vector<livekit::ParticipantInfo>& batch) {
    std::vector<livekit::ParticipantInfo> shown;
    for (const livekit::ParticipantInfo& info : batch)
        if (!info.permission().hidden()) shown.push_back(info);
    std::size_t bytes = 0;
    std::vector<livekit::ParticipantInfo> chunk;
    const auto flush = [&] {
        if (chunk.empty()) return;
        tell(update_message(chunk), [](const Participant&) { return true; });
        chunk.clear();
        bytes = 0;
    };
    for (livekit::ParticipantInfo& info : shown) {
        const std::size_t size = info.ByteSizeLong();
        const std::size_t limit = scope_->config.update_batch_bytes;
        if (limit != 0 && bytes + size > limit) flush();
        bytes += size;
        chunk.push_back(std::move(info));
    }
    flush();
}

void Room::webhook(const char* event, const Participant* p, const livekit::TrackInfo* track) {
    livekit::WebhookEvent result;
    result.set_event(event);
    result.set_id(token::make_id(token::kWebhookEventPrefix, scope_->ids.rng()));
    result.set_created_at(scope_->clock.wall.s());
    if (track != nullptr) {  // HOOK-04: only names
        if (scope_->config.full_room_in_webhooks) {
            *result.mutable_room() = info_;
        } else {
            result.mutable_room()->set_sid(info_.sid());
            result.mutable_room()->set_name(info_.name());
        }
        result.mutable_participant()->set_sid(p->sid());
        result.mutable_participant()->set_identity(p->identity());
        *result.mutable_track() = *track;
    } else {
        *result.mutable_room() = info_;
        if (p != nullptr) *result.mutable_participant() = p->to_proto();
    }
    scope_->out.webhook(std::move(result));
}

void Room::touch_counters() {
    counters_dirty_ = true;
    if (scope_->now() - counters_told_ < kCountersInterval) return;
    counters_dirty_ = false;
    livekit::Room current = snapshot();
    if (current.num_participants() == signal_info_.num_participants() &&
        current.num_publishers() == signal_info_.num_publishers())
        return;
    counters_told_ = scope_->now();
    signal_info_ = std::move(current);
    send_room_update();
}

void Room::send_room_update() {
    livekit::SignalResponse response;
    *response.mutable_room_update()->mutable_room() = signal_info_;
    tell(std::move(response), [](const Participant&) { return true; });
}

void Room::update_recording() {
    const bool recording = heads_.recorders() > 0;
    if (recording == signal_info_.active_recording()) return;
    info_.set_active_recording(recording);
    signal_info_.set_active_recording(recording);
    send_room_update();
}

void Room::set_metadata(const std::string& metadata) {
    info_.set_metadata(metadata);
    signal_info_.set_metadata(metadata);
    send_room_update();
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
    return scope_->config.ice_servers(p.sid(), p.ice == IcePreference::kTls);
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

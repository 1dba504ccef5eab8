// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/participant/participant.h"

#include <algorithm>
#include <utility>

#include "token/ids.h"

namespace confab::room {

Participant::Participant(const RoomScope& scope, const JoinParams& params, Placement::Seat place)
    : grants(params.grants),
      client(params.client),
      traits(traits_of(params.client)),
      seat(std::move(place)),
      worker(seat.worker()),
      signal(scope),
      presence(scope.now()) {
    info.set_sid(token::make_id(token::kParticipantPrefix, scope.ids.rng()));
    info.set_identity(params.grants.identity);
    info.set_name(params.grants.name);
    info.set_metadata(params.grants.metadata);
    for (const auto& [key, value] : params.grants.attributes)
        (*info.mutable_attributes())[key] = value;
    info.set_kind(params.grants.kind);
    for (const auto detail : params.grants.kind_details)
        info.add_kind_details(detail);
    *info.mutable_permission() = token::to_permission(params.grants);
    info.set_joined_at(scope.clock.wall.s());
    info.set_joined_at_ms(scope.clock.wall.ms());
    info.set_region(scope.config.region);
    info.set_client_protocol(params.client.client_protocol());
    *info.mutable_capabilities() = params.client.capabilities();
}

bool Participant::answers_to(const std::string& sid) const {
    return sid == info.sid() ||
           std::find(earlier_sids.begin(), earlier_sids.end(), sid) != earlier_sids.end();
}

void Participant::take_new_sid(std::string sid) {
    if (earlier_sids.size() >= kMaxEarlierSids) earlier_sids.erase(earlier_sids.begin() + 1);
    earlier_sids.push_back(info.sid());
    info.set_sid(std::move(sid));
}

token::Grants Participant::current_grants() const {
    token::Grants current = grants;
    current.name = info.name();
    current.metadata = info.metadata();
    current.attributes = {info.attributes().begin(), info.attributes().end()};
    return current;
}

std::optional<livekit::ClientConfiguration> Participant::configuration(IcePreference ice) const {
    if (!traits.has_configuration && ice == IcePreference::kAny) return std::nullopt;
    livekit::ClientConfiguration result = traits.configuration;
    if (ice == IcePreference::kTls) result.set_force_relay(livekit::ENABLED);
    return result;
}

Timestamp Participant::next_deadline() const {
    return earlier(presence.next_deadline(), refresh_at);
}

MediaDelay media_delay(MediaPhase phase, const Participant& p, const livekit::TrackInfo& track,
                       std::uint32_t attempt, Duration took) {
    return {phase, track.source(), track.type(), p.client.sdk(), p.info.kind(), attempt, took};
}

}  // namespace confab::room

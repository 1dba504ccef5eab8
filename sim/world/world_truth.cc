// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// World: what the server has been told and has told, so that the checks know what may leave it.
#include "base/text.h"
#include "sim/world/world.h"

namespace confab::sim {
namespace {
// Wishes of a subscriber are gathered for a moment before they count (02 SUB-01).
constexpr Duration kSettingsDelay = Duration::millis(600);
}  // namespace

void World::note_request(ClientId id, const livekit::SignalRequest& request) {
    const auto number_of = [&](const std::string& sid) {
        const auto found = track_numbers_.find(sid);
        return found == track_numbers_.end() ? 0U : found->second;
    };
    if (request.has_mute()) {
        const std::uint32_t track = number_of(request.mute().sid());
        if (track == 0) return;
        if (request.mute().muted())
            muted_.insert(track);
        else
            muted_.erase(track);
        apply_truth_to_all(track);
    } else if (request.has_track_setting()) {
        for (const std::string& sid : request.track_setting().track_sids()) {
            const std::uint32_t track = number_of(sid);
            if (request.track_setting().disabled())
                seats_[id].disabled.insert(track);
            else
                seats_[id].disabled.erase(track);
            apply_truth(id, track, kSettingsDelay);
        }
    }
}

// Also of a client that has died with its request under way.
void World::note_published(const livekit::SignalResponse& response) {
    if (!response.has_track_published()) return;
    const std::string& cid = response.track_published().cid();
    if (const auto number = parse_decimal<std::uint32_t>(std::string_view(cid).substr(1)))
        track_numbers_[response.track_published().track().sid()] = *number;
}

void World::note_response(ClientId id, const livekit::SignalResponse& response) {
    if (response.has_offer()) {
        announce(id, response.offer());
    } else if (response.has_answer() && seats_[id].client &&
               seats_[id].client->session().single()) {
        announce(id, response.answer());
    }
}

void World::announce(ClientId id, const livekit::SessionDescription& description) {
    const auto parsed = sdp::parse(description.sdp());
    if (!parsed || !seats_[id].client) return note("a description that can not be read");
    std::vector<SubscriptionPlan> plans;
    for (const auto& [sid, stream] : client::streams_of(*parsed)) {
        const auto number = track_numbers_.find(sid);
        if (number == track_numbers_.end()) {
            note("a track that nobody published is offered");
            continue;
        }
        plans.push_back({number->second, stream.kind, stream.ssrc, stream.rtx_ssrc,
                         stream.payload_type, stream.rtx_payload_type});
    }
    std::set<std::uint32_t> before;
    for (const auto& [track, stream] : seats_[id].client->subscriber().streams())
        before.insert(track);
    seats_[id].client->announce(now(), plans);
    for (const SubscriptionPlan& plan : plans)
        if (!before.contains(plan.track)) apply_truth(id, plan.track, Duration::zero());
}

// Tells the subscriber's check whether content may come.
void World::apply_truth(ClientId id, std::uint32_t track, Duration delay) {
    Seat& seat = seats_[id];
    StreamChecker* stream = seat.client ? seat.client->subscriber().find(track) : nullptr;
    if (stream == nullptr) return;
    stream->allow_from(now());
    if (muted_.contains(track) || seat.disabled.contains(track) || !seat.may_subscribe)
        stream->forbid_from(now() + delay);
}

void World::apply_truth_to_all(std::uint32_t track) {
    for (ClientId id = 0; id < seats_.size(); ++id)
        apply_truth(id, track, Duration::zero());
}

}  // namespace confab::sim

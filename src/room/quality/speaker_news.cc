// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/quality/speaker_news.h"

#include <algorithm>
#include <utility>

namespace confab::room {
namespace {

livekit::SpeakerInfo simulated(const Participant& p, bool active) {
    constexpr float kLevel = 0.9F;
    livekit::SpeakerInfo info;
    info.set_sid(p.sid());
    info.set_active(active);
    if (active) info.set_level(kLevel);
    return info;
}

}  // namespace

SpeakerNews::SpeakerNews(const RoomScope& scope, const Room* room, const Roster& roster,
                         Hears hears)
    : scope_(&scope), room_(room), roster_(&roster), hears_(std::move(hears)) {}

void SpeakerNews::handle_levels(const sfu::SpeakerLevels& event) {
    for (const sfu::SpeakerLevel& level : event.levels) {
        const auto owner = scope_->media.receivers.find(level.receiver);
        if (owner == scope_->media.receivers.end() || owner->second.room != room_) continue;
        speakers_.set_level(level.receiver, owner->second.participant->sid(), level.level,
                            level.active);
    }
    levels_noted();
}

void SpeakerNews::handle_levels(const Participant& p,
                                const std::vector<sfu::SpeakerLevel>& levels) {
    for (const sfu::SpeakerLevel& level : levels)
        speakers_.set_level(level.receiver, p.sid(), level.level, level.active);
    levels_noted();
}

void SpeakerNews::levels_noted() {
    if (scope_->config.media.workers.size() <= 1) return tell_changes();
    // Workers report at the same moment; what they say together is told together (SIG-134).
    if (gathered_at_.is_never()) gathered_at_ = scope_->now() + kGather;
}

void SpeakerNews::tell_changes() {
    gathered_at_ = Timestamp::never();
    const auto changes = speakers_.poll_changes();
    if (changes.empty()) return;
    note_stops(changes);
    for (Participant* p : roster_->everyone())
        if (p->traits.gates.subscriber_primary) tell(*p, changes);  // pv > 2
}

void SpeakerNews::note_stops(const std::vector<livekit::SpeakerInfo>& changes) {
    const Timestamp now = scope_->now();
    for (const livekit::SpeakerInfo& info : changes) {
        if (info.active()) continue;
        while (!stops_.empty() &&
               (stops_.size() >= kMaxStops || now - stops_.front().at > kStopsKept))
            stops_.pop_front();
        stops_.push_back({now, info.sid()});
    }
}

void SpeakerNews::repeat(Participant& p, Timestamp since) {
    if (!p.traits.gates.subscriber_primary) return;
    std::vector<livekit::SpeakerInfo> news = speakers_.told();
    const auto is_told = [&](const Stop& stop) {
        return std::any_of(news.begin(), news.end(),
                           [&](const auto& info) { return info.sid() == stop.sid; });
    };
    for (const Stop& stop : stops_)
        if (stop.at >= since && !is_told(stop)) news.emplace_back().set_sid(stop.sid);
    tell(p, news);
}

void SpeakerNews::part(Participant& p) {
    std::vector<livekit::SpeakerInfo> stops;
    for (const livekit::SpeakerInfo& info : speakers_.told())
        stops.emplace_back().set_sid(info.sid());
    tell(p, stops);
}

std::optional<livekit::SpeakerInfo> SpeakerNews::told_of(const Participant& speaker) const {
    if (!simulated_.of(speaker.number).is_never()) return simulated(speaker, true);
    for (const livekit::SpeakerInfo& info : speakers_.told())
        if (info.sid() == speaker.sid()) return info;
    return std::nullopt;
}

void SpeakerNews::hearing_changed(Participant& p, const Participant& speaker) {
    if (p.closing || !p.traits.gates.subscriber_primary) return;
    const auto told = told_of(speaker);
    if (!told) return;
    livekit::SignalResponse response;
    livekit::SpeakerInfo& info = *response.mutable_speakers_changed()->add_speakers();
    info.set_sid(speaker.sid());
    if (hears_(p, speaker)) info = *told;
    p.signal.send(std::move(response));
}

void SpeakerNews::tell(Participant& p, const std::vector<livekit::SpeakerInfo>& changes) {
    livekit::SignalResponse response;
    for (const livekit::SpeakerInfo& info : changes) {
        const Participant* speaker = roster_->find_sid(info.sid());
        // Who has left can only be told by sid; its stop concerns all who may have heard it.
        const bool concerns = info.sid() == p.sid() || speaker == nullptr || hears_(p, *speaker);
        if (concerns) *response.mutable_speakers_changed()->add_speakers() = info;
    }
    if (response.has_speakers_changed()) p.signal.send(std::move(response));
}

void SpeakerNews::simulate(const Participant& p, Duration time) {
    simulated_.set(p.number, scope_->now() + time);
    tell_simulated(p, true);
}

void SpeakerNews::tell_simulated(const Participant& p, bool active) {
    const livekit::SpeakerInfo info = simulated(p, active);
    note_stops({info});
    for (Participant* other : roster_->everyone())
        if (other->active()) tell(*other, {info});
}

void SpeakerNews::handle_timeout(Timestamp now) {
    if (gathered_at_ <= now) tell_changes();
    while (const auto number = simulated_.pop_due(now))
        if (const Participant* p = roster_->find_number(*number)) tell_simulated(*p, false);
}

}  // namespace confab::room

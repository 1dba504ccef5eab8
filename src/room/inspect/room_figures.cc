// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/inspect/room_figures.h"

#include <map>
#include <utility>

#include "room/manager/room_manager.h"

namespace confab::room {
namespace {

constexpr double kWindowSeconds = 5;  // CQ-01

// The layer of that number; of one that nobody declared its number alone is known.
LayerFigures layer_of(const livekit::TrackInfo& info, std::size_t spatial) {
    LayerFigures figures;
    figures.quality = static_cast<livekit::VideoQuality>(spatial);
    const auto& layers = info.layers();
    if (spatial >= static_cast<std::size_t>(layers.size())) return figures;
    const livekit::VideoLayer* found = &layers[static_cast<int>(spatial)];
    for (const livekit::VideoLayer& layer : layers)
        if (layer.quality() == static_cast<livekit::VideoQuality>(spatial)) found = &layer;
    figures.quality = found->quality();
    figures.width = found->width();
    figures.height = found->height();
    return figures;
}

struct Packets {
    std::uint64_t expected = 0;
    std::uint64_t lost = 0;
};

void add(TrackFigures& track, Packets& packets, const livekit::TrackInfo& info,
         const StreamWindows& windows) {
    for (std::size_t spatial = 0; spatial < windows.size(); ++spatial) {
        const StreamWindow& window = windows[spatial];
        packets.expected += window.expected;
        packets.lost += window.lost;
        if (window.bytes == 0) continue;
        const double bytes = static_cast<double>(window.bytes) / kWindowSeconds;
        track.bytes_per_second += bytes;
        if (info.type() != livekit::VIDEO) continue;
        LayerFigures layer = layer_of(info, spatial);
        layer.bits_per_second = bytes * 8;
        layer.frames_per_second = window.frames / kWindowSeconds;
        track.layers.push_back(layer);
    }
}

// How many have each track; nothing where that would take too long.
std::optional<std::map<std::string, std::size_t>> subscribers_in(const Subscriptions& all) {
    std::map<std::string, std::size_t> counts;
    std::size_t seen = 0;
    const bool whole = visit_bound(all, [&](const std::string& sid) {
        ++counts[sid];
        return ++seen < kMaxCountedSubscriptions;
    });
    if (!whole) return std::nullopt;
    return counts;
}

void add(DataRates& rates, const SeenLink& link) {
    for (const sfu::DataCount& window : link.data) {
        rates.messages_in_per_second += static_cast<double>(window.messages_in) / kWindowSeconds;
        rates.bytes_in_per_second += static_cast<double>(window.bytes_in) / kWindowSeconds;
        rates.messages_out_per_second += static_cast<double>(window.messages_out) / kWindowSeconds;
        rates.bytes_out_per_second += static_cast<double>(window.bytes_out) / kWindowSeconds;
    }
}

}  // namespace

ParticipantFigures published_by(const Room& room, const Participant& p) {
    ParticipantFigures one{room.describe(p), p.client, p.seen, {}};
    for (const std::uint64_t octets : p.seen.media_out)
        one.bytes_out_per_second += static_cast<double>(octets) / kWindowSeconds;
    for (const livekit::TrackInfo& info : one.info.tracks()) {
        TrackFigures track;
        track.sid = info.sid();
        Packets packets;
        const PublishedTrack* const published = room.publications_.find(p, info.sid());
        if (published != nullptr)
            for (const CodecSlot& slot : published->slots)
                if (const StreamWindows* const windows =
                        slot.receiver ? room.quality_.windows(p, slot.receiver->value()) : nullptr)
                    add(track, packets, info, *windows);
        if (packets.expected > 0)
            track.lost = static_cast<double>(packets.lost) / static_cast<double>(packets.expected);
        one.tracks.push_back(std::move(track));
    }
    return one;
}

RoomFigures figures_of(const Room& room) {
    RoomFigures figures;
    figures.room = room.snapshot();
    const auto subscribers = subscribers_in(room.subscriptions_);
    for (const auto& [identity, p] : room.roster_.participants()) {
        ParticipantFigures one = published_by(room, *p);
        add(figures.data, p->seen);
        if (subscribers)
            for (TrackFigures& track : one.tracks) {
                const auto found = subscribers->find(track.sid);
                track.subscribers = found == subscribers->end() ? 0 : found->second;
            }
        figures.participants.push_back(std::move(one));
    }
    return figures;
}

std::optional<ParticipantFigures> participant_figures(const Room& room,
                                                      const std::string& identity) {
    const Participant* const p = room.roster_.find(identity);
    if (p == nullptr) return std::nullopt;
    return published_by(room, *p);
}

std::optional<ParticipantFigures> participant_figures(const RoomManager& rooms,
                                                      const std::string& key,
                                                      const std::string& identity) {
    const Room* const room = rooms.rooms_.find(key);
    if (room == nullptr) return std::nullopt;
    return participant_figures(*room, identity);
}

RoomSummary summary_of(const Room& room) {
    return {room.key(), room.snapshot(), room.publications_.announced().size()};
}

std::optional<RoomFigures> room_figures(const RoomManager& rooms, const std::string& key) {
    const Room* const room = rooms.rooms_.find(key);
    if (room == nullptr) return std::nullopt;
    return figures_of(*room);
}

std::vector<RoomSummary> room_summaries(const RoomManager& rooms) {
    std::vector<RoomSummary> all;
    all.reserve(rooms.rooms_.all().size());
    for (const auto& [key, room] : rooms.rooms_.all())
        all.push_back(summary_of(*room));
    return all;
}

}  // namespace confab::room

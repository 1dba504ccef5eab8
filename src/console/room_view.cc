// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "console/room_view.h"

#include "base/text.h"
#include "console/json_text.h"
#include "proto/proto_json.h"

namespace confab::console {
namespace {

std::string client_text(const room::ParticipantFigures& p) {
    json::Writer out;
    out.begin_object();
    out.string("sdk", to_lower(livekit::ClientInfo::SDK_Name(p.client.sdk())));
    out.string("version", p.client.version());
    out.string("os", p.client.os());
    out.string("os_version", p.client.os_version());
    out.string("device", p.client.device_model());
    out.string("browser", p.client.browser());
    out.string("browser_version", p.client.browser_version());
    out.string("address", p.client.address());
    out.end_object();
    return out.take();
}

std::string attributes_text(const livekit::ParticipantInfo& info) {
    json::Writer out;
    out.begin_object();
    for (const auto& [name, value] : info.attributes())
        out.string(name, value);
    out.end_object();
    return out.take();
}

std::string layer_text(const room::LayerFigures& layer) {
    json::Writer out;
    out.begin_object();
    out.string("quality", to_lower(livekit::VideoQuality_Name(layer.quality)));
    out.integer("width", layer.width);
    out.integer("height", layer.height);
    out.raw("bitrate", number_text(layer.bits_per_second));
    out.raw("fps", number_text(layer.frames_per_second));
    out.end_object();
    return out.take();
}

std::string track_text(const livekit::TrackInfo& info, const room::TrackFigures* figures) {
    static const room::TrackFigures kNone;
    const room::TrackFigures& seen = figures == nullptr ? kNone : *figures;
    json::Writer out;
    out.begin_object();
    out.string("sid", info.sid());
    out.string("name", info.name());
    out.string("kind", to_lower(livekit::TrackType_Name(info.type())));
    out.string("source", to_lower(livekit::TrackSource_Name(info.source())));
    out.string("mime_type", info.mime_type());
    out.boolean("muted", info.muted());
    out.boolean("simulcast", info.simulcast());
    out.boolean("encrypted", info.encryption() != livekit::Encryption::NONE);
    out.raw("layers", list_text(seen.layers, layer_text));
    out.raw("bytes_per_s", number_text(seen.bytes_per_second));
    out.raw("lost_fraction", seen.lost ? number_text(*seen.lost) : "null");
    out.raw("subscribers", seen.subscribers ? std::to_string(*seen.subscribers) : "null");
    out.end_object();
    return out.take();
}

std::string tracks_text(const room::ParticipantFigures& p) {
    std::size_t at = 0;
    return list_text(p.info.tracks(), [&](const livekit::TrackInfo& info) {
        const bool known = at < p.tracks.size() && p.tracks[at].sid == info.sid();
        return track_text(info, known ? &p.tracks[at++] : nullptr);
    });
}

std::string participant_text(const room::ParticipantFigures& p) {
    json::Writer out;
    out.begin_object();
    out.string("identity", p.info.identity());
    out.string("sid", p.info.sid());
    out.string("name", p.info.name());
    out.string("state", to_lower(livekit::ParticipantInfo::State_Name(p.info.state())));
    out.string("kind", to_lower(livekit::ParticipantInfo::Kind_Name(p.info.kind())));
    out.integer("joined_at", p.info.joined_at_ms());
    out.string("metadata", p.info.metadata());
    out.raw("attributes", attributes_text(p.info));
    out.raw("permission", proto::to_api_json(p.info.permission()));
    out.raw("client", client_text(p));
    out.string("path", p.link.path ? sfu::to_text(*p.link.path) : std::string_view());
    out.string("remote", p.link.path ? p.link.remote.to_string() : std::string());
    out.raw("rtt_ms",
            p.link.rtt ? number_text(static_cast<double>(p.link.rtt->us()) / 1000) : "null");
    out.string("quality", p.link.quality ? to_text(p.link.quality->quality) : std::string_view());
    out.raw("score",
            p.link.quality ? number_text(static_cast<double>(p.link.quality->mos)) : "null");
    double bytes_in = 0;
    for (const room::TrackFigures& track : p.tracks)
        bytes_in += track.bytes_per_second;
    out.raw("bytes_in_per_s", number_text(bytes_in));
    out.raw("bytes_out_per_s", number_text(p.bytes_out_per_second));
    out.raw("tracks", tracks_text(p));
    out.raw("data_tracks", list_text(p.info.data_tracks(), [](const livekit::DataTrackInfo& track) {
                return proto::to_api_json(track);
            }));
    out.end_object();
    return out.take();
}

std::string data_text(const room::DataRates& data) {
    json::Writer out;
    out.begin_object();
    out.raw("messages_in_per_s", number_text(data.messages_in_per_second));
    out.raw("bytes_in_per_s", number_text(data.bytes_in_per_second));
    out.raw("messages_out_per_s", number_text(data.messages_out_per_second));
    out.raw("bytes_out_per_s", number_text(data.bytes_out_per_second));
    out.end_object();
    return out.take();
}

}  // namespace

std::string_view to_text(livekit::ConnectionQuality quality) {
    switch (quality) {
        case livekit::EXCELLENT:
            return "excellent";
        case livekit::GOOD:
            return "good";
        case livekit::POOR:
            return "poor";
        default:
            return "lost";
    }
}

std::string to_json(const room::RoomFigures& room, std::string_view tenant) {
    livekit::Room shown = room.room;
    shown.clear_turn_password();
    json::Writer out;
    out.begin_object();
    if (!tenant.empty()) out.string("tenant", tenant);
    out.raw("room", proto::to_api_json(shown));
    out.raw("participants", list_text(room.participants, participant_text));
    out.raw("data", data_text(room.data));
    out.end_object();
    return out.take();
}

}  // namespace confab::console

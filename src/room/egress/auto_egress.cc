// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/egress/auto_egress.h"

#include <utility>

#include "token/room_key.h"

namespace confab::room {
namespace {

livekit::ParticipantEgressRequest of_participant(const livekit::AutoParticipantEgress& wanted) {
    livekit::ParticipantEgressRequest request;
    if (wanted.has_preset()) request.set_preset(wanted.preset());
    if (wanted.has_advanced()) *request.mutable_advanced() = wanted.advanced();
    *request.mutable_file_outputs() = wanted.file_outputs();
    *request.mutable_segment_outputs() = wanted.segment_outputs();
    return request;
}

// differs from upstream, which leaves aliOSS and disable_manifest out (EGR-19).
livekit::TrackEgressRequest of_track(const livekit::AutoTrackEgress& wanted) {
    using Wanted = livekit::AutoTrackEgress;
    livekit::TrackEgressRequest request;
    livekit::DirectFileOutput& file = *request.mutable_file();
    file.set_filepath(track_path(wanted.filepath()));
    file.set_disable_manifest(wanted.disable_manifest());
    switch (wanted.output_case()) {
        case Wanted::kS3:
            *file.mutable_s3() = wanted.s3();
            break;
        case Wanted::kGcp:
            *file.mutable_gcp() = wanted.gcp();
            break;
        case Wanted::kAzure:
            *file.mutable_azure() = wanted.azure();
            break;
        case Wanted::kAliOSS:
            *file.mutable_alioss() = wanted.alioss();
            break;
        case Wanted::OUTPUT_NOT_SET:
            break;
    }
    return request;
}

}  // namespace

std::string track_path(const std::string& path) {
    constexpr const char* kPlaceholder = "{track_id}";
    if (path.empty() || path.ends_with('/') || path.find(kPlaceholder) != std::string::npos)
        return path;
    // differs from upstream, which takes the first dot of the whole path: that of a folder, too.
    const std::size_t name = path.rfind('/') + 1;  // of npos: 0
    const std::size_t dot = path.find('.', name);
    const std::size_t at = dot == std::string::npos ? path.size() : dot;
    return path.substr(0, at) + "-" + kPlaceholder + path.substr(at);
}

// Whatever room the request names: who may make this one may have no other one recorded.
template <typename Request>
void AutoEgress::ask(Request request) {
    request.set_room_name(news_->info().name());
    scope_->out.start_egress({std::move(request), news_->info().sid(), adopted_,
                              std::string(token::tenant_in(news_->key()))});
}

void AutoEgress::record_room(const livekit::RoomCompositeEgressRequest& wanted) {
    just_stored_ = false;
    ask(wanted);
}

void AutoEgress::start(livekit::RoomEgress wanted, std::optional<Duration> age) {
    if (!scope_->config.egress_listens) return;
    wanted_ = std::move(wanted);
    adopted_ = age.has_value();
    just_stored_ = age && *age <= kJustStored;
    if (wanted_.has_room()) record_room(wanted_.room());  // no stored room has it (RoomInternal)
}

void AutoEgress::asked(const livekit::RoomEgress& wanted) {
    if (just_stored_ && wanted.has_room()) record_room(wanted.room());
}

void AutoEgress::published(const Participant& p, const livekit::TrackInfo& track) {
    if (wanted_.has_participant() && recorded_.insert(p.identity()).second) {
        livekit::ParticipantEgressRequest whole = of_participant(wanted_.participant());
        whole.set_identity(p.identity());
        ask(std::move(whole));
    }
    if (!wanted_.has_tracks() || p.info.kind() == livekit::ParticipantInfo::EGRESS) return;
    livekit::TrackEgressRequest one = of_track(wanted_.tracks());
    one.set_track_id(track.sid());
    ask(std::move(one));
}

void AutoEgress::left(const Participant& p) {
    if (p.info.disconnect_reason() != livekit::DUPLICATE_IDENTITY) recorded_.erase(p.identity());
}

}  // namespace confab::room

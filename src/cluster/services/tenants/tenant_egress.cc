// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/tenants/tenant_egress.h"

#include <algorithm>

#include "cluster/services/egress_request.h"

namespace confab::cluster::services {
namespace {

// Without an account it is the worker's, by its configuration or its environment (04 STO-03).
template <typename Output>
bool has_account(const Output& output) {
    switch (output.output_case()) {
        case Output::kS3:
            return !output.s3().access_key().empty() && !output.s3().secret().empty();
        case Output::kGcp:
            return !output.gcp().credentials().empty();
        case Output::kAzure:
            return !output.azure().account_key().empty();
        case Output::kAliOSS:
            return !output.alioss().access_key().empty() && !output.alioss().secret().empty();
        case Output::OUTPUT_NOT_SET:
            break;
    }
    return false;
}

// Steps upwards and to the root are left out.
std::string within(std::string_view folder, std::string_view path) {
    std::string kept(folder);
    const bool names_folder = path.empty() || path.ends_with('/');
    while (!path.empty()) {
        const std::string_view step = path.substr(0, path.find('/'));
        path.remove_prefix(std::min(path.size(), step.size() + 1));
        if (step.empty() || step == "." || step == "..") continue;
        kept.append("/").append(step);
    }
    return names_folder || kept == folder ? kept.append("/") : kept;
}

class Apart {
  public:
    explicit Apart(std::string_view tenant) : folder_(std::string("tenant-").append(tenant)) {}

    void keep(livekit::EncodedFileOutput& file) { keep_file(file); }
    void keep(livekit::DirectFileOutput& file) { keep_file(file); }
    // A playlist without a path stands with its segments.
    void keep(livekit::SegmentedFileOutput& segments) {
        if (has_account(segments)) return;
        put(*segments.mutable_filename_prefix());
        if (!segments.playlist_name().empty()) put(*segments.mutable_playlist_name());
        if (!segments.live_playlist_name().empty()) put(*segments.mutable_live_playlist_name());
    }
    void keep(livekit::ImageOutput& images) {
        if (!has_account(images)) put(*images.mutable_filename_prefix());
    }
    template <typename Outputs>
    void keep_all(Outputs& outputs) {
        for (auto& output : outputs)
            keep(output);
    }
    // Of a composite or a participant.
    template <typename Request>
    void keep_lists(Request& request) {
        keep_all(*request.mutable_file_outputs());
        keep_all(*request.mutable_segment_outputs());
        keep_all(*request.mutable_image_outputs());
    }
    bool uses_storage() const { return uses_; }

  private:
    template <typename File>
    void keep_file(File& file) {
        if (!has_account(file)) put(*file.mutable_filepath());
    }
    void put(std::string& path) {
        path = within(folder_, path);
        uses_ = true;
    }

    std::string folder_;
    bool uses_ = false;
};

// Names stand for placeholders in paths, when the worker has put the path together.
bool leads_away(std::string_view name) {
    return name.find("..") != name.npos;
}

}  // namespace

std::string egress_token(const ::rpc::StartEgressRequest& request,
                         const token::KeyProvider::Key& key, UnixTime now) {
    token::Grants grants;
    grants.identity = request.egress_id();
    grants.kind = livekit::ParticipantInfo::EGRESS;
    token::VideoGrant& video = grants.video.emplace();
    video.room_join = true;
    video.room = room_name_of(request);
    video.can_subscribe = true;
    video.can_publish = false;
    video.can_publish_data = false;
    video.hidden = true;
    video.recorder = true;
    return token::mint_token(grants, key, now, kEgressTokenLifetime);
}

std::string keep_apart(std::string_view tenant, ::rpc::StartEgressRequest& request) {
    Apart apart(tenant);
    if (request.has_room_composite()) {
        livekit::RoomCompositeEgressRequest& whole = *request.mutable_room_composite();
        apart.keep_lists(whole);
        if (whole.has_file()) apart.keep(*whole.mutable_file());
        if (whole.has_segments()) apart.keep(*whole.mutable_segments());
    } else if (request.has_participant()) {
        apart.keep_lists(*request.mutable_participant());
    } else if (request.has_track() && request.track().has_file()) {
        apart.keep(*request.mutable_track()->mutable_file());
    }
    if (apart.uses_storage() &&
        (leads_away(room_name_of(request)) || leads_away(request.participant().identity())))
        return "a name with \"..\" cannot be in a path of the worker's storage: record to a "
               "storage "
               "of your own";
    return {};
}

}  // namespace confab::cluster::services

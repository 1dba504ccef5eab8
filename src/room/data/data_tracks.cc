// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/data/data_tracks.h"

#include <algorithm>
#include <utility>

#include "token/ids.h"

namespace confab::room {
namespace {

constexpr std::size_t kMaxName = 256;

// Of frames or of their schema: a name of its own has one character at least. max 0: no limit.
template <typename Encoding>
bool wrong_custom(const Encoding& encoding, std::size_t max) {
    const std::size_t size = encoding.custom().size();
    return encoding.has_custom() && (size == 0 || (max > 0 && size > max));
}

}  // namespace

std::optional<PublishedDataTracks::Refusal> PublishedDataTracks::publish(
    const livekit::PublishDataTrackRequest& request, std::size_t max_custom_encoding, Rng& rng) {
    using Response = livekit::RequestResponse;
    if (request.pub_handle() == 0 || request.pub_handle() > 0xFFFF)
        return Refusal{Response::INVALID_HANDLE, "handle must be between 1 and 65535"};
    if (request.name().empty() || request.name().size() > kMaxName)
        return Refusal{Response::INVALID_NAME, "name must have 1 to 256 characters"};
    if (request.ByteSizeLong() > kMaxRequestBytes)
        return Refusal{Response::INVALID_REQUEST, "request too large"};
    if (wrong_custom(request.frame_encoding(), max_custom_encoding) ||
        wrong_custom(request.schema().encoding(), max_custom_encoding))
        return Refusal{Response::INVALID_REQUEST, "custom encoding has a wrong length"};
    if (tracks_.contains(request.pub_handle()))
        return Refusal{Response::DUPLICATE_HANDLE, "a track with this handle exists"};
    for (const auto& [handle, track] : tracks_)
        if (track.name() == request.name())
            return Refusal{Response::DUPLICATE_NAME, "a track with this name exists"};
    if (tracks_.size() >= kMaxTracks)
        return Refusal{Response::LIMIT_EXCEEDED, "too many data tracks"};
    livekit::DataTrackInfo& info = tracks_[request.pub_handle()];
    info.set_pub_handle(request.pub_handle());
    info.set_sid(token::make_id(token::kDataTrackPrefix, rng));
    info.set_name(request.name());
    info.set_encryption(request.encryption());
    if (request.has_frame_encoding()) *info.mutable_frame_encoding() = request.frame_encoding();
    if (request.has_schema()) *info.mutable_schema() = request.schema();
    return std::nullopt;
}

std::optional<livekit::DataTrackInfo> PublishedDataTracks::unpublish(std::uint32_t handle) {
    const auto it = tracks_.find(handle);
    if (it == tracks_.end()) return std::nullopt;
    livekit::DataTrackInfo info = std::move(it->second);
    tracks_.erase(it);
    return info;
}

const livekit::DataTrackInfo* PublishedDataTracks::find(std::uint32_t handle) const {
    const auto it = tracks_.find(handle);
    return it == tracks_.end() ? nullptr : &it->second;
}

const livekit::DataTrackInfo* PublishedDataTracks::find_sid(const std::string& sid) const {
    for (const auto& [handle, info] : tracks_)
        if (info.sid() == sid) return &info;
    return nullptr;
}

bool DataSubscriptions::want(const std::string& track_sid) {
    const bool full = entries_.size() >= kMaxWanted && !entries_.contains(track_sid);
    if (full || track_sid.size() > kMaxSidBytes) return false;
    entries_[track_sid].wanted = true;
    return true;
}

bool DataSubscriptions::set_target_fps(const std::string& track_sid, std::uint32_t fps) {
    const auto it = entries_.find(track_sid);
    return it != entries_.end() && it->second.wanted &&
           std::exchange(it->second.target_fps, fps) != fps;
}

std::uint32_t DataSubscriptions::target_fps(const std::string& track_sid) const {
    const auto it = entries_.find(track_sid);
    return it == entries_.end() ? 0 : it->second.target_fps;
}

void DataSubscriptions::want_by_default(const std::string& track_sid) {
    if (!entries_.contains(track_sid)) (void)want(track_sid);
}

void DataSubscriptions::unwant(const std::string& track_sid) {
    const auto it = entries_.find(track_sid);
    if (it != entries_.end()) it->second = {};
}

bool DataSubscriptions::wants(const std::string& track_sid) const {
    const auto it = entries_.find(track_sid);
    return it != entries_.end() && it->second.wanted;
}

bool DataSubscriptions::note_allowed(Timestamp now, const std::string& track_sid, bool allowed) {
    const auto it = entries_.find(track_sid);
    if (it == entries_.end() || it->second.allowed == allowed) return false;
    it->second.allowed = allowed;
    it->second.allowed_at = now;
    return true;
}

std::map<std::string, bool> DataSubscriptions::repeat_allowed(Timestamp now, Timestamp since) {
    std::map<std::string, bool> result;
    for (auto& [sid, entry] : entries_) {
        if (!entry.allowed || entry.allowed_at < since) continue;
        result[sid] = *entry.allowed;
        entry.allowed_at = now;
    }
    return result;
}

// Of 65 535 handles kMaxWanted may be in use, and one that is stays what it is.
std::uint16_t DataSubscriptions::next_handle() {
    const auto in_use = [this](std::uint16_t handle) {
        return std::any_of(entries_.begin(), entries_.end(),
                           [=](const auto& entry) { return entry.second.handle == handle; });
    };
    while (next_ == 0 || in_use(next_))
        ++next_;
    return next_++;
}

bool DataSubscriptions::attach(const std::string& track_sid, const std::string& identity,
                               const std::string& sid) {
    const auto it = entries_.find(track_sid);
    if (it == entries_.end() || !it->second.wanted || it->second.handle != 0) return false;
    it->second.handle = next_handle();
    it->second.publisher_identity = identity;
    it->second.publisher_sid = sid;
    return true;
}

bool DataSubscriptions::detach(const std::string& track_sid) {
    const auto it = entries_.find(track_sid);
    return it != entries_.end() && std::exchange(it->second.handle, std::uint16_t{0}) != 0;
}

bool DataSubscriptions::forget(const std::string& track_sid) {
    const bool had = handle(track_sid) != 0;
    entries_.erase(track_sid);
    return had;
}

std::uint16_t DataSubscriptions::handle(const std::string& track_sid) const {
    const auto it = entries_.find(track_sid);
    return it == entries_.end() ? std::uint16_t{0} : it->second.handle;
}

livekit::DataTrackSubscriberHandles DataSubscriptions::message() const {
    livekit::DataTrackSubscriberHandles result;
    for (const auto& [sid, entry] : entries_) {
        if (entry.handle == 0) continue;
        auto& shown = (*result.mutable_sub_handles())[entry.handle];
        shown.set_publisher_identity(entry.publisher_identity);
        shown.set_publisher_sid(entry.publisher_sid);
        shown.set_track_sid(sid);
    }
    return result;
}

}  // namespace confab::room

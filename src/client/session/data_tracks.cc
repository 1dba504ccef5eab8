// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/session/data_tracks.h"

#include <algorithm>

namespace confab::client {
namespace {

constexpr std::uint8_t kWholeFrame = 0x18;  // start and final

livekit::SignalRequest ending(std::uint16_t handle) {
    livekit::SignalRequest request;
    request.mutable_unpublish_data_track_request()->set_pub_handle(handle);
    return request;
}

void add_wish(livekit::SignalRequest& request, const std::string& sid, bool wanted) {
    auto& update = *request.mutable_update_data_subscription()->add_updates();
    update.set_track_sid(sid);
    update.set_subscribe(wanted);
}

}  // namespace

// ---------------------------------------------------------------- ours

livekit::SignalRequest DataTracks::request(std::uint16_t handle, const Own& own) const {
    livekit::SignalRequest request;
    request.mutable_publish_data_track_request()->set_pub_handle(handle);
    request.mutable_publish_data_track_request()->set_name(own.name);
    return request;
}

std::optional<livekit::SignalRequest> DataTracks::publish(std::uint16_t handle,
                                                          const std::string& name) {
    if (handle == 0 || published_.size() >= kMaxPublished || published_.contains(handle))
        return std::nullopt;
    ending_.erase(handle);
    const Own& own = published_[handle] = {name, {}, 0, 0};
    return request(handle, own);
}

std::optional<livekit::SignalRequest> DataTracks::unpublish(std::uint16_t handle) {
    if (published_.erase(handle) == 0) return std::nullopt;
    if (ending_.size() < kMaxPublished) ending_[handle] = true;
    return ending(handle);
}

std::string DataTracks::sid(std::uint16_t handle) const {
    const auto found = published_.find(handle);
    return found == published_.end() ? std::string{} : found->second.sid;
}

std::optional<Bytes> DataTracks::frame(std::uint16_t handle, std::uint32_t timestamp,
                                       BytesView payload) {
    const auto found = published_.find(handle);
    if (found == published_.end() || found->second.sid.empty()) return std::nullopt;
    Own& own = found->second;
    return packet({handle, own.next_sequence++, own.next_frame++, timestamp}, payload);
}

Bytes DataTracks::packet(const Header& header, BytesView payload) {
    Bytes packet(kHeaderBytes + payload.size());
    ByteWriter out(packet);
    out.u8(kWholeFrame);
    out.u8(0);
    out.u16(header.handle);
    out.u16(header.sequence);
    out.u16(header.frame);
    out.u32(header.timestamp);
    out.bytes(payload);
    return packet;
}

// ---------------------------------------------------------------- those of others

livekit::SignalRequest DataTracks::want(const std::vector<std::string>& sids, bool wanted) {
    livekit::SignalRequest request;
    request.mutable_update_data_subscription();
    for (const std::string& sid : sids) {
        if (wishes_.size() >= kMaxWanted && !wishes_.contains(sid)) continue;
        wishes_[sid] = wanted;
        add_wish(request, sid, wanted);
    }
    return request;
}

std::string DataTracks::track_of(BytesView packet) const {
    if (packet.size() < kHeaderBytes) return {};
    const auto found = handles_.find(load_be16(packet.data() + 2));
    return found == handles_.end() ? std::string{} : found->second;
}

// ---------------------------------------------------------------- what the server says

void DataTracks::take_published(const livekit::DataTrackInfo& info) {
    const auto found = published_.find(static_cast<std::uint16_t>(info.pub_handle()));
    if (found != published_.end()) found->second.sid = info.sid();
}

// Asked for, or the end of a right.
void DataTracks::take_unpublished(const livekit::DataTrackInfo& info) {
    const auto handle = static_cast<std::uint16_t>(info.pub_handle());
    ending_.erase(handle);
    const auto found = published_.find(handle);
    if (found != published_.end() && found->second.sid == info.sid()) published_.erase(found);
}

// One whose handle is a duplicate is there already; its sid comes with what is said of ourselves.
void DataTracks::take_refused(const livekit::RequestResponse& response) {
    using Response = livekit::RequestResponse;
    if (response.has_unpublish_data_track())
        ending_.erase(static_cast<std::uint16_t>(response.unpublish_data_track().pub_handle()));
    const bool refused = response.has_publish_data_track() && response.reason() != Response::OK &&
                         response.reason() != Response::DUPLICATE_HANDLE;
    if (!refused) return;
    const auto found =
        published_.find(static_cast<std::uint16_t>(response.publish_data_track().pub_handle()));
    if (found != published_.end() && found->second.sid.empty()) published_.erase(found);
}

void DataTracks::take_handles(const livekit::DataTrackSubscriberHandles& handles) {
    handles_.clear();
    for (const auto& [handle, track] : handles.sub_handles())
        if (handles_.size() < kMaxWanted) handles_[handle] = track.track_sid();
}

void DataTracks::take_self(const livekit::ParticipantInfo& self) {
    std::map<std::string, std::uint16_t> there;
    for (const livekit::DataTrackInfo& info : self.data_tracks()) {
        const auto handle = static_cast<std::uint16_t>(info.pub_handle());
        there[info.sid()] = handle;
        const auto found = published_.find(handle);
        if (found != published_.end() && found->second.sid.empty() &&
            found->second.name == info.name())
            found->second.sid = info.sid();
    }
    // What had a sid and is not there was ended by the server.
    std::erase_if(published_, [&](const auto& own) {
        return !own.second.sid.empty() && !there.contains(own.second.sid);
    });
}

// ---------------------------------------------------------------- after a resume

DataTracks::Requests DataTracks::renew() const {
    Requests requests;
    for (const auto& [handle, own] : ending_)
        requests.push_back(ending(handle));
    for (const auto& [handle, own] : published_)
        if (own.sid.empty()) requests.push_back(request(handle, own));
    livekit::SignalRequest wishes;
    for (const auto& [sid, wanted] : wishes_)
        add_wish(wishes, sid, wanted);
    if (!wishes_.empty()) requests.push_back(std::move(wishes));
    return requests;
}

std::vector<livekit::DataTrackInfo> DataTracks::named() const {
    std::vector<livekit::DataTrackInfo> all;
    for (const auto& [handle, own] : published_) {
        if (own.sid.empty()) continue;
        livekit::DataTrackInfo& info = all.emplace_back();
        info.set_pub_handle(handle);
        info.set_sid(own.sid);
        info.set_name(own.name);
    }
    return all;
}

}  // namespace confab::client

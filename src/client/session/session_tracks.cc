// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Session: what we publish, from its announcement to its end (01 §3.8). An announcement can die
// with its WebSocket, and so can the answer to it: after a resume what has no sid yet is announced
// again, and what the server says of ourselves names it and is held against what we know.
#include <algorithm>

#include "client/session/session.h"

namespace confab::client {
namespace {

livekit::AddTrackRequest announcement(const PublishOptions& options) {
    livekit::AddTrackRequest add;
    const TrackPlan& plan = options.plan;
    add.set_cid(options.cid);
    add.set_name(options.cid);
    add.set_type(plan.kind == MediaKind::kVideo ? livekit::VIDEO : livekit::AUDIO);
    add.set_source(options.source);
    add.set_disable_red(true);
    if (plan.kind != MediaKind::kVideo) return add;
    add.set_width(plan.layers.back().width);
    add.set_height(plan.layers.back().height);
    livekit::SimulcastCodec& codec = *add.add_simulcast_codecs();
    codec.set_codec("vp8");
    codec.set_cid(options.cid);
    for (std::size_t i = 0; i < plan.layers.size(); ++i) {
        livekit::VideoLayer& layer = *add.add_layers();
        layer.set_quality(plan.layers.size() == 1 ? livekit::HIGH
                                                  : static_cast<livekit::VideoQuality>(i));
        layer.set_width(plan.layers[i].width);
        layer.set_height(plan.layers[i].height);
        layer.set_bitrate(150'000U << (2 * i));
    }
    return add;
}

}  // namespace

// ---------------------------------------------------------------- what a person does

void Session::publish(Timestamp, PublishOptions options) {
    if (published_.size() >= kMaxPublished || published_.contains(options.cid)) return;
    Published track;
    track.request = announcement(options);
    options.plan.mid = builder_.add_sending(options.plan, options.cid);
    track.options = std::move(options);
    const std::string cid = track.options.cid;
    const Published& added = published_[cid] = std::move(track);
    if (signal_open_) announce(added);  // else with the next connection
    want_offer();
}

void Session::start_media(Timestamp now) {
    for (auto& [cid, track] : published_)
        track.options.encode = true;
    begin_media(now);
}

void Session::unpublish(Timestamp, const std::string& cid) {
    if (!published_.contains(cid)) return;
    drop(cid);
    want_offer();
}

void Session::set_muted(const std::string& cid, bool muted) {
    const auto found = published_.find(cid);
    if (found == published_.end()) return;
    found->second.muted = muted;
    media_->set_muted(found->second.options.plan.number, muted);
    send_mute(found->second);
}

// ---------------------------------------------------------------- announcing

void Session::announce(const Published& track) {
    livekit::SignalRequest request;
    *request.mutable_add_track() = track.request;
    send(request);
}

// The server queues what it knows already (SIG-101).
void Session::announce_tracks() {
    for (const auto& [cid, track] : published_)
        if (track.sid.empty()) announce(track);
}

void Session::send_mute(const Published& track) {
    if (track.sid.empty()) return;  // told once it has one
    livekit::SignalRequest request;
    request.mutable_mute()->set_sid(track.sid);
    request.mutable_mute()->set_muted(track.muted);
    send(request);
}

void Session::name_track(const std::string& cid, const std::string& sid) {
    const auto found = published_.find(cid);
    if (found == published_.end()) return;
    found->second.sid = sid;
    if (found->second.muted) send_mute(found->second);
}

// What the server says of ourselves. A mute that was lost is said again, as livekit-client does.
void Session::compare_tracks() {
    if (!signal_open_) return;
    for (const livekit::TrackInfo& info : self().tracks()) {
        for (const livekit::SimulcastCodecInfo& codec : info.codecs()) {
            const auto named = published_.find(codec.cid());
            if (named != published_.end() && named->second.sid.empty())
                named->second.sid = info.sid();
        }
        for (const auto& [cid, track] : published_)
            if (track.sid == info.sid() && track.muted != info.muted()) send_mute(track);
    }
}

// ---------------------------------------------------------------- media

void Session::accept_sections(const sdp::Description& answer) {
    for (auto& [cid, track] : published_)
        for (const sdp::MediaSection& section : answer.sections)
            if (section.mid == track.options.plan.mid && !section.rejected() &&
                sdp::receives(section.direction))
                track.accepted = true;
}

void Session::begin_media(Timestamp now) {
    for (auto& [cid, track] : published_) {
        if (!track.accepted || track.sending || !track.options.encode) continue;
        track.sending = true;
        media_->add_track(now, track.options.plan);
        media_->set_muted(track.options.plan.number, track.muted);
    }
}

// ---------------------------------------------------------------- ends

void Session::drop(const std::string& cid) {
    const auto found = published_.find(cid);
    media_->remove_track(found->second.options.plan.number);
    builder_.stop_sending(found->second.options.plan.mid);
    published_.erase(found);
}

void Session::take_unpublished(const std::string& sid) {
    const auto ended = std::ranges::find_if(
        published_, [&](const auto& track) { return !sid.empty() && track.second.sid == sid; });
    if (ended == published_.end()) return;
    ++counters_.unpublished;
    drop(std::string(ended->first));
    want_offer();
}

// A track that may not be published is none (SIG-95); one that is queued is there already.
void Session::take_response(const livekit::RequestResponse& response) {
    using Response = livekit::RequestResponse;
    const bool refused = response.has_add_track() && response.reason() != Response::OK &&
                         response.reason() != Response::QUEUED;
    const auto found = published_.find(response.add_track().cid());
    if (!refused || found == published_.end() || !found->second.sid.empty()) return;
    ++counters_.unpublished;
    drop(std::string(found->first));
    want_offer();
}

void Session::take_mute(const livekit::MuteTrackRequest& mute) {
    for (auto& [cid, track] : published_) {
        if (track.sid.empty() || track.sid != mute.sid()) continue;
        track.muted = mute.muted();
        media_->set_muted(track.options.plan.number, mute.muted());
    }
}

// ---------------------------------------------------------------- what it knows

std::string Session::track_sid(const std::string& cid) const {
    const auto found = published_.find(cid);
    return found == published_.end() ? std::string{} : found->second.sid;
}

std::vector<std::string> Session::published() const {
    std::vector<std::string> cids;
    cids.reserve(published_.size());
    for (const auto& [cid, track] : published_)
        cids.push_back(cid);
    return cids;
}

std::size_t Session::announced() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        published_, [](const auto& track) { return !track.second.sid.empty(); }));
}

}  // namespace confab::client

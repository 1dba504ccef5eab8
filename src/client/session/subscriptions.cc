// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/session/subscriptions.h"

namespace confab::client {

Subscriptions::Subscriptions(bool auto_subscribe, SignalLink& link)
    : auto_subscribe_(auto_subscribe), link_(link) {}

void Subscriptions::subscribe(const std::vector<std::string>& track_sids, bool wanted) {
    livekit::SignalRequest request;
    request.mutable_subscription()->set_subscribe(wanted);
    for (const std::string& sid : track_sids) {
        request.mutable_subscription()->add_track_sids(sid);
        if (wanted == auto_subscribe_)
            wishes_.erase(sid);
        else if (wishes_.size() < kMaxWishes)
            wishes_[sid] = wanted;
    }
    link_.send(request);
}

void Subscriptions::update_settings(const livekit::UpdateTrackSettings& settings) {
    for (const std::string& sid : settings.track_sids())
        if (!settings.disabled())
            disabled_.erase(sid);
        else if (disabled_.size() < kMaxWishes)
            disabled_[sid] = true;
    livekit::SignalRequest request;
    *request.mutable_track_setting() = settings;
    link_.send(request);
}

bool Subscriptions::take(RemoteStreams streams) {
    if (streams == streams_) return false;
    streams_ = std::move(streams);
    return true;
}

void Subscriptions::describe(livekit::SyncState& state) const {
    state.mutable_subscription()->set_subscribe(!auto_subscribe_);
    for (const auto& [sid, wanted] : wishes_)
        state.mutable_subscription()->add_track_sids(sid);
    for (const auto& [sid, disabled] : disabled_)
        state.add_track_sids_disabled(sid);
}

}  // namespace confab::client

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/session/session_data.h"

namespace confab::client {

bool SessionData::send(Timestamp now, livekit::DataPacket packet, bool reliable) {
    packet.set_kind(reliable ? livekit::DataPacket::RELIABLE : livekit::DataPacket::LOSSY);
    if (reliable) packet.set_sequence(reliable_.next_number());
    const std::string text = packet.SerializeAsString();
    Bytes bytes = to_vector(as_bytes(text));
    if (!publisher_.send_message(now, reliable ? "_reliable" : "_lossy", bytes)) return false;
    if (reliable) reliable_.sent(std::move(bytes));
    return true;
}

std::optional<SessionData::Arrived> SessionData::take(const std::string& label,
                                                      const Bytes& payload) {
    if (label == "_data_track") return DataTrackArrived{payload, tracks_.track_of(payload)};
    const bool reliable = label == "_reliable";
    DataArrived arrived{{}, reliable};
    if (!arrived.packet.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
        ++unreadable_;
        return std::nullopt;
    }
    if (reliable &&
        !reliable_.received(arrived.packet.participant_sid(), arrived.packet.sequence())) {
        ++repeated_;
        return std::nullopt;
    }
    return arrived;
}

// ---------------------------------------------------------------- data tracks

void SessionData::publish_track(std::uint16_t handle, const std::string& name) {
    const auto request = tracks_.publish(handle, name);
    if (request && link_.is_open()) link_.send(*request);  // else with the next connection
}

void SessionData::unpublish_track(std::uint16_t handle) {
    const auto request = tracks_.unpublish(handle);
    if (request && link_.is_open()) link_.send(*request);
}

void SessionData::subscribe(const std::vector<std::string>& track_sids, bool wanted) {
    const livekit::SignalRequest request = tracks_.want(track_sids, wanted);
    if (link_.is_open()) link_.send(request);
}

bool SessionData::send_track(Timestamp now, std::uint16_t handle, BytesView payload) {
    const auto timestamp = static_cast<std::uint32_t>(static_cast<std::uint64_t>(now.us()) / 1000);
    auto packet = tracks_.frame(handle, timestamp, payload);
    return packet && publisher_.send_message(now, "_data_track", std::move(*packet));
}

// ---------------------------------------------------------------- resumes

void SessionData::renew() {
    for (const livekit::SignalRequest& request : tracks_.renew())
        link_.send(request);
}

void SessionData::send_again(Timestamp now, std::uint32_t last) {
    for (Bytes& packet : reliable_.after(last))
        (void)publisher_.send_message(now, "_reliable", std::move(packet));
}

void SessionData::describe(livekit::SyncState& state) const {
    for (const livekit::DataTrackInfo& info : tracks_.named())
        *state.add_publish_data_tracks()->mutable_info() = info;
    for (const auto& [sender, number] : reliable_.highest()) {
        auto& receive = *state.add_datachannel_receive_states();
        receive.set_publisher_sid(sender);
        receive.set_last_seq(number);
    }
}

}  // namespace confab::client

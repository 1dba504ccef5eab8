// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Session: packets of `_reliable` and `_lossy` and data tracks (01 §3.10).
#include "client/session/session.h"

namespace confab::client {

void Session::take_message(Timestamp, Target target, const peer::MessageReceived& message) {
    const std::string label = link(target)->label_of(message.channel);
    const auto& payload = message.payload;
    if (label == "_data_track")
        return emit(DataTrackArrived{payload, data_tracks_.track_of(payload)});
    const bool reliable = label == "_reliable";
    DataArrived arrived{{}, reliable};
    if (!arrived.packet.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
        ++counters_.bad_signals;
        return;
    }
    if (reliable &&
        !reliable_.received(arrived.packet.participant_sid(), arrived.packet.sequence())) {
        ++counters_.repeated_data;
        return;
    }
    emit(std::move(arrived));
}

bool Session::send_data(Timestamp now, livekit::DataPacket packet, bool reliable) {
    packet.set_kind(reliable ? livekit::DataPacket::RELIABLE : livekit::DataPacket::LOSSY);
    if (reliable) packet.set_sequence(reliable_.next_number());
    const std::string text = packet.SerializeAsString();
    Bytes bytes = to_vector(as_bytes(text));
    if (!publisher_->send_message(now, reliable ? "_reliable" : "_lossy", bytes)) return false;
    if (reliable) reliable_.sent(std::move(bytes));
    return true;
}

// ---------------------------------------------------------------- data tracks

void Session::publish_data_track(std::uint16_t handle, const std::string& name) {
    const auto request = data_tracks_.publish(handle, name);
    if (request && signal_open_) send(*request);  // else with the next connection
}

void Session::unpublish_data_track(std::uint16_t handle) {
    const auto request = data_tracks_.unpublish(handle);
    if (request && signal_open_) send(*request);
}

void Session::subscribe_data(const std::vector<std::string>& track_sids, bool wanted) {
    const livekit::SignalRequest request = data_tracks_.want(track_sids, wanted);
    if (signal_open_) send(request);
}

bool Session::send_data_track(Timestamp now, std::uint16_t handle, BytesView payload) {
    const auto timestamp = static_cast<std::uint32_t>(static_cast<std::uint64_t>(now.us()) / 1000);
    auto packet = data_tracks_.frame(handle, timestamp, payload);
    return packet && publisher_->send_message(now, "_data_track", std::move(*packet));
}

void Session::renew_data_tracks() {
    for (const livekit::SignalRequest& request : data_tracks_.renew())
        send(request);
}

}  // namespace confab::client

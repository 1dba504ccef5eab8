// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/peer/connection_state.h"

namespace confab::peer {
namespace {

// No restart of ICE mends it.
bool is_final(TransportFailure failure) {
    return failure == TransportFailure::kDtls || failure == TransportFailure::kFingerprint;
}

}  // namespace

void ConnectionState::media_ready() {
    if (state_ != TransportState::kConnecting) return;
    was_connected_ = true;
    change(TransportState::kConnected);
}

void ConnectionState::ice_checking() {
    if (state_ != TransportState::kFailed || is_final(failure_)) return;
    failure_ = TransportFailure::kNone;
    change(was_connected_ ? TransportState::kDisconnected : TransportState::kConnecting);
}

void ConnectionState::ice_connected() {
    if (state_ == TransportState::kDisconnected) change(TransportState::kReconnected);
}

void ConnectionState::ice_disconnected() {
    if (connected()) change(TransportState::kDisconnected);
}

void ConnectionState::fail(TransportFailure failure) {
    if (is_final(failure_)) return;
    if (failure_ != TransportFailure::kNone && !is_final(failure)) return;
    failure_ = failure;
    change(TransportState::kFailed);
}

std::optional<StateChanged> ConnectionState::poll() {
    if (news_.empty()) return std::nullopt;
    const StateChanged state = news_.front();
    news_.pop_front();
    return state;
}

void ConnectionState::change(TransportState state) {
    state_ = state;
    news_.push_back({state, failure_});
}

}  // namespace confab::peer

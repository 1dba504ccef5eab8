// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/data/rpc_calls.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "token/ids.h"

namespace confab::room {
namespace {

constexpr std::uint32_t kConnectionTimeout = 1501, kResponseTimeout = 1502,
                        kResponseTooLarge = 1504, kUnsupportedVersion = 1404;

livekit::RpcError rpc_error(std::uint32_t code, std::string message) {
    livekit::RpcError error;
    error.set_code(code);
    error.set_message(std::move(message));
    return error;
}

// No longer than that, and still UTF-8.
void cut(std::string& text, std::size_t limit) {
    if (text.size() <= limit) return;
    while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80)
        --limit;
    text.resize(limit);
}

RpcOutcome outcome_of(const livekit::RpcResponse& response) {
    using Case = livekit::RpcResponse;
    switch (response.value_case()) {
        case Case::kError: {
            livekit::RpcError error = response.error();
            cut(*error.mutable_message(), RpcCalls::kMaxErrorMessage);
            cut(*error.mutable_data(), RpcCalls::kMaxPayload);
            return error;
        }
        case Case::kCompressedPayload:  // we said version 1, which has none
            return rpc_error(kUnsupportedVersion, "Unsupported RPC version");
        case Case::kPayload:
        case Case::VALUE_NOT_SET:
            break;
    }
    if (response.payload().size() > RpcCalls::kMaxPayload)
        return rpc_error(kResponseTooLarge, "Response payload too large");
    livekit::PerformRpcResponse result;
    result.set_payload(response.payload());
    return result;
}

}  // namespace

livekit::DataPacket RpcCalls::start(Timestamp now, RpcCallId id, const std::string& participant_sid,
                                    const livekit::PerformRpcRequest& request, Rng& rng) {
    constexpr std::uint32_t kVersion = 1;
    const Duration timeout =
        request.response_timeout_ms() == 0
            ? kDefaultTimeout
            : std::min(Duration::millis(request.response_timeout_ms()), kMaxTimeout);
    const std::string request_id = token::make_id(token::kRpcPrefix, rng);
    calls_[request_id] = {id, participant_sid, now + kAckTimeout, now + timeout};

    livekit::DataPacket packet;
    // Whoever answers addresses this identity, which no participant has.
    packet.set_participant_identity(request_id);
    packet.add_destination_identities(request.destination_identity());
    livekit::RpcRequest& rpc = *packet.mutable_rpc_request();
    rpc.set_id(request_id);
    rpc.set_method(request.method());
    rpc.set_payload(request.payload());
    rpc.set_response_timeout_ms(static_cast<std::uint32_t>(timeout.ms()));
    rpc.set_version(kVersion);
    return packet;
}

RpcCalls::Calls::iterator RpcCalls::find(const std::string& participant_sid,
                                         const std::string& request_id) {
    const auto call = calls_.find(request_id);
    const bool own = call != calls_.end() && call->second.participant_sid == participant_sid;
    return own ? call : calls_.end();
}

RpcCalls::Calls::iterator RpcCalls::finish(Calls::iterator call, RpcOutcome outcome) {
    done_.push_back({call->second.id, std::move(outcome)});
    return calls_.erase(call);
}

bool RpcCalls::handle_packet(const std::string& participant_sid,
                             const livekit::DataPacket& packet) {
    if (packet.has_rpc_ack()) {
        const auto call = find(participant_sid, packet.rpc_ack().request_id());
        if (call == calls_.end()) return false;
        call->second.ack_deadline = Timestamp::never();
        return true;
    }
    if (!packet.has_rpc_response()) return false;
    const auto call = find(participant_sid, packet.rpc_response().request_id());
    if (call == calls_.end()) return false;
    finish(call, outcome_of(packet.rpc_response()));
    return true;
}

void RpcCalls::participant_left(const std::string& participant_sid) {
    for (auto call = calls_.begin(); call != calls_.end();) {
        if (call->second.participant_sid == participant_sid) {
            call = finish(call, ServiceError{ServiceCode::kNotFound, "participant does not exist"});
        } else {
            ++call;
        }
    }
}

std::vector<RpcCalls::Ended> RpcCalls::handle_timeout(Timestamp now) {
    std::vector<Ended> ended;
    const auto end = [&](Calls::iterator call, RpcOutcome outcome) {
        ended.push_back({call->second.participant_sid, call->first});
        return finish(call, std::move(outcome));
    };
    for (auto call = calls_.begin(); call != calls_.end();) {
        if (call->second.response_deadline <= now) {
            call = end(call, rpc_error(kResponseTimeout, "Response timeout"));
        } else if (call->second.ack_deadline <= now) {
            call = end(call, rpc_error(kConnectionTimeout, "Connection timeout"));
        } else {
            ++call;
        }
    }
    return ended;
}

Timestamp RpcCalls::next_deadline() const {
    Timestamp result = Timestamp::never();
    for (const auto& [request_id, call] : calls_)
        result = earlier(result, earlier(call.ack_deadline, call.response_deadline));
    return result;
}

std::optional<RpcDone> RpcCalls::poll_done() {
    if (done_.empty()) return std::nullopt;
    std::optional<RpcDone> first(std::move(done_.front()));
    done_.erase(done_.begin());
    return first;
}

}  // namespace confab::room

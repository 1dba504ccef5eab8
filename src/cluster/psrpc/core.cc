// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/psrpc/core.h"

#include <algorithm>
#include <vector>

namespace confab::cluster::psrpc {

void Core::run_steps(Timestamp at) {
    for (std::size_t i = 0; i < kMaxStepsPerTurn && !steps_.empty(); ++i) {
        Step step = std::move(steps_.front());
        steps_.pop_front();
        step(at);
    }
}

Timestamp Core::from_wire(Timestamp at, std::int64_t nanoseconds) const {
    const Duration left = UnixTime::micros(nanoseconds / 1000) - wall_(at);
    return at + std::clamp(left, Duration::zero(), kLongest);
}

std::string Core::new_id(std::string_view prefix) {
    constexpr std::string_view kLetters =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    std::string id(prefix);
    for (int i = 0; i < 12; ++i)
        id += kLetters[rng_.below(kLetters.size())];
    return id;
}

rpc::Error Core::no_connection() const {
    for (const redis::Line line : {redis::Line::kCommands, redis::Line::kChannels}) {
        const std::string& trouble = trouble_[static_cast<std::size_t>(line)];
        if (!port.is_up(line) && !trouble.empty())
            return {rpc::Code::kUnavailable, "no connection to Redis: " + trouble, {}};
    }
    return {rpc::Code::kUnavailable, "no connection to Redis: there was none yet", {}};
}

Result<void, rpc::Error> Core::publish(Timestamp at, const std::string& channel,
                                       const std::string& payload, Published done) {
    if (payload.size() > kMaxPayload) {
        ++faults.too_big;
        return fail(rpc::Error{
            rpc::Code::kResourceExhausted,
            "a message of " + std::to_string(payload.size()) + " bytes is too large for the bus",
            {}});
    }
    const std::array<std::string_view, 3> words = {"PUBLISH", channel, payload};
    const auto sent = port.command(
        at, words,
        guarded([this, done = std::move(done)](
                    Timestamp then, const Result<redis::Value, redis::Fault>& reply) mutable {
            Reached reached = to_reached(reply);
            if (done) done(then, std::move(reached));
        }));
    if (sent) return {};
    ++faults.not_published;
    if (sent.error().code != redis::Fault::Code::kFull) return fail(no_connection());
    return fail(rpc::Error{rpc::Code::kUnavailable, "Redis is too slow: " + sent.error().text, {}});
}

Core::Reached Core::to_reached(const Result<redis::Value, redis::Fault>& reply) {
    if (!reply) {  // it may have been published, or not
        ++faults.not_published;
        return std::nullopt;
    }
    if (reply->is_error()) {
        ++faults.refused_by_redis;
        return fail(rpc::Error{rpc::Code::kUnavailable, "Redis refuses it: " + reply->text, {}});
    }
    if (!settings.listeners_are_known || reply->kind != redis::Value::Kind::kInteger)
        return std::nullopt;
    return reply->integer;
}

void Core::count(EnvelopeError error) {
    switch (error) {
        case EnvelopeError::kTooBig:
            ++faults.too_big;
            return;
        case EnvelopeError::kMalformed:
            ++faults.malformed;
            return;
        case EnvelopeError::kWrongType:
            ++faults.wrong_type;
            return;
    }
}

}  // namespace confab::cluster::psrpc

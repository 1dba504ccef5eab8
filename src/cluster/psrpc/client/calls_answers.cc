// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How a call goes on and ends: claims, answers, timeouts.
#include <cmath>
#include <utility>

#include "cluster/psrpc/channel.h"
#include "cluster/psrpc/client/calls.h"

namespace confab::cluster::psrpc {
namespace {

// PSR-18: a text is a failure whatever else there is.
rpc::Outcome outcome_of(internal::Response response) {
    if (response.error().empty()) return std::move(*response.mutable_raw_response());
    rpc::Error error{rpc::parse_code(response.code()).value_or(rpc::Code::kUnknown),
                     std::move(*response.mutable_error()),
                     {}};
    error.details.assign(response.error_details().begin(), response.error_details().end());
    return fail(std::move(error));
}

}  // namespace

// ---------------------------------------------------------------- claims

void Calls::handle_claim(Timestamp now, const internal::ClaimRequest& claim) {
    Entry* entry = find(claim.request_id());
    if (entry == nullptr || entry->second.stage != Stage::kSelecting) {
        ++core_.faults.unexpected;
        return;
    }
    if (claim.server_id().empty() || claim.server_id().size() > kMaxId ||
        !std::isfinite(claim.affinity())) {
        ++core_.faults.malformed;
        return;
    }
    Call& call = entry->second;
    call.selection.add_claim(now, claim.server_id(), static_cast<double>(claim.affinity()));
    if (call.selection.is_over(now)) return choose(now, *entry);
    alarms_.set(entry->first, call.selection.deadline());
}

void Calls::choose(Timestamp now, Entry& entry) {
    auto& [id, call] = entry;
    const rpc::Method& method = call.wish.method;
    auto server = call.selection.result();
    MethodCounts& counts = core_.of(Role::kClient, method);
    (server ? counts.claim_chosen : counts.claim_failed).add(now - call.started);
    if (!server) {
        if (call.selection.claims() == 0) ++core_.faults.nobody_claimed;
        take_back(now, call);
        return end(now, entry, fail(std::move(server.error())));
    }
    internal::ClaimResponse choice;
    choice.set_request_id(call.request_id);
    choice.set_server_id(*server);
    const auto sent = core_.publish(now, choice_channel(method, call.wish.topic), seal(choice),
                                    when_published(id));
    if (!sent) return end(now, entry, fail(sent.error()));
    call.server = *std::move(server);
    set_stage(entry, Stage::kAwaiting, call.deadline);
}

// ---------------------------------------------------------------- answers

void Calls::handle_response(Timestamp now, internal::Response response) {
    Entry* entry = find(response.request_id());
    if (entry == nullptr || entry->second.is_stream()) {
        ++core_.faults.unexpected;
        return;
    }
    Call& call = entry->second;
    const std::string& server = response.server_id();
    if (call.is_multi()) {
        const bool is_new = call.answered.size() < kMaxAnswers &&
                            call.answered.insert(server.substr(0, kMaxId)).second;
        if (is_new) return answer(*entry, outcome_of(std::move(response)));
        ++core_.faults.unexpected;
        return;
    }
    const bool other = !call.server.empty() && !server.empty() && server != call.server;
    if (call.stage == Stage::kAwaiting && !other)
        return end(now, *entry, outcome_of(std::move(response)));
    // A server that cannot read the request says so in place of a claim.
    if (call.stage == Stage::kSelecting && !response.error().empty())
        return call.selection.add_error(outcome_of(std::move(response)).error());
    ++core_.faults.unexpected;
}

// One of many.
void Calls::answer(Entry& entry, rpc::Outcome outcome) {
    MethodCounts& counts = core_.of(Role::kClient, entry.second.wish.method);
    if (outcome)
        counts.bytes_rx += outcome->size();
    else
        ++counts.errors[outcome.error().code];
    core_.queue([this, id = entry.first, each = entry.second.each,
                 outcome = std::move(outcome)](Timestamp) mutable {
        if (find(id) != nullptr || ending_.contains(id)) each(std::move(outcome));
    });
}

void Calls::handle_ack(Timestamp now, const std::string& channel, const internal::Stream& ack) {
    Entry* entry = find(ack.request_id());
    if (entry == nullptr || entry->second.stage != Stage::kAwaiting ||
        entry->second.stream_id != ack.stream_id() || !entry->second.is_stream()) {
        ++core_.faults.unexpected;
        return;
    }
    Call& call = entry->second;
    auto stream = parts_.streams.create({Role::kClient, call.wish.method, call.stream_id, channel,
                                         stream_channel(call.wish.method, call.wish.topic),
                                         call.wish.options.timeout});
    if (stream) return end_opened(now, *entry, std::move(stream));
    take_back(now, call);
    end(now, *entry, fail(rpc::Error{rpc::Code::kResourceExhausted, "too many streams", {}}));
}

// ---------------------------------------------------------------- ends

void Calls::expire(Timestamp now) {
    while (const auto id = alarms_.pop(now)) {
        Entry* entry = find(*id);
        if (entry != nullptr) give_up(now, *entry);
    }
}

void Calls::give_up(Timestamp now, Entry& entry) {
    Call& call = entry.second;
    if (call.is_multi()) return end(now, entry, std::string());
    // A server that is chosen when nobody waits any more would work in vain.
    const bool in_vain = now >= call.deadline && call.selection.result();
    if (call.stage == Stage::kSelecting && !in_vain) return choose(now, entry);
    if (call.stage == Stage::kPreparing)
        return end(now, entry,
                   fail(rpc::Error{rpc::Code::kUnavailable,
                                   "no connection to Redis: it does not confirm our channels",
                                   {}}));
    take_back(now, call);
    end(now, entry, fail(rpc::timed_out()));
}

// A server may have opened the stream whose acknowledgement did not come: it must not keep it.
void Calls::take_back(Timestamp now, const Call& call) {
    if (!call.is_stream() || call.stream_id.empty()) return;
    parts_.streams.send_close(now, call.stream_id,
                              stream_channel(call.wish.method, call.wish.topic),
                              rpc::Error{rpc::Code::kCanceled, "stream closed", {}});
}

Calls::Call Calls::remove(rpc::CallId id) {
    const auto it = calls_.find(id);
    Call call = std::move(it->second);
    calls_.erase(it);
    by_request_.erase(call.request_id);
    alarms_.cancel(id);
    return call;
}

void Calls::note_end(Timestamp now, const Call& call, const rpc::Error* error) {
    MethodCounts& counts = core_.of(Role::kClient, call.wish.method);
    counts.request_time.add(now - call.started);
    if (error != nullptr) ++counts.errors[error->code];
}

void Calls::end(Timestamp now, Entry& entry, rpc::Outcome outcome) {
    if (entry.second.is_stream())
        return end_opened(now, entry, fail(outcome ? rpc::timed_out() : outcome.error()));
    const rpc::CallId id = entry.first;
    Call call = remove(id);
    ending_.insert(id);
    note_end(now, call, outcome ? nullptr : &outcome.error());
    if (outcome) core_.of(Role::kClient, call.wish.method).bytes_rx += outcome->size();
    core_.queue(
        [this, id, call = std::move(call), outcome = std::move(outcome)](Timestamp) mutable {
            if (ending_.erase(id) == 0) return;  // cancelled
            if (!call.is_multi()) return call.done(std::move(outcome));
            if (!outcome) call.each(std::move(outcome));
            call.finished();
        });
}

void Calls::end_opened(Timestamp now, Entry& entry,
                       Result<std::shared_ptr<rpc::Stream>, rpc::Error> result) {
    Call call = remove(entry.first);
    note_end(now, call, result ? nullptr : &result.error());
    core_.queue([opened = std::move(call.opened), result = std::move(result)](Timestamp) mutable {
        opened(std::move(result));
    });
}

}  // namespace confab::cluster::psrpc

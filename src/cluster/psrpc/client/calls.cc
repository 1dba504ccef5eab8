// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How a call begins: to whom it goes, and what is published.
#include "cluster/psrpc/client/calls.h"

#include <algorithm>
#include <utility>

#include "cluster/psrpc/channel.h"

namespace confab::cluster::psrpc {
namespace {

template <typename Map>
void set_metadata(const rpc::Metadata& from, Map& to) {
    for (const auto& [key, value] : from)
        to[clean(key)] = clean(value);
}

rpc::Error too_many() {
    return {rpc::Code::kResourceExhausted, "too many calls are waiting", {}};
}

}  // namespace

// ---------------------------------------------------------------- what users ask for

rpc::CallId Calls::add(Timestamp now, Call call) {
    const rpc::CallId id(++last_);
    const Duration timeout = std::clamp(call.wish.options.timeout, Duration::zero(), kLongest);
    call.started = now;
    call.deadline = now + timeout;
    const bool full = calls_.size() >= kMaxPending;
    const auto it = calls_.emplace(id, std::move(call)).first;
    alarms_.set(id, it->second.deadline);
    if (full) {
        ++core_.faults.refused;
        end(now, *it, fail(too_many()));
    } else {
        core_.queue([this, id](Timestamp at) { begin(at, id); });
    }
    return id;
}

rpc::CallId Calls::call(Timestamp now, Wish wish, rpc::Reply done) {
    Call call;
    call.wish = std::move(wish);
    call.done = std::move(done);
    return add(now, std::move(call));
}

rpc::CallId Calls::gather(Timestamp now, Wish wish, std::function<void(rpc::Outcome)> each,
                          Callback<> finished) {
    Call call;
    call.wish = std::move(wish);
    call.each = std::move(each);
    call.finished = std::move(finished);
    return add(now, std::move(call));
}

void Calls::open(Timestamp now, Wish wish, rpc::Opened opened) {
    Call call;
    call.wish = std::move(wish);
    call.opened = std::move(opened);
    add(now, std::move(call));
}

void Calls::cancel(rpc::CallId id) {
    ending_.erase(id);
    const Entry* entry = find(id);
    if (entry == nullptr) return;
    if (entry->second.stage == Stage::kLocal) parts_.local.cancel(entry->second.local);
    (void)remove(id);
}

Calls::Entry* Calls::find(rpc::CallId id) {
    const auto it = calls_.find(id);
    return it == calls_.end() ? nullptr : &*it;
}

Calls::Entry* Calls::find(const std::string& request_id) {
    const auto it = by_request_.find(request_id);
    return it == by_request_.end() ? nullptr : find(it->second);
}

// ---------------------------------------------------------------- to whom

void Calls::begin(Timestamp now, rpc::CallId id) {
    Entry* entry = find(id);
    if (entry == nullptr) return;  // cancelled, or out of time
    Call& call = entry->second;
    core_.of(Role::kClient, call.wish.method).bytes_tx += call.wish.payload.size();
    if (is_for_us(now, call)) return begin_local(now, *entry);
    if (!core_.is_up()) {
        ++core_.faults.not_published;
        return end(now, *entry, fail(core_.no_connection()));
    }
    prepare(now, *entry);
}

// What we serve ourselves works without Redis and costs it nothing. Where all servers are asked,
// we are all of them while there is no Redis.
bool Calls::is_for_us(Timestamp now, const Call& call) const {
    const rpc::Flow flow = call.wish.method.flow;
    if (call.is_stream()) return parts_.servers.has_stream(call.wish.method, call.wish.topic);
    if (flow == rpc::Flow::kQueue)
        return parts_.servers.would_take(call.wish.method, call.wish.topic, [&] {
            return rpc::Request{call.wish.payload, call.wish.topic, call.wish.options.metadata, now,
                                call.deadline};
        });
    return !core_.is_up() && parts_.servers.has(call.wish.method, call.wish.topic);
}

void Calls::begin_local(Timestamp now, Entry& entry) {
    const rpc::CallId id = entry.first;
    Call& call = entry.second;
    set_stage(entry, Stage::kLocal, Timestamp::never());  // the local bus keeps the time
    rpc::CallOptions options = call.wish.options;
    options.timeout = call.deadline - now;
    const auto finish = [this, id](rpc::Outcome outcome) {
        if (Entry* mine = find(id)) end(core_.latest, *mine, std::move(outcome));
    };
    Wish& wish = call.wish;
    if (call.is_stream())
        return parts_.local.open(
            now, wish.method, wish.topic, std::move(wish.payload), std::move(options),
            [this, id](Result<std::shared_ptr<rpc::Stream>, rpc::Error> result) {
                if (Entry* mine = find(id)) end_opened(core_.latest, *mine, std::move(result));
            });
    if (call.is_multi())
        call.local = parts_.local.gather(
            now, wish.method, wish.topic, std::move(wish.payload), std::move(options),
            [this, id, each = call.each](rpc::Outcome outcome) {
                if (find(id) != nullptr) each(std::move(outcome));
            },
            [finish] { finish(std::string()); });
    else
        call.local = parts_.local.call(now, wish.method, wish.topic, std::move(wish.payload),
                                       std::move(options), finish);
}

void Calls::prepare(Timestamp now, Entry& entry) {
    set_stage(entry, Stage::kPreparing, entry.second.deadline);
    parts_.clients.when_ready(
        now, entry.second.wish.method,
        [this, id = entry.first](Timestamp at, const Result<void, rpc::Error>& ready) {
            Entry* mine = find(id);
            if (mine == nullptr) return;
            if (!ready) return end(at, *mine, fail(ready.error()));
            send(at, *mine);
        });
}

// ---------------------------------------------------------------- over Redis

void Calls::send(Timestamp now, Entry& entry) {
    auto& [id, call] = entry;
    const rpc::Method& method = call.wish.method;
    call.request_id = core_.new_id("REQ_");
    by_request_.emplace(call.request_id, id);
    const std::string payload = call.is_stream() ? opening_of(now, call) : request_of(now, call);
    const std::string channel = call.is_stream() ? stream_channel(method, call.wish.topic)
                                                 : request_channel(method, call.wish.topic);
    if (const auto sent = core_.publish(now, channel, payload, when_published(id)); !sent)
        return end(now, entry, fail(sent.error()));
    if (!method.has_claims()) return set_stage(entry, Stage::kAwaiting, call.deadline);
    call.selection = Selection(method.flow, call.wish.options, call.started, call.deadline);
    set_stage(entry, Stage::kSelecting, call.selection.deadline());
}

std::string Calls::request_of(Timestamp now, Call& call) {
    internal::Request request;
    request.set_request_id(call.request_id);
    request.set_client_id(parts_.clients.id(call.wish.method));
    request.set_sent_at(core_.to_wire(now));
    request.set_expiry(core_.to_wire(call.deadline));
    request.set_multi(call.is_multi());
    set_metadata(call.wish.options.metadata, *request.mutable_metadata());
    request.set_raw_request(std::move(call.wish.payload));
    return seal(request);
}

std::string Calls::opening_of(Timestamp now, Call& call) {
    call.stream_id = core_.new_id("STR_");
    internal::Stream stream;
    stream.set_stream_id(call.stream_id);
    stream.set_request_id(call.request_id);
    stream.set_sent_at(core_.to_wire(now));
    stream.set_expiry(core_.to_wire(call.deadline));
    stream.mutable_open()->set_node_id(parts_.clients.id(call.wish.method));
    set_metadata(call.wish.options.metadata, *stream.mutable_open()->mutable_metadata());
    stream.mutable_open()->set_raw_request(std::move(call.wish.payload));
    return seal(stream);
}

void Calls::set_stage(Entry& entry, Stage stage, Timestamp alarm) {
    entry.second.stage = stage;
    alarms_.set(entry.first, alarm);
}

// Of a request, and of who was chosen: nobody listens, so nobody will answer. An unknown number
// says nothing; the timeouts decide.
Core::Published Calls::when_published(rpc::CallId id) {
    return [this, id](Timestamp now, const Core::Reached& reached) {
        Entry* entry = find(id);
        if (entry == nullptr) return;
        if (!reached) return end(now, *entry, fail(reached.error()));
        if (*reached != 0 || entry->second.is_multi()) return;
        ++core_.faults.nobody_there;
        end(now, *entry, fail(rpc::no_response()));
    };
}

}  // namespace confab::cluster::psrpc

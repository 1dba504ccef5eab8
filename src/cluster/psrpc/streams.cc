// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/psrpc/streams.h"

#include <algorithm>
#include <utility>

namespace confab::cluster::psrpc {
namespace {

rpc::Error stream_closed() {
    return {rpc::Code::kCanceled, "stream closed", {}};
}

}  // namespace

// What a user holds. The stream ends with it.
class Streams::Handle final : public rpc::Stream {
  public:
    Handle(Streams& streams, EndPtr end)
        : streams_(streams), alive_(streams.core_.alive()), end_(std::move(end)) {}
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    ~Handle() override { Handle::close(stream_closed()); }

    void set_handlers(std::function<void()> on_readable,
                      std::function<void(const rpc::Error&)> on_closed) override {
        end_->on_readable = std::move(on_readable);
        end_->on_closed = std::move(on_closed);
        if (alive_.expired()) return;
        if (!end_->inbox.empty()) streams_.tell_readable(end_);
        if (end_->closed) streams_.tell_closed(end_);
    }
    void send(Timestamp now, std::string message, Sent sent) override {
        if (!alive_.expired()) streams_.send(now, end_, std::move(message), std::move(sent));
    }
    std::optional<std::string> receive() override {
        if (end_->inbox.empty()) return std::nullopt;
        std::string message = std::move(end_->inbox.front());
        end_->inbox.pop_front();
        end_->inbox_bytes -= message.size();
        return message;
    }
    void close(rpc::Error cause) override {
        if (!alive_.expired()) streams_.close(end_, std::move(cause));
        end_->open = false;
        end_->on_readable = nullptr;
        end_->on_closed = nullptr;
    }
    bool is_open() const override { return end_->open; }

  private:
    Streams& streams_;
    std::weak_ptr<const bool> alive_;
    EndPtr end_;
};

std::shared_ptr<rpc::Stream> Streams::create(StreamSpec spec) {
    auto& ends = ends_[static_cast<std::size_t>(spec.role)];
    if (size() >= kMaxStreams || ends.contains(spec.id)) {
        ++core_.faults.refused;
        return nullptr;
    }
    spec.send_timeout = std::clamp(spec.send_timeout, Duration::millis(1), kLongest);
    const auto end = std::make_shared<End>();
    ends.emplace(spec.id, end);
    ++core_.of(spec.role, spec.method).streams;
    end->spec = std::move(spec);
    return std::make_shared<Handle>(*this, end);
}

// ---------------------------------------------------------------- sending

internal::Stream Streams::message_of(Timestamp now, const StreamSpec& spec) {
    internal::Stream message;
    message.set_stream_id(spec.id);
    message.set_sent_at(core_.to_wire(now));
    message.set_expiry(core_.to_wire(now + spec.send_timeout));
    return message;
}

void Streams::send(Timestamp now, const EndPtr& end, std::string message, rpc::Stream::Sent sent) {
    const auto refuse = [&](rpc::Error error) {
        core_.queue([sent = std::move(sent), error = std::move(error)](Timestamp) mutable {
            sent(fail(std::move(error)));
        });
    };
    if (!end->open) return refuse(stream_closed());
    if (end->unacknowledged.size() >= kMaxUnacknowledged || core_.is_full()) {
        ++core_.faults.refused;
        return refuse({rpc::Code::kResourceExhausted, "too many messages are under way", {}});
    }
    const std::string request = core_.new_id("REQ_");
    end->unacknowledged.insert(request);
    alarms_.set(request, now + end->spec.send_timeout);
    core_.of(end->spec.role, end->spec.method).bytes_tx += message.size();
    sends_.emplace(request, Send{end, now, std::move(sent)});
    core_.queue([this, end, request, message = std::move(message)](Timestamp at) mutable {
        transmit(at, end, request, std::move(message));
    });
}

void Streams::transmit(Timestamp now, const EndPtr& end, const std::string& request,
                       std::string text) {
    internal::Stream message = message_of(now, end->spec);
    message.set_request_id(request);
    message.mutable_message()->set_raw_message(std::move(text));
    const auto sent = core_.publish(now, end->spec.outbound, seal(message));
    // Without a connection it waits for its timeout: so whoever tries again does not hurry.
    if (!sent && sent.error().code == rpc::Code::kResourceExhausted)
        settle(now, request, fail(sent.error()));
}

void Streams::settle(Timestamp now, const std::string& request, Result<void, rpc::Error> result) {
    auto node = sends_.extract(request);
    if (node.empty()) return;
    Send& send = node.mapped();
    alarms_.cancel(request);
    send.end->unacknowledged.erase(request);
    MethodCounts& counts = core_.of(send.end->spec.role, send.end->spec.method);
    if (result)
        counts.send_time.add(now - send.since);
    else
        ++counts.errors[result.error().code];
    core_.queue([sent = std::move(send.sent), result = std::move(result)](Timestamp) mutable {
        if (sent) sent(std::move(result));
    });
}

void Streams::expire(Timestamp now) {
    while (const auto request = alarms_.pop(now))
        settle(now, *request, fail(rpc::timed_out()));
}

// ---------------------------------------------------------------- what comes

bool Streams::deliver(Timestamp now, Role role, const std::string& channel,
                      internal::Stream& message) {
    const auto& ends = ends_[static_cast<std::size_t>(role)];
    const auto it = ends.find(message.stream_id());
    if (it == ends.end() || it->second->spec.inbound != channel) return false;
    const EndPtr end = it->second;
    if (message.has_ack()) {
        const bool ours = end->unacknowledged.contains(message.request_id());
        if (ours)
            settle(now, message.request_id(), {});
        else
            ++core_.faults.unexpected;
    } else if (message.has_close()) {
        handle_close(now, end, message.close());
    } else if (message.has_message()) {
        receive(now, end, std::move(message));
    } else {
        ++core_.faults.malformed;
    }
    return true;
}

void Streams::receive(Timestamp now, const EndPtr& end, internal::Stream message) {
    if (core_.is_expired(now, message.expiry())) {
        ++core_.faults.expired;
        return;
    }
    std::string text = std::move(*message.mutable_message()->mutable_raw_message());
    // Unacknowledged: its sender hears of it by its timeout.
    if (end->inbox.size() >= rpc::Stream::kMaxQueued ||
        end->inbox_bytes + text.size() > kMaxQueuedBytes) {
        ++core_.faults.slow_consumer;
        return;
    }
    MethodCounts& counts = core_.of(end->spec.role, end->spec.method);
    ++counts.stream_received;
    counts.bytes_rx += text.size();
    end->inbox_bytes += text.size();
    end->inbox.push_back(std::move(text));
    message.mutable_ack();  // in place of the message, with all ids and times as they came
    (void)core_.publish(now, end->spec.outbound, seal(message));
    tell_readable(end);
}

void Streams::tell_readable(const EndPtr& end) {
    core_.queue([end](Timestamp) {
        if (const auto call = end->on_readable) call();
    });
}

void Streams::tell_closed(const EndPtr& end) {
    core_.queue([end](Timestamp) {
        const auto call = end->on_closed;
        if (!call || !end->closed) return;
        const rpc::Error cause = *std::exchange(end->closed, std::nullopt);
        call(cause);
    });
}

// ---------------------------------------------------------------- the end

void Streams::send_close(Timestamp now, const std::string& id, const std::string& outbound,
                         const rpc::Error& cause) {
    StreamSpec spec;
    spec.id = id;
    spec.send_timeout = kServerSendTimeout;
    internal::Stream message = message_of(now, spec);
    message.set_request_id(core_.new_id("REQ_"));
    // Without a code it would be taken for a success.
    message.mutable_close()->set_error(clean(cause.text));
    message.mutable_close()->set_code(std::string(rpc::to_text(cause.code)));
    (void)core_.publish(now, outbound, seal(message));
}

void Streams::close(const EndPtr& end, rpc::Error cause) {
    if (!std::exchange(end->open, false)) return;
    forget(core_.latest, end, stream_closed());
    core_.queue([this, end, cause = std::move(cause)](Timestamp now) {
        send_close(now, end->spec.id, end->spec.outbound, cause);
    });
}

void Streams::handle_close(Timestamp now, const EndPtr& end, const internal::StreamClose& close) {
    const rpc::Code code = rpc::parse_code(close.code()).value_or(rpc::Code::kUnknown);
    end->open = false;
    end->closed = rpc::Error{code, close.error(), {}};
    forget(now, end, *end->closed);
    tell_closed(end);
}

void Streams::forget(Timestamp now, const EndPtr& end, const rpc::Error& cause) {
    ends_[static_cast<std::size_t>(end->spec.role)].erase(end->spec.id);
    --core_.of(end->spec.role, end->spec.method).streams;
    for (const std::string& request : std::set<std::string>(end->unacknowledged))
        settle(now, request, fail(cause));
}

}  // namespace confab::cluster::psrpc

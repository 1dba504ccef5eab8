// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/relay/channel.h"

#include <algorithm>
#include <utility>

namespace confab::cluster::relay {
namespace {

rpc::Error closed_normally() {
    return {rpc::Code::kCanceled, "stream closed", {}};
}

}  // namespace

// Outlives the channel where the bus still has a callback.
struct Channel::Notes {
    bool readable = true;  // there may be something from before
    std::optional<rpc::Error> closed;
    std::uint64_t acknowledged = 0;
    std::function<void()> wake;  // empty once nobody listens

    void tell() const {
        if (wake) wake();
    }
};

Channel::Channel(std::shared_ptr<rpc::Stream> stream, BatchKind sends, const Settings& settings,
                 std::function<void()> wake)
    : receives_(sends == BatchKind::kRequests ? BatchKind::kResponses : BatchKind::kRequests),
      sender_(sends, sends == BatchKind::kRequests ? GiveUp::kFail : GiveUp::kDrop, settings),
      stream_(std::move(stream)),
      notes_(std::make_shared<Notes>()) {
    notes_->wake = std::move(wake);
    stream_->set_handlers(
        [notes = notes_] {
            notes->readable = true;
            notes->tell();
        },
        [notes = notes_](const rpc::Error& cause) {
            notes->closed = cause;
            notes->tell();
        });
    notes_->tell();
}

Channel::~Channel() {
    if (stream_) end(State::kFinished, closed_normally());
}

void Channel::send_start(Timestamp now, std::string message) {
    // That it arrived is shown by the first response; a stream that cannot take it closes.
    if (stream_) stream_->send(now, std::move(message), [](const Result<void, rpc::Error>&) {});
}

void Channel::finish() {
    finishing_ = true;
    sender_.close();
}

void Channel::accept(const Batch& batch) {
    if (const auto added = receiver_.add(batch); !added)
        fail({rpc::Code::kUnknown, std::string(to_text(added.error())), {}});
}

void Channel::abort(rpc::Error cause) {
    if (stream_) end(State::kFinished, std::move(cause));
}

void Channel::advance(Timestamp now) {
    if (!stream_) return;
    sender_.acknowledge(now, notes_->acknowledged);
    read();
    if (stream_ && receiver_.is_closed()) end(State::kFinished, closed_normally());
    if (stream_ && notes_->closed) fail(*std::exchange(notes_->closed, std::nullopt));
    if (stream_) write(now);
}

void Channel::read() {
    if (!std::exchange(notes_->readable, false)) return;
    while (stream_) {
        const auto bytes = stream_->receive();
        if (!bytes) return;
        const auto batch = decode_batch(receives_, *bytes);
        if (!batch)
            return fail({rpc::Code::kMalformedRequest, std::string(to_text(batch.error())), {}});
        accept(*batch);
        while (finishing_ && receiver_.take()) {
        }
    }
}

void Channel::write(Timestamp now) {
    if (held_ || (outage_ && !stream_->is_beside_bus()))
        sender_.pause();
    else
        sender_.resume(now);
    sender_.handle_timeout(now);
    // Whatever the stream says of one sending, only an acknowledgement counts: its own limit is
    // longer than the time after which a batch is sent again.
    while (auto batch = sender_.poll_transmit(now))
        stream_->send(now, std::move(batch->bytes),
                      [notes = notes_, end = batch->end](const Result<void, rpc::Error>& sent) {
                          if (!sent) return;
                          notes->acknowledged = std::max(notes->acknowledged, end);
                          notes->tell();
                      });
    if (sender_.has_failed()) return fail({rpc::Code::kUnknown, "signal write failed", {}});
    if (sender_.is_drained()) end(State::kFinished, closed_normally());
}

void Channel::fail(rpc::Error cause) {
    if (!stream_) return;
    failure_ = cause;
    end(State::kFailed, std::move(cause));
}

void Channel::end(State state, rpc::Error told) {
    state_ = state;
    notes_->wake = nullptr;
    // The handlers go with it, which may hold more than the notes.
    std::exchange(stream_, nullptr)->close(std::move(told));
}

Timestamp Channel::next_deadline() const {
    return stream_ ? sender_.next_deadline() : Timestamp::never();
}

}  // namespace confab::cluster::relay

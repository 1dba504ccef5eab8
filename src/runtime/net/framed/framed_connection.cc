// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/framed/framed_connection.h"

#include <netinet/tcp.h>

#include <array>
#include <boost/asio/write.hpp>
#include <utility>

#include "base/check.h"

namespace confab::net {
namespace {

constexpr std::size_t kReadSize = 4'096;  // each connection has as much

}  // namespace

FramedConnection::FramedConnection(std::shared_ptr<FramedState> state, Stream stream,
                                   const FramedClient& client, ConnectionTable::Slot slot)
    : state_(std::move(state)),
      stream_(std::move(stream)),
      client_(client),
      slot_(std::move(slot)),
      patience_(state_->loop) {}

void FramedConnection::start() {
    slot_.set_idle(EventLoop::now());  // gives way to others until it has shown a password
    watch();
    asio::co_spawn(stream_.get_executor(), serve(shared_from_this()), Rethrow());
}

bool FramedConnection::known() const {
    return state_->open && state_->handlers.is_known(client_);
}

// Whoever is not known for kPatience, at the beginning or later, does not stay.
void FramedConnection::watch() {
    patience_.set(EventLoop::now() + FramedListener::kPatience, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self || self->closed_) return;
        if (!self->known()) return self->close();
        self->watch();
    });
}

void FramedConnection::close() {
    if (std::exchange(closed_, true)) return;
    const auto self = shared_from_this();
    patience_.cancel();
    stream_.close();
    slot_ = {};
    state_->connections.erase(client_.stream);
    if (state_->open) state_->handlers.closed(client_);
}

asio::awaitable<bool> FramedConnection::begin() {
    ErrorCode ignored;
    stream_.socket().set_option(tcp::no_delay(true), ignored);
    const int unsent = FramedListener::kMaxWrite;
    (void)::setsockopt(stream_.socket().native_handle(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent,
                       sizeof unsent);
    // One that was adopted has shaken hands.
    if (!state_->tls || stream_.tls() != nullptr) co_return true;
    stream_.start_tls(state_->tls);
    const auto [error, size] = co_await stream_.async_handshake(use_result);
    if (error) ++state_->counters.failed_handshakes;
    co_return !error;
}

asio::awaitable<void> FramedConnection::serve(std::shared_ptr<FramedConnection> self) {
    const bool begun = co_await self->begin();
    std::array<std::uint8_t, kReadSize> chunk;
    while (begun && !self->closed_) {
        const auto [error, size] =
            co_await self->stream_.async_read_some(asio::buffer(chunk), use_result);
        if (error || self->closed_) break;
        self->received_.insert(self->received_.end(), chunk.begin(),
                               chunk.begin() + static_cast<std::ptrdiff_t>(size));
        if (!self->take_messages()) break;
    }
    self->close();
}

// False: what came is no message.
bool FramedConnection::take_messages() {
    std::size_t taken = 0;
    while (!closed_) {
        const BytesView rest = BytesView(received_).subspan(taken);
        const FramedMessage next = state_->handlers.next_message(rest, known());
        if (next.state == FramedMessage::State::kInvalid) return false;
        if (next.state == FramedMessage::State::kMore) break;
        CONFAB_CHECK(next.size > 0 && next.size <= rest.size());
        taken += next.size;
        state_->handlers.message(client_, rest.first(next.size));
    }
    if (closed_) return false;
    if (taken > 0) {
        received_.erase(received_.begin(), received_.begin() + static_cast<std::ptrdiff_t>(taken));
        if (known()) slot_.set_busy();
    }
    return received_.size() <= FramedListener::kMaxMessage;
}

void FramedConnection::send(BytesView message, Urgency urgency) {
    if (closed_) return;
    if (writing_.empty()) {
        writing_.assign(message.begin(), message.end());
        return write();
    }
    const Timestamp now = EventLoop::now();
    state_->counters.dropped += waiting_.drop_old(now);
    if (!waiting_.push(now, to_vector(message), urgency)) ++state_->counters.dropped;
}

void FramedConnection::write() {
    asio::async_write(stream_, asio::buffer(writing_),
                      [self = shared_from_this()](ErrorCode error, std::size_t) {
                          self->writing_.clear();
                          if (error) return self->close();
                          if (!self->closed_) self->write_waiting();
                      });
}

void FramedConnection::write_waiting() {
    state_->counters.dropped += waiting_.drop_old(EventLoop::now());
    while (!waiting_.empty() && (writing_.empty() || writing_.size() + waiting_.next_size() <=
                                                         FramedListener::kMaxWrite)) {
        const Bytes message = waiting_.pop();
        writing_.insert(writing_.end(), message.begin(), message.end());
    }
    if (!writing_.empty()) write();
}

}  // namespace confab::net

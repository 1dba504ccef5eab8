// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/http/http_handover.h"

#include <exception>
#include <utility>

#include "runtime/net/event_loop_impl.h"
#include "runtime/net/http/http_connection.h"

namespace confab::net {

namespace {

// Gives the place back in the loop of its table, whoever lets go of it last.
std::shared_ptr<void> place_of(EventLoop& home, ConnectionTable::Slot slot) {
    auto owned = std::make_unique<ConnectionTable::Slot>(std::move(slot));
    const auto give_back = [&home](ConnectionTable::Slot* place) {
        home.post([held = std::unique_ptr<ConnectionTable::Slot>(place)] {});
    };
    return std::shared_ptr<ConnectionTable::Slot>(owned.release(), give_back);
}

}  // namespace

// ------------------------------------------------------------ the server

std::shared_ptr<ServerState> ServerState::state_in(EventLoop& target) {
    std::shared_ptr<ServerState>& state = elsewhere[&target];
    if (!state) state = std::make_shared<ServerState>(target, *this);
    return state;
}

void ServerState::cut_elsewhere() {
    for (const auto& [target, state] : elsewhere)
        target->post([there = state] {
            there->destroyed = true;
            const std::set<HttpConnection*> open = there->connections;
            for (HttpConnection* connection : open)
                connection->cut();
        });
}

// ------------------------------------------------------------ the loop that accepted it

std::shared_ptr<HttpHandover> HttpConnection::leave_loop() {
    std::optional<DetachedStream> stream = stream_.detach();
    if (!stream) return nullptr;
    auto handover = std::make_shared<HttpHandover>(std::move(*stream));
    handover->received.assign(static_cast<const char*>(buffer_.data().data()), buffer_.size());
    buffer_.clear();
    charge(0);
    handover->request_headers = std::move(upgrade_headers_);
    handover->version = version_;
    handover->remote = remote_;
    handover->open = std::move(open_);
    handover->place = place_of(server_->loop, std::move(slot_));
    return handover;
}

void HttpConnection::move_to(std::uint64_t serial, EventLoop& target,
                             Callback<HttpExchange> there) {
    if (serial != serial_ || !waiting_) return;
    // One that has moved has no table to answer to: it moves once. Others are no upgrades.
    if (gone_ || upgrade_headers_.empty() || !server_->table) return abandon(serial);
    handover_ = leave_loop();
    if (!handover_) return abandon(serial);
    waiting_ = false;
    on_gone_ = nullptr;
    answered_.cancel();
    target.post([handover = handover_, state = server_->state_in(target), there = std::move(there),
                 &home = server_->loop, self = weak_from_this()]() mutable {
        if (handover->taken.exchange(true)) return;
        home.post([self = std::move(self)] {
            if (const auto waiting = self.lock()) waiting->taken();
        });
        take_over(state, *handover, std::move(there));
    });
}

asio::awaitable<void> HttpConnection::wait_until_taken() {
    const Timestamp deadline = EventLoop::now() + server_->options.handover_timeout;
    while (!handover_->taken && !server_->destroyed && EventLoop::now() < deadline) {
        answered_.expires_at(to_steady(deadline));
        (void)co_await answered_.async_wait(use_result);
    }
    const std::shared_ptr<HttpHandover> handover = std::move(handover_);
    if (handover->taken.exchange(true)) co_return;
    open_ = std::move(handover->open);
    place_ = std::move(handover->place);
    stream_ = Stream(context_of(server_->loop), std::move(handover->stream));
    if (server_->destroyed) co_return;
    gone_ = true;  // as for any other who was not answered
    ++server_->stats->timeouts;
    answer_ = HttpResponse::text(503, "503 Service Unavailable");
}

// ------------------------------------------------------------ the loop that answers it

void HttpConnection::take_over(const std::shared_ptr<ServerState>& server, HttpHandover& handover,
                               Callback<HttpExchange> there) {
    // From here on nothing of it is anybody else's; what is not taken ends with this.
    Stream stream(context_of(server->loop), std::move(handover.stream));
    OpenConnection open = std::move(handover.open);
    std::shared_ptr<void> place = std::move(handover.place);
    if (server->destroyed || !stream.is_open()) return;
    const auto made = std::make_shared<HttpConnection>(server, std::move(stream), handover.remote,
                                                       std::move(open));
    made->place_ = std::move(place);
    made->upgrade_headers_ = std::move(handover.request_headers);
    made->version_ = handover.version;
    made->idle_ = false;
    const auto space = made->buffer_.prepare(handover.received.size());
    made->buffer_.commit(asio::buffer_copy(space, asio::buffer(handover.received)));
    made->charge(made->buffer_.size());
    asio::co_spawn(context_of(server->loop), made->run_moved(made, std::move(there)), Rethrow{});
}

asio::awaitable<void> HttpConnection::run_moved(std::shared_ptr<HttpConnection> self,
                                                Callback<HttpExchange> there) {
    waiting_ = true;
    answer_limit_ = server_->options.answer_timeout;
    ++serial_;
    try {
        there(HttpExchange(std::make_unique<HttpExchange::Impl>(self, serial_)));
    } catch (const std::exception& error) {
        ++server_->stats->handler_failures;
        server_->loop.report_failure(error.what());
    }
    const Next next = co_await give_answer(false);
    co_await finish(next);
    self.reset();
}

}  // namespace confab::net

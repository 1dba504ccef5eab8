// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Session: the queue of messages, control frames and the close frame.
#include <algorithm>

#include "websocket/session.h"

namespace confab::websocket {

using wire::WebSocketOpcode;

bool Session::send(bool text, std::shared_ptr<const Message> message) {
    // An oversize message ends reading, not yet writing.
    const bool writable = !end_ || (end_->by == SessionEnd::kTooBig && !close_code_);
    if (!writable || link_ != Link::kOpen) return false;
    const std::size_t limit = options_.max_queued_bytes;
    if (message->size > limit - std::min(queued_bytes_, limit)) {
        cut(SessionEnd::kOverflow);
        return false;
    }
    queued_bytes_ += message->size;
    queue_.push_back({text, std::move(message)});
    return true;
}

void Session::drop_queue() {
    queue_.clear();
    queued_bytes_ = writing_bytes_;
}

void Session::queue_pong() {
    std::array<std::uint8_t, wire::kMaxWebSocketHeader> room{};
    const BytesView payload = as_bytes(receiver_.payload());
    const BytesView header = wire::write_websocket_header(
        {.opcode = WebSocketOpcode::kPong, .mask = {}, .length = payload.size()}, room);
    if (pongs_.size() + header.size() + payload.size() > kMaxPongBytes) pongs_.clear();
    pongs_.insert(pongs_.end(), header.begin(), header.end());
    pongs_.insert(pongs_.end(), payload.begin(), payload.end());
}

void Session::put_control(WebSocketOpcode opcode, BytesView payload) {
    control_.resize(wire::kMaxWebSocketHeader);
    const std::size_t size = wire::write_websocket_header(
                                 {.opcode = opcode, .mask = {}, .length = payload.size()}, control_)
                                 .size();
    control_.resize(size);
    control_.insert(control_.end(), payload.begin(), payload.end());
}

void Session::put_close(std::uint16_t code) {
    std::array<std::uint8_t, 2> payload{};
    store_be16(payload.data(), code);
    put_control(WebSocketOpcode::kClose,
                BytesView(payload).first(code == wire::kCloseNoCode ? 0 : payload.size()));
}

// As many as are short go with one write.
void Session::put_messages() {
    for (; !queue_.empty() && writing_bytes_ < kBytesAtOnce && frames_.size() < kMaxAtOnce;
         queue_.pop_front()) {
        Queued& next = queue_.front();
        writing_bytes_ += next.message->size;
        frames_.emplace_back(next.text, std::move(next.message), deflates_, deflated_);
    }
}

// Control frames go between messages, and behind a close frame nothing (§5.5.1).
Session::Writing Session::choose(Timestamp now) {
    if (!response_.empty()) return Writing::kResponse;
    if (peer_closed_) {
        put_close(receiver_.code());
        return Writing::kClose;
    }
    const bool messages = !queue_.empty() && now < close_deadline_;
    if (!pongs_.empty() && !(pongs_went_ && (messages || close_code_))) {
        pongs_went_ = true;
        control_ = std::exchange(pongs_, {});
        return Writing::kControl;
    }
    pongs_went_ = false;
    if (messages) {
        put_messages();
        return Writing::kFrames;
    }
    if (close_code_ == wire::kCloseAbnormal) {
        drop_queue();
        close_written(now);
        return Writing::kNothing;
    }
    if (close_code_) {
        put_close(*close_code_);
        return Writing::kClose;
    }
    if (!std::exchange(ping_due_, false)) return Writing::kNothing;
    put_control(WebSocketOpcode::kPing, {});
    return Writing::kControl;
}

Duration Session::time_for(Writing what) const {
    switch (what) {
        case Writing::kResponse:
            return options_.handshake_timeout;
        case Writing::kControl:
            return options_.ping_write_timeout;
        case Writing::kClose:
            return kCloseTimeout;
        case Writing::kFrames:
        case Writing::kNothing:
            break;
    }
    return options_.write_timeout;
}

std::vector<BytesView> Session::poll_transmit(Timestamp now) {
    if (fault_code_ && told_)
        begin_close(now, *std::exchange(fault_code_, {}), options_.error_grace);
    if (writing_ != Writing::kNothing || close_sent_ || link_ != Link::kOpen) return {};
    writing_ = choose(now);
    if (writing_ == Writing::kNothing) return {};
    write_began_ = now;
    write_deadline_ = now + time_for(writing_);
    // The time for messages is over when the close frame goes; it has its own.
    if (writing_ == Writing::kClose) {
        drop_queue();
        close_deadline_ = Timestamp::never();
    }
    return pieces();
}

std::vector<BytesView> Session::pieces() const {
    std::vector<BytesView> out;
    if (writing_ == Writing::kResponse) out.push_back(as_bytes(response_));
    if (!control_.empty()) out.push_back(control_);
    for (const OutgoingFrame& frame : frames_)
        frame.append_to(out);
    return out;
}

void Session::handle_written(Timestamp now) {
    const Writing what = std::exchange(writing_, Writing::kNothing);
    queued_bytes_ -= std::exchange(writing_bytes_, 0);
    write_deadline_ = Timestamp::never();
    std::vector<OutgoingFrame>().swap(frames_);
    Bytes().swap(control_);
    if (what == Writing::kResponse) response_written(now);
    if (what == Writing::kClose) close_written(now);
}

void Session::response_written(Timestamp now) {
    std::string().swap(response_);
    heard_at_ = now;
    next_ping_ = now + options_.ping_interval;
    if (!accepted_) {
        peer_closed_ = true;
        close_written(now);
    }
}

// §7.1.1: the server ends the connection once both close frames have gone, or the peer's would not
// be found any more.
void Session::close_written(Timestamp now) {
    close_sent_ = true;
    gone_deadline_ = now + kCloseTimeout;
    const bool is_over = peer_closed_ || receiver_.failed() || close_code_ == wire::kCloseAbnormal;
    if (is_over && link_ == Link::kOpen) link_ = Link::kShut;
}

}  // namespace confab::websocket

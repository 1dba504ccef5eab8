// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Session: what comes, and how it ends; session_write.cc has what goes.
#include "websocket/session.h"

#include <algorithm>

namespace confab::websocket {

Session::Session(const SessionOptions& options, Handshake handshake, Timestamp now)
    : options_(options),
      accepted_(handshake.accepted),
      deflates_(handshake.deflates),
      receiver_(options.max_message_bytes, handshake.inflates),
      response_(std::move(handshake.response)),
      heard_at_(now) {
    if (!accepted_) end(SessionEnd::kError, wire::kCloseAbnormal);
}

void Session::handle_bytes(Timestamp now, BytesView& input) {
    heard_at_ = now;
    has_message_ = false;
    // Who was refused speaks no frames, and behind a close frame there are none (§5.5.1); who was
    // cut is not heard.
    if (!accepted_ || peer_closed_ || link_ == Link::kCut)
        input = {};
    else
        handle_received(receiver_.read(input));
}

void Session::handle_received(Receiver::Event event) {
    switch (event) {
        case Receiver::Event::kMessage:
            has_message_ = !end_;  // closing: bytes are read only to find the close frame
            break;
        case Receiver::Event::kPing:
            queue_pong();
            break;
        case Receiver::Event::kClose:
            peer_closed_ = true;
            end(SessionEnd::kPeer, receiver_.code());
            drop_queue();  // it has no reader (CON-45)
            if (close_sent_) link_ = Link::kShut;
            break;
        case Receiver::Event::kFault:
        case Receiver::Event::kTooBig:
            if (end_) break;
            fault_code_ = receiver_.code();
            if (event == Receiver::Event::kTooBig)
                end(SessionEnd::kTooBig, receiver_.code());
            else
                end(SessionEnd::kError, wire::kCloseAbnormal);
            break;
        case Receiver::Event::kPong:
        case Receiver::Event::kNone:
            break;
    }
}

void Session::handle_end() {
    cut(SessionEnd::kError);
}

void Session::cut(SessionEnd by) {
    end(by, wire::kCloseAbnormal);
    writing_bytes_ = 0;  // what a write under way still has does not count as waiting
    drop_queue();
    link_ = Link::kCut;
}

void Session::end(SessionEnd by, std::uint16_t code) {
    if (!end_) end_ = SessionClosed{by, code};
}

void Session::close(Timestamp now, std::uint16_t code, Duration grace) {
    if (end_) return;
    end(SessionEnd::kUs, code);
    begin_close(now, code, grace);
}

void Session::fail(std::uint16_t code) {
    if (end_) return;
    end(SessionEnd::kError, code);
    fault_code_ = code;
}

void Session::begin_close(Timestamp now, std::uint16_t code, Duration grace) {
    if (close_code_) return;
    close_code_ = code;
    close_deadline_ = now + grace;
}

std::optional<Session::Event> Session::poll_event() {
    if (std::exchange(has_message_, false))
        return Event{std::nullopt, receiver_.is_text(), receiver_.payload()};
    const bool is_told = end_ && (end_->by != SessionEnd::kUs || link_ == Link::kCut);
    if (!is_told || std::exchange(told_, true)) return std::nullopt;
    return Event{end_, false, {}};
}

Timestamp Session::next_deadline() const {
    if (link_ == Link::kCut) return Timestamp::never();
    if (writing_ != Writing::kNothing) return earlier(write_deadline_, close_deadline_);
    return close_sent_ ? gone_deadline_ : next_ping_;
}

void Session::handle_timeout(Timestamp now) {
    if (now < next_deadline()) return;
    if (writing_ == Writing::kResponse) return cut(SessionEnd::kError);
    if (writing_ != Writing::kNothing) return cut(SessionEnd::kWriteTimeout);
    if (close_sent_) return cut(SessionEnd::kError);
    next_ping_ = now + options_.ping_interval;
    ping_due_ = true;
    if (now - heard_at_ > options_.silence_timeout) cut(SessionEnd::kError);
}

}  // namespace confab::websocket

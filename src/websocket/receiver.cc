// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "websocket/receiver.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "websocket/inflater.h"

namespace confab::websocket {

using wire::WebSocketOpcode;

namespace {

constexpr std::uint16_t kTooBigInflated = 1000;  // as upstream closes then (01 CON-41)

}  // namespace

Receiver::Event Receiver::read(BytesView& input) {
    forget();
    Event event = Event::kNone;
    while (event == Event::kNone && !failed_) {
        if (!in_frame_) event = take_header(input);
        if (!in_frame_) break;
        take_payload(input);
        if (missing_ > 0) break;
        in_frame_ = false;
        event = end_frame();
    }
    if (failed_) input = {};
    return event;
}

// An idle connection keeps no memory for the next message.
void Receiver::forget() {
    payload_ = {};
    if (std::exchange(shown_, false) || failed_) {
        Bytes().swap(message_);
        std::string().swap(inflated_);
    }
    if (!in_frame_) Bytes().swap(control_);
}

Receiver::Event Receiver::take_header(BytesView& input) {
    const std::size_t had = header_size_;
    const std::size_t more = std::min(header_.size() - had, input.size());
    std::copy_n(input.begin(), more, header_.begin() + static_cast<std::ptrdiff_t>(had));
    const auto read = wire::read_websocket_header(BytesView(header_).first(had + more));
    if (!read) return fault(wire::kCloseProtocolError);
    const std::size_t taken = read->size == 0 ? more : read->size - had;
    input = input.subspan(taken);
    header_size_ = static_cast<std::uint8_t>(read->size == 0 ? had + more : 0);
    return read->size == 0 ? Event::kNone : begin_frame(read->header);
}

Receiver::Event Receiver::begin_frame(const wire::WebSocketFrameHeader& header) {
    const bool control = wire::is_control(header.opcode);
    const bool first = !control && header.opcode != WebSocketOpcode::kContinuation;
    const bool out_of_place = !control && first == in_message_;
    // §5.1: a client masks. RFC 7692 §6: only who has agreed compresses.
    if (!header.mask || out_of_place || (header.compressed && !inflates_))
        return fault(wire::kCloseProtocolError);
    if (first) {
        in_message_ = true;
        compressed_ = header.compressed;
        text_ = header.opcode == WebSocketOpcode::kText;
        wire_size_ = 0;
    }
    if (!control) wire_size_ += header.length;  // what has come and one length: no overflow
    if (!control && max_message_ != 0 && wire_size_ > max_message_)
        return fault(wire::kCloseTooBig, Event::kTooBig);
    frame_ = header;
    missing_ = header.length;
    in_frame_ = true;
    return Event::kNone;
}

void Receiver::take_payload(BytesView& input) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(missing_, input.size()));
    Bytes& to = wire::is_control(frame_.opcode) ? control_ : message_;
    const std::size_t before = to.size();
    to.insert(to.end(), input.begin(), input.begin() + static_cast<std::ptrdiff_t>(size));
    wire::mask_websocket_payload(BytesSpan(to).subspan(before), *frame_.mask,
                                 frame_.length - missing_);
    missing_ -= size;
    input = input.subspan(size);
}

Receiver::Event Receiver::end_frame() {
    if (wire::is_control(frame_.opcode)) return end_control();
    return frame_.fin ? end_message() : Event::kNone;
}

Receiver::Event Receiver::end_control() {
    payload_ = as_text(control_);
    if (frame_.opcode == WebSocketOpcode::kPing) return Event::kPing;
    if (frame_.opcode == WebSocketOpcode::kPong) return Event::kPong;
    const auto code = wire::read_close_payload(control_);
    if (!code) return fault(code.error());
    code_ = *code;
    return Event::kClose;
}

Receiver::Event Receiver::end_message() {
    in_message_ = false;
    shown_ = true;
    payload_ = as_text(message_);
    if (compressed_) {
        static thread_local Inflater inflater;
        auto plain = inflater.inflate(payload_, max_message_);
        if (!plain && plain.error() == InflateError::kTooLarge)
            return fault(kTooBigInflated, Event::kTooBig);
        if (!plain) return fault(wire::kCloseBadPayload);
        inflated_ = std::move(*plain);
        payload_ = inflated_;
    }
    if (text_ && !is_valid_utf8(payload_)) return fault(wire::kCloseBadPayload);
    return Event::kMessage;
}

Receiver::Event Receiver::fault(std::uint16_t code, Event event) {
    failed_ = true;
    code_ = code;
    return event;
}

}  // namespace confab::websocket

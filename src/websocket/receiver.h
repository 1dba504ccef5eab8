// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What a client's bytes say (RFC 6455 §5, RFC 7692 §6): whole messages and control frames, one at a
// time. Holds nothing between two messages; what a message may hold meanwhile is its limit.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "wire/websocket/frame.h"

namespace confab::websocket {

class Receiver {
  public:
    enum class Event : std::uint8_t {
        kNone,     // more bytes are wanted
        kMessage,  // payload(), is_text()
        kPing,     // payload()
        kPong,     // payload()
        kClose,    // code(), 1005 if it had none
        kFault,    // to be closed with code(); nothing is read any more
        kTooBig,   // the same, for a message beyond the limit
    };

    // Of one message on the wire (beyond: 1009) and inflated (beyond: 1000, 01 CON-41); 0: none.
    Receiver(std::size_t max_message, bool inflates)
        : max_message_(max_message), inflates_(inflates) {}

    // Takes bytes up to the end of at most one event; without one all input has been used. What an
    // event has shown stays until the next call, or release().
    Event read(BytesView& input);
    void release() { forget(); }

    bool is_text() const { return text_; }
    std::string_view payload() const { return payload_; }
    std::uint16_t code() const { return code_; }
    bool failed() const { return failed_; }
    // Of the frame under way: bytes of its payload that have not come.
    std::uint64_t missing() const { return missing_; }
    // For a test of the limits.
    std::size_t bytes_held() const {
        return message_.capacity() + control_.capacity() + inflated_.size();
    }

  private:
    Event take_header(BytesView& input);
    Event begin_frame(const wire::WebSocketFrameHeader& header);
    void take_payload(BytesView& input);
    Event end_frame();
    Event end_control();
    Event end_message();
    Event fault(std::uint16_t code, Event event = Event::kFault);
    void forget();

    std::size_t max_message_;
    bool inflates_;
    bool in_frame_ = false;
    bool in_message_ = false;
    bool compressed_ = false;
    bool text_ = false;
    bool shown_ = false;  // message_ was given, its memory goes
    bool failed_ = false;
    std::uint16_t code_ = 0;
    std::uint8_t header_size_ = 0;  // what is there of a header
    std::array<std::uint8_t, wire::kMaxWebSocketHeader> header_{};
    wire::WebSocketFrameHeader frame_;
    std::uint64_t missing_ = 0;
    std::uint64_t wire_size_ = 0;  // of the message, as its frames announced it
    Bytes message_;
    Bytes control_;
    std::string inflated_;
    std::string_view payload_;
};

}  // namespace confab::websocket

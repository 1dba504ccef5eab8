// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A message as the one frame that a server sends of it: without a mask, its parts where they are.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "websocket/message.h"
#include "wire/websocket/frame.h"

namespace confab::websocket {

class OutgoingFrame {
  public:
    OutgoingFrame(bool text, std::shared_ptr<const Message> message, bool deflates,
                  std::uint64_t& made)
        : message_(std::move(message)) {
        deflated_ = deflates && message_->size >= Message::kMinDeflated;
        std::size_t size = 0;
        for (const Message::Part& part : message_->parts)
            size += (deflated_ ? part->deflated(made) : part->plain()).size();
        wire::WebSocketFrameHeader header;
        header.compressed = deflated_;
        header.opcode = text ? wire::WebSocketOpcode::kText : wire::WebSocketOpcode::kBinary;
        header.length = size - (deflated_ ? MessagePart::kTailBytes : 0);
        header_size_ = wire::write_websocket_header(header, header_).size();
    }
    // What was appended stays as long as this frame.
    void append_to(std::vector<BytesView>& pieces) const {
        pieces.push_back(BytesView(header_).first(header_size_));
        std::uint64_t unused = 0;  // they are made
        for (const Message::Part& part : message_->parts) {
            std::string_view bytes = deflated_ ? part->deflated(unused) : part->plain();
            if (deflated_ && &part == &message_->parts.back())
                bytes.remove_suffix(MessagePart::kTailBytes);
            if (!bytes.empty()) pieces.push_back(as_bytes(bytes));
        }
    }

  private:
    std::shared_ptr<const Message> message_;
    std::array<std::uint8_t, wire::kMaxWebSocketHeader> header_{};
    std::size_t header_size_ = 0;
    bool deflated_ = false;
};

}  // namespace confab::websocket

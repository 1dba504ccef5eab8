// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/net/websocket/frame_marks.h"

#include <algorithm>

namespace confab::net {
namespace {

constexpr std::uint8_t kReserved = 0x70;
constexpr std::uint8_t kCompressed = 0x40;
constexpr std::uint8_t kOpcode = 0x0F;
constexpr std::uint8_t kText = 1;
constexpr std::uint8_t kBinary = 2;
constexpr std::uint8_t kMasked = 0x80;
constexpr std::size_t kMaskSize = 4;

}  // namespace

void FrameMarks::take_first(std::uint8_t& octet) {
    const auto opcode = static_cast<std::uint8_t>(octet & kOpcode);
    if (opcode != kText && opcode != kBinary) return;
    Message message{opcode == kText, allowed_ && (octet & kReserved) == kCompressed};
    if (message.compressed)
        octet = static_cast<std::uint8_t>((octet & ~(kReserved | kOpcode)) | kBinary);
    if (begun_.size() < kMaxBegun) begun_.push_back(message);
}

//  byte 0 | M, length 7 | 0, 2 or 8 bytes of length | mask if M | payload
void FrameMarks::take_header(std::uint8_t octet) {
    if (header_ == 1) {
        payload_ = octet & ~kMasked;
        length_size_ = payload_ == 126 ? 2 : payload_ == 127 ? 8 : 0;
        if (length_size_ > 0) payload_ = 0;
        header_size_ = 2 + length_size_ + ((octet & kMasked) != 0 ? kMaskSize : 0);
    } else if (header_ > 1 && header_ < 2 + length_size_) {
        payload_ = (payload_ << 8) | octet;
    }
}

void FrameMarks::pass(BytesSpan bytes) {
    for (std::size_t i = 0; i < bytes.size();) {
        if (header_ < header_size_) {
            if (header_ == 0)
                take_first(bytes[i]);
            else
                take_header(bytes[i]);
            ++header_;
            ++i;
        }
        if (header_ < header_size_) continue;
        const auto there =
            static_cast<std::size_t>(std::min<std::uint64_t>(payload_, bytes.size() - i));
        i += there;
        payload_ -= there;
        if (payload_ > 0) continue;
        header_ = 0;
        header_size_ = 2;
        length_size_ = 0;
    }
}

FrameMarks::Message FrameMarks::take() {
    if (begun_.empty()) return {};
    const Message first = begun_.front();
    begun_.erase(begun_.begin());
    return first;
}

}  // namespace confab::net

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/ice/rfc4571.h"

#include <algorithm>

namespace confab::wire {

Result<Rfc4571Reader::Step, Rfc4571Error> Rfc4571Reader::consume(BytesView input) {
    if (failed_) return fail(Rfc4571Error::kFrameTooLarge);
    if (frame_given_) {
        buffer_.clear();
        frame_given_ = false;
    }
    Step step;
    while (buffer_.size() < kRfc4571HeaderSize && step.used < input.size()) {
        // A packet that is there as a whole is given out in place, without a copy.
        const BytesView rest = input.subspan(step.used);
        if (buffer_.empty() && rest.size() >= kRfc4571HeaderSize) {
            const std::size_t size = load_be16(rest.data());
            if (size <= max_frame_ && rest.size() - kRfc4571HeaderSize >= size) {
                step.used += kRfc4571HeaderSize + size;
                step.frame = rest.subspan(kRfc4571HeaderSize, size);
                return step;
            }
        }
        buffer_.push_back(rest[0]);
        ++step.used;
    }
    if (buffer_.size() < kRfc4571HeaderSize) return step;

    const std::size_t size = load_be16(buffer_.data());
    if (size > max_frame_) {
        failed_ = true;
        return fail(Rfc4571Error::kFrameTooLarge);
    }
    const std::size_t whole = kRfc4571HeaderSize + size;
    const BytesView rest = input.subspan(step.used);
    const std::size_t take = std::min(whole - buffer_.size(), rest.size());
    // Not reserve(whole): a peer that announces 8 KiB and sends nothing must not cost 8 KiB.
    buffer_.insert(buffer_.end(), rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(take));
    step.used += take;
    if (buffer_.size() == whole) {
        step.frame = BytesView(buffer_).subspan(kRfc4571HeaderSize);
        frame_given_ = true;
    }
    return step;
}

BytesView write_rfc4571(BytesView packet, BytesSpan out) {
    if (packet.size() > 0xFFFF) return {};
    ByteWriter writer(out);
    writer.u16(static_cast<std::uint16_t>(packet.size()));
    writer.bytes(packet);
    return writer.ok() ? BytesView(writer.written()) : BytesView{};
}

std::array<std::uint8_t, kRfc4571HeaderSize> rfc4571_header(std::uint16_t size) {
    std::array<std::uint8_t, kRfc4571HeaderSize> header;
    store_be16(header.data(), size);
    return header;
}

}  // namespace confab::wire

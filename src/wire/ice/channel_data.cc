// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/ice/channel_data.h"

#include "wire/ice/stun.h"

namespace confab::wire {
namespace {

constexpr std::size_t padded_size(std::size_t size) {
    return (size + 3) & ~std::size_t{3};
}

}  // namespace

std::optional<ChannelData> ChannelData::parse(BytesView message) {
    if (message.size() < kChannelDataHeaderSize || !looks_like_channel_data(message[0]))
        return std::nullopt;
    const std::size_t size = load_be16(&message[2]);
    if (size > message.size() - kChannelDataHeaderSize) return std::nullopt;
    return ChannelData{load_be16(message.data()), message.subspan(kChannelDataHeaderSize, size)};
}

BytesView build_channel_data(BytesSpan out, std::uint16_t channel, BytesView data, bool padded) {
    if (data.size() > 0xFFFF) return {};
    ByteWriter writer(out);
    writer.u16(channel);
    writer.u16(static_cast<std::uint16_t>(data.size()));
    writer.bytes(data);
    if (padded) writer.zeros(padded_size(data.size()) - data.size());
    return writer.ok() ? writer.written() : BytesView{};
}

TurnFrame next_turn_frame(BytesView stream, bool allocated) {
    using State = TurnFrame::State;
    if (stream.empty()) return {State::kMore, 0};
    const bool channel_data = allocated && looks_like_channel_data(stream[0]);
    if (!channel_data && (stream[0] & 0xC0) != 0) return {State::kInvalid, 0};
    if (stream.size() < 4) return {State::kMore, 0};
    const std::size_t length = load_be16(&stream[2]);
    // A STUN message is a multiple of four and shows its cookie as soon as it is there (RFC 8489
    // §5): what is neither is told before 64 KiB have been waited for.
    if (!channel_data && length % 4 != 0) return {State::kInvalid, 0};
    if (!allocated && length > kMaxStrangersMessage) return {State::kInvalid, 0};
    if (!channel_data && stream.size() >= 8 && load_be32(&stream[4]) != kStunMagicCookie)
        return {State::kInvalid, 0};
    const std::size_t size =
        channel_data ? kChannelDataHeaderSize + padded_size(length) : kStunHeaderSize + length;
    if (stream.size() < size) return {State::kMore, 0};
    return {State::kWhole, size};
}

}  // namespace confab::wire

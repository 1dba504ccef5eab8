// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/scope/types.h"

namespace confab::room {
namespace {

// A field with its length in front (Protocol Buffers encoding, wire type 2).
void append_varint(std::string& out, std::uint64_t value) {
    for (; value >= 0x80; value >>= 7)
        out.push_back(static_cast<char>(0x80 | (value & 0x7F)));
    out.push_back(static_cast<char>(value));
}

void append_key(std::string& out, int field, std::size_t size) {
    append_varint(out, static_cast<std::uint64_t>(field) << 3 | 2);
    append_varint(out, size);
}

constexpr std::size_t kKeyBytes = 12;  // at most: a key and a length

std::size_t bytes_of(const std::vector<EncodedOthers>& others) {
    std::size_t size = 0;
    for (const EncodedOthers& run : others)
        size += run->size();
    return size;
}

}  // namespace

std::string encoded_other(const livekit::ParticipantInfo& info) {
    std::string result;
    const std::size_t size = info.ByteSizeLong();
    result.reserve(size + kKeyBytes);
    append_key(result, livekit::JoinResponse::kOtherParticipantsFieldNumber, size);
    (void)info.AppendToString(&result);
    return result;
}

// The order of the fields of a message is free (Protocol Buffers encoding), so that the list may
// stand behind the rest.
std::string serialized_head(const SendJoin& join) {
    const livekit::JoinResponse& rest = join.response.join();
    const std::size_t own = rest.ByteSizeLong();
    std::string result;
    result.reserve(own + kKeyBytes);
    append_key(result, livekit::SignalResponse::kJoinFieldNumber, own + bytes_of(join.others));
    (void)rest.AppendToString(&result);
    return result;
}

std::string serialized(const SendJoin& join) {
    std::string result = serialized_head(join);
    result.reserve(result.size() + bytes_of(join.others));
    for (const EncodedOthers& run : join.others)
        result += *run;
    return result;
}

livekit::SignalResponse whole(const SendJoin& join) {
    livekit::SignalResponse result;
    (void)result.ParseFromString(serialized(join));
    return result;
}

}  // namespace confab::room

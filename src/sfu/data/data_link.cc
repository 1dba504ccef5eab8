// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/data/data_link.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace confab::sfu {
namespace {

enum Type : std::uint8_t { kMessage = 1, kFrame = 2, kTaken = 3, kLeft = 4, kFence = 5 };
constexpr std::size_t kSizeField = 4;

template <typename T>
void put(Bytes& out, T value) {
    for (std::size_t i = sizeof(T); i-- > 0;)
        out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}
void put_bytes(Bytes& out, BytesView bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
}
void put_text(Bytes& out, BytesView text) {
    put(out, static_cast<std::uint32_t>(text.size()));
    put_bytes(out, text);
}
void put_list(Bytes& out, const std::vector<std::string>& list) {
    put(out, static_cast<std::uint32_t>(list.size()));
    for (const std::string& text : list)
        put_text(out, as_bytes(text));
}
std::string get_text(ByteReader& in) {
    return std::string(as_text(in.bytes(in.u32())));
}
std::vector<std::string> get_list(ByteReader& in) {
    std::vector<std::string> list;
    for (std::uint32_t count = in.u32(); in.ok() && count > 0; --count)
        list.push_back(get_text(in));
    return list;
}

// Writes the size of what `fill` appends before it.
template <typename Fill>
void add_record(Bytes& out, Type type, RoomId room, Fill&& fill) {
    const std::size_t at = out.size();
    out.resize(at + kSizeField);
    out.push_back(type);
    put(out, room.value());
    fill();
    CONFAB_DCHECK(out.size() - at - kSizeField <= LinkStream::kMaxRecord);  // its reader's limit
    store_be32(&out[at], static_cast<std::uint32_t>(out.size() - at - kSizeField));
}

DataMessage get_message(ByteReader& in) {
    DataMessage message;
    message.sender = MemberId(in.u64());
    message.lossy = in.u8() != 0;
    message.kind = static_cast<DataKind>(in.u8());
    message.sequence = in.u32();
    message.sender_sid = get_text(in);
    message.sender_identity = get_text(in);
    message.nonce = to_vector(in.bytes(in.u32()));
    message.identities = get_list(in);
    message.sids = get_list(in);
    message.payload = sctp::SharedBytes(in.rest());
    return message;
}

}  // namespace

void LinkStream::add(RoomId room, const DataMessage& message) {
    add_record(out_, kMessage, room, [&] {
        put(out_, message.sender.value());
        out_.push_back(message.lossy ? 1 : 0);
        out_.push_back(static_cast<std::uint8_t>(message.kind));
        put(out_, message.sequence);
        put_text(out_, as_bytes(message.sender_sid));
        put_text(out_, as_bytes(message.sender_identity));
        put_text(out_, message.nonce);
        put_list(out_, message.identities);
        put_list(out_, message.sids);
        put_bytes(out_, message.payload.view());
    });
}

void LinkStream::add_frame(RoomId room, DataTrackId track, BytesView frame) {
    add_record(out_, kFrame, room, [&] {
        put(out_, track.value());
        put_bytes(out_, frame);
    });
}

void LinkStream::add_taken(RoomId room, MemberId sender, std::size_t bytes) {
    add_record(out_, kTaken, room, [&] {
        put(out_, sender.value());
        put(out_, static_cast<std::uint32_t>(bytes));
    });
}

void LinkStream::add_left(RoomId room, MemberId sender) {
    add_record(out_, kLeft, room, [&] { put(out_, sender.value()); });
}

void LinkStream::add(const LinkedFence& fence) {
    add_record(out_, kFence, fence.room, [&] {
        put(out_, fence.member.value());
        for (const WorkerIndex worker : {fence.home, fence.to, fence.by})
            put(out_, static_cast<std::uint16_t>(worker));
        put(out_, fence.round);
        out_.push_back(static_cast<std::uint8_t>(fence.stage));
    });
}

std::optional<BytesView> LinkStream::next_record() {
    const BytesView rest = BytesView(in_).subspan(read_);
    const std::size_t size = rest.size() < kSizeField ? 0 : load_be32(rest.data());
    if (size > kMaxRecord) {
        in_.clear();
        read_ = 0;
        return std::nullopt;
    }
    if (rest.size() < kSizeField || rest.size() - kSizeField < size) {
        in_.erase(in_.begin(), in_.begin() + static_cast<std::ptrdiff_t>(read_));
        read_ = 0;
        return std::nullopt;
    }
    read_ += kSizeField + size;
    return rest.subspan(kSizeField, size);
}

std::optional<LinkRecord> parse_link_record(BytesView record) {
    ByteReader in(record);
    const std::uint8_t type = in.u8();
    const RoomId room(in.u64());
    std::optional<LinkRecord> result;
    if (type == kMessage) {
        result = LinkedMessage{room, get_message(in)};
    } else if (type == kFrame) {
        const DataTrackId track(in.u64());
        result = LinkedFrame{room, track, in.rest()};
    } else if (type == kTaken) {
        const MemberId sender(in.u64());
        result = LinkedTaken{room, sender, in.u32()};
    } else if (type == kLeft) {
        result = LinkedLeft{room, MemberId(in.u64())};
    } else if (type == kFence) {
        LinkedFence fence{room, MemberId(in.u64())};
        for (WorkerIndex* worker : {&fence.home, &fence.to, &fence.by})
            *worker = static_cast<WorkerIndex>(in.u16());
        fence.round = in.u32();
        fence.stage = static_cast<LinkedFence::Stage>(in.u8());
        result = fence;
    }
    return in.ok() ? std::move(result) : std::nullopt;
}

}  // namespace confab::sfu

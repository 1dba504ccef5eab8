// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "client/session/signal_reader.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <string>
#include <utility>

namespace confab::client {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;

constexpr std::uint32_t key(int field) {
    return WireFormatLite::MakeTag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
}

CodedInputStream stream_of(std::string_view bytes) {
    const void* const raw = bytes.data();
    return CodedInputStream(static_cast<const std::uint8_t*>(raw), static_cast<int>(bytes.size()));
}

// The value of a length-delimited field, whose key was read.
std::optional<std::string_view> read_value(CodedInputStream& stream, std::string_view bytes) {
    std::uint32_t size = 0;
    if (!stream.ReadVarint32(&size)) return std::nullopt;
    const auto at = static_cast<std::size_t>(stream.CurrentPosition());
    if (size > bytes.size() - at || !stream.Skip(static_cast<int>(size))) return std::nullopt;
    return bytes.substr(at, size);
}

// The one field that a SignalResponse is; nothing when it is more, or another.
std::optional<std::string_view> only_field(std::string_view message, int field) {
    CodedInputStream stream = stream_of(message);
    if (stream.ReadTag() != key(field)) return std::nullopt;
    const auto value = read_value(stream, message);
    if (!value || value->data() + value->size() != message.data() + message.size())
        return std::nullopt;
    return value;
}

struct Split {
    std::string rest;
    ParticipantList participants;
};
// Takes the participants in `field` out of a message; nothing: not readable.
std::optional<Split> split(std::string_view message, int field, ParticipantPool& pool) {
    Split result;
    CodedInputStream stream = stream_of(message);
    while (static_cast<std::size_t>(stream.CurrentPosition()) < message.size()) {
        const auto begin = static_cast<std::size_t>(stream.CurrentPosition());
        const std::uint32_t tag = stream.ReadTag();
        if (tag == key(field)) {
            const auto value = read_value(stream, message);
            ParticipantRef info = value ? pool.intern(*value) : nullptr;
            if (!info) return std::nullopt;
            result.participants.push_back(std::move(info));
        } else {
            if (tag == 0 || !WireFormatLite::SkipField(&stream, tag)) return std::nullopt;
            const auto end = static_cast<std::size_t>(stream.CurrentPosition());
            result.rest += message.substr(begin, end - begin);
        }
    }
    return result;
}

}  // namespace

std::optional<ReadSignal> read_signal(std::string_view message, ParticipantPool& pool) {
    ReadSignal result;
    const auto join = only_field(message, livekit::SignalResponse::kJoinFieldNumber);
    const auto update = only_field(message, livekit::SignalResponse::kUpdateFieldNumber);
    if (!join && !update) {
        if (!result.response.ParseFromArray(message.data(), static_cast<int>(message.size())))
            return std::nullopt;
        return read_signal(result.response);
    }
    auto parts = join ? split(*join, livekit::JoinResponse::kOtherParticipantsFieldNumber, pool)
                      : split(*update, livekit::ParticipantUpdate::kParticipantsFieldNumber, pool);
    if (!parts) return std::nullopt;
    google::protobuf::Message* const rest =
        join ? static_cast<google::protobuf::Message*>(result.response.mutable_join())
             : result.response.mutable_update();
    if (!rest->ParseFromString(parts->rest)) return std::nullopt;
    result.participants = std::move(parts->participants);
    return result;
}

ReadSignal read_signal(const livekit::SignalResponse& response) {
    ReadSignal result{response, {}};
    const auto take = [&](auto* list) {
        for (livekit::ParticipantInfo& info : *list)
            result.participants.push_back(
                std::make_shared<const livekit::ParticipantInfo>(std::move(info)));
        list->Clear();
    };
    if (result.response.has_join())
        take(result.response.mutable_join()->mutable_other_participants());
    if (result.response.has_update())
        take(result.response.mutable_update()->mutable_participants());
    return result;
}

}  // namespace confab::client

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/data/data_packet.h"

#include <optional>

#include "base/text.h"
#include "wire/protobuf_fields.h"

namespace confab::sfu {
namespace {

using namespace wire::protobuf;

// Field numbers of DataPacket, UserPacket, ChatMessage, DataStream.Header and .TextHeader.
constexpr std::uint32_t kPacketKind = 1, kPacketUser = 2, kPacketIdentity = 4, kPacketTo = 5,
                        kPacketSequence = 16, kPacketSid = 17;
constexpr std::uint32_t kUserSid = 1, kUserPayload = 2, kUserToSids = 3, kUserIdentity = 5,
                        kUserTo = 6, kUserNonce = 11;
constexpr std::uint32_t kRpcRequestId = 1;  // of RpcAck and RpcResponse
constexpr std::uint32_t kChatGenerated = 6, kHeaderText = 9, kTextGenerated = 5;

// Calls f(field) for every field; f returns an error or nothing.
template <typename F>
std::optional<DataError> for_each_field(BytesView message, F&& f) {
    ByteReader reader(message);
    while (!reader.at_end()) {
        const auto field = read_field(reader, message);
        if (!field) return DataError::kMalformed;
        if (const std::optional<DataError> error = f(*field)) return error;
    }
    return std::nullopt;
}

std::optional<DataError> take_text(const Field& field, std::vector<std::string>& list) {
    if (field.type != kLength) return DataError::kMalformed;
    if (list.size() >= kMaxDestinations) return DataError::kTooManyDestinations;
    if (!is_valid_utf8(as_text(field.body))) return DataError::kBadText;
    list.emplace_back(as_text(field.body));
    return std::nullopt;
}

// Everything of a user packet but what the server writes itself.
struct UserParts {
    Bytes kept;
    std::vector<std::string> to;
    std::vector<std::string> to_sids;
    Bytes nonce;
};

std::optional<DataError> scan_user(BytesView user, UserParts& parts) {
    return for_each_field(user, [&](const Field& field) -> std::optional<DataError> {
        switch (field.number) {
            case kUserSid:
            case kUserIdentity:
                return std::nullopt;
            case kUserTo:
                return take_text(field, parts.to);
            case kUserToSids: {
                append(parts.kept, field.whole);
                return take_text(field, parts.to_sids);
            }
            case kUserNonce:
                parts.nonce = to_vector(field.body);
                [[fallthrough]];
            default:
                append(parts.kept, field.whole);
                return std::nullopt;
        }
    });
}

struct Parts {
    Bytes kept;
    Bytes value;  // of chat and stream header
    std::string claimed_identity;
    std::vector<std::string> to;
    std::optional<UserParts> user;
    DataKind kind = DataKind::kNone;
    std::uint32_t sequence = 0;
    std::string request_id;
};

bool speaks_for_others(DataKind kind) {
    return kind == DataKind::kChat || kind == DataKind::kStreamHeader;
}

// None: not a value, but a field that we do not know.
std::optional<DataKind> kind_of_field(std::uint32_t number) {
    switch (number) {
        case 2:
        case 7:
        case 8:
        case 9:
        case 11:
        case 12:
        case 13:
            return static_cast<DataKind>(number);
        case 3:   // speaker
        case 6:   // sip_dtmf
        case 10:  // rpc_request
        case 14:  // stream_chunk
        case 15:  // stream_trailer
        case 18:  // encrypted_packet
            return DataKind::kOther;
        default:
            return std::nullopt;
    }
}

std::optional<DataError> scan_answer(BytesView answer, Parts& parts) {
    return for_each_field(answer, [&](const Field& field) -> std::optional<DataError> {
        if (field.number == kRpcRequestId && field.type == kLength)
            parts.request_id = as_text(field.body);
        return std::nullopt;
    });
}

std::optional<DataError> scan_value(const Field& field, Parts& parts) {
    const auto kind = field.type == kLength ? kind_of_field(field.number) : std::nullopt;
    if (!kind) {
        append(parts.kept, field.whole);
        return std::nullopt;
    }
    // They are a oneof: the last counts, here as for whoever reads what we send.
    if (*kind != parts.kind) {
        parts.user.reset();
        parts.value.clear();
        parts.request_id.clear();
    }
    parts.kind = *kind;
    if (field.number == kPacketUser) {
        if (!parts.user) parts.user.emplace();
        return scan_user(field.body, *parts.user);
    }
    if (speaks_for_others(parts.kind)) {
        append(parts.value, field.body);
        return std::nullopt;
    }
    append(parts.kept, field.whole);
    if (parts.kind == DataKind::kRpcAck || parts.kind == DataKind::kRpcResponse)
        return scan_answer(field.body, parts);
    return std::nullopt;
}

std::optional<DataError> scan_packet(BytesView packet, Parts& parts) {
    return for_each_field(packet, [&](const Field& field) -> std::optional<DataError> {
        switch (field.number) {
            case kPacketKind:
            case kPacketSid:
                return std::nullopt;
            case kPacketIdentity:
                if (!is_valid_utf8(as_text(field.body))) return DataError::kBadText;
                parts.claimed_identity = as_text(field.body);
                return std::nullopt;
            case kPacketTo:
                return take_text(field, parts.to);
            case kPacketSequence:
                parts.sequence = static_cast<std::uint32_t>(field.varint);
                append(parts.kept, field.whole);
                return std::nullopt;
            default:
                return scan_value(field, parts);
        }
    });
}

// Marks a text stream header as made by a machine: text_header.generated = true.
std::optional<DataError> mark_header(BytesView header, Bytes& out, bool& is_text) {
    return for_each_field(header, [&](const Field& field) -> std::optional<DataError> {
        if (field.number != kHeaderText || field.type != kLength) {
            append(out, field.whole);
            return std::nullopt;
        }
        Bytes text = to_vector(field.body);
        append_true(text, kTextGenerated);
        append_bytes(out, kHeaderText, text);
        is_text = true;
        return std::nullopt;
    });
}

// Writes chat or stream header; gives the identity the packet speaks for.
Result<std::string, DataError> write_spoken(const Parts& parts, const DataSender& sender,
                                            Bytes& out) {
    const bool foreign = sender.agent && !parts.claimed_identity.empty() &&
                         parts.claimed_identity != sender.identity;
    Bytes value = parts.value;
    bool applies = foreign;
    if (foreign && parts.kind == DataKind::kChat) {
        append_true(value, kChatGenerated);
    } else if (foreign) {
        Bytes marked;
        bool is_text = false;
        if (const auto error = mark_header(parts.value, marked, is_text)) return fail(*error);
        value = std::move(marked);
        applies = is_text;
    }
    append_bytes(out, static_cast<std::uint32_t>(parts.kind), value);
    return applies ? parts.claimed_identity : sender.hidden ? std::string{} : sender.identity;
}

void write_user(const UserParts& user, const std::vector<std::string>& to, const DataSender& sender,
                Bytes& out) {
    Bytes body = user.kept;
    if (!sender.hidden) {
        append_text(body, kUserSid, sender.sid);
        append_text(body, kUserIdentity, sender.identity);
    }
    for (const std::string& identity : to)
        append_bytes(body, kUserTo, as_bytes(identity));
    append_bytes(out, kPacketUser, body);
}

}  // namespace

Result<RoutedPacket, DataError> rewrite_data_packet(BytesView packet, const DataSender& sender,
                                                    bool lossy) {
    if (packet.size() > kMaxDataPacketBytes) return fail(DataError::kTooLarge);
    Parts parts;
    if (const auto error = scan_packet(packet, parts)) return fail(*error);

    RoutedPacket result;
    result.kind = parts.kind;
    result.sequence = parts.sequence;
    result.request_id = std::move(parts.request_id);
    result.destination_identities = std::move(parts.to);
    if (parts.user && result.destination_identities.empty())
        result.destination_identities = std::move(parts.user->to);

    Bytes& out = result.payload;
    out.reserve(packet.size() + sender.identity.size() + sender.sid.size() + 64);
    if (lossy) append_true(out, kPacketKind);
    append(out, parts.kept);
    std::string identity = sender.hidden ? std::string{} : sender.identity;
    if (speaks_for_others(parts.kind)) {
        CONFAB_TRY(identity, write_spoken(parts, sender, out));
    } else if (parts.user) {
        write_user(*parts.user, result.destination_identities, sender, out);
        result.destination_sids = std::move(parts.user->to_sids);
        result.nonce = std::move(parts.user->nonce);
    }
    append_text(out, kPacketIdentity, identity);
    for (const std::string& to : result.destination_identities)
        append_bytes(out, kPacketTo, as_bytes(to));
    append_text(out, kPacketSid, sender.sid);
    return result;
}

RoutedPacket wrap_raw_data(BytesView payload, const DataSender& sender) {
    RoutedPacket result;
    result.kind = DataKind::kUser;
    Bytes user;
    append_bytes(user, kUserPayload, payload);
    append_bytes(result.payload, kPacketUser, user);
    if (!sender.hidden) append_text(result.payload, kPacketIdentity, sender.identity);
    return result;
}

}  // namespace confab::sfu

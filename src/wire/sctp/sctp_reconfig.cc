// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RE-CONFIG codec (RFC 6525 §4).
#include "wire/sctp/sctp_reconfig.h"

#include "wire/sctp/sctp_init.h"

namespace confab::wire::sctp {
namespace {

constexpr std::size_t kParameterHeader = 4;

Result<ResetRequestView, ParseError> parse_request(const ParameterView& parameter) {
    ByteReader reader(parameter.value);
    ResetRequestView request;
    request.type = parameter.type;
    request.request_sequence = reader.u32();
    if (parameter.type == kParamOutgoingReset) {
        request.response_sequence = reader.u32();
        request.last_tsn = reader.u32();
    }
    if (!reader.ok()) return fail(ParseError::kTooShort);
    const bool has_streams =
        parameter.type == kParamOutgoingReset || parameter.type == kParamIncomingReset;
    if (!has_streams) return request;
    if (reader.remaining() % 2 != 0) return fail(ParseError::kBadLength);
    request.streams = reader.rest();
    return request;
}

Result<ResetResponse, ParseError> parse_response(const ParameterView& parameter) {
    ByteReader reader(parameter.value);
    ResetResponse response;
    response.response_sequence = reader.u32();
    response.result = static_cast<ResetResult>(reader.u32());
    if (!reader.ok()) return fail(ParseError::kTooShort);
    return response;
}

std::optional<ByteWriter> begin(PacketWriter& packet, std::uint16_t type, std::size_t value_size) {
    auto writer = packet.chunk(ChunkType::kReConfig, 0, kParameterHeader + value_size);
    if (!writer) return writer;
    writer->u16(type);
    writer->u16(static_cast<std::uint16_t>(kParameterHeader + value_size));
    return writer;
}

}  // namespace

Result<ReConfigView, ParseError> parse_re_config(const ChunkView& chunk) {
    ReConfigView view;
    ParameterReader parameters(chunk.value);
    std::size_t count = 0;
    std::size_t requests = 0;
    while (const auto parameter = parameters.next()) {
        if (++count > 2) return fail(ParseError::kBadLength);
        if (parameter->type == kParamReConfigResponse) {
            CONFAB_TRY(view.response, parse_response(*parameter));
        } else {
            CONFAB_TRY(view.requests[requests++], parse_request(*parameter));
        }
    }
    if (!parameters.ok() || count == 0) return fail(ParseError::kBadLength);
    return view;
}

bool write_outgoing_reset(PacketWriter& packet, std::uint32_t request_sequence,
                          std::uint32_t response_sequence, std::uint32_t last_tsn,
                          std::span<const std::uint16_t> streams) {
    auto writer = begin(packet, kParamOutgoingReset, 12 + streams.size() * 2);
    if (!writer) return false;
    writer->u32(request_sequence);
    writer->u32(response_sequence);
    writer->u32(last_tsn);
    for (const std::uint16_t stream : streams)
        writer->u16(stream);
    return true;
}

bool write_incoming_reset(PacketWriter& packet, std::uint32_t request_sequence,
                          std::span<const std::uint16_t> streams) {
    auto writer = begin(packet, kParamIncomingReset, 4 + streams.size() * 2);
    if (!writer) return false;
    writer->u32(request_sequence);
    for (const std::uint16_t stream : streams)
        writer->u16(stream);
    return true;
}

bool write_reset_response(PacketWriter& packet, const ResetResponse& response) {
    auto writer = begin(packet, kParamReConfigResponse, 8);
    if (!writer) return false;
    writer->u32(response.response_sequence);
    writer->u32(static_cast<std::uint32_t>(response.result));
    return true;
}

}  // namespace confab::wire::sctp

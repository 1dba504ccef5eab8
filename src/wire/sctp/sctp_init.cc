// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// INIT and INIT-ACK (RFC 9260 §3.3.2, §3.3.3) and parameters by the rules of §3.2.1.
#include "wire/sctp/sctp_init.h"

#include <algorithm>

namespace confab::wire::sctp {
namespace {

constexpr std::size_t kFixedSize = 16;
constexpr std::size_t kParameterHeader = 4;
constexpr std::size_t kMaxReportedBytes = 128;  // longer unknown parameters are not echoed

// Known parameters without effect on one path: addresses, cookie lifetime, hash and chunk lists
// of RFC 4895, ECN, padding, adaptation layer.
bool is_ignored(std::uint16_t type) {
    static constexpr std::array<std::uint16_t, 12> kIgnored = {
        5, 6, 9, 11, 12, kParamUnrecognized, 0x8000, 0x8002, 0x8003, 0x8004, 0x8005, 0xC006};
    return std::find(kIgnored.begin(), kIgnored.end(), type) != kIgnored.end();
}

void read_extensions(BytesView types, Extensions& extensions) {
    for (const std::uint8_t type : types) {
        switch (static_cast<ChunkType>(type)) {
            case ChunkType::kForwardTsn:
                extensions.forward_tsn = true;
                break;
            case ChunkType::kReConfig:
                extensions.re_config = true;
                break;
            case ChunkType::kIData:
                extensions.interleaving = true;
                break;
            default:
                break;
        }
    }
}

// False: stop reading parameters.
bool read_parameter(const ParameterView& parameter, InitView& init) {
    switch (parameter.type) {
        case kParamStateCookie:
            init.cookie = parameter.value;
            return true;
        case kParamSupportedExtensions:
            read_extensions(parameter.value, init.extensions);
            return true;
        case kParamForwardTsnSupported:
            init.extensions.forward_tsn = true;
            return true;
        case kParamZeroChecksum:
            init.extensions.zero_checksum = true;
            return true;
        default:
            break;
    }
    if (is_ignored(parameter.type)) return true;
    const UnknownRule rule = unknown_parameter_rule(parameter.type);
    if (rule.report && init.unrecognized_count < kMaxUnrecognized &&
        parameter.raw.size() <= kMaxReportedBytes)
        init.unrecognized[init.unrecognized_count++] = parameter.raw;
    return rule.skip;
}

void write_parameter(ByteWriter& writer, std::uint16_t type, BytesView value) {
    writer.u16(type);
    writer.u16(static_cast<std::uint16_t>(kParameterHeader + value.size()));
    writer.bytes(value);
    writer.zeros(padded(value.size()) - value.size());
}

}  // namespace

std::optional<ParameterView> ParameterReader::next() {
    if (!ok_ || rest_.empty()) return std::nullopt;
    ByteReader reader(rest_);
    ParameterView parameter;
    parameter.type = reader.u16();
    const std::size_t length = reader.u16();
    if (!reader.ok() || length < kParameterHeader || length > rest_.size()) {
        ok_ = false;
        return std::nullopt;
    }
    parameter.raw = rest_.first(length);
    parameter.value = parameter.raw.subspan(kParameterHeader);
    const std::size_t step = padded(length);
    rest_ = step < rest_.size() ? rest_.subspan(step) : BytesView{};
    return parameter;
}

Result<InitView, ParseError> parse_init(const ChunkView& chunk) {
    ByteReader reader(chunk.value);
    InitView init;
    init.initiate_tag = reader.u32();
    init.a_rwnd = reader.u32();
    init.outbound_streams = reader.u16();
    init.inbound_streams = reader.u16();
    init.initial_tsn = reader.u32();
    if (!reader.ok()) return fail(ParseError::kTooShort);
    if (init.initiate_tag == 0 || init.outbound_streams == 0 || init.inbound_streams == 0)
        return fail(ParseError::kBadValue);
    ParameterReader parameters(reader.rest());
    while (const auto parameter = parameters.next())
        if (!read_parameter(*parameter, init)) return init;
    if (!parameters.ok()) return fail(ParseError::kBadLength);
    return init;
}

bool write_init(PacketWriter& packet, ChunkType type, const InitView& view) {
    static constexpr std::array<std::uint8_t, 2> kList = {
        static_cast<std::uint8_t>(ChunkType::kReConfig),
        static_cast<std::uint8_t>(ChunkType::kForwardTsn)};
    std::size_t size = kFixedSize + kParameterHeader + kParameterHeader + padded(kList.size());
    if (!view.cookie.empty()) size += kParameterHeader + padded(view.cookie.size());
    const auto unrecognized = std::span(view.unrecognized).first(view.unrecognized_count);
    for (const BytesView raw : unrecognized)
        size += kParameterHeader + padded(raw.size());
    auto writer = packet.chunk(type, 0, size);
    if (!writer) return false;
    writer->u32(view.initiate_tag);
    writer->u32(view.a_rwnd);
    writer->u16(view.outbound_streams);
    writer->u16(view.inbound_streams);
    writer->u32(view.initial_tsn);
    if (!view.cookie.empty()) write_parameter(*writer, kParamStateCookie, view.cookie);
    write_parameter(*writer, kParamForwardTsnSupported, {});
    write_parameter(*writer, kParamSupportedExtensions, kList);
    for (const BytesView raw : unrecognized)
        write_parameter(*writer, kParamUnrecognized, raw);
    return true;
}

}  // namespace confab::wire::sctp

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Rewrites a DataPacket on its way through the server without building an object tree: fields the
// server owns are replaced, everything else, unknown fields included, is copied byte by byte
// (02 §6.2; 01 SIG-120). A field on the wire is
//    key (varint: number << 3 | wire type) · value (varint | 8 bytes | length + bytes | 4 bytes)
// (Protocol Buffers encoding). Anything that does not scan is refused as a whole.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace confab::sfu {

inline constexpr std::size_t kMaxDataPacketBytes = 65'536;
inline constexpr std::size_t kMaxDestinations = 1'000;

enum class DataError : std::uint8_t {
    kTooLarge,
    kMalformed,
    kTooManyDestinations,
    kBadText,  // a string that is not UTF-8
};

// Field number of the value inside a DataPacket; 0 without a value.
enum class DataKind : std::uint8_t {
    kNone = 0,
    kUser = 2,
    kTranscription = 7,
    kMetrics = 8,
    kChat = 9,
    kRpcAck = 11,
    kRpcResponse = 12,
    kStreamHeader = 13,
    kOther = 255,
};

struct DataSender {
    std::string identity;
    std::string sid;
    bool hidden = false;  // identity and the user packet's sid stay empty
    bool agent = false;   // may speak for another identity in chat and text streams
};

struct RoutedPacket {
    Bytes payload;
    DataKind kind = DataKind::kNone;
    std::uint32_t sequence = 0;
    std::vector<std::string> destination_identities;
    std::vector<std::string> destination_sids;
    Bytes nonce;             // of a user packet
    std::string request_id;  // of an RPC acknowledgement or response
};

// `lossy`: the channel it came in on.
Result<RoutedPacket, DataError> rewrite_data_packet(BytesView packet, const DataSender& sender,
                                                    bool lossy);
// Raw bytes of an unlabelled channel as a packet (02 DC-12).
RoutedPacket wrap_raw_data(BytesView payload, const DataSender& sender);

}  // namespace confab::sfu

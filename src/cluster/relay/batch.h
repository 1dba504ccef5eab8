// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Batches of signalling messages as they travel: rpc.RelaySignalRequest and RelaySignalResponse
// (03 RPC-34), written and read without looking into the messages. What a message has that this
// release does not know stays in it, and a batch of a million empty ones costs nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace confab::cluster::relay {

enum class BatchKind : std::uint8_t { kRequests, kResponses };

// All are views of the bytes that were read.
struct Batch {
    std::uint64_t seq = 0;  // the index of the first message
    bool close = false;     // nothing comes after it
    std::vector<std::string_view> messages;
    std::optional<std::string_view> start_session;  // livekit.StartSession; only in requests
    std::optional<std::string_view> start_details;  // rpc.StartDetails
};

enum class BatchError : std::uint8_t { kMalformed, kTooLarge, kTooMany };
std::string_view to_text(BatchError error);

// What is longer than kMaxStreamMessage, has more than kMaxReceived messages or one longer than
// kMaxMessageBytes is refused; unknown fields are read past.
Result<Batch, BatchError> decode_batch(BatchKind kind, std::string_view bytes);

// In the order of the field numbers, as others write it. Views or strings.
template <typename Messages>
std::string encode_batch(BatchKind kind, std::uint64_t seq, bool close, const Messages& messages);

// Internal to encode_batch().
void append_message(std::string& out, BatchKind kind, std::string_view message);
void append_end(std::string& out, BatchKind kind, std::uint64_t seq, bool close);

template <typename Messages>
std::string encode_batch(BatchKind kind, std::uint64_t seq, bool close, const Messages& messages) {
    std::string out;
    for (const std::string_view message : messages)
        append_message(out, kind, message);
    append_end(out, kind, seq, close);
    return out;
}

}  // namespace confab::cluster::relay

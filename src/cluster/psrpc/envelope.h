// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What is published on a channel: one serialised internal.Msg around one message (03 PSR-01), and
// the key of the lock that lets one server of many take it (PSR-09).
#pragma once

#include <google/protobuf/message_lite.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace confab::cluster::psrpc {

// Of a payload, both ways, also when it is unpacked: bigger ones are neither sent nor read. Redis
// takes 512 MiB.
inline constexpr std::size_t kMaxPayload = std::size_t{16} << 20;
// Of request, stream, client and server ids; ours have 16 letters.
inline constexpr std::size_t kMaxId = 128;

enum class EnvelopeError : std::uint8_t {
    kTooBig,
    kMalformed,  // no Msg, packed as is not known here, or no message of the type that it names
    kWrongType,  // a message of another type
};

struct Envelope {
    std::string type;   // the message's full name; never empty
    std::string value;  // its bytes, unpacked
};

// Of a message's full name and bytes. The same message always gives the same bytes.
std::string seal(std::string_view type, std::string_view value);
std::string seal(const google::protobuf::MessageLite& message);

Result<Envelope, EnvelopeError> open(std::string_view payload);

// Unknown fields of `Message` are kept.
template <typename Message>
Result<Message, EnvelopeError> read(const Envelope& envelope) {
    Message message;
    if (envelope.type != message.GetTypeName()) return fail(EnvelopeError::kWrongType);
    if (!message.ParseFromString(envelope.value)) return fail(EnvelopeError::kMalformed);
    return message;
}

// base64(sha256(payload))
std::string lock_key(std::string_view payload);

// With `?` for each byte of a text that is no UTF-8, which no peer would read.
std::string clean(std::string text);

}  // namespace confab::cluster::psrpc

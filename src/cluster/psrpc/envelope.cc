// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/psrpc/envelope.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "base/text.h"
#include "crypto/digest.h"
#include "psrpc_internal.pb.h"

namespace confab::cluster::psrpc {
namespace {

constexpr std::string_view kPrefix = "type.googleapis.com/";

// Maps in the order of their keys.
std::string to_bytes(const google::protobuf::MessageLite& message) {
    std::string bytes;
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream out(&stream);
    out.SetSerializationDeterministic(true);
    message.SerializePartialToCodedStream(&out);
    out.Trim();
    return bytes;
}

}  // namespace

std::string seal(std::string_view type, std::string_view value) {
    internal::Msg msg;
    msg.set_type_url(std::string(kPrefix).append(type));
    msg.set_value(value.data(), value.size());
    return to_bytes(msg);
}

std::string seal(const google::protobuf::MessageLite& message) {
    return seal(message.GetTypeName(), to_bytes(message));
}

Result<Envelope, EnvelopeError> open(std::string_view payload) {
    if (payload.size() > kMaxPayload) return fail(EnvelopeError::kTooBig);
    internal::Msg msg;
    if (!msg.ParseFromArray(payload.data(), static_cast<int>(payload.size())))
        return fail(EnvelopeError::kMalformed);
    // As with any Any: what stands before the last slash does not matter.
    const std::size_t slash = msg.type_url().rfind('/');
    if (slash == std::string::npos || slash + 1 == msg.type_url().size())
        return fail(EnvelopeError::kMalformed);
    return Envelope{msg.type_url().substr(slash + 1), std::move(*msg.mutable_value())};
}

std::string lock_key(std::string_view payload) {
    return base64_encode(crypto::sha256(as_bytes(payload)));
}

std::string clean(std::string text) {
    if (is_valid_utf8(text)) return text;
    for (char& c : text)
        if (static_cast<unsigned char>(c) >= 0x80) c = '?';
    return text;
}

}  // namespace confab::cluster::psrpc

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/psrpc/envelope.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/gzip_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/wire_format_lite.h>

#include <optional>

#include "base/text.h"
#include "crypto/digest.h"
#include "psrpc_internal.pb.h"

namespace confab::cluster::psrpc {
namespace {

constexpr std::string_view kPrefix = "type.googleapis.com/";

// How the value of a Msg is packed, since psrpc 0.8: where a node is told to, and only if that
// makes it shorter. We never pack, so that the field has no place in our Msg.
constexpr std::uint32_t kCompressionTag = 4 << 3;  // field 4, a varint
enum class Compression : std::uint64_t { kNone, kGzip };

// As with any field the last one counts.
Compression compression_of(std::string_view msg) {
    using google::protobuf::internal::WireFormatLite;
    google::protobuf::io::CodedInputStream in(as_bytes(msg).data(), static_cast<int>(msg.size()));
    std::uint64_t found = 0;
    while (const std::uint32_t tag = in.ReadTag()) {
        const bool is_read =
            tag == kCompressionTag ? in.ReadVarint64(&found) : WireFormatLite::SkipField(&in, tag);
        if (!is_read) break;  // Msg reads none of it either
    }
    return Compression{found};
}

// The size of what is packed, in its last four bytes (RFC 1952 §2.3.1).
std::optional<std::uint32_t> told_size(std::string_view packed) {
    constexpr std::size_t kLeast = 18;
    if (packed.size() < kLeast) return std::nullopt;
    std::uint32_t size = 0;
    for (std::size_t i = 1; i <= 4; ++i)
        size = size << 8 | static_cast<std::uint8_t>(packed[packed.size() - i]);
    return size;
}

Result<std::string, EnvelopeError> unzip(const std::string& packed) {
    namespace io = google::protobuf::io;
    io::ArrayInputStream bytes(packed.data(), static_cast<int>(packed.size()));
    io::GzipInputStream stream(&bytes, io::GzipInputStream::GZIP);
    std::string value;
    const void* data = nullptr;
    for (int size = 0; stream.Next(&data, &size);) {
        if (value.size() + static_cast<std::size_t>(size) > kMaxPayload)
            return fail(EnvelopeError::kTooBig);
        value.append(static_cast<const char*>(data), static_cast<std::size_t>(size));
    }
    // What is cut off ends in the same way.
    if (stream.ZlibErrorCode() < 0 || told_size(packed) != value.size())
        return fail(EnvelopeError::kMalformed);
    return value;
}

Result<std::string, EnvelopeError> unpacked(std::string value, Compression how) {
    switch (how) {
        case Compression::kNone:
            return value;
        case Compression::kGzip:
            return unzip(value);
    }
    return fail(EnvelopeError::kMalformed);  // one that is not known here
}

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
    std::string type = msg.type_url().substr(slash + 1);
    CONFAB_TRY(std::string value,
               unpacked(std::move(*msg.mutable_value()), compression_of(payload)));
    return Envelope{std::move(type), std::move(value)};
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

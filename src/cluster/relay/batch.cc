// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/relay/batch.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include <array>

#include "base/bytes.h"
#include "cluster/relay/settings.h"

namespace confab::cluster::relay {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedInputStream;
using google::protobuf::io::CodedOutputStream;

constexpr std::size_t kMaxVarint = 10;

struct Numbers {
    int messages;
    int seq;
    int close;
};
constexpr Numbers numbers_of(BatchKind kind) {
    return kind == BatchKind::kRequests ? Numbers{3, 4, 5} : Numbers{2, 3, 4};
}
constexpr int kStartSession = 1;
constexpr int kStartDetails = 1000;

void append_varint(std::string& out, std::uint64_t value) {
    std::array<std::uint8_t, kMaxVarint> buffer;
    const std::uint8_t* const end = CodedOutputStream::WriteVarint64ToArray(value, buffer.data());
    out.append(as_text({buffer.data(), static_cast<std::size_t>(end - buffer.data())}));
}

void append_tag(std::string& out, int number, WireFormatLite::WireType type) {
    append_varint(out, WireFormatLite::MakeTag(number, type));
}

// Reads the fields of one batch; a second start_session takes the place of the first.
class Reader {
  public:
    Reader(BatchKind kind, std::string_view bytes)
        : kind_(kind), bytes_(bytes), in_(as_bytes(bytes).data(), static_cast<int>(bytes.size())) {}

    Result<Batch, BatchError> read() {
        while (const std::uint32_t tag = in_.ReadTag())
            CONFAB_TRY_VOID(read_field(tag));
        // A tag of 0 is an end only at the end.
        if (!in_.ConsumedEntireMessage()) return fail(BatchError::kMalformed);
        return std::move(batch_);
    }

  private:
    Result<void, BatchError> read_field(std::uint32_t tag) {
        const Numbers numbers = numbers_of(kind_);
        const int number = WireFormatLite::GetTagFieldNumber(tag);
        switch (WireFormatLite::GetTagWireType(tag)) {
            case WireFormatLite::WIRETYPE_LENGTH_DELIMITED:
                return read_bytes(number);
            case WireFormatLite::WIRETYPE_VARINT: {
                std::uint64_t value = 0;
                if (!in_.ReadVarint64(&value)) return fail(BatchError::kMalformed);
                if (number == numbers.seq) batch_.seq = value;
                if (number == numbers.close) batch_.close = value != 0;
                return {};
            }
            default:
                if (!WireFormatLite::SkipField(&in_, tag)) return fail(BatchError::kMalformed);
                return {};
        }
    }
    Result<void, BatchError> read_bytes(int number) {
        std::uint32_t size = 0;
        if (!in_.ReadVarint32(&size) || size > bytes_.size()) return fail(BatchError::kMalformed);
        const auto at = static_cast<std::size_t>(in_.CurrentPosition());
        if (!in_.Skip(static_cast<int>(size))) return fail(BatchError::kMalformed);
        const std::string_view value = bytes_.substr(at, size);
        if (number == numbers_of(kind_).messages) return add(value);
        if (kind_ == BatchKind::kRequests && number == kStartSession) batch_.start_session = value;
        if (kind_ == BatchKind::kRequests && number == kStartDetails) batch_.start_details = value;
        return {};
    }
    Result<void, BatchError> add(std::string_view message) {
        if (message.size() > kMaxMessageBytes) return fail(BatchError::kTooLarge);
        if (batch_.messages.size() == kMaxReceived) return fail(BatchError::kTooMany);
        batch_.messages.push_back(message);
        return {};
    }

    BatchKind kind_;
    std::string_view bytes_;
    CodedInputStream in_;
    Batch batch_;
};

}  // namespace

std::string_view to_text(BatchError error) {
    switch (error) {
        case BatchError::kMalformed:
            return "signal batch cannot be read";
        case BatchError::kTooLarge:
            return "signal message too large";
        case BatchError::kTooMany:
            return "too many signal messages at once";
    }
    return "";
}

Result<Batch, BatchError> decode_batch(BatchKind kind, std::string_view bytes) {
    if (bytes.size() > kMaxStreamMessage) return fail(BatchError::kTooLarge);
    return Reader(kind, bytes).read();
}

void append_message(std::string& out, BatchKind kind, std::string_view message) {
    append_tag(out, numbers_of(kind).messages, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
    append_varint(out, message.size());
    out.append(message);
}

void append_end(std::string& out, BatchKind kind, std::uint64_t seq, bool close) {
    if (seq != 0) {
        append_tag(out, numbers_of(kind).seq, WireFormatLite::WIRETYPE_VARINT);
        append_varint(out, seq);
    }
    if (close) {
        append_tag(out, numbers_of(kind).close, WireFormatLite::WIRETYPE_VARINT);
        append_varint(out, 1);
    }
}

}  // namespace confab::cluster::relay

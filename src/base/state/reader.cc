// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Fields of exported state from bytes that nobody has checked.
#include "base/state/reader.h"

namespace confab {
namespace {

constexpr std::int64_t unfold(std::uint64_t value) {
    return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

}  // namespace

void StateReader::peek() {
    if (peeked_ || !ok_ || bytes_.empty()) return;
    ByteReader in(bytes_);
    tag_ = in.u8();
    std::size_t length = 0;
    std::uint8_t byte = 0x80;
    for (unsigned shift = 0; (byte & 0x80) != 0 && shift < 35; shift += 7) {
        byte = in.u8();
        length |= std::size_t{static_cast<std::uint8_t>(byte & 0x7F)} << shift;
    }
    if ((byte & 0x80) != 0) return refuse();
    value_ = in.bytes(length);
    if (!in.ok()) return refuse();
    bytes_ = bytes_.subspan(in.position());
    peeked_ = true;
}

bool StateReader::is_next(std::uint8_t tag) {
    for (peek(); ok_ && peeked_ && tag_ < tag; peek())
        peeked_ = false;
    return ok_ && peeked_ && tag_ == tag;
}

std::optional<BytesView> StateReader::take(std::uint8_t tag) {
    if (!is_next(tag)) return std::nullopt;
    peeked_ = false;
    return value_;
}

bool StateReader::finish() {
    while (ok_ && (peeked_ || !bytes_.empty())) {
        peek();
        peeked_ = false;
    }
    return ok_;
}

std::optional<std::uint64_t> StateReader::number(std::uint8_t tag, std::uint64_t most) {
    const auto found = take(tag);
    if (!found) return std::nullopt;
    std::uint64_t value = 0;
    for (const std::uint8_t byte : *found)
        value = (value << 8) | byte;
    if (found->size() > 8 || value > most) {
        refuse();
        return std::nullopt;
    }
    return value;
}

std::optional<std::int64_t> StateReader::folded(std::uint8_t tag, std::int64_t least,
                                                std::int64_t most) {
    const auto found = number(tag, std::numeric_limits<std::uint64_t>::max());
    if (!found) return std::nullopt;
    const std::int64_t value = unfold(*found);
    if (value < least || value > most) {
        refuse();
        return std::nullopt;
    }
    return value;
}

void StateReader::field(std::uint8_t tag, Duration& value) {
    if (const auto us = folded(tag, -kMaxMicros, kMaxMicros)) value = Duration::micros(*us);
}

void StateReader::field(std::uint8_t tag, Timestamp& value) {
    const auto found = number(tag, std::numeric_limits<std::uint64_t>::max());
    if (!found) return;
    if (*found == 0) {
        value = Timestamp::never();
        return;
    }
    const std::int64_t us = unfold(*found - 1);
    if (us < -kMaxMicros || us > kMaxMicros) return refuse();
    value = now_ + Duration::micros(us);
}

void StateReader::field(std::uint8_t tag, BytesView& value) {
    if (const auto found = take(tag)) value = *found;
}

void StateReader::field(std::uint8_t tag, Bytes& value, std::size_t most) {
    const auto found = take(tag);
    if (!found) return;
    if (found->size() > most) return refuse();
    value = to_vector(*found);
}

void StateReader::field(std::uint8_t tag, std::string& value, std::size_t most) {
    const auto found = take(tag);
    if (!found) return;
    if (found->size() > most) return refuse();
    value = std::string(as_text(*found));
}

}  // namespace confab

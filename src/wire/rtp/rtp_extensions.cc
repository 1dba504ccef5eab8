// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "wire/rtp/rtp_extensions.h"

// RFC 8285 §4.2, one-byte form under profile 0xBEDE, and §4.3, two-byte form under 0x100X:
//
//  0                   1                     0                   1
//  0 1 2 3 4 5 6 7 8 9 ...                   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 ...
// +-+-+-+-+-+-+-+-+-+-+-                    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-
// |  ID   | len−1 | data                    |      ID       |     length    | data
// +-+-+-+-+-+-+-+-+-+-+-                    +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-
//
// A byte 0 between elements is padding in both forms.

namespace confab::wire {
namespace {

constexpr std::uint8_t kReservedId = 15;
constexpr std::size_t kMaxOneByteSize = 16;
constexpr std::size_t kMaxTwoByteSize = 255;
constexpr std::size_t kBlockHeaderSize = 4;

std::size_t padded(std::size_t size) {
    return (size + 3) & ~std::size_t{3};
}

}  // namespace

ExtensionReader::ExtensionReader(std::uint16_t profile, BytesView block) : rest_(block) {
    if (profile == kOneByteProfile)
        form_ = Form::kOneByte;
    else if ((profile & 0xFFF0) == kTwoByteProfile)
        form_ = Form::kTwoByte;
}

std::optional<ExtensionElement> ExtensionReader::next() {
    while (!rest_.empty() && rest_.front() == 0)
        rest_ = rest_.subspan(1);
    if (rest_.empty() || form_ == Form::kNone) return std::nullopt;
    return form_ == Form::kOneByte ? next_one_byte() : next_two_byte();
}

std::optional<ExtensionElement> ExtensionReader::next_one_byte() {
    const std::uint8_t head = rest_.front();
    const std::uint8_t id = head >> 4;
    // RFC 8285 §4.2: processing ends at id 15, and at id 0 with a length, which is no padding byte.
    if (id == kReservedId || id == 0) {
        rest_ = {};
        return std::nullopt;
    }
    rest_ = rest_.subspan(1);
    return take(id, (head & 0x0FU) + std::size_t{1});
}

std::optional<ExtensionElement> ExtensionReader::next_two_byte() {
    if (rest_.size() < 2) {
        ok_ = false;
        rest_ = {};
        return std::nullopt;
    }
    const std::uint8_t id = rest_[0];
    const std::uint8_t size = rest_[1];
    rest_ = rest_.subspan(2);
    return take(id, size);
}

std::optional<ExtensionElement> ExtensionReader::take(std::uint8_t id, std::size_t size) {
    if (size > rest_.size()) {
        ok_ = false;
        rest_ = {};
        return std::nullopt;
    }
    const ExtensionElement element{id, rest_.first(size)};
    rest_ = rest_.subspan(size);
    return element;
}

std::optional<BytesView> find_extension(const RtpPacketView& packet, std::uint8_t id) {
    if (id == 0) return std::nullopt;
    ExtensionReader reader(packet.header);
    while (const auto element = reader.next())
        if (element->id == id) return element->data;
    return std::nullopt;
}

void ExtensionWriter::add(std::uint8_t id, BytesView data) {
    if (id == 0 || count_ == kMaxElements || data.size() > kMaxTwoByteSize) return;
    elements_[count_++] = {id, data, 0};
}

void ExtensionWriter::add_small(std::uint8_t id, BytesView data) {
    if (id == 0 || count_ == kMaxElements) return;
    auto& copy = small_[count_];
    std::memcpy(copy.data(), data.data(), data.size());
    add(id, BytesView(copy).first(data.size()));
}

bool ExtensionWriter::two_byte() const {
    for (std::size_t i = 0; i < count_; ++i) {
        const Element& e = elements_[i];
        if (e.id >= kReservedId || e.data.empty() || e.data.size() > kMaxOneByteSize) return true;
    }
    return false;
}

std::size_t ExtensionWriter::size() const {
    if (count_ == 0) return 0;
    const std::size_t head = two_byte() ? 2 : 1;
    std::size_t size = 0;
    for (std::size_t i = 0; i < count_; ++i)
        size += head + elements_[i].data.size();
    return kBlockHeaderSize + padded(size);
}

bool ExtensionWriter::write(ByteWriter& out) {
    if (count_ == 0) return out.ok();
    const bool two = two_byte();
    const std::size_t block = size();
    const std::size_t start = out.size();
    out.u16(two ? kTwoByteProfile : kOneByteProfile);
    out.u16(static_cast<std::uint16_t>((block - kBlockHeaderSize) / 4));
    for (std::size_t i = 0; i < count_; ++i) {
        Element& e = elements_[i];
        if (two) {
            out.u8(e.id);
            out.u8(static_cast<std::uint8_t>(e.data.size()));
        } else {
            out.u8(static_cast<std::uint8_t>(std::size_t{e.id} << 4 | (e.data.size() - 1)));
        }
        e.offset = out.size();
        out.bytes(e.data);
    }
    if (out.ok()) out.zeros(start + block - out.size());
    written_ = out.ok();
    return out.ok();
}

std::optional<std::size_t> ExtensionWriter::value_offset(std::uint8_t id) const {
    if (!written_ || id == 0) return std::nullopt;
    for (std::size_t i = 0; i < count_; ++i)
        if (elements_[i].id == id) return elements_[i].offset;
    return std::nullopt;
}

}  // namespace confab::wire

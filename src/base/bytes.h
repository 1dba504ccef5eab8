// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Views of bytes and the bounds-checked reader and writer of every codec (07 TYP-05).
// ByteReader and ByteWriter have a sticky error: after the first access out of bounds every read
// gives zero and ok() is false, so a parser checks once at its end.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace confab {

using BytesView = std::span<const std::uint8_t>;
using BytesSpan = std::span<std::uint8_t>;
using Bytes = std::vector<std::uint8_t>;

inline BytesView as_bytes(std::string_view text) {
    // The one cast between characters and bytes.
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(BytesView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes to_vector(BytesView bytes) {
    return {bytes.begin(), bytes.end()};
}

// Big-endian loads and stores; the caller has checked the bounds.
constexpr std::uint16_t load_be16(const std::uint8_t* p) {
    return static_cast<std::uint16_t>((p[0] << 8) | p[1]);
}
constexpr std::uint32_t load_be32(const std::uint8_t* p) {
    return (std::uint32_t{p[0]} << 24) | (std::uint32_t{p[1]} << 16) | (std::uint32_t{p[2]} << 8) |
           p[3];
}
constexpr std::uint64_t load_be64(const std::uint8_t* p) {
    return (std::uint64_t{load_be32(p)} << 32) | load_be32(p + 4);
}
constexpr void store_be16(std::uint8_t* p, std::uint16_t v) {
    p[0] = static_cast<std::uint8_t>(v >> 8);
    p[1] = static_cast<std::uint8_t>(v);
}
constexpr void store_be32(std::uint8_t* p, std::uint32_t v) {
    store_be16(p, static_cast<std::uint16_t>(v >> 16));
    store_be16(p + 2, static_cast<std::uint16_t>(v));
}
constexpr void store_be64(std::uint8_t* p, std::uint64_t v) {
    store_be32(p, static_cast<std::uint32_t>(v >> 32));
    store_be32(p + 4, static_cast<std::uint32_t>(v));
}

class ByteReader {
  public:
    explicit ByteReader(BytesView bytes) : bytes_(bytes) {}

    std::uint8_t u8() { return take(1) ? bytes_[pos_ - 1] : std::uint8_t{0}; }
    std::uint16_t u16() { return take(2) ? load_be16(&bytes_[pos_ - 2]) : std::uint16_t{0}; }
    std::uint32_t u24() {
        return take(3) ? (std::uint32_t{bytes_[pos_ - 3]} << 16) | load_be16(&bytes_[pos_ - 2]) : 0;
    }
    std::uint32_t u32() { return take(4) ? load_be32(&bytes_[pos_ - 4]) : 0; }
    std::uint64_t u64() { return take(8) ? load_be64(&bytes_[pos_ - 8]) : 0; }
    // The next `size` bytes; empty on error.
    BytesView bytes(std::size_t size) {
        return take(size) ? bytes_.subspan(pos_ - size, size) : BytesView{};
    }
    void skip(std::size_t size) { (void)take(size); }
    BytesView rest() { return bytes(remaining()); }

    std::size_t remaining() const { return ok_ ? bytes_.size() - pos_ : 0; }
    std::size_t position() const { return pos_; }
    bool ok() const { return ok_; }
    bool at_end() const { return remaining() == 0; }

  private:
    bool take(std::size_t size) {
        if (!ok_ || size > bytes_.size() - pos_) {
            ok_ = false;
            return false;
        }
        pos_ += size;
        return true;
    }

    BytesView bytes_;
    std::size_t pos_ = 0;
    bool ok_ = true;
};

// Writes into a buffer of the caller; never grows it.
class ByteWriter {
  public:
    explicit ByteWriter(BytesSpan buffer) : buffer_(buffer) {}

    void u8(std::uint8_t v) {
        if (std::uint8_t* p = take(1)) *p = v;
    }
    void u16(std::uint16_t v) {
        if (std::uint8_t* p = take(2)) store_be16(p, v);
    }
    void u24(std::uint32_t v) {
        u8(static_cast<std::uint8_t>(v >> 16));
        u16(static_cast<std::uint16_t>(v));
    }
    void u32(std::uint32_t v) {
        if (std::uint8_t* p = take(4)) store_be32(p, v);
    }
    void u64(std::uint64_t v) {
        if (std::uint8_t* p = take(8)) store_be64(p, v);
    }
    void bytes(BytesView data) {
        if (std::uint8_t* p = take(data.size()); p != nullptr && !data.empty())
            std::memcpy(p, data.data(), data.size());
    }
    void zeros(std::size_t count) {
        if (std::uint8_t* p = take(count); p != nullptr && count > 0) std::memset(p, 0, count);
    }

    std::size_t size() const { return pos_; }
    bool ok() const { return ok_; }
    BytesSpan written() const { return buffer_.first(pos_); }
    BytesSpan buffer() const { return buffer_; }

  private:
    std::uint8_t* take(std::size_t size) {
        if (!ok_ || size > buffer_.size() - pos_) {
            ok_ = false;
            return nullptr;
        }
        pos_ += size;
        return buffer_.data() + (pos_ - size);
    }

    BytesSpan buffer_;
    std::size_t pos_ = 0;
    bool ok_ = true;
};

// Comparison whose duration does not depend on the content (for MACs and fingerprints).
inline bool equal_constant_time(BytesView a, BytesView b) {
    if (a.size() != b.size()) return false;
    std::uint8_t difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        difference = static_cast<std::uint8_t>(difference | (a[i] ^ b[i]));
    return difference == 0;
}

}  // namespace confab

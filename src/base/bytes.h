// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Views of bytes and the bounds-checked reader and writer of every codec (07 TYP-05).
// ByteReader and ByteWriter have a sticky error: after the first access out of bounds every read
// gives zero and ok() is false, so a parser checks once at its end.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
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

// Big-endian loads and stores; the caller has checked the bounds. One access each: octet by octet
// it takes luck with what stands around it that the compiler makes one of them.
template <typename Word>
constexpr Word swap_bytes(Word v) {
    static_assert(sizeof(Word) == 2 || sizeof(Word) == 4 || sizeof(Word) == 8);
    if constexpr (std::endian::native == std::endian::big)
        return v;
    else if constexpr (sizeof(Word) == 2)
        return __builtin_bswap16(v);
    else if constexpr (sizeof(Word) == 4)
        return __builtin_bswap32(v);
    else
        return __builtin_bswap64(v);
}
template <typename Word>
constexpr Word load_be(const std::uint8_t* p) {
    if (std::is_constant_evaluated()) {
        std::uint64_t v = 0;
        for (std::size_t i = 0; i < sizeof(Word); ++i)
            v = v << 8 | p[i];
        return static_cast<Word>(v);
    }
    Word v;
    std::memcpy(&v, p, sizeof v);
    return swap_bytes(v);
}
template <typename Word>
constexpr void store_be(std::uint8_t* p, Word v) {
    if (std::is_constant_evaluated()) {
        for (std::size_t i = 0; i < sizeof(Word); ++i)
            p[i] = static_cast<std::uint8_t>(v >> 8 * (sizeof(Word) - 1 - i));
        return;
    }
    v = swap_bytes(v);
    std::memcpy(p, &v, sizeof v);
}
constexpr std::uint16_t load_be16(const std::uint8_t* p) {
    return load_be<std::uint16_t>(p);
}
constexpr std::uint32_t load_be32(const std::uint8_t* p) {
    return load_be<std::uint32_t>(p);
}
constexpr std::uint64_t load_be64(const std::uint8_t* p) {
    return load_be<std::uint64_t>(p);
}
constexpr void store_be16(std::uint8_t* p, std::uint16_t v) {
    store_be(p, v);
}
constexpr void store_be32(std::uint8_t* p, std::uint32_t v) {
    store_be(p, v);
}
constexpr void store_be64(std::uint8_t* p, std::uint64_t v) {
    store_be(p, v);
}
// Both words in one store: a load of all of it would wait until two have left the store buffer.
inline void store_be128(std::uint8_t* p, std::uint64_t first, std::uint64_t second) {
    using Pair [[gnu::vector_size(16)]] = std::uint64_t;
    const Pair pair{swap_bytes(first), swap_bytes(second)};
    std::memcpy(p, &pair, sizeof pair);
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

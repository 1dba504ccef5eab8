// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Bits from the most significant end, for the formats of video bitstreams and of the dependency
// descriptor. Sticky error like ByteReader: after the first access out of bounds reads give zero.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace confab::wire {

class BitReader {
  public:
    explicit BitReader(BytesView bytes) : bytes_(bytes), left_(bytes.size() * 8) {}

    // f(n): the next `count` bits, at most 32.
    std::uint32_t bits(unsigned count) {
        if (!ok_ || count > left_) {
            ok_ = false;
            return 0;
        }
        std::uint64_t value = 0;
        unsigned wanted = count;
        while (wanted > 0) {
            const unsigned offset = static_cast<unsigned>(position() & 7);
            const unsigned chunk = wanted < 8 - offset ? wanted : 8 - offset;
            const unsigned byte = bytes_[position() / 8];
            value = value << chunk | ((byte >> (8 - offset - chunk)) & ((1U << chunk) - 1));
            left_ -= chunk;
            wanted -= chunk;
        }
        return static_cast<std::uint32_t>(value);
    }
    bool flag() { return bits(1) != 0; }
    void skip(std::size_t count) {
        if (!ok_ || count > left_)
            ok_ = false;
        else
            left_ -= count;
    }

    // ns(n), AV1 specification §4.10.7: a value below `bound` ≥ 1 in as few bits as it needs.
    std::uint32_t non_symmetric(std::uint32_t bound) {
        const unsigned width = static_cast<unsigned>(std::bit_width(bound));
        const std::uint32_t shorter =
            static_cast<std::uint32_t>((std::uint64_t{1} << width) - bound);
        const std::uint32_t value = bits(width - 1);
        if (value < shorter) return value;
        return (value << 1) - shorter + bits(1);
    }
    // ue(v) and se(v), ITU-T H.264 §9.1.
    std::uint32_t exp_golomb() {
        unsigned zeros = 0;
        while (ok_ && !flag()) {
            if (++zeros > 31) ok_ = false;
        }
        if (!ok_) return 0;
        return static_cast<std::uint32_t>((std::uint64_t{1} << zeros) - 1 + bits(zeros));
    }
    std::int32_t signed_exp_golomb() {
        const std::uint32_t code = exp_golomb();
        const auto half = static_cast<std::int32_t>((std::uint64_t{code} + 1) / 2);
        return (code & 1) != 0 ? half : -half;
    }

    std::size_t position() const { return bytes_.size() * 8 - left_; }  // in bits
    std::size_t remaining() const { return ok_ ? left_ : 0; }
    bool ok() const { return ok_; }

  private:
    BytesView bytes_;
    std::size_t left_;
    bool ok_ = true;
};

// Writes into a buffer of the caller, whose bytes it sets as it comes to them.
class BitWriter {
  public:
    explicit BitWriter(BytesSpan buffer) : buffer_(buffer) {}

    void bits(std::uint32_t value, unsigned count) {
        if (!ok_ || count > buffer_.size() * 8 - position_) {
            ok_ = false;
            return;
        }
        for (unsigned i = count; i-- > 0;)
            put((value >> i & 1) != 0);
    }
    void flag(bool value) { bits(value ? 1 : 0, 1); }
    void non_symmetric(std::uint32_t value, std::uint32_t bound) {
        const unsigned width = static_cast<unsigned>(std::bit_width(bound));
        const std::uint32_t shorter =
            static_cast<std::uint32_t>((std::uint64_t{1} << width) - bound);
        if (value < shorter)
            bits(value, width - 1);
        else
            bits(value + shorter, width);
    }

    std::size_t position() const { return position_; }  // in bits
    std::size_t bytes_used() const { return (position_ + 7) / 8; }
    bool ok() const { return ok_; }

  private:
    void put(bool value) {
        std::uint8_t& byte = buffer_[position_ / 8];
        const unsigned shift = 7 - static_cast<unsigned>(position_ & 7);
        if (shift == 7) byte = 0;
        byte = static_cast<std::uint8_t>(byte | (value ? 1U << shift : 0U));
        ++position_;
    }

    BytesSpan buffer_;
    std::size_t position_ = 0;
    bool ok_ = true;
};

}  // namespace confab::wire

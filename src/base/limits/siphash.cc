// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "base/limits/siphash.h"

#include <bit>
#include <cstddef>

namespace confab {
namespace {

struct State {
    std::uint64_t a, b, c, d;

    void rounds(int count) {
        for (; count > 0; --count) {
            a += b;
            c += d;
            b = std::rotl(b, 13) ^ a;
            d = std::rotl(d, 16) ^ c;
            a = std::rotl(a, 32);
            c += b;
            a += d;
            b = std::rotl(b, 17) ^ c;
            d = std::rotl(d, 21) ^ a;
            c = std::rotl(c, 32);
        }
    }
    void add(std::uint64_t word) {
        d ^= word;
        rounds(2);
        a ^= word;
    }
};

std::uint64_t little_endian(BytesView bytes) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i)
        word |= std::uint64_t{bytes[i]} << (8 * i);
    return word;
}

}  // namespace

std::uint64_t siphash(const SipKey& key, BytesView input) {
    // "somepseudorandomlygeneratedbytes", as the paper has it.
    State state{key[0] ^ 0x736f'6d65'7073'6575, key[1] ^ 0x646f'7261'6e64'6f6d,
                key[0] ^ 0x6c79'6765'6e65'7261, key[1] ^ 0x7465'6462'7974'6573};
    const std::uint64_t length = std::uint64_t{input.size()} << 56;
    while (input.size() >= 8) {
        state.add(little_endian(input.first(8)));
        input = input.subspan(8);
    }
    state.add(length | little_endian(input));
    state.c ^= 0xFF;
    state.rounds(4);
    return state.a ^ state.b ^ state.c ^ state.d;
}

}  // namespace confab

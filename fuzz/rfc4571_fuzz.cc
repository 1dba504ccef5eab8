// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
// fuzz: modules wire

// Any bytes as a stream, read whole and in cuts that the first bytes choose: the same packets.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "base/rng.h"
#include "wire/ice/rfc4571.h"

using namespace confab;
using namespace confab::wire;

namespace {

struct Outcome {
    std::vector<Bytes> packets;
    bool failed = false;
    bool operator==(const Outcome&) const = default;
};

Outcome read(BytesView stream, std::size_t max_cut, std::uint64_t seed) {
    Rfc4571Reader reader(512);
    Rng rng(seed);
    Outcome outcome;
    while (!stream.empty() && !outcome.failed) {
        // A copy of the exact size lets the sanitizer see every read past the piece.
        const std::size_t cut = std::min<std::size_t>(stream.size(), 1 + rng.below(max_cut));
        const Bytes piece = to_vector(stream.first(cut));
        stream = stream.subspan(cut);
        BytesView rest = piece;
        do {
            const auto step = reader.consume(rest);
            outcome.failed = !step;
            if (!step) break;
            rest = rest.subspan(step->used);
            if (step->frame)
                outcome.packets.push_back(to_vector(*step->frame));
            else if (!rest.empty())
                std::abort();
        } while (!rest.empty());
        if (reader.bytes_held() > 2 * (512 + 2)) std::abort();
    }
    return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const BytesView stream(data + 1, size - 1);
    const Outcome whole = read(stream, 1 << 20, 0);
    if (read(stream, 1, 0) != whole) std::abort();
    if (read(stream, 1 + std::size_t{data[0]}, data[0]) != whole) std::abort();
    return 0;
}

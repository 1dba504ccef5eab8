// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// DCEP messages (RFC 8832 §5): what parses is written back byte for byte, except a parameter that
// has no meaning for a reliable channel.
// fuzz: modules wire
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "wire/sctp/dcep.h"

using namespace confab;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const BytesView input(data, size);
    (void)wire::dcep::parse_type(input);
    const auto open = wire::dcep::parse_open(input);
    if (!open) return 0;
    Bytes again = wire::dcep::make_open(*open);
    if (open->reliability == wire::dcep::Reliability::kReliable)
        for (std::size_t i = 4; i < 8; ++i)
            again[i] = data[i];
    if (again != to_vector(input)) std::abort();
    return 0;
}

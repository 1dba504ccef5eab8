// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// AV1 payloads, sequence headers and leb128 numbers. [IMM-7]
// fuzz: modules base wire
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "wire/video/av1.h"

namespace {

using namespace confab;
using namespace confab::wire;

void run(BytesView input) {
    (void)av1_sequence_size(input);
    BytesView rest = input;
    if (read_leb128(rest)) CONFAB_CHECK(rest.size() < input.size());
    const auto parsed = parse_av1(input);
    if (!parsed) return;
    CONFAB_CHECK(parsed->element_count >= 1 && parsed->element_count <= kMaxAv1Elements);
    CONFAB_CHECK(!parsed->key_frame || (parsed->new_coded_sequence && !parsed->continues_obu &&
                                        parsed->has_sequence_header));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    run(confab::BytesView(data, size));
    return 0;
}

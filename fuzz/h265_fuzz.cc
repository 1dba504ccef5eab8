// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// H.265 payloads and sequence parameter sets. [IMM-7]
// fuzz: modules base wire
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "wire/video/h265.h"

namespace {

using namespace confab;
using namespace confab::wire;

void run(BytesView input) {
    if (const auto size = h265_sps_size(input)) CONFAB_CHECK(size->known());
    const auto parsed = parse_h265(input);
    if (!parsed) return;
    CONFAB_CHECK(!parsed->size.known() || parsed->key_frame);
    CONFAB_CHECK(!parsed->frame_start || parsed->starts_nal);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    run(confab::BytesView(data, size));
    return 0;
}

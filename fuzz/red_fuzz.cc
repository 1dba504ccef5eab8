// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RED payloads: blocks that were read are written again to the same bytes. [IMM-7]
// fuzz: modules base wire
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/check.h"
#include "wire/rtp/red.h"
#include "wire/rtp/rtx.h"

namespace {

using namespace confab;
using namespace confab::wire;

void run(BytesView input) {
    (void)parse_rtx(input);
    const auto parsed = parse_red(input);
    if (!parsed) return;
    CONFAB_CHECK(parsed->count >= 1 && parsed->count <= kMaxRedBlocks);
    if (parsed->redundant().size() > kMaxRedRedundant) return;
    Bytes buffer(input.size());
    ByteWriter out(buffer);
    CONFAB_CHECK(write_red(out, parsed->redundant(), parsed->primary().payload_type,
                           parsed->primary().data));
    CONFAB_CHECK(out.size() == input.size());
    CONFAB_CHECK(std::memcmp(buffer.data(), input.data(), input.size()) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    run(confab::BytesView(data, size));
    return 0;
}

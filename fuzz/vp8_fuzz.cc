// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// VP8 payload descriptors: parse, write again, parse to the same values. [IMM-7]
// fuzz: modules base wire
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "wire/video/vp8.h"

namespace {

using namespace confab;
using namespace confab::wire;

void run(BytesView input) {
    (void)vp8_key_frame_size(input);
    const auto parsed = parse_vp8(input);
    if (!parsed) return;
    CONFAB_CHECK(parsed->size <= input.size() && parsed->size <= kMaxVp8DescriptorSize);
    (void)vp8_key_frame_size(input.subspan(parsed->size));
    Bytes buffer(kMaxVp8DescriptorSize);
    ByteWriter out(buffer);
    CONFAB_CHECK(write_vp8_descriptor(out, *parsed));
    CONFAB_CHECK(out.size() == parsed->size && out.size() == vp8_descriptor_size(*parsed));
    auto again = parse_vp8(out.written());
    CONFAB_CHECK(again.has_value());
    again->key_frame = parsed->key_frame;  // of the payload behind
    CONFAB_CHECK(*again == *parsed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    run(confab::BytesView(data, size));
    return 0;
}

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// RTP headers: parse, write again, parse to the same values. [IMM-7]
// fuzz: modules base wire
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/check.h"
#include "wire/rtp/rtp.h"

namespace {

using namespace confab;
using namespace confab::wire;

void run(BytesView input) {
    (void)classify(input);
    (void)peek_rtp(input);
    const auto header_size = rtp_header_size(input);
    const auto parsed = parse_rtp(input);
    if (!parsed) return;
    CONFAB_CHECK(header_size.has_value() && *header_size == parsed->header.header_size);
    CONFAB_CHECK(parsed->header.header_size + parsed->payload.size() +
                     parsed->header.padding_size ==
                 input.size());
    std::uint32_t csrcs[kMaxRtpCsrcs];
    for (std::size_t i = 0; i < parsed->header.csrc_count; ++i)
        csrcs[i] = parsed->csrc(i);
    Bytes buffer(input.size());
    ByteWriter out(buffer);
    write_rtp_header(out, parsed->header, std::span(csrcs, parsed->header.csrc_count));
    if (parsed->header.has_extension) {
        out.u16(parsed->header.extension_profile);
        out.u16(static_cast<std::uint16_t>(parsed->header.extension.size() / 4));
        out.bytes(parsed->header.extension);
    }
    out.bytes(parsed->payload);
    write_rtp_padding(out, parsed->header.padding_size);
    CONFAB_CHECK(out.ok() && out.size() == input.size());
    // All but the value of padding bytes comes out again.
    const std::size_t kept = input.size() - parsed->header.padding_size;
    CONFAB_CHECK(std::memcmp(buffer.data(), input.data(), kept) == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    run(confab::BytesView(data, size));
    return 0;
}

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
// fuzz: modules rtc/sdp

// parse() takes anything, and what it understood is a fixed point: written and read again it is the
// same, from the second time on (the first time may give names to a filler payload type 0).
#include <cstdlib>

#include "base/bytes.h"
#include "rtc/sdp/description/description.h"

using namespace confab;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const auto first = sdp::parse(as_text({bytes, size}));
    if (!first) return 0;
    const std::string once = sdp::write(*first);
    const auto second = sdp::parse(once);
    // The written form can be longer than the input, and so too large.
    if (!second) return 0;
    const auto third = sdp::parse(sdp::write(*second));
    if (!third || !(*third == *second)) std::abort();
    return 0;
}

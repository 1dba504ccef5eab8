// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
// fuzz: modules wire

// Any text as a candidate line: what was understood is printed and understood the same.
#include <cstdlib>

#include "wire/ice/candidate.h"

using namespace confab;
using namespace confab::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto candidate = parse_candidate(as_text(BytesView(data, size)));
    if (!candidate) return 0;
    const std::string printed = to_string(*candidate);
    const auto again = parse_candidate(printed);
    if (!again || to_string(*again) != printed) std::abort();
    if (candidate->extensions.size() > kMaxCandidateExtensions) std::abort();
    if (candidate->is_mdns() != candidate->address.ip.is_none()) std::abort();
    (void)type_from_priority(candidate->priority);
    (void)candidate_foundation(candidate->type, candidate->address.ip, candidate->transport);
    return 0;
}

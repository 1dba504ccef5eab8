// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The URL of an ingress: what is taken is written without control characters, and what is taken of
// that again stays as it is. (Not all is: a zone may have octets that it may not have escaped.)
// fuzz: modules cluster_services
#include <algorithm>
#include <cstdlib>

#include "base/bytes.h"
#include "cluster/services/urls/fetch_url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto url = confab::cluster::services::fetch_url(confab::as_text({data, size}));
    if (!url) return 0;
    if (std::any_of(url->begin(), url->end(), [](char c) { return c >= 0 && c < ' '; }))
        std::abort();
    const auto again = confab::cluster::services::fetch_url(*url);
    if (again && *again != *url) std::abort();
    return 0;
}

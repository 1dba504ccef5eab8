// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The join_request parameter as text, its octets before base64, and a whole v0 query.
// fuzz: modules api proto
#include <cstdlib>

#include "api/join/join.h"
#include "api/join/join_request.h"
#include "base/bytes.h"
#include "base/text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace confab;
    const std::string_view text = as_text({data, size});
    (void)api::decode_join_request(text);
    (void)api::decode_join_request(base64_encode({data, size}, Base64::kUrl));
    const auto inflated = api::gunzip({data, size}, 4096);
    if (inflated && inflated->size() > 4096) std::abort();

    token::Grants grants;
    grants.identity = "a";
    grants.video.emplace().room_join = true;
    grants.video->room = "r";
    grants.video->can_update_own_metadata = true;
    const api::QueryParams query = api::QueryParams::parse(text);
    for (const api::JoinPath path : {api::JoinPath::kRtc, api::JoinPath::kRtcV1Validate}) {
        const auto params = api::validate_join({path, &query, &grants, text, text}, {});
        if (params && !params->client.SerializeAsString().empty() && params->room_name != "r")
            std::abort();
    }
    return 0;
}

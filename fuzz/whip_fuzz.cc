// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
// fuzz: modules api

// Offers, fragments and headers of WHIP clients. A fragment that was read is written and read
// again, and is the same; an offer that was taken can be restarted.
#include <cstdlib>

#include "api/whip/sdp_fragment.h"
#include "api/whip/whip_client_info.h"
#include "api/whip/whip_offer.h"
#include "base/bytes.h"

using namespace confab;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = as_text({data, size});
    if (auto fragment = api::parse_fragment(text)) {
        // What is written has one section.
        for (api::SdpFragment::Candidate& candidate : fragment->candidates)
            candidate.mid = "0";
        const auto again = api::parse_fragment(api::write_fragment(*fragment));
        if (!again || !(*again == *fragment)) std::abort();
    }
    if (const auto names = api::read_whip_client_info(text))
        if (names->size() > api::kMaxAwaitedTracks) std::abort();
    const auto offer = api::read_whip_offer(text);
    if (!offer) return 0;
    if (offer->tracks.size() > api::kMaxWhipTracks) std::abort();
    for (const livekit::AddTrackRequest& track : offer->tracks)
        if (track.cid().empty() || track.layers_size() > 3) std::abort();
    (void)api::restarted_offer(offer->description,
                               {"ufrag", "password", {"1 1 udp 1 1.2.3.4 5 typ host"}});
    return 0;
}

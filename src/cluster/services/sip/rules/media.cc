// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/sip/rules/media.h"

namespace confab::cluster::services::sip {

livekit::SIPMediaConfig merged(const livekit::SIPMediaConfig& below,
                               const livekit::SIPMediaConfig& above) {
    livekit::SIPMediaConfig media = above;
    const bool says_nothing =
        !above.has_encryption() || above.encryption() == livekit::SIP_MEDIA_ENCRYPT_DISABLE;
    if (below.has_encryption() && says_nothing) media.set_encryption(below.encryption());
    if (below.has_media_timeout() && !above.has_media_timeout())
        *media.mutable_media_timeout() = below.media_timeout();
    if (above.codecs().empty()) {
        media.set_only_listed_codecs(below.only_listed_codecs());
        *media.mutable_codecs() = below.codecs();
    }
    return media;
}

}  // namespace confab::cluster::services::sip

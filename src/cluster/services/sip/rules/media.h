// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// How media are to be in a call: the settings of a trunk, and those of a rule or a request over
// them (05 SIP-30).
#pragma once

#include "livekit_sip.pb.h"

namespace confab::cluster::services::sip {

// The older field of the encryption says what `media` does not; DISABLE is as good as nothing.
template <typename Info>
void bring_up(Info& info) {
    livekit::SIPMediaConfig& media = *info.mutable_media();
    if (!media.has_encryption() && info.media_encryption() != livekit::SIP_MEDIA_ENCRYPT_DISABLE)
        media.set_encryption(info.media_encryption());
}

// An explicit DISABLE never weakens what was asked for before; codecs come as one list.
livekit::SIPMediaConfig merged(const livekit::SIPMediaConfig& below,
                               const livekit::SIPMediaConfig& above);

}  // namespace confab::cluster::services::sip

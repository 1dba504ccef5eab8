// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The codecs that one subscriber takes, and which of them serves a source (02 IN-09, IN-32).
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "sfu/shard/commands.h"

namespace confab::sfu {

// nullptr if it is not among them.
inline const SendCodec* find_codec(const std::vector<SendCodec>& accepted, Codec codec) {
    const auto it = std::find_if(accepted.begin(), accepted.end(),
                                 [codec](const SendCodec& c) { return c.codec == codec; });
    return it == accepted.end() ? nullptr : &*it;
}

class SendCodecs {
  public:
    // How packets of a source are sent.
    struct Choice {
        const SendCodec* codec = nullptr;  // none: the subscriber does not take it
        bool down_convert = false;         // RED as opus
    };

    SendCodecs() = default;  // none
    SendCodecs(std::vector<SendCodec> accepted, bool encrypted)
        : accepted_(std::move(accepted)), encrypted_(encrypted) {}

    Choice choose(Codec of_source) const {
        const SendCodec* send = find_codec(accepted_, of_source);
        // What is encrypted can not be taken apart.
        const bool convert = send == nullptr && of_source == Codec::kRed && !encrypted_;
        return {convert ? find_codec(accepted_, Codec::kOpus) : send, convert};
    }

  private:
    std::vector<SendCodec> accepted_;
    bool encrypted_ = false;
};

}  // namespace confab::sfu

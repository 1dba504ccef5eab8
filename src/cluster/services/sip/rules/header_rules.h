// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Headers that whoever uses the API may have in SIP messages (05 SIP-14, SIP-15), with the texts
// that SDK users know. Nothing: there is no fault.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "livekit_sip.pb.h"

namespace confab::cluster::services::sip {

using Fault = std::optional<std::string>;
using Texts = google::protobuf::Map<std::string, std::string>;

// Octets that a token of RFC 3261 §25.1 has not: what is wrong.
Fault token_fault(std::string_view text);
// Names with values, that go into messages.
Fault headers_fault(const Texts& headers);
// The names of headers only: the keys of a map, or its values.
Fault header_keys_fault(const Texts& headers_to_attributes);
Fault header_values_fault(const Texts& attributes_to_headers);

}  // namespace confab::cluster::services::sip

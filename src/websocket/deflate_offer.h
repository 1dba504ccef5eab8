// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Agreeing on permessage-deflate (RFC 7692 §5, §7.1), always without context takeover: a connection
// that is silent holds no window, and what is compressed once is for all.
#pragma once

#include <string>
#include <string_view>

namespace confab::websocket {

struct DeflateAgreement {
    std::string response;   // Sec-WebSocket-Extensions; empty: none
    bool may_send = false;  // compressed messages; those of the peer may come in any case
};

// `offers` is what the client says in Sec-WebSocket-Extensions. The first offer without anything
// unknown counts. Who can only read a smaller window is sent everything plain (§7.1.2.1, §6).
DeflateAgreement agree_on_deflate(std::string_view offers);

}  // namespace confab::websocket

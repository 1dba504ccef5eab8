// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Asks each candidate of a server what a client's ICE asks it (RFC 8445 §7.1), over UDP and TCP
// (RFC 6544), without ever choosing one.
#pragma once

#include <vector>

#include "rtc/ice/binding.h"
#include "runtime/doctor/waiting.h"

namespace confab::doctor {

// A check with random transaction; with a size, padded to it by an attribute that nobody knows.
struct Check {
    wire::StunTransactionId id{};
    Bytes bytes;
};
Check make_check(const ice::CredentialPair& credentials, std::size_t padded_to = 0);
// A success response to that check.
bool answers(const Check& check, BytesView datagram);

// Fills in `reach` and `took` of each, all at once.
void probe_candidates(std::vector<CandidateFacts>& candidates,
                      const ice::CredentialPair& credentials, const Deadline& deadline);

// Whether a datagram as large as media may get reaches this address whole, and is answered.
PathMtuFacts probe_mtu(const SocketAddress& address, const ice::CredentialPair& credentials,
                       const Deadline& deadline);

}  // namespace confab::doctor

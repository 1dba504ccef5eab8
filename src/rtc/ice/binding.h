// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The STUN Binding messages of ICE: connectivity checks (RFC 8445 §7.1) and their answers (§7.3),
// built and authenticated with short-term credentials (RFC 8489 §9.1).
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/net_address.h"
#include "rtc/ice/types.h"
#include "wire/ice/stun.h"

namespace confab::ice {

struct CheckRequest {
    wire::StunTransactionId id{};
    std::uint32_t priority = 0;  // our candidate as the peer would see it: peer-reflexive
    Role role = Role::kControlled;
    std::uint64_t tie_breaker = 0;
    bool use_candidate = false;
};

// One generation of credentials of both sides; `remote` is empty until it is signalled.
struct CredentialPair {
    Credentials local;
    Credentials remote;
    bool has_remote() const { return !remote.ufrag.empty(); }
};

// USERNAME "remote:local", key: the remote password (RFC 8445 §7.2.2).
Bytes build_check(const CheckRequest& request, const CredentialPair& credentials);
// XOR-MAPPED-ADDRESS, integrity with our own password, fingerprint.
Bytes build_success(const wire::StunTransactionId& id, const SocketAddress& mapped,
                    std::string_view local_pwd);
Bytes build_error(const wire::StunTransactionId& id, std::uint16_t code, std::string_view reason,
                  std::string_view local_pwd);

// MESSAGE-INTEGRITY is there and right for this password.
bool has_integrity(const wire::StunMessage& message, std::string_view pwd);

// A request with USERNAME "local:remote" and integrity with the local password (02 ICE-05). While
// the remote ufrag is unknown any is taken: checks may overtake the answer (RFC 8445 §7.3).
bool is_authentic_request(const wire::StunMessage& message, const CredentialPair& credentials);

}  // namespace confab::ice

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/ice/binding.h"

#include <array>
#include <string>

#include "crypto/hmac.h"

namespace confab::ice {
namespace {

using wire::StunAttr;
using wire::StunBuilder;
using wire::StunClass;
using wire::StunMethod;

using Buffer = std::array<std::uint8_t, kMaxStunMessage>;

Bytes seal(StunBuilder& builder, std::string_view pwd) {
    builder.add_integrity(crypto::hmac_sha1(as_bytes(pwd), builder.integrity_input()));
    builder.add_fingerprint();
    return to_vector(builder.finish());
}

bool is_username_for(std::string_view username, const CredentialPair& credentials) {
    const std::string_view local = credentials.local.ufrag;
    if (username.size() < local.size() + 2 || username.substr(0, local.size()) != local ||
        username[local.size()] != ':')
        return false;
    return !credentials.has_remote() ||
           username.substr(local.size() + 1) == credentials.remote.ufrag;
}

}  // namespace

Bytes build_check(const CheckRequest& request, const CredentialPair& credentials) {
    Buffer buffer;
    StunBuilder builder(buffer, StunClass::kRequest, StunMethod::kBinding, request.id);
    builder.text(StunAttr::kUsername, credentials.remote.ufrag + ":" + credentials.local.ufrag);
    builder.u32(StunAttr::kPriority, request.priority);
    builder.u64(
        request.role == Role::kControlling ? StunAttr::kIceControlling : StunAttr::kIceControlled,
        request.tie_breaker);
    if (request.use_candidate) builder.flag(StunAttr::kUseCandidate);
    return seal(builder, credentials.remote.pwd);
}

Bytes build_success(const wire::StunTransactionId& id, const SocketAddress& mapped,
                    std::string_view local_pwd) {
    Buffer buffer;
    StunBuilder builder(buffer, StunClass::kSuccess, StunMethod::kBinding, id);
    builder.xor_address(StunAttr::kXorMappedAddress, mapped);
    return seal(builder, local_pwd);
}

Bytes build_error(const wire::StunTransactionId& id, std::uint16_t code, std::string_view reason,
                  std::string_view local_pwd) {
    Buffer buffer;
    StunBuilder builder(buffer, StunClass::kError, StunMethod::kBinding, id);
    builder.error_code(code, reason);
    return seal(builder, local_pwd);
}

bool has_integrity(const wire::StunMessage& message, std::string_view pwd) {
    const auto input = message.integrity_input();
    if (!input || pwd.empty()) return false;
    crypto::HmacSha1 hmac(as_bytes(pwd));
    hmac.update(input->header);
    hmac.update(input->body);
    return equal_constant_time(hmac.finish(), input->mac);
}

bool is_authentic_request(const wire::StunMessage& message, const CredentialPair& credentials) {
    const auto username = message.text(StunAttr::kUsername);
    return username && is_username_for(*username, credentials) &&
           has_integrity(message, credentials.local.pwd);
}

}  // namespace confab::ice

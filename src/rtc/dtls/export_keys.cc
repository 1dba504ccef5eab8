// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The exported block (RFC 5764 §4.2):
//   client_write_key | server_write_key | client_write_salt | server_write_salt
#include "rtc/dtls/export_keys.h"

#include <openssl/srtp.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <string_view>

namespace confab::dtls {
namespace {

constexpr std::string_view kLabel = "EXTRACTOR-dtls_srtp";
constexpr std::size_t kMaxBlock = 2 * (32 + 14);

const char* library_name(SrtpProfile profile) {
    switch (profile) {
        case SrtpProfile::kAes128CmSha1_80:
            return "SRTP_AES128_CM_SHA1_80";
        case SrtpProfile::kAeadAes128Gcm:
            return "SRTP_AEAD_AES_128_GCM";
        case SrtpProfile::kAeadAes256Gcm:
            return "SRTP_AEAD_AES_256_GCM";
    }
    return "";
}

std::optional<SrtpProfile> agreed_profile(SSL* ssl) {
    const SRTP_PROTECTION_PROFILE* const agreed = SSL_get_selected_srtp_profile(ssl);
    if (agreed == nullptr) return std::nullopt;
    switch (agreed->id) {
        case SRTP_AES128_CM_SHA1_80:
            return SrtpProfile::kAes128CmSha1_80;
        case SRTP_AEAD_AES_128_GCM:
            return SrtpProfile::kAeadAes128Gcm;
        case SRTP_AEAD_AES_256_GCM:
            return SrtpProfile::kAeadAes256Gcm;
        default:
            return std::nullopt;
    }
}

void take(BytesView& block, BytesSpan out, std::size_t size) {
    std::copy_n(block.begin(), size, out.begin());
    block = block.subspan(size);
}

}  // namespace

std::string srtp_profile_list(const std::vector<SrtpProfile>& profiles) {
    if (profiles.empty())
        return srtp_profile_list({SrtpProfile::kAeadAes128Gcm, SrtpProfile::kAeadAes256Gcm,
                                  SrtpProfile::kAes128CmSha1_80});
    std::string list;
    for (const SrtpProfile profile : profiles) {
        if (!list.empty()) list += ':';
        list += library_name(profile);
    }
    return list;
}

std::optional<SrtpKeys> export_srtp_keys(ssl_st* ssl, Role role) {
    const auto profile = agreed_profile(ssl);
    if (!profile) return std::nullopt;
    const std::size_t key = srtp_key_size(*profile);
    const std::size_t salt = srtp_salt_size(*profile);
    crypto::SecretArray<kMaxBlock> block;
    if (SSL_export_keying_material(ssl, block.writable().data(), 2 * (key + salt), kLabel.data(),
                                   kLabel.size(), nullptr, 0, 0) != 1)
        return std::nullopt;

    SrtpKeys keys;
    keys.profile = *profile;
    SrtpMasterKey& client = role == Role::kClient ? keys.local : keys.remote;
    SrtpMasterKey& server = role == Role::kClient ? keys.remote : keys.local;
    BytesView rest = block.view();
    take(rest, client.key.writable(), key);
    take(rest, server.key.writable(), key);
    take(rest, client.salt.writable(), salt);
    take(rest, server.salt.writable(), salt);
    return keys;
}

}  // namespace confab::dtls

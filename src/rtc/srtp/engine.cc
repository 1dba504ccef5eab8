// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Chooses between the two cipher libraries.
#include "rtc/srtp/engine.h"

#include "rtc/srtp/ipsec_mb.h"

#if defined(CONFAB_HAVE_IPSEC_MB)

namespace confab::srtp {

Engine::Engine(Backend preferred) {
    if (preferred == Backend::kOpenssl) return;
    manager_.reset(alloc_mb_mgr(preferred == Backend::kIpsecMbWithoutSha ? IMB_FLAG_SHANI_OFF : 0));
    if (!manager_) return;
    IMB_ARCH architecture = IMB_ARCH_NONE;
    init_mb_mgr_auto(manager_.get(), &architecture);
    // Without AES instructions the library would emulate them: slower than OpenSSL.
    if (imb_get_errno(manager_.get()) != 0 || architecture < IMB_ARCH_SSE ||
        (manager_->features & IMB_FEATURE_AESNI) == 0)
        manager_.reset();
    if (!manager_ || (manager_->features & IMB_FEATURE_SHANI) == 0) return;
    narrow_.reset(alloc_mb_mgr(0));
    if (!narrow_) return;
    init_mb_mgr_sse(narrow_.get());
    if (imb_get_errno(narrow_.get()) != 0) narrow_.reset();
}

void Engine::FreeManager::operator()(IMB_MGR* manager) const {
    free_mb_mgr(manager);
}
void FreeMultiBufferKeys::operator()(MultiBufferKeys* keys) const {
    delete keys;
}

std::unique_ptr<PacketCipher> Engine::make_cipher(const SessionKeys& keys, Direction direction) {
    if (manager_ && is_aead(keys.profile)) return make_ipsec_mb_gcm(*manager_, keys);
    if (narrow_) return make_ipsec_mb_cm(*narrow_, keys);
    // One packet alone would leave all lanes but one empty: EVP is faster for single packets.
    return make_openssl_cipher(keys, direction);
}

MultiBufferKeysPtr Engine::make_multi_buffer_keys(const SessionKeys& keys) {
    if (!manager_ || is_aead(keys.profile)) return nullptr;
    return MultiBufferKeysPtr(new MultiBufferKeys(*manager_, keys));
}

}  // namespace confab::srtp

#else

struct IMB_MGR {};

namespace confab::srtp {

struct MultiBufferKeys {};

Engine::Engine(Backend) {}
void Engine::FreeManager::operator()(IMB_MGR* manager) const {
    delete manager;
}
void FreeMultiBufferKeys::operator()(MultiBufferKeys* keys) const {
    delete keys;
}

std::unique_ptr<PacketCipher> Engine::make_cipher(const SessionKeys& keys, Direction direction) {
    return make_openssl_cipher(keys, direction);
}
MultiBufferKeysPtr Engine::make_multi_buffer_keys(const SessionKeys&) {
    return nullptr;
}

}  // namespace confab::srtp

#endif

namespace confab::srtp {

Engine::~Engine() = default;

}  // namespace confab::srtp

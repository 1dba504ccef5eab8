// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Expanded keys live aligned in the cipher objects; a packet needs nothing but the stack.
#include "rtc/srtp/ipsec_mb.h"

#if defined(CONFAB_HAVE_IPSEC_MB)

#include <algorithm>

#include "crypto/secret.h"

namespace confab::srtp {
namespace {

constexpr std::size_t kSha1Block = 64;
constexpr std::size_t kGcmTag = 16;

class IpsecMbGcm final : public PacketCipher {
  public:
    IpsecMbGcm(IMB_MGR& manager, const SessionKeys& keys)
        : encrypt_(manager.gcm128_enc), decrypt_(manager.gcm128_dec) {
        if (keys.profile == Profile::kAeadAes256Gcm) {
            encrypt_ = manager.gcm256_enc;
            decrypt_ = manager.gcm256_dec;
            manager.gcm256_pre(keys.key.view().data(), &keys_);
        } else {
            manager.gcm128_pre(keys.key.view().data(), &keys_);
        }
    }
    ~IpsecMbGcm() override {
        crypto::wipe({reinterpret_cast<std::uint8_t*>(&keys_), sizeof(keys_)});
    }

    bool seal(const Frame& frame, BytesView plain, std::uint8_t* out,
              std::uint8_t* tag) noexcept override {
        gcm_context_data context;
        if (frame.suffix.empty()) {  // RTP: no span is copied
            encrypt_(&keys_, &context, out, plain.data(), plain.size(), frame.iv.data(),
                     frame.prefix.data(), frame.prefix.size(), tag, kGcmTag);
            return true;
        }
        const AssociatedData aad(frame);
        encrypt_(&keys_, &context, out, plain.data(), plain.size(), frame.iv.data(),
                 aad.view().data(), aad.view().size(), tag, kGcmTag);
        return true;
    }
    bool open(const Frame& frame, BytesSpan text, BytesView tag) noexcept override {
        gcm_context_data context;
        const AssociatedData aad(frame);
        std::array<std::uint8_t, kGcmTag> expected;
        decrypt_(&keys_, &context, text.data(), text.data(), text.size(), frame.iv.data(),
                 aad.view().data(), aad.view().size(), expected.data(), kGcmTag);
        return equal_constant_time(expected, tag);
    }

  private:
    // The library takes the associated data in one piece.
    class AssociatedData {
      public:
        explicit AssociatedData(const Frame& frame) : view_(frame.prefix) {
            if (frame.suffix.empty()) return;
            const std::size_t prefix = std::min(frame.prefix.size(), kMaxSplitPrefix);
            const std::size_t suffix = std::min(frame.suffix.size(), kSrtcpIndexSize);
            std::copy_n(frame.prefix.begin(), prefix, joined_.begin());
            std::copy_n(frame.suffix.begin(), suffix, joined_.data() + prefix);
            view_ = BytesView(joined_).first(prefix + suffix);
        }
        BytesView view() const { return view_; }

      private:
        std::array<std::uint8_t, kMaxSplitPrefix + kSrtcpIndexSize> joined_;
        BytesView view_;
    };

    alignas(64) gcm_key_data keys_;
    aes_gcm_enc_dec_t encrypt_;
    aes_gcm_enc_dec_t decrypt_;
};

}  // namespace

std::unique_ptr<PacketCipher> make_ipsec_mb_gcm(IMB_MGR& manager, const SessionKeys& keys) {
    return std::make_unique<IpsecMbGcm>(manager, keys);
}

MultiBufferKeys::MultiBufferKeys(IMB_MGR& manager, const SessionKeys& keys) {
    alignas(16) std::array<std::uint8_t, 16 * 11> decrypt;
    manager.keyexp_128(keys.key.view().data(), encrypt.data(), decrypt.data());
    std::array<std::uint8_t, kSha1Block> block{};
    std::copy(keys.auth.view().begin(), keys.auth.view().end(), block.begin());
    for (auto& octet : block)
        octet ^= 0x36;
    manager.sha1_one_block(block.data(), inner.data());
    for (auto& octet : block)
        octet ^= 0x36 ^ 0x5c;
    manager.sha1_one_block(block.data(), outer.data());
    crypto::wipe(block);
    crypto::wipe(decrypt);
}

MultiBufferKeys::~MultiBufferKeys() {
    crypto::wipe(encrypt);
    crypto::wipe(inner);
    crypto::wipe(outer);
}

}  // namespace confab::srtp

#endif

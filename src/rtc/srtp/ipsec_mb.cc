// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Expanded keys live aligned in the cipher objects; a packet needs nothing but the stack.
#include "rtc/srtp/ipsec_mb.h"

#if defined(CONFAB_HAVE_IPSEC_MB)

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "crypto/secret.h"

namespace confab::srtp {
namespace {

constexpr std::size_t kSha1Block = 64;
constexpr std::size_t kGcmTag = 16;

// What was stored in halves and is loaded as a whole, to be passed on, waits for the store buffer.
template <typename Value>
Value in_register(Value value) {
    asm("" : "+r"(value));
    return value;
}

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
                     in_register(frame.prefix.data()), frame.prefix.size(), tag, kGcmTag);
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

    // Before the keys, in the line that the object begins with.
    aes_gcm_enc_dec_t encrypt_;
    aes_gcm_enc_dec_t decrypt_;
    alignas(64) gcm_key_data keys_;
};

// What is authenticated stands in one piece: prefix, text, suffix. That of RTP, the rollover
// counter, is where the tag will be or was (RFC 3711 §4.2).
class IpsecMbCm final : public PacketCipher {
  public:
    IpsecMbCm(IMB_MGR& manager, const SessionKeys& keys)
        : manager_(manager), keys_(manager, keys) {}

    bool seal(const Frame& frame, BytesView plain, std::uint8_t* out,
              std::uint8_t* tag) noexcept override {
        std::array<std::uint8_t, kSha1Size> full;
        if (!run(frame, plain.data(), out, plain.size(), Direction::kSeal, full)) return false;
        std::copy_n(full.begin(), kShortTag, tag);
        return true;
    }
    bool open(const Frame& frame, BytesSpan text, BytesView tag) noexcept override {
        std::array<std::uint8_t, kShortTag> expected;
        if (tag.size() != expected.size()) return false;
        std::copy(tag.begin(), tag.end(), expected.begin());
        std::array<std::uint8_t, kSha1Size> full;
        return run(frame, text.data(), text.data(), text.size(), Direction::kOpen, full) &&
               equal_constant_time(BytesView(full).first(kShortTag), expected);
    }

  private:
    static constexpr std::size_t kSha1Size = 20;
    static constexpr std::size_t kShortTag = tag_size(Profile::kAes128CmSha1_80);

    bool run(const Frame& frame, const std::uint8_t* from, std::uint8_t* text, std::size_t size,
             Direction direction, std::array<std::uint8_t, kSha1Size>& tag) noexcept {
        if (CONFAB_BUG_IF(frame.prefix.data() + frame.prefix.size() != text, "srtp_layout"))
            return false;
        alignas(16) const Iv iv = frame.iv;
        std::memmove(text + size, frame.suffix.data(), frame.suffix.size());
        IMB_JOB& job = *manager_.get_next_job(&manager_);
        fill_job(
            job, keys_,
            {from, text, size, frame.prefix.data(), frame.suffix.size(), iv.data(), tag.data()},
            direction);
        IMB_JOB* done = manager_.submit_job_nocheck(&manager_);
        if (done == nullptr) done = manager_.flush_job(&manager_);
        return done != nullptr && done->status == IMB_STATUS_COMPLETED;
    }

    IMB_MGR& manager_;
    MultiBufferKeys keys_;
};

}  // namespace

std::unique_ptr<PacketCipher> make_ipsec_mb_gcm(IMB_MGR& manager, const SessionKeys& keys) {
    return std::make_unique<IpsecMbGcm>(manager, keys);
}

std::unique_ptr<PacketCipher> make_ipsec_mb_cm(IMB_MGR& manager, const SessionKeys& keys) {
    return std::make_unique<IpsecMbCm>(manager, keys);
}

void fill_job(IMB_JOB& job, const MultiBufferKeys& keys, const CmJob& what, Direction direction) {
    const bool seals = direction == Direction::kSeal;
    // Counter mode jobs must have something to encrypt.
    job.cipher_mode = what.size > 0 ? IMB_CIPHER_CNTR : IMB_CIPHER_NULL;
    job.cipher_direction = seals ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
    job.chain_order = seals ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
    job.hash_alg = IMB_AUTH_HMAC_SHA_1;
    job.enc_keys = keys.encrypt.data();
    job.dec_keys = keys.encrypt.data();
    job.key_len_in_bytes = 16;
    job.src = what.from;
    job.dst = what.text;
    job.cipher_start_src_offset_in_bytes = 0;
    job.msg_len_to_cipher_in_bytes = what.size;
    job.iv = what.iv;
    job.iv_len_in_bytes = sizeof(Iv);
    // The hash starts at src + offset modulo 2^64: from there to the output buffer.
    job.hash_start_src_offset_in_bytes =
        reinterpret_cast<std::uintptr_t>(what.hashed) - reinterpret_cast<std::uintptr_t>(what.from);
    job.msg_len_to_hash_in_bytes =
        static_cast<std::size_t>(what.text - what.hashed) + what.size + what.suffix;
    job.auth_tag_output = what.tag;
    job.auth_tag_output_len_in_bytes = 20;
    job.u.HMAC._hashed_auth_key_xor_ipad = keys.inner.data();
    job.u.HMAC._hashed_auth_key_xor_opad = keys.outer.data();
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

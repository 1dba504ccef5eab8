// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// AES-GCM (RFC 7714) and AES-CM with HMAC-SHA1-80 (RFC 3711 §4) through EVP.
#include "rtc/srtp/openssl_cipher.h"

#include <openssl/evp.h>

#include <algorithm>

#include "base/check.h"
#include "crypto/hmac.h"

namespace confab::srtp {
namespace {

struct FreeContext {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

Context make_context(const EVP_CIPHER* cipher, BytesView key, Direction direction) {
    Context context(EVP_CIPHER_CTX_new());
    CONFAB_CHECK(context != nullptr);
    CONFAB_CHECK(EVP_CipherInit_ex(context.get(), cipher, nullptr, key.data(), nullptr,
                                   direction == Direction::kSeal ? 1 : 0) == 1);
    return context;
}

class OpensslGcm final : public PacketCipher {
  public:
    OpensslGcm(const SessionKeys& keys, Direction direction)
        : context_(make_context(
              keys.profile == Profile::kAeadAes256Gcm ? EVP_aes_256_gcm() : EVP_aes_128_gcm(),
              keys.key.view(), direction)) {}

    bool seal(const Frame& frame, BytesView plain, std::uint8_t* out,
              std::uint8_t* tag) noexcept override {
        return run(frame, plain, out) && finish() &&
               EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, kTagSize, tag) == 1;
    }
    bool open(const Frame& frame, BytesSpan text, BytesView tag) noexcept override {
        std::array<std::uint8_t, kTagSize> expected;  // the control call wants it writable
        if (tag.size() != expected.size()) return false;
        std::copy(tag.begin(), tag.end(), expected.begin());
        return run(frame, text, text.data()) &&
               EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_TAG, kTagSize,
                                   expected.data()) == 1 &&
               finish();
    }

  private:
    static constexpr int kTagSize = 16;

    bool update(std::uint8_t* out, BytesView in) noexcept {
        int written = 0;
        return in.empty() || EVP_CipherUpdate(context_.get(), out, &written, in.data(),
                                              static_cast<int>(in.size())) == 1;
    }
    bool run(const Frame& frame, BytesView in, std::uint8_t* out) noexcept {
        return EVP_CipherInit_ex(context_.get(), nullptr, nullptr, nullptr, frame.iv.data(), -1) ==
                   1 &&
               update(nullptr, frame.prefix) && update(nullptr, frame.suffix) && update(out, in);
    }
    bool finish() noexcept {
        std::array<std::uint8_t, 16> rest;
        int written = 0;
        return EVP_CipherFinal_ex(context_.get(), rest.data(), &written) == 1;
    }

    Context context_;
};

class OpensslCm final : public PacketCipher {
  public:
    explicit OpensslCm(const SessionKeys& keys)
        // Counter mode decrypts by encrypting.
        : context_(make_context(EVP_aes_128_ctr(), keys.key.view(), Direction::kSeal)),
          mac_(keys.auth.view()) {}

    bool seal(const Frame& frame, BytesView plain, std::uint8_t* out,
              std::uint8_t* tag) noexcept override {
        if (!crypt(frame.iv, plain, out)) return false;
        const auto full = authenticate(frame, {out, plain.size()});
        std::copy_n(full.begin(), tag_size(Profile::kAes128CmSha1_80), tag);
        return true;
    }
    bool open(const Frame& frame, BytesSpan text, BytesView tag) noexcept override {
        const auto full = authenticate(frame, text);
        const auto expected = BytesView(full).first(tag_size(Profile::kAes128CmSha1_80));
        return equal_constant_time(expected, tag) && crypt(frame.iv, text, text.data());
    }

  private:
    bool crypt(const Iv& iv, BytesView in, std::uint8_t* out) noexcept {
        int written = 0;
        return EVP_CipherInit_ex(context_.get(), nullptr, nullptr, nullptr, iv.data(), -1) == 1 &&
               (in.empty() || EVP_CipherUpdate(context_.get(), out, &written, in.data(),
                                               static_cast<int>(in.size())) == 1);
    }
    crypto::Digest<crypto::DigestAlgorithm::kSha1> authenticate(const Frame& frame,
                                                                BytesView text) {
        mac_.update(frame.prefix);
        mac_.update(text);
        mac_.update(frame.suffix);
        return mac_.finish();
    }

    Context context_;
    crypto::HmacSha1 mac_;
};

}  // namespace

std::unique_ptr<PacketCipher> make_openssl_cipher(const SessionKeys& keys, Direction direction) {
    if (is_aead(keys.profile)) return std::make_unique<OpensslGcm>(keys, direction);
    return std::make_unique<OpensslCm>(keys);
}

}  // namespace confab::srtp

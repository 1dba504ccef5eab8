// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

//   header                    body
//   | type | fe fd | 00 01 | number (48) | length |   GCM: nonce (8) | text | tag (16)
//                                                     ChaCha20:        text | tag (16)
//
// Authenticated beside the text: | 00 01 | number (48) | type | fe fd | length of the plaintext |
#include "rtc/dtls/record_layer.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "base/check.h"

namespace confab::dtls {
namespace {

constexpr std::uint16_t kDtls12 = 0xfefd;
constexpr std::uint16_t kEpoch = 1;
constexpr std::size_t kTag = 16;
constexpr std::size_t kExplicitNonce = 8;
constexpr std::uint64_t kMaxNumber = (std::uint64_t{1} << 48) - 1;
constexpr std::uint64_t kWindow = 64;

using Nonce = std::array<std::uint8_t, 12>;

std::size_t explicit_size(Suite suite) {
    return suite == Suite::kChacha20Poly1305 ? 0 : kExplicitNonce;
}

std::uint64_t numbered(std::uint64_t number) {
    return std::uint64_t{kEpoch} << 48 | number;
}

std::array<std::uint8_t, kRecordHeader> header(std::uint8_t type, std::uint64_t number,
                                               std::size_t length) {
    std::array<std::uint8_t, kRecordHeader> out;
    ByteWriter writer(out);
    writer.u8(type);
    writer.u16(kDtls12);
    writer.u64(numbered(number));
    writer.u16(static_cast<std::uint16_t>(length));
    return out;
}

std::array<std::uint8_t, kRecordHeader> associated(std::uint8_t type, std::uint64_t number,
                                                   std::size_t plain) {
    std::array<std::uint8_t, kRecordHeader> out;
    ByteWriter writer(out);
    writer.u64(numbered(number));
    writer.u8(type);
    writer.u16(kDtls12);
    writer.u16(static_cast<std::uint16_t>(plain));
    return out;
}

// GCM: the fixed part and what stands in the record; ChaCha20: the number laid over the fixed part.
Nonce nonce_of(Suite suite, BytesView iv, std::uint64_t in_record, std::uint64_t number) {
    Nonce nonce;
    std::copy_n(iv.begin(), suite_iv_size(suite), nonce.begin());
    if (suite == Suite::kChacha20Poly1305)
        store_be64(&nonce[4], load_be64(&nonce[4]) ^ numbered(number));
    else
        store_be64(&nonce[4], in_record);
    return nonce;
}

const EVP_CIPHER* cipher_of(Suite suite) {
    switch (suite) {
        case Suite::kAes128Gcm:
            return EVP_aes_128_gcm();
        case Suite::kAes256Gcm:
            return EVP_aes_256_gcm();
        case Suite::kChacha20Poly1305:
            break;
    }
    return EVP_chacha20_poly1305();
}

}  // namespace

// ---------------------------------------------------------------- records and their numbers

std::optional<RecordView> next_record(ByteReader& datagram) {
    if (datagram.at_end()) return std::nullopt;
    ByteReader in = datagram;
    RecordView record;
    record.type = in.u8();
    record.version = in.u16();
    record.epoch = in.u16();
    record.number = std::uint64_t{in.u16()} << 32 | in.u32();
    record.body = in.bytes(in.u16());
    if (!in.ok() || record.version >> 8 != 0xfe) return std::nullopt;
    record.whole = datagram.bytes(kRecordHeader + record.body.size());
    return record;
}

void SendNumbers::note(BytesView datagram) {
    ByteReader in(datagram);
    while (const auto record = next_record(in)) {
        if (record->epoch != kEpoch || record->number < number) continue;
        number = record->number + 1;
        if (record->body.size() >= kExplicitNonce) nonce = load_be64(record->body.data()) + 1;
    }
}

bool RecordWindow::is_fresh(std::uint64_t number) const {
    if (number >= next_) return true;
    const std::uint64_t age = next_ - 1 - number;
    return age < kWindow && (seen_ >> age & 1) == 0;
}

void RecordWindow::commit(std::uint64_t number) {
    if (number >= next_) {
        const std::uint64_t by = number + 1 - next_;
        seen_ = by < kWindow ? seen_ << by : 0;
        next_ = number + 1;
    }
    const std::uint64_t age = next_ - 1 - number;
    if (age < kWindow) seen_ |= std::uint64_t{1} << age;
}

void RecordWindow::save(StateWriter& out) const {
    out.field(1, next_);
    out.field(2, seen_);
}

void RecordWindow::load(StateReader& in) {
    in.field(1, next_);
    in.field(2, seen_);
    in.require(next_ <= kMaxNumber + 1);
}

// ---------------------------------------------------------------- protection

void RecordLayer::Free::operator()(evp_cipher_ctx_st* context) const {
    EVP_CIPHER_CTX_free(context);
}

RecordLayer::Cipher RecordLayer::make(Suite suite, BytesView key, bool seals) {
    Cipher cipher(EVP_CIPHER_CTX_new());
    CONFAB_CHECK(cipher != nullptr);
    CONFAB_CHECK(EVP_CipherInit_ex(cipher.get(), cipher_of(suite), nullptr, key.data(), nullptr,
                                   seals ? 1 : 0) == 1);
    return cipher;
}

RecordLayer::RecordLayer(const RecordKeys& keys, const SendNumbers& send,
                         const RecordWindow& window)
    : keys_(keys),
      send_(send),
      window_(window),
      seal_(make(keys.suite, keys.local_key.view(), true)),
      open_(make(keys.suite, keys.remote_key.view(), false)) {}

Bytes RecordLayer::seal(std::uint8_t type, BytesView plain) {
    if (send_.number > kMaxNumber) return {};
    const std::uint64_t number = send_.number++;
    const std::uint64_t in_record = send_.nonce++;
    const std::size_t extra = explicit_size(keys_.suite);
    Bytes out(kRecordHeader + extra + plain.size() + kTag);
    const auto head = header(type, number, out.size() - kRecordHeader);
    std::copy(head.begin(), head.end(), out.begin());
    if (extra > 0) store_be64(&out[kRecordHeader], in_record);
    const Nonce nonce = nonce_of(keys_.suite, keys_.local_iv.view(), in_record, number);
    const auto beside = associated(type, number, plain.size());
    std::uint8_t* const text = &out[kRecordHeader + extra];
    int size = 0;
    EVP_CIPHER_CTX* const cipher = seal_.get();
    const bool sealed =
        EVP_EncryptInit_ex(cipher, nullptr, nullptr, nullptr, nonce.data()) == 1 &&
        EVP_EncryptUpdate(cipher, nullptr, &size, beside.data(), static_cast<int>(beside.size())) ==
            1 &&
        EVP_EncryptUpdate(cipher, text, &size, plain.data(), static_cast<int>(plain.size())) == 1 &&
        EVP_EncryptFinal_ex(cipher, text + plain.size(), &size) == 1 &&
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, static_cast<int>(kTag),
                            text + plain.size()) == 1;
    return sealed ? out : Bytes{};
}

std::optional<Bytes> RecordLayer::open(const RecordView& record) {
    const std::size_t extra = explicit_size(keys_.suite);
    if (record.epoch != kEpoch || record.version != kDtls12 || record.body.size() < extra + kTag ||
        !window_.is_fresh(record.number))
        return std::nullopt;
    const std::uint64_t in_record = extra > 0 ? load_be64(record.body.data()) : 0;
    const BytesView text = record.body.subspan(extra, record.body.size() - extra - kTag);
    std::array<std::uint8_t, kTag> tag;
    std::copy_n(record.body.end() - kTag, kTag, tag.begin());
    const Nonce nonce = nonce_of(keys_.suite, keys_.remote_iv.view(), in_record, record.number);
    const auto beside = associated(record.type, record.number, text.size());
    Bytes plain(text.size());
    std::array<std::uint8_t, kTag> nothing;
    int size = 0;
    EVP_CIPHER_CTX* const cipher = open_.get();
    const bool is_authentic =
        EVP_DecryptInit_ex(cipher, nullptr, nullptr, nullptr, nonce.data()) == 1 &&
        EVP_DecryptUpdate(cipher, nullptr, &size, beside.data(), static_cast<int>(beside.size())) ==
            1 &&
        EVP_DecryptUpdate(cipher, plain.empty() ? nothing.data() : plain.data(), &size, text.data(),
                          static_cast<int>(text.size())) == 1 &&
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(kTag), tag.data()) ==
            1 &&
        EVP_DecryptFinal_ex(cipher, nothing.data(), &size) == 1;
    if (!is_authentic) return std::nullopt;
    window_.commit(record.number);
    return plain;
}

void RecordLayer::skip_ahead(std::uint64_t count) {
    send_.number = std::min(send_.number + count, kMaxNumber + 1);
    send_.nonce += count;
}

// ---------------------------------------------------------------- state

void save_record_state(const RecordKeys& keys, const SendNumbers& send, const RecordWindow& window,
                       StateWriter& out) {
    const std::size_t key = suite_key_size(keys.suite);
    const std::size_t iv = suite_iv_size(keys.suite);
    out.choice(1, keys.suite, Suite::kChacha20Poly1305);
    out.field(2, keys.local_key.view().first(key));
    out.field(3, keys.local_iv.view().first(iv));
    out.field(4, keys.remote_key.view().first(key));
    out.field(5, keys.remote_iv.view().first(iv));
    out.field(6, send.number);
    out.field(7, send.nonce);
    out.part(8, window);
}

void RecordLayer::save(StateWriter& out) const {
    save_record_state(keys_, send_, window_, out);
}

std::optional<RecordLayer> RecordLayer::load(StateReader& in) {
    RecordKeys keys;
    SendNumbers send;
    RecordWindow window;
    const auto secret = [&in](std::uint8_t tag, BytesSpan out, std::size_t size) {
        BytesView bytes;
        in.field(tag, bytes);
        in.require(bytes.size() == size);
        if (in.ok()) std::copy(bytes.begin(), bytes.end(), out.begin());
    };
    in.choice(1, keys.suite, Suite::kChacha20Poly1305);
    const std::size_t key = suite_key_size(keys.suite);
    const std::size_t iv = suite_iv_size(keys.suite);
    secret(2, keys.local_key.writable(), key);
    secret(3, keys.local_iv.writable(), iv);
    secret(4, keys.remote_key.writable(), key);
    secret(5, keys.remote_iv.writable(), iv);
    in.field(6, send.number);
    in.field(7, send.nonce);
    in.part(8, window);
    in.require(send.number <= kMaxNumber + 1);
    if (!in.ok()) return std::nullopt;
    return RecordLayer(keys, send, window);
}

}  // namespace confab::dtls

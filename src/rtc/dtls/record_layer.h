// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The records of a finished DTLS 1.2 handshake by code of our own (RFC 6347 §4.1, §4.1.2.6;
// AEAD suites: RFC 5246 §6.2.3.3, RFC 5288, RFC 7905): what a session that came from another
// process has instead of an SSL object. Epoch 1 for ever, as nothing renegotiates. Internal to
// rtc/dtls.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/state/state.h"
#include "crypto/secret.h"

struct evp_cipher_ctx_st;

namespace confab::dtls {

enum class Suite : std::uint8_t { kAes128Gcm, kAes256Gcm, kChacha20Poly1305 };
constexpr std::size_t suite_key_size(Suite suite) {
    return suite == Suite::kAes128Gcm ? 16 : 32;
}
// Of the part that the handshake gave; GCM has 8 octets more in each record.
constexpr std::size_t suite_iv_size(Suite suite) {
    return suite == Suite::kChacha20Poly1305 ? 12 : 4;
}

inline constexpr std::size_t kRecordHeader = 13;
inline constexpr std::uint8_t kTypeHandshake = 22;
inline constexpr std::uint8_t kTypeApplicationData = 23;

// Keys of both directions from our point of view.
struct RecordKeys {
    Suite suite = Suite::kAes128Gcm;
    crypto::SecretArray<32> local_key;  // suite_key_size() octets
    crypto::SecretArray<12> local_iv;   // suite_iv_size() octets
    crypto::SecretArray<32> remote_key;
    crypto::SecretArray<12> remote_iv;
};

// What is next to be sent in epoch 1. libssl starts the explicit nonce of GCM (RFC 5288 §3)
// anywhere and counts on from there: so do its heirs, so that none comes twice.
struct SendNumbers {
    std::uint64_t number = 0;  // 48 bits
    std::uint64_t nonce = 0;

    // Takes notice of the records of a datagram that went out.
    void note(BytesView datagram);
};

// The numbers of authentic records, RFC 6347 §4.1.2.6.
class RecordWindow {
  public:
    bool is_fresh(std::uint64_t number) const;
    void commit(std::uint64_t number);

    // base/state/state.h
    void save(StateWriter& out) const;
    void load(StateReader& in);

  private:
    std::uint64_t next_ = 0;  // behind the highest
    std::uint64_t seen_ = 0;  // bit i: next_ - 1 - i
};

// A record as it stands in a datagram; views into it.
struct RecordView {
    std::uint8_t type = 0;
    std::uint16_t version = 0;
    std::uint16_t epoch = 0;
    std::uint64_t number = 0;
    BytesView body;
    BytesView whole;
};
// The next record; nullopt at the end, or where no borders are to be seen: then the reader is not
// at its end.
std::optional<RecordView> next_record(ByteReader& datagram);

class RecordLayer {
  public:
    RecordLayer(const RecordKeys& keys, const SendNumbers& send, const RecordWindow& window);
    RecordLayer(RecordLayer&&) noexcept = default;
    RecordLayer& operator=(RecordLayer&&) noexcept = default;

    // One datagram with the record. Empty when the library fails or the numbers are used up.
    Bytes seal(std::uint8_t type, BytesView plain);
    // The plaintext of an authentic record that did not come before; nullopt for every other one.
    std::optional<Bytes> open(const RecordView& record);
    // Numbers that the owner before may have used beyond those in its state (02 TRAP-14).
    void skip_ahead(std::uint64_t count);

    // base/state/state.h
    void save(StateWriter& out) const;
    static std::optional<RecordLayer> load(StateReader& in);

  private:
    struct Free {
        void operator()(evp_cipher_ctx_st* context) const;
    };
    using Cipher = std::unique_ptr<evp_cipher_ctx_st, Free>;
    static Cipher make(Suite suite, BytesView key, bool seals);

    RecordKeys keys_;
    SendNumbers send_;
    RecordWindow window_;
    Cipher seal_;
    Cipher open_;
};

// base/state/state.h
void save_record_state(const RecordKeys& keys, const SendNumbers& send, const RecordWindow& window,
                       StateWriter& out);

}  // namespace confab::dtls

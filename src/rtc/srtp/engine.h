// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The cipher library behind SRTP. One engine per worker, passed to every context: intel-ipsec-mb's
// manager holds the lanes of unfinished packets and must not be shared between threads (02 DES-24).
#pragma once

#include <cstdint>
#include <memory>

#include "rtc/srtp/openssl_cipher.h"
#include "rtc/srtp/packet_cipher.h"

struct IMB_MGR;  // NOLINT(readability-identifier-naming): the library's name

namespace confab::srtp {

enum class Backend : std::uint8_t {
    kOpenssl,
    kIpsecMb,
    kIpsecMbWithoutSha,  // as on processors without SHA instructions, for tests
};

// The keys of counter mode in the form that the multi-buffer jobs take.
struct MultiBufferKeys;
struct FreeMultiBufferKeys {
    void operator()(MultiBufferKeys* keys) const;
};
using MultiBufferKeysPtr = std::unique_ptr<MultiBufferKeys, FreeMultiBufferKeys>;

class Engine {
  public:
    // Falls back to OpenSSL where ipsec-mb was not built in or this processor is too old for it.
    explicit Engine(Backend preferred = Backend::kIpsecMb);
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;
    ~Engine();

    Backend backend() const { return manager_ ? Backend::kIpsecMb : Backend::kOpenssl; }

    // The cipher must not outlive the engine.
    std::unique_ptr<PacketCipher> make_cipher(const SessionKeys& keys, Direction direction);
    // Null where packets of this profile are not sealed by multi-buffer jobs.
    MultiBufferKeysPtr make_multi_buffer_keys(const SessionKeys& keys);
    // Null with the OpenSSL backend.
    IMB_MGR* manager() const { return manager_.get(); }
    // Of one lane or two, which are done by the processor's SHA instructions: for packets that
    // would leave most lanes of the other one empty. Null where there are none.
    IMB_MGR* narrow() const { return narrow_.get(); }

  private:
    struct FreeManager {
        void operator()(IMB_MGR* manager) const;
    };
    std::unique_ptr<IMB_MGR, FreeManager> manager_;
    std::unique_ptr<IMB_MGR, FreeManager> narrow_;
};

}  // namespace confab::srtp

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Encrypts the packets of many sending contexts together. Counter mode with HMAC-SHA1 fills the
// lanes of intel-ipsec-mb across subscribers (02 DES-24); the AEAD profiles, and everything where
// that library is missing, are done at once by submit(). The caller needs no difference.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "rtc/srtp/engine.h"
#include "rtc/srtp/send_context.h"

namespace confab::srtp {

// Packets in flight; further submits finish earlier ones. Below ipsec-mb's own queue of 256.
inline constexpr std::size_t kMaxBatch = 128;

// One per engine, because the manager's queue is one.
class BatchEncryptor {
  public:
    explicit BatchEncryptor(Engine& engine) : engine_(engine) {}
    BatchEncryptor(const BatchEncryptor&) = delete;
    BatchEncryptor& operator=(const BatchEncryptor&) = delete;
    ~BatchEncryptor() { complete_all(); }

    // SendContext::protect_rtp() of `context`, perhaps later: until complete_all() returns, `out`,
    // `payload` and the context must stay where they are, and `out` is not ready to send.
    // Returns the packet's final size at once; 0 as protect_rtp() does.
    std::size_t submit(SendContext& context, const RtpJob& job) noexcept {
        // Counter mode jobs must have something to encrypt.
        if (!context.multi_buffer_ || job.payload.empty()) return context.protect_rtp(job);
        if (!context.acceptable(job)) return 0;
        enqueue(context, job.out, job.header_size, job.payload, job.index);
        return job.header_size + job.payload.size() + context.rtp_overhead();
    }
    std::size_t submit(SendContext& context, BytesSpan out, std::size_t header_size,
                       BytesView payload, std::uint64_t index) noexcept {
        return submit(context, {out, header_size, payload, index});
    }

    // Afterwards every submitted packet is complete.
    void complete_all() noexcept;

    std::size_t pending() const { return pending_; }
    // Packets that the library did not finish well; each was overwritten with zeros.
    std::uint64_t failures() const { return failures_; }

  private:
    // Fewer packets than these take longer in lanes that are mostly empty than one by one with the
    // processor's SHA instructions (`./dev bench srtp`).
    static constexpr std::size_t kGroup = 4;

    struct Slot {
        alignas(16) Iv iv;
        std::array<std::uint8_t, 20> tag;
        const MultiBufferKeys* keys = nullptr;
        BytesView payload;
        std::size_t header_size = 0;
        BytesSpan packet;  // with its tag

        std::uint8_t* tag_place() const { return packet.data() + header_size + payload.size(); }
    };
    void enqueue(SendContext& context, BytesSpan out, std::size_t header_size, BytesView payload,
                 std::uint64_t index) noexcept;
    // The newest ones are held until they are a group.
    void start_held(IMB_MGR& manager) noexcept;
    void finish_all(IMB_MGR& manager) noexcept;
    void finish(void* job) noexcept;

    [[maybe_unused]] Engine& engine_;
    std::array<Slot, kMaxBatch> slots_;
    [[maybe_unused]] std::size_t next_ = 0;  // these unused without ipsec-mb
    [[maybe_unused]] std::size_t held_ = 0;
    std::size_t pending_ = 0;
    std::uint64_t failures_ = 0;
};

}  // namespace confab::srtp

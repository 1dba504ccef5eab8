// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A job encrypts payload -> out in counter mode, then authenticates header || text || ROC, where
// the ROC stands in the octets that the tag will take (RFC 3711 §4.2).
#include "rtc/srtp/batch.h"

#include <algorithm>

#include "rtc/srtp/ipsec_mb.h"

namespace confab::srtp {

std::size_t BatchEncryptor::submit(SendContext& context, const RtpJob& job) noexcept {
    // Counter mode jobs must have something to encrypt.
    if (!context.multi_buffer_ || job.payload.empty()) return context.protect_rtp(job);
    if (!context.acceptable(job)) return 0;
    enqueue(context, job.out, job.header_size, job.payload, job.index);
    return job.header_size + job.payload.size() + context.rtp_overhead();
}

#if defined(CONFAB_HAVE_IPSEC_MB)

void BatchEncryptor::enqueue(SendContext& context, BytesSpan out, std::size_t header_size,
                             BytesView payload, std::uint64_t index) noexcept {
    // Jobs come back in the order of submission, so the slot after the newest is the oldest.
    if (pending_ == kMaxBatch) complete_all();
    const std::size_t text_end = header_size + payload.size();
    Slot& slot = slots_[next_];
    next_ = (next_ + 1) % kMaxBatch;
    slot.iv = make_iv(context.rtp_keys_, load_be32(&out[8]), index);
    slot.tag_place = out.data() + text_end;
    slot.packet = out.first(text_end + context.rtp_overhead());
    store_be32(slot.tag_place, static_cast<std::uint32_t>(index >> 16));

    const MultiBufferKeys& keys = *context.multi_buffer_;
    IMB_MGR& manager = *engine_.manager();
    IMB_JOB& job = *manager.get_next_job(&manager);
    job.cipher_mode = IMB_CIPHER_CNTR;
    job.cipher_direction = IMB_DIR_ENCRYPT;
    job.chain_order = IMB_ORDER_CIPHER_HASH;
    job.hash_alg = IMB_AUTH_HMAC_SHA_1;
    job.enc_keys = keys.encrypt.data();
    job.dec_keys = keys.encrypt.data();
    job.key_len_in_bytes = 16;
    job.src = payload.data();
    job.dst = out.data() + header_size;
    job.cipher_start_src_offset_in_bytes = 0;
    job.msg_len_to_cipher_in_bytes = payload.size();
    job.iv = slot.iv.data();
    job.iv_len_in_bytes = slot.iv.size();
    // The hash starts at src + offset modulo 2^64: from there to the output buffer.
    job.hash_start_src_offset_in_bytes = reinterpret_cast<std::uintptr_t>(out.data()) -
                                         reinterpret_cast<std::uintptr_t>(payload.data());
    job.msg_len_to_hash_in_bytes = text_end + sizeof(std::uint32_t);
    job.auth_tag_output = slot.tag.data();
    job.auth_tag_output_len_in_bytes = slot.tag.size();
    job.u.HMAC._hashed_auth_key_xor_ipad = keys.inner.data();
    job.u.HMAC._hashed_auth_key_xor_opad = keys.outer.data();
    job.user_data = &slot;
    ++pending_;
    for (IMB_JOB* done = manager.submit_job_nocheck(&manager); done != nullptr;
         done = manager.get_completed_job(&manager))
        finish(done);
}

void BatchEncryptor::finish(void* finished) noexcept {
    const auto& job = *static_cast<const IMB_JOB*>(finished);
    Slot& slot = *static_cast<Slot*>(job.user_data);
    if (job.status == IMB_STATUS_COMPLETED) {
        std::copy_n(slot.tag.begin(), tag_size(Profile::kAes128CmSha1_80), slot.tag_place);
    } else {
        std::fill(slot.packet.begin(), slot.packet.end(), std::uint8_t{0});
        ++failures_;
    }
    --pending_;
}

void BatchEncryptor::complete_all() noexcept {
    if (pending_ == 0) return;
    IMB_MGR& manager = *engine_.manager();
    while (IMB_JOB* done = manager.flush_job(&manager))
        finish(done);
}

#else

void BatchEncryptor::enqueue(SendContext&, BytesSpan, std::size_t, BytesView,
                             std::uint64_t) noexcept {}
void BatchEncryptor::finish(void*) noexcept {}
void BatchEncryptor::complete_all() noexcept {}

#endif

}  // namespace confab::srtp

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A job encrypts payload -> out in counter mode, then authenticates header || text || ROC, where
// the ROC stands in the octets that the tag will take (RFC 3711 §4.2).
#include "rtc/srtp/batch.h"

#include <algorithm>

#include "rtc/srtp/ipsec_mb.h"

namespace confab::srtp {

#if defined(CONFAB_HAVE_IPSEC_MB)

void BatchEncryptor::enqueue(SendContext& context, BytesSpan out, std::size_t header_size,
                             BytesView payload, std::uint64_t index) noexcept {
    // Jobs come back in the order of submission, so the slot after the newest is the oldest.
    if (pending_ == kMaxBatch) complete_all();
    Slot& slot = slots_[next_];
    next_ = (next_ + 1) % kMaxBatch;
    slot.iv = make_iv(context.rtp_keys_, load_be32(&out[8]), index);
    slot.keys = context.multi_buffer_.get();
    slot.payload = payload;
    slot.header_size = header_size;
    slot.packet = out.first(header_size + payload.size() + context.rtp_overhead());
    store_be32(slot.tag_place(), static_cast<std::uint32_t>(index >> 16));
    ++held_;
    ++pending_;
    if (engine_.narrow() == nullptr || held_ == kGroup) start_held(*engine_.manager());
}

void BatchEncryptor::start_held(IMB_MGR& manager) noexcept {
    for (; held_ > 0; --held_) {
        Slot& slot = slots_[(next_ + kMaxBatch - held_) % kMaxBatch];
        IMB_JOB& job = *manager.get_next_job(&manager);
        fill_job(job, *slot.keys,
                 {slot.payload.data(), slot.packet.data() + slot.header_size, slot.payload.size(),
                  slot.packet.data(), sizeof(std::uint32_t), slot.iv.data(), slot.tag.data()},
                 Direction::kSeal);
        job.user_data = &slot;
        for (IMB_JOB* done = manager.submit_job_nocheck(&manager); done != nullptr;
             done = manager.get_completed_job(&manager))
            finish(done);
    }
}

void BatchEncryptor::finish(void* finished) noexcept {
    const auto& job = *static_cast<const IMB_JOB*>(finished);
    Slot& slot = *static_cast<Slot*>(job.user_data);
    if (job.status == IMB_STATUS_COMPLETED) {
        std::copy_n(slot.tag.begin(), tag_size(Profile::kAes128CmSha1_80), slot.tag_place());
    } else {
        std::fill(slot.packet.begin(), slot.packet.end(), std::uint8_t{0});
        ++failures_;
    }
    --pending_;
}

void BatchEncryptor::finish_all(IMB_MGR& manager) noexcept {
    while (IMB_JOB* done = manager.flush_job(&manager))
        finish(done);
}

void BatchEncryptor::complete_all() noexcept {
    if (pending_ == 0) return;
    if (held_ > 0) {
        start_held(*engine_.narrow());
        finish_all(*engine_.narrow());
    }
    finish_all(*engine_.manager());
}

#else

void BatchEncryptor::enqueue(SendContext&, BytesSpan, std::size_t, BytesView,
                             std::uint64_t) noexcept {}
void BatchEncryptor::start_held(IMB_MGR&) noexcept {}
void BatchEncryptor::finish_all(IMB_MGR&) noexcept {}
void BatchEncryptor::finish(void*) noexcept {}
void BatchEncryptor::complete_all() noexcept {}

#endif

}  // namespace confab::srtp

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/packet/send_batch.h"

#include "base/check.h"

namespace confab::sfu {

SendBatch::SendBatch() : arena_(std::make_unique<std::uint8_t[]>(kArenaSize)) {}

bool SendBatch::extends_open_run(const ice::Path& path, std::size_t size) const {
    if (!open_) return false;
    const SendRun& last = runs_[run_count_ - 1];
    return size <= last.segment_size && last.count < kMaxSegments &&
           last.size + size <= kMaxRunSize && last.path == path;
}

void SendBatch::commit(const ice::Path& path, std::size_t size, Worth worth) {
    CONFAB_DCHECK(size > 0 && size <= kMaxDatagram && has_room());
    const std::uint64_t kept = worth == Worth::kFirst ? 1 : 0;
    if (extends_open_run(path, size)) {
        SendRun& last = runs_[run_count_ - 1];
        last.size += static_cast<std::uint32_t>(size);
        last.kept_longest |= kept << last.count;
        ++last.count;
        // Only the last segment of a GSO send may be shorter.
        open_ = size == last.segment_size;
    } else {
        runs_[run_count_++] = {path,
                               static_cast<std::uint32_t>(used_),
                               static_cast<std::uint32_t>(size),
                               static_cast<std::uint16_t>(size),
                               1,
                               kept};
        open_ = path.protocol == ice::Protocol::kUdp;  // a TCP frame has a run of its own
    }
    used_ += size;
}

}  // namespace confab::sfu

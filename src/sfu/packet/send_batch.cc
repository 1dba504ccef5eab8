// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/packet/send_batch.h"

#include "base/check.h"

namespace confab::sfu {

SendBatch::SendBatch() : arena_(std::make_unique<std::uint8_t[]>(kArenaSize)) {}

void SendBatch::begin_run(const ice::Path& path, std::size_t size, Worth worth) {
    runs_[run_count_++] = {path,
                           static_cast<std::uint32_t>(used_),
                           static_cast<std::uint32_t>(size),
                           static_cast<std::uint16_t>(size),
                           1,
                           std::uint64_t{worth == Worth::kFirst}};
    open_ = path.protocol == ice::Protocol::kUdp;  // a TCP frame has a run of its own
    used_ += size;
}

void SendBatch::commit(const ice::Path& path, std::size_t size, Worth worth) {
    CONFAB_DCHECK(size > 0 && size <= kMaxDatagram && has_room());
    if (extends_open_run(size) && runs_[run_count_ - 1].path == path)
        extend_run(size, worth);
    else
        begin_run(path, size, worth);
}

}  // namespace confab::sfu

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/socket/stream_backlog.h"

#include <algorithm>
#include <utility>

namespace confab::worker {

bool StreamBacklog::hold(Timestamp now, BytesView header, BytesView frame, std::size_t sent,
                         Urgency urgency) {
    Bytes bytes;
    bytes.reserve(header.size() + frame.size());
    bytes.insert(bytes.end(), header.begin(), header.end());
    bytes.insert(bytes.end(), frame.begin(), frame.end());
    if (sent == 0) return whole_.push(now, std::move(bytes), urgency);
    begun_ = std::move(bytes);
    written_ = sent;
    return true;
}

std::size_t StreamBacklog::gather(std::span<iovec> parts, std::size_t octets) {
    std::size_t count = 0;
    // False: no more of them.
    const auto take = [&](Bytes& frame, std::size_t written) {
        const std::size_t size = frame.size() - written;
        if (count == parts.size() || (count > 0 && size > octets)) return false;
        parts[count++] = {frame.data() + written, size};
        octets -= std::min(octets, size);
        return true;
    };
    if (begun_ && !take(*begun_, written_)) return count;
    whole_.each([&](Bytes& frame) { return take(frame, 0); });
    return count;
}

std::size_t StreamBacklog::advance(std::size_t octets) {
    std::size_t frames = 0;
    while (octets > 0) {
        if (!begun_) {
            begun_ = whole_.pop();
            written_ = 0;
        }
        const std::size_t some = std::min(octets, begun_->size() - written_);
        written_ += some;
        octets -= some;
        if (written_ < begun_->size()) break;
        begun_.reset();
        ++frames;
    }
    return frames;
}

}  // namespace confab::worker

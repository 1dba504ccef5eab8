// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Outgoing datagrams of one loop turn, built once and back to back, so that every run of equal
// lengths to one destination leaves in one UDP GSO send (02 DES-10, §10.3).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "rtc/ice/path.h"

namespace confab::sfu {

// What a socket that takes no more gives up first: pictures, with their repairs and padding (02
// DES-06).
enum class Worth : std::uint8_t { kPicture, kFirst };

// `count` datagrams of `segment_size` bytes, the last one maybe shorter, at `offset` of the arena.
struct SendRun {
    ice::Path path;
    std::uint32_t offset = 0;
    std::uint32_t size = 0;
    std::uint16_t segment_size = 0;
    std::uint16_t count = 0;         // 0: sent already
    std::uint64_t kept_longest = 0;  // bit i: datagram i is Worth::kFirst
};

class SendBatch {
  public:
    // Linux takes up to 64 segments (UDP_MAX_SEGMENTS) and less than 64 KiB in one send.
    static constexpr std::size_t kMaxSegments = 64;
    static constexpr std::size_t kMaxRunSize = 65'000;
    static constexpr std::size_t kMaxDatagram = 1536;
    static constexpr std::size_t kArenaSize = 256 * 1024;
    static constexpr std::size_t kMaxRuns = 256;

    SendBatch();

    // Room for one more datagram of the largest size?
    bool has_room() const { return has_room_for(1); }
    bool has_room_for(std::size_t datagrams) const {
        return used_ + datagrams * kMaxDatagram <= kArenaSize && run_count_ + datagrams <= kMaxRuns;
    }
    // For how many of them.
    std::size_t room() const {
        return std::min((kArenaSize - used_) / kMaxDatagram, kMaxRuns - run_count_);
    }
    // Where the next datagram is to be written; only if has_room().
    BytesSpan reserve() { return {arena_.get() + used_, kMaxDatagram}; }
    // The datagram of `size` bytes written at reserve() goes to `path`.
    void commit(const ice::Path& path, std::size_t size, Worth worth = Worth::kFirst);

    // The same, to where the one before goes.
    void commit_more(std::size_t size, Worth worth) {
        if (extends_open_run(size))
            extend_run(size, worth);
        else
            begin_run(ice::Path(runs_[run_count_ - 1].path), size, worth);
    }

    std::size_t run_count() const { return run_count_; }
    const SendRun& run(std::size_t i) const { return runs_[i]; }
    BytesSpan bytes(const SendRun& run) { return {arena_.get() + run.offset, run.size}; }
    // It went another way: it has no datagrams any more.
    void mark_sent(std::size_t i) { runs_[i].count = 0; }
    // Its address has another name on this host.
    void redirect(std::size_t i, const IpAddress& to) { runs_[i].path.remote.ip = to; }
    bool empty() const { return run_count_ == 0; }
    void clear() { used_ = run_count_ = 0, open_ = false; }

  private:
    bool extends_open_run(std::size_t size) const {
        if (!open_) return false;
        const SendRun& last = runs_[run_count_ - 1];
        return size <= last.segment_size && last.count < kMaxSegments &&
               last.size + size <= kMaxRunSize;
    }
    void extend_run(std::size_t size, Worth worth) {
        SendRun& last = runs_[run_count_ - 1];
        last.size += static_cast<std::uint32_t>(size);
        last.kept_longest |= std::uint64_t{worth == Worth::kFirst} << last.count;
        ++last.count;
        // Only the last segment of a GSO send may be shorter.
        open_ = size == last.segment_size;
        used_ += size;
    }
    void begin_run(const ice::Path& path, std::size_t size, Worth worth);

    std::unique_ptr<std::uint8_t[]> arena_;
    std::size_t used_ = 0;
    std::array<SendRun, kMaxRuns> runs_{};
    std::size_t run_count_ = 0;
    bool open_ = false;  // may the last run still grow?
};

}  // namespace confab::sfu

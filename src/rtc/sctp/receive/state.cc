// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The receiving side as bytes (base/state/state.h): which TSNs came, what is not whole or waits for
// its turn, and the SACK that is due.
#include "base/state/state.h"

#include "rtc/sctp/limits.h"
#include "rtc/sctp/receive/data_receiver.h"

namespace confab::sctp {
namespace {

constexpr std::size_t kMaxRuns = std::size_t{1} << 17;
constexpr std::int64_t kMaxTsn = std::int64_t{1} << 60;

}  // namespace

template <typename Self, typename Io>
void RxTracker::fields(Self& self, Io& io) {
    io.field(1, self.cumulative_);
    io.list(2, self.ranges_, kMaxGapRanges, [](auto& range_io, auto& range) {
        range_io.field(1, range.first);
        range_io.field(2, range.last);
    });
    io.numbers(3, self.duplicates_, kMaxDuplicateReports);
    io.field(4, self.deadline_);
    io.field(5, self.packets_);
    io.field(6, self.due_);
}
void RxTracker::save(StateWriter& out) const {
    fields(*this, out);
}
void RxTracker::load(StateReader& in) {
    fields(*this, in);
    in.require(cumulative_ >= 0 && cumulative_ < kMaxTsn);
    in.require(packets_ >= 0 && packets_ < 1'000'000'000);
    std::int64_t before = cumulative_;
    for (const Range& range : ranges_) {
        in.require(range.first > before && range.first - before > 1 && range.last >= range.first &&
                   range.last <= cumulative_ + kMaxTsnAhead);
        if (!in.ok()) return;
        before = range.last;
    }
}

template <typename Self, typename Io>
void Reassembly::fields(Self& self, Io& io) {
    io.map(1, self.runs_, kMaxRuns, [most = self.max_message_size_](auto& run_io, auto& run) {
        run_io.field(2, run.next);
        run_io.field(3, run.stream);
        run_io.field(4, run.ssn);
        run_io.field(5, run.ppid);
        run_io.field(6, run.unordered);
        run_io.field(7, run.has_begin);
        run_io.field(8, run.has_end);
        run_io.field(9, run.fragments);
        run_io.field(10, run.bytes, most);
    });
    io.map(2, self.streams_, kMaxTrackedStreams,
           [most = self.max_message_size_](auto& stream_io, auto& stream) {
               stream_io.field(2, stream.next_ssn);
               stream_io.map(3, stream.waiting, kMaxRuns, [most](auto& waiting_io, auto& message) {
                   waiting_io.field(2, message.stream);
                   waiting_io.field(3, message.ppid);
                   waiting_io.field(4, message.payload, most);
               });
               stream_io.field(4, stream.discarding);
           });
}
void Reassembly::save(StateWriter& out) const {
    fields(*this, out);
}
void Reassembly::load(StateReader& in) {
    fields(*this, in);
    std::int64_t before = 0;
    for (const auto& [first, run] : runs_) {
        in.require(first > 0 && first < kMaxTsn && first >= before && run.next > first &&
                   run.next < kMaxTsn && run.fragments <= kMaxFragments);
        if (!in.ok()) return;
        in.require(run.fragments == static_cast<std::size_t>(run.next - first) &&
                   !(run.has_begin && run.has_end));
        before = run.next;
        held_ += run.bytes.size() + run.fragments * kItemOverhead;
    }
    for (const auto& [id, stream] : streams_) {
        in.require(stream.next_ssn >= 0 && stream.next_ssn < kMaxTsn);
        for (const auto& [ssn, message] : stream.waiting) {
            in.require(ssn > stream.next_ssn && ssn < kMaxTsn);
            held_ += cost(message);
        }
    }
}

template <typename Self, typename Io>
void DataReceiver::fields(Self& self, Io& io) {
    io.part(1, self.tracker_);
    io.part(2, self.reassembly_);
    io.field(3, self.advertised_);
    io.field(4, self.chunks_refused_);
}
void DataReceiver::save(StateWriter& out) const {
    fields(*this, out);
}
void DataReceiver::load(StateReader& in) {
    fields(*this, in);
}

}  // namespace confab::sctp

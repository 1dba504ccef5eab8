// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sfu/peer/uplink.h"

#include <algorithm>
#include <array>
#include <utility>

#include "rtc/rtp/nack_tracker.h"

namespace confab::sfu {
namespace {
constexpr std::size_t kMaxNackSize = 12 + 4 * rtp::NackTracker::kMaxMissing;
constexpr std::size_t kPliSize = 12;
constexpr std::size_t kReportSize = 8 + 24;
constexpr std::size_t kRrtrSize = 20;
static_assert(std::max(kMaxNackSize + kPliSize, kReportSize + kRrtrSize) <= kMaxCompound);
}  // namespace

// Each stream has a datagram of its own: pion hands a compound, and newer ones a report, to each
// stream that it names, and repairs as often what was lost once.
bool Uplink::write_loss_feedback(Timestamp now, RtcpCompounds& out) {
    for (Receiver* receiver : inbound_.receivers()) {
        for (const auto& stream : receiver->streams()) {
            if (!out.has_room()) return false;
            ByteWriter& writer = out.next(kMaxNackSize + kPliSize);
            if (!receiver->muted()) counters_.nacks_out += stream->write_nack(now, writer);
            if (stream->write_pli(now, writer)) ++counters_.plis_out;
            out.send();
        }
    }
    return true;
}

bool Uplink::write_reports(Timestamp now, NtpTime ntp, RtcpCompounds& out) {
    if (now < next_report_) return true;
    bool any = streams_reported_ > 0;
    std::size_t index = 0;
    for (Receiver* receiver : inbound_.receivers()) {
        const std::uint8_t loss_of_others = receiver->take_worst_loss();
        for (const auto& stream : receiver->streams()) {
            if (index++ < streams_reported_) continue;
            if (!out.has_room()) return false;
            streams_reported_ = index;
            auto block = stream->report_block(now);
            if (!block) continue;
            block->fraction_lost = std::max(block->fraction_lost, loss_of_others);
            // Upstream's sender SSRC is the media SSRC; browsers look only at the block (IN-05,
            // IN-07).
            ByteWriter& writer = out.next(kReportSize + kRrtrSize);
            (void)wire::write_receiver_report(writer, block->ssrc, std::span(&*block, 1));
            if (!std::exchange(any, true)) (void)wire::write_rrtr(writer, block->ssrc, ntp);
            out.send();
        }
    }
    streams_reported_ = 0;
    if (any) next_report_ = now + kReportInterval;
    return true;
}

void Uplink::write_transport_feedback(Timestamp now, SendBatch& batch) {
    if (!transport_cc_.due(now) || !transport_.path() || !batch.has_room()) return;
    std::array<std::uint8_t, kMaxCompound> buffer;
    ByteWriter feedback(buffer);
    if (transport_cc_.write(now, feedback) && feedback.ok())
        send_rtcp(transport_, feedback.written(), batch);
}

void Uplink::update_rtt(Duration rtt) {
    for (Receiver* receiver : inbound_.receivers())
        for (const auto& stream : receiver->streams())
            stream->update_rtt(rtt);
}

Timestamp Uplink::next_deadline() const {
    Timestamp deadline = Timestamp::never();
    for (const Receiver* receiver : inbound_.receivers())
        for (const auto& stream : receiver->streams())
            deadline = earlier(deadline, stream->next_deadline());
    return deadline;
}

}  // namespace confab::sfu

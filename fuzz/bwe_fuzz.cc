// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The estimate of a subscriber's link under feedback that lies: the input is a script of packets
// sent, time that passes, probes, and bodies of transport-wide feedback as they come, so that
// arrivals are late, twice, reordered or absurd. Whatever is said, the estimate keeps its limits.
// [IMM-7]
// fuzz: modules rtc/bwe wire base
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/check.h"
#include "rtc/bwe/estimator.h"
#include "wire/rtcp/transport_cc.h"

namespace {

using namespace confab;

constexpr std::size_t kMaxSent = 4096;
constexpr std::size_t kMaxStatuses = 4096;

class Script {
  public:
    explicit Script(BytesView input) : input_(input) {}

    void run() {
        while (at_ < input_.size()) {
            step(next());
            check();
        }
    }

  private:
    std::uint8_t next() { return at_ < input_.size() ? input_[at_++] : std::uint8_t{0}; }
    void step(std::uint8_t op) {
        switch (op % 6) {
            case 0:
                return send(1 + next() % 64, std::uint32_t{next()} * 6);
            case 1:
                now_ = now_ + Duration::millis(next());
                return;
            case 2:
                now_ = now_ + Duration::seconds(next());
                return;
            case 3:
                return hear(next());
            case 4:
                if (next() % 2 == 0)
                    estimator_.begin_probe(now_);
                else
                    estimator_.end_probe(now_);
                return;
            default:
                estimator_.update_rtt(Duration::millis(std::int64_t{next()} * 40));
        }
    }
    void send(std::size_t packets, std::uint32_t bytes) {
        for (std::size_t i = 0; i < packets; ++i) {
            sent_[number_++ % kMaxSent] = {now_, bytes};
            estimator_.handle_sent(now_, bytes);
        }
    }
    // The next `size` bytes are the body of a feedback block.
    void hear(std::size_t size) {
        const std::size_t there = std::min(size, input_.size() - at_);
        const wire::RtcpBlock block{wire::RtcpType::kTransportFeedback, wire::kFormatTransportCc,
                                    input_.subspan(at_, there)};
        at_ += there;
        const auto feedback = wire::parse_transport_feedback(block);
        if (!feedback) return;
        wire::TransportStatusCursor cursor(*feedback);
        std::vector<bwe::PacketFeedback> packets;
        while (packets.size() < kMaxStatuses) {
            const auto status = cursor.next();
            if (!status) break;
            const Sent& sent = sent_[status->sequence % kMaxSent];
            packets.push_back({sent.at, status->arrival, sent.bytes, status->received});
        }
        estimator_.handle_feedback(packets, now_);
    }
    void check() const {
        const auto within = [](double value) {
            return std::isfinite(value) && value >= 0 && value <= 1e15;
        };
        if (const auto rate = estimator_.rate()) CONFAB_CHECK(within(*rate));
        if (estimator_.delay_based().known()) {
            CONFAB_CHECK(estimator_.delay_based().rate() >= bwe::AimdRateControl::kMin);
            CONFAB_CHECK(estimator_.delay_based().rate() <= bwe::AimdRateControl::kMax);
        }
        if (const auto arriving = estimator_.acknowledged()) CONFAB_CHECK(within(*arriving));
        if (const auto limit = estimator_.loss_limit()) CONFAB_CHECK(within(*limit));
        CONFAB_CHECK(estimator_.losses().loss() >= 0 && estimator_.losses().loss() <= 1);
        CONFAB_CHECK(estimator_.standing_delay() >= Duration::zero());
        if (const auto probe = estimator_.probe_result())
            CONFAB_CHECK(within(probe->bits_per_second));
    }

    struct Sent {
        Timestamp at;
        std::uint32_t bytes = 0;
    };
    BytesView input_;
    std::size_t at_ = 0;
    Timestamp now_;
    std::uint16_t number_ = 0;
    std::array<Sent, kMaxSent> sent_{};
    bwe::Estimator estimator_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Script(BytesView(data, size)).run();
    return 0;
}

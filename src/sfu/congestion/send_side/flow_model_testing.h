// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One subscriber in virtual time, packet by packet: a BandwidthPort with its tracks, audio beside
// them, a bottleneck that may be shared, and a receiver that answers with transport-wide feedback
// or, by the same filters at its own end, with REMBs as libwebrtc's receivers did.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "rtc/bwe/bottleneck_testing.h"
#include "rtc/bwe/estimator.h"
#include "sfu/congestion/allocator_testing.h"
#include "sfu/congestion/bandwidth_port.h"
#include "sfu/congestion/send_history.h"
#include "sfu/congestion/shared_link.h"

namespace confab::sfu::test {

struct FlowOptions {
    bool send_side = true;
    BandwidthOptions bandwidth;
    std::int64_t start_ms = 0;
    std::int64_t stop_ms = 1'000'000'000;
    std::int64_t pause_from_ms = -1;  // the publisher sends nothing in between
    std::int64_t pause_until_ms = -1;
    Duration way = Duration::millis(25);       // beside the bottleneck's delay
    Duration way_back = Duration::millis(50);  // of feedback
    std::int64_t feedback_ms = 100;
    std::int64_t remb_ms = 1000;
    std::int64_t switch_ms = 150;  // until a new layer flows: its key frame
    double audio_bps = 40'000;
    bwe::test::Bottleneck* back = nullptr;  // of feedback, if it is narrow
    // As libwebrtc reports: what is not there by then is lost, and what comes late begins a report
    // of all that was sent since.
    bool reports_again = false;
    double lose_probes = 0;  // of the packets of probes, whatever the link takes
};

class FlowModel {
  public:
    static constexpr std::uint32_t kPacket = 1200;
    static constexpr std::uint32_t kFeedback = 120;  // bytes of a report

    FlowModel(bwe::test::Bottleneck& link, FlowOptions options)
        : link_(link), options_(options), port_(make_port(options)) {}

    Tracks& tracks() { return tracks_; }
    BandwidthPort& port() { return *port_; }
    FlowOptions& options() { return options_; }
    bool active(std::int64_t ms) const { return ms >= options_.start_ms && ms < options_.stop_ms; }

    struct Change {
        std::int64_t ms = 0;
        Layer sent;
    };
    struct Totals {
        std::uint64_t sent = 0;  // packets
        std::uint64_t lost = 0;
        std::uint64_t bytes = 0;  // that arrived
        std::uint64_t probe_bytes = 0;
        std::uint64_t audio_sent = 0;
        std::uint64_t audio_lost = 0;
    };
    const std::vector<Change>& changes() const { return changes_; }
    const std::vector<float>& waits_ms() const { return waits_; }  // of each packet that arrived
    const Totals& totals() const { return totals_; }
    // What the estimate says the link takes, as far as it says anything.
    double estimate() const { return static_cast<double>(port_->target_bitrate()); }
    double usage() { return static_cast<double>(tracks_.usage()); }

    // To be called each millisecond, in order.
    void step(std::int64_t ms) {
        const Timestamp now = at_ms(ms);
        if (!active(ms)) return;
        deliver(now);
        if (ms % 20 == 0 && options_.audio_bps > 0)
            send(now, static_cast<std::uint32_t>(options_.audio_bps / 400), 0, Kind::kAudio);
        const bool paused = ms >= options_.pause_from_ms && ms < options_.pause_until_ms;
        if (paused != paused_) pause(paused);
        switch_layers(ms);
        for (std::size_t i = 0; i < flowing_.size(); ++i)
            if (ms % 33 == static_cast<std::int64_t>(i * 7 % 33)) send_frame(now, i);
        if (now >= port_->next_deadline()) allocate(ms);
    }
    void allocate(std::int64_t ms) {
        const Timestamp now = at_ms(ms);
        (void)port_->allocate(tracks_.demands, tracks_.shares, now);
        if (const std::size_t bytes = port_->poll_probe(now); bytes > 0) {
            for (std::size_t left = bytes; left > 0;) {
                const auto size = static_cast<std::uint32_t>(std::min<std::size_t>(left, kPacket));
                send(now, size, port_->probe_cluster(), Kind::kProbe);
                left -= size;
            }
            port_->probe_sent(bytes, now);
        }
        if (tracks_.demands.empty()) return;
        const Change change{ms, tracks_.sent(0)};
        if (changes_.empty() || changes_.back().sent != change.sent) changes_.push_back(change);
    }

  private:
    enum class Kind : std::uint8_t { kAudio, kVideo, kProbe };
    struct OnItsWay {
        Timestamp arrival;
        Timestamp sent;
        std::uint32_t bytes;
    };
    struct Flowing {
        Layer layer = kNoLayer;
        Layer next = kNoLayer;
        std::int64_t switch_at = 0;
        double credit = 0;
    };
    struct Report {
        Timestamp at;
        std::vector<PacketResult> packets;
        std::uint64_t remb = 0;
    };

    static std::unique_ptr<BandwidthPort> make_port(FlowOptions& options) {
        options.bandwidth.send_side = options.send_side;
        return make_bandwidth(options.bandwidth);
    }
    void pause(bool paused) {
        paused_ = paused;
        for (VideoDemand& demand : tracks_.demands)
            demand.muted = paused;
        force_ = true;
    }
    void switch_layers(std::int64_t ms) {
        if (force_ || flowing_.size() != tracks_.demands.size()) {
            flowing_.resize(tracks_.demands.size());
            force_ = false;
            allocate(ms);
        }
        for (std::size_t i = 0; i < flowing_.size(); ++i) {
            Flowing& f = flowing_[i];
            const Layer wanted = tracks_.sent(i);
            if (f.next != wanted) {
                f.next = wanted;
                // Another spatial layer needs a key frame; a pause does not.
                const bool spatial =
                    f.layer.valid() && wanted.valid() && f.layer.spatial != wanted.spatial;
                f.switch_at = spatial ? ms + options_.switch_ms : ms;
            }
            if (ms >= f.switch_at) f.layer = f.next;
        }
    }
    void send_frame(Timestamp now, std::size_t i) {
        Flowing& f = flowing_[i];
        if (!f.layer.valid()) return;
        f.credit += static_cast<double>(bits_of(*tracks_.demands[i].source, f.layer)) * 33 / 8000;
        while (f.credit >= 200) {
            const auto size = static_cast<std::uint32_t>(std::min(f.credit, 1.0 * kPacket));
            f.credit -= size;
            ++tracks_.demands[i].packets;
            send(now, size, 0, Kind::kVideo, i);
        }
    }
    void send(Timestamp now, std::uint32_t bytes, std::uint8_t probe, Kind kind,
              std::size_t track = 0) {
        const SentPacket packet{now, number_++, static_cast<std::uint16_t>(bytes), probe,
                                kind == Kind::kAudio};
        if (options_.send_side) port_->packets_sent(std::span(&packet, 1));
        history_.push(packet);
        const Duration waits = link_.waiting(now);
        auto out = link_.send(now, bytes);
        if (kind == Kind::kProbe && (probes_to_lose_ += options_.lose_probes) >= 1) {
            probes_to_lose_ -= 1;
            out.reset();
        }
        ++totals_.sent;
        if (kind == Kind::kAudio) ++totals_.audio_sent;
        if (kind == Kind::kProbe) totals_.probe_bytes += bytes;
        PacketResult result{packet, out.has_value(), Duration::zero()};
        Timestamp known = now + waits + link_.profile().delay + options_.way;
        if (out) {
            known = *out + options_.way;
            result.arrival = known - Timestamp();
            totals_.bytes += bytes;
            waits_.push_back(static_cast<float>(waits.us()) / 1000);
        } else {
            ++totals_.lost;
            if (kind == Kind::kAudio) ++totals_.audio_lost;
            if (kind == Kind::kVideo) {
                // What is sent again is lost as often: the share of losses, squared.
                const double share =
                    static_cast<double>(++recent_lost_) / static_cast<double>(recent_sent_ + 1);
                repeats_ += std::min(share, 1.0);
                tracks_.demands[track].nack_repeats = static_cast<std::uint64_t>(repeats_);
            }
        }
        if (++recent_sent_ >= 200) recent_sent_ = recent_lost_ = 0;
        flying_.push_back({result, known});
    }
    // The receiver's side, and what of its reports has come back.
    void deliver(Timestamp now) {
        if (options_.reports_again) hear_out_of_order(now);
        for (; !flying_.empty() && flying_.front().known <= now; flying_.pop_front()) {
            heard_.push_back(flying_.front().result);
            if (!options_.send_side) receive(flying_.front().result, now);
        }
        if (options_.send_side) {
            if (now.ms() % options_.feedback_ms == 0 && !heard_.empty()) {
                report(now, {now, std::move(heard_), 0});
                heard_.clear();
            }
        } else {
            heard_.clear();
            remb(now);
        }
        for (; !reports_.empty() && reports_.front().at <= now; reports_.pop_front()) {
            const Report& r = reports_.front();
            if (r.remb > 0) {
                port_->handle_remb(r.remb, now);
                allocate(now.ms());
            } else {
                port_->handle_transport_feedback(told(r.packets), now);
            }
        }
    }
    void hear_out_of_order(Timestamp now) {
        const auto here = [now](const Flying& one) { return one.known <= now; };
        for (const Flying& one : flying_) {
            if (!here(one) || !one.result.received) continue;
            const std::int64_t number = one.result.sent.number;
            there_[number] = one.result;
            next_told_ = std::min(next_told_, number);
        }
        std::erase_if(flying_, here);
        if (there_.empty() || now.ms() % options_.feedback_ms != 0) return;
        for (; next_told_ <= there_.rbegin()->first; ++next_told_) {
            const auto found = there_.find(next_told_);
            PacketResult result;
            if (found != there_.end()) result = found->second;
            result.sent.number = static_cast<std::uint16_t>(next_told_);
            heard_.push_back(result);
        }
    }
    // What its sender makes of a report.
    std::vector<PacketResult> told(const std::vector<PacketResult>& packets) {
        if (!options_.reports_again) return packets;
        std::vector<PacketResult> news;
        for (const PacketResult& packet : packets)
            if (auto one = history_.resolve(packet.sent.number, packet.received)) {
                one->arrival = packet.arrival;
                news.push_back(*one);
            }
        return news;
    }
    void receive(const PacketResult& packet, Timestamp now) {
        // A receiver hears nothing of losses.
        if (!packet.received) return;
        const bwe::PacketFeedback one{packet.sent.at, packet.arrival, packet.sent.bytes, true};
        remote_.handle_feedback(std::span(&one, 1), now);
    }
    // Each second, and at once where the estimate falls by 3 %.
    void remb(Timestamp now) {
        const auto rate = remote_.rate();
        if (!rate) return;
        const bool falls = *rate < 0.97 * told_;
        if (!falls && now < next_remb_) return;
        next_remb_ = now + Duration::millis(options_.remb_ms);
        told_ = *rate;
        report(now, {now, {}, static_cast<std::uint64_t>(*rate)});
    }
    void report(Timestamp now, Report r) {
        Timestamp leaves = now;
        if (options_.back != nullptr) {
            const auto out = options_.back->send(now, kFeedback);
            if (!out) return;
            leaves = *out;
        }
        r.at = leaves + options_.way_back;
        reports_.push_back(std::move(r));
    }

    struct Flying {
        PacketResult result;
        Timestamp known;
    };
    bwe::test::Bottleneck& link_;
    FlowOptions options_;
    std::unique_ptr<BandwidthPort> port_;
    Tracks tracks_;
    std::vector<Flowing> flowing_;
    std::deque<Flying> flying_;
    std::vector<PacketResult> heard_;
    std::map<std::int64_t, PacketResult> there_;  // by number
    std::int64_t next_told_ = 0;
    SendHistory history_;
    std::deque<Report> reports_;
    bwe::Estimator remote_;
    Timestamp next_remb_;
    double told_ = 0;
    std::uint16_t number_ = 0;
    std::uint64_t recent_sent_ = 0;
    std::uint64_t recent_lost_ = 0;
    double repeats_ = 0;
    double probes_to_lose_ = 0;
    bool paused_ = false;
    bool force_ = false;
    Totals totals_;
    std::vector<Change> changes_;
    std::vector<float> waits_;
};

}  // namespace confab::sfu::test

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The process of the call benchmark that publishes: one with a camera and perhaps a microphone, or
// speakers without a camera, and when their packets leave.
#pragma once

#include <sched.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/call_options.h"
#include "bench/call_participant.h"
#include "bench/call_peer.h"
#include "bench/call_shared.h"
#include "bench/load_client.h"
#include "wire/rtp/rtp.h"
#include "wire/video/vp8.h"

namespace confab::bench {

class CallPublisher final : public Waiter {
  public:
    CallPublisher(Load& load, const std::vector<CallServer>& servers, const CallOptions& options,
                  CallShared& shared)
        : options_(options),
          shared_(shared),
          rng_(load.rng.fork()),
          timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)),
          payload_(options.payload) {
        for (std::size_t i = 0; i < options.publishers(); ++i)
            participants_.push_back(std::make_unique<CallParticipant>(
                load, servers, "publisher-" + std::to_string(i), shared));
        load.loop.watch(timer_, *this, 0, false);
    }
    ~CallPublisher() override { ::close(timer_); }

    bool joined() const {
        return std::ranges::all_of(participants_, [](const auto& one) { return one->joined(); });
    }
    void publish() {
        if (has_video()) participants_.front()->publish_camera();
        for (std::size_t i = 0; i < speakers(); ++i)
            participants_[i]->publish_microphone();
    }
    bool published() const {
        return std::ranges::all_of(participants_, [](const auto& one) { return one->published(); });
    }
    bool has_gcm() {
        return std::ranges::all_of(participants_, [](const auto& one) { return one->has_gcm(); });
    }
    void start() {
        next_report_ = now();
        if (has_video()) next_frame_ = now();
        if (speakers() > 0) next_sound_ = now();
        arm(now());
    }
    void on_time() override {}
    void on_socket(std::size_t) override {
        std::uint64_t count = 0;
        (void)!::read(timer_, &count, sizeof count);
        const Timestamp at = now();
        if (at >= next_frame_) begin_frame();
        if (at >= next_burst_) send_burst(at);
        if (at >= next_sound_) send_sound();
        if (at >= next_report_) send_reports();
        arm(earlier(earlier(next_frame_, next_burst_), earlier(next_sound_, next_report_)));
    }

  private:
    // libwebrtc's pacer: how often it sends, and how much faster than the encoder.
    static constexpr Duration kBurstInterval = Duration::millis(5);
    static constexpr double kPacingFactor = 2.5;
    static constexpr Duration kSoundInterval = Duration::millis(20);
    static constexpr Duration kReportInterval = Duration::seconds(1);
    static constexpr std::size_t kLeastSound = 60, kMostSound = 180;  // octets

    struct Waiting {
        std::uint32_t timestamp = 0;
        std::size_t index = 0;
        bool key = false;
        std::uint16_t picture = 0;
        CallDestination to;
    };

    bool has_video() const { return options_.speakers == 0; }
    std::size_t speakers() const {
        return has_video() ? (options_.audio ? 1 : 0) : options_.speakers;
    }
    void arm(Timestamp at) const {
        itimerspec spec{};
        const std::int64_t us = std::max<std::int64_t>(1, (at - Timestamp{}).us());
        spec.it_value.tv_sec = us / 1'000'000;
        spec.it_value.tv_nsec = us % 1'000'000 * 1000;
        (void)::timerfd_settime(timer_, TFD_TIMER_ABSTIME, &spec, nullptr);
    }
    CallDestination destination() const {
        return {shared_.measurement.load(), shared_.way.load(), shared_.pacing.load()};
    }

    void begin_frame() {
        next_frame_ =
            next_frame_ + Duration::micros(1'000'000 / static_cast<std::int64_t>(options_.fps));
        if (!shared_.sending) return;
        const CallDestination to = destination();
        // The first of a measurement is a key frame, and all are while subscribers still come.
        const bool key = to.measurement == 0 || to.measurement != last_measurement_;
        last_measurement_ = to.measurement;
        ++picture_;
        for (std::size_t i = 0; i < options_.packets_per_frame; ++i)
            waiting_.push_back({CallParticipant::rtp_time(90'000), i, key, picture_, to});
        if (next_burst_.is_never()) next_burst_ = now();
    }
    void send_burst(Timestamp at) {
        const double rate = kPacingFactor * static_cast<double>(options_.packets_per_frame) *
                            static_cast<double>(options_.fps);
        auto budget = static_cast<std::size_t>(
            std::max(1.0, std::ceil(rate * kBurstInterval.to_seconds() - 1e-9)));
        for (; !waiting_.empty() && (budget > 0 || waiting_.front().to.pacing == Pacing::kBurst);
             waiting_.pop_front()) {
            send_video(waiting_.front());
            budget -= budget > 0 ? 1 : 0;
        }
        next_burst_ = waiting_.empty() ? Timestamp::never() : at + kBurstInterval;
    }
    void send_video(const Waiting& packet) {
        wire::Vp8Descriptor descriptor;
        descriptor.extended = descriptor.has_picture_id = descriptor.picture_id_15bit = true;
        descriptor.start_of_partition = packet.index == 0;
        descriptor.picture_id = packet.picture & 0x7FFF;
        ByteWriter out(payload_);
        (void)wire::write_vp8_descriptor(out, descriptor);
        if (packet.index == 0) {  // RFC 6386 §9.1
            out.u8(packet.key ? 0x10 : 0x11);
            out.u16(0);
            if (packet.key) out.u24(0x9D'01'2A), out.u32(0x0005'D002);
        }
        wire::RtpHeader header;
        header.timestamp = packet.timestamp;
        header.marker = packet.index + 1 == options_.packets_per_frame;
        participants_.front()->send_video(header, payload_, packet.to);
    }
    // The speakers' packets are as far from each other as they can be.
    void send_sound() {
        const std::size_t speaker = next_speaker_++ % speakers();
        next_sound_ = next_sound_ + kSoundInterval / static_cast<std::int64_t>(speakers());
        if (!shared_.sending) return;
        wire::RtpHeader header;
        header.timestamp = CallParticipant::rtp_time(48'000);
        const std::size_t size = kLeastSound + rng_.below(kMostSound - kLeastSound + 1);
        participants_[speaker]->send_sound(header, BytesSpan(payload_).first(size), destination());
    }
    void send_reports() {
        next_report_ = next_report_ + kReportInterval;
        for (const auto& one : participants_)
            one->send_reports();
    }

    const CallOptions& options_;
    CallShared& shared_;
    Rng rng_;
    int timer_;
    Bytes payload_;
    std::vector<std::unique_ptr<CallParticipant>> participants_;
    std::deque<Waiting> waiting_;
    std::uint16_t picture_ = 0;
    std::size_t next_speaker_ = 0;
    std::uint32_t last_measurement_ = 0;
    Timestamp next_frame_ = Timestamp::never();
    Timestamp next_burst_ = Timestamp::never();
    Timestamp next_sound_ = Timestamp::never();
    Timestamp next_report_ = Timestamp::never();
};

[[noreturn]] inline void run_call_publisher(CallShared& shared, const CallOptions& options,
                                            const std::vector<CallServer>& servers) {
    constexpr Duration kPatience = Duration::seconds(20);
    // On a machine of its own it would not wait for the subscribers to have read.
    const sched_param priority{1};
    (void)::sched_setscheduler(0, SCHED_FIFO, &priority);
    Load load;
    CallPublisher publisher(load, servers, options, shared);
    const auto run_until = [&](const char* what, auto condition) {
        for (const Timestamp end = now() + kPatience; !condition();) {
            if (now() > end) give_up(what);
            load.loop.run_once(Duration::millis(5));
        }
    };
    run_until("the publisher could not join", [&] { return publisher.joined(); });
    publisher.publish();
    run_until("the tracks were not published", [&] { return publisher.published(); });
    if (!publisher.has_gcm()) give_up("the connection is not encrypted with AES-128-GCM");
    publisher.start();
    shared.published = true;
    for (;;)
        load.loop.run_once(Duration::millis(20));
}

}  // namespace confab::bench

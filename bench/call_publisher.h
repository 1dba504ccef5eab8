// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The publisher of the call benchmark: a session with a camera and perhaps a microphone, whose
// packets go to the server, or just so, at the same moments and after the same work, to the floor.
#pragma once

#include <sched.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <utility>

#include "bench/call_options.h"
#include "bench/call_shared.h"
#include "bench/load_client.h"
#include "rtc/srtp/send_context.h"
#include "wire/rtcp/rtcp.h"
#include "wire/rtp/rtp.h"
#include "wire/rtp/rtp_extensions.h"
#include "wire/video/vp8.h"

namespace confab::bench {

class CallPublisher final : public Waiter {
  public:
    CallPublisher(Load& load, const Ports& ports, const CallOptions& options, CallShared& shared)
        : options_(options),
          shared_(shared),
          rng_(load.rng.fork()),
          client_(load, ports, {.room = "call", .identity = "publisher"}),
          timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)),
          payload_(options.payload) {
        video_.ssrc = rng_.u32() | 1;
        audio_.ssrc = rng_.u32() | 1;
        load.loop.watch(timer_, *this, 0, false);
    }
    ~CallPublisher() override { ::close(timer_); }

    bool joined() const { return client_.joined(); }
    void publish() {
        add_track("cam", livekit::CAMERA, client::MediaKind::kVideo, video_);
        if (options_.audio)
            add_track("mic", livekit::MICROPHONE, client::MediaKind::kAudio, audio_);
        client_.flush();
    }
    bool published() const { return client_.published(options_.audio ? 2 : 1); }
    // The floor knows no other.
    bool has_gcm() {
        const srtp::SendContext* const sender =
            client_.session().upstream()->transport().srtp_sender();
        return sender != nullptr && sender->profile() == srtp::Profile::kAeadAes128Gcm;
    }
    void start() {
        next_frame_ = next_sound_ = next_report_ = now();
        arm(next_frame_);
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

    struct Stream {
        std::uint32_t ssrc = 0;
        std::uint16_t sequence = 100;
        std::uint64_t floor_index = 100;
        std::uint32_t packets = 0;
        std::uint32_t octets = 0;
    };
    // Where the packets of one frame or one sound go, as it was when they were made.
    struct Destination {
        std::uint32_t measurement = 0;
        Way way = Way::kServer;
        Pacing pacing = Pacing::kBurst;
    };
    struct Waiting {
        std::uint32_t timestamp = 0;
        std::size_t index = 0;
        bool key = false;
        std::uint16_t picture = 0;
        Destination to;
    };

    void add_track(const char* cid, livekit::TrackSource source, client::MediaKind kind,
                   const Stream& stream) {
        client::PublishOptions track;
        track.cid = cid;
        track.source = source;
        track.encode = false;
        track.plan.number = stream.ssrc;
        track.plan.kind = kind;
        track.plan.announce_ssrcs = true;
        client::LayerPlan layer;
        layer.ssrc = stream.ssrc;
        if (kind == client::MediaKind::kVideo) layer.rtx_ssrc = rng_.u32() | 1;
        layer.width = 1280;
        layer.height = 720;
        track.plan.layers.push_back(layer);
        client_.session().tracks().publish(std::move(track));
    }
    void arm(Timestamp at) const {
        itimerspec spec{};
        const std::int64_t us = std::max<std::int64_t>(1, (at - Timestamp{}).us());
        spec.it_value.tv_sec = us / 1'000'000;
        spec.it_value.tv_nsec = us % 1'000'000 * 1000;
        (void)::timerfd_settime(timer_, TFD_TIMER_ABSTIME, &spec, nullptr);
    }
    Destination destination() const {
        return {shared_.measurement.load(), shared_.way.load(), shared_.pacing.load()};
    }
    static std::uint32_t rtp_time(std::uint32_t rate) {
        return static_cast<std::uint32_t>((now() - Timestamp{}).us() * rate / 1'000'000);
    }

    void begin_frame() {
        next_frame_ =
            next_frame_ + Duration::micros(1'000'000 / static_cast<std::int64_t>(options_.fps));
        if (!shared_.sending) return;
        const Destination to = destination();
        // The first of a measurement is a key frame, and all are while subscribers still come.
        const bool key = to.measurement == 0 || to.measurement != last_measurement_;
        last_measurement_ = to.measurement;
        ++picture_;
        for (std::size_t i = 0; i < options_.packets_per_frame; ++i)
            waiting_.push_back({rtp_time(90'000), i, key, picture_, to});
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
        header.payload_type = client::kVp8Type;
        header.timestamp = packet.timestamp;
        header.marker = packet.index + 1 == options_.packets_per_frame;
        send(video_, header, payload_, packet.to);
    }
    void send_sound() {
        next_sound_ = options_.audio ? next_sound_ + kSoundInterval : Timestamp::never();
        if (!shared_.sending || !options_.audio) return;
        wire::RtpHeader header;
        header.payload_type = client::kOpusType;
        header.timestamp = rtp_time(48'000);
        send(audio_, header, BytesSpan(payload_).first(60 + rng_.below(121)), destination());
    }
    // As an encoder's sender does it: encrypted, then sent at once.
    void send(Stream& stream, wire::RtpHeader header, BytesSpan payload, const Destination& to) {
        CallStamp{to.measurement, wall_us()}.write(payload);
        header.ssrc = stream.ssrc;
        wire::ExtensionWriter extensions;
        extensions.add_transport_sequence(client::kTransportCcExtension, transport_sequence_++);
        if (header.payload_type == client::kOpusType)
            extensions.add_audio_level(client::kAudioLevelExtension, {true, 20});
        if (to.way == Way::kServer) {
            header.sequence = stream.sequence++;
            ++stream.packets;
            stream.octets += static_cast<std::uint32_t>(payload.size());
            client_.session().upstream()->send_rtp(header, extensions, payload);
            client_.flush();
        } else {
            send_to_floor(stream, header, extensions, payload);
        }
        shared_.sent.fetch_add(1, std::memory_order_relaxed);
    }
    // The floor gets it plain; that it is encrypted all the same leaves the packets as far apart.
    void send_to_floor(Stream& stream, wire::RtpHeader header, wire::ExtensionWriter& extensions,
                       BytesView payload) {
        header.sequence = static_cast<std::uint16_t>(stream.floor_index);
        header.has_extension = true;
        std::array<std::uint8_t, 2048> plain, sealed;
        ByteWriter out(plain);
        wire::write_rtp_header(out, header);
        extensions.write(out);
        const std::size_t header_size = out.size();
        out.bytes(payload);
        std::copy_n(plain.begin(), header_size, sealed.begin());
        if (!out.ok() ||
            scratch_.protect_rtp(sealed, header_size, payload, stream.floor_index++) == 0)
            give_up("a packet does not fit");
        client_.socket(client::Target::kPublisher)
            .send({IpAddress::v4(INADDR_LOOPBACK), shared_.floor_port}, out.written());
    }
    void send_reports() {
        next_report_ = next_report_ + kReportInterval;
        std::array<std::uint8_t, 256> buffer;
        ByteWriter out(buffer);
        for (const auto& [stream, rate] :
             {std::pair(&video_, 90'000U), std::pair(&audio_, 48'000U)}) {
            if (stream->packets == 0) continue;
            wire::SenderReport report;
            report.ssrc = stream->ssrc;
            report.ntp = NtpTime::from_unix(wall());
            report.rtp_time = rtp_time(rate);
            report.packet_count = stream->packets;
            report.octet_count = stream->octets;
            (void)wire::write_sender_report(out, report);
        }
        client_.session().upstream()->send_rtcp(out.written());
        client_.flush();
    }
    static srtp::MasterKey scratch_key() {
        const std::array<std::uint8_t, 16> key{1};
        const std::array<std::uint8_t, 12> salt{};
        return *srtp::MasterKey::from(srtp::Profile::kAeadAes128Gcm, key, salt);
    }

    const CallOptions& options_;
    CallShared& shared_;
    Rng rng_;
    LoadClient client_;
    int timer_;
    Bytes payload_;
    Stream video_;
    Stream audio_;
    srtp::Engine engine_;
    srtp::SendContext scratch_{engine_, scratch_key()};
    std::deque<Waiting> waiting_;
    std::uint16_t transport_sequence_ = 0;
    std::uint16_t picture_ = 0;
    std::uint32_t last_measurement_ = 0;
    Timestamp next_frame_ = Timestamp::never();
    Timestamp next_burst_ = Timestamp::never();
    Timestamp next_sound_ = Timestamp::never();
    Timestamp next_report_ = Timestamp::never();
};

[[noreturn]] inline void run_call_publisher(CallShared& shared, const CallOptions& options,
                                            const Ports& ports) {
    constexpr Duration kPatience = Duration::seconds(20);
    // On a machine of its own it would not wait for the subscribers to have read.
    const sched_param priority{1};
    (void)::sched_setscheduler(0, SCHED_FIFO, &priority);
    Load load;
    CallPublisher publisher(load, ports, options, shared);
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

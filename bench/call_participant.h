// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One who publishes in the call benchmark: a participant of each server, whose packets go to one of
// these, or just so, at the same moment and after the same work, to the floor.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/call_peer.h"
#include "bench/call_shared.h"
#include "bench/load_client.h"
#include "rtc/srtp/send_context.h"
#include "wire/rtcp/rtcp.h"
#include "wire/rtp/rtp.h"
#include "wire/rtp/rtp_extensions.h"

namespace confab::bench {

// Where the packets of one frame or one sound go, as it was when they were made.
struct CallDestination {
    std::uint32_t measurement = 0;
    Way way = Way::kServer;
    Pacing pacing = Pacing::kBurst;
};

class CallParticipant {
  public:
    CallParticipant(Load& load, const std::vector<CallServer>& servers, const std::string& identity,
                    CallShared& shared)
        : shared_(shared), rng_(load.rng.fork()) {
        for (const CallServer& server : servers)
            clients_[index_of(server.way)] =
                std::make_unique<LoadClient>(load, server.ports, server.client(identity, false));
    }

    void publish_camera() { add_track("cam", livekit::CAMERA, client::MediaKind::kVideo, video_); }
    void publish_microphone() {
        add_track("mic", livekit::MICROPHONE, client::MediaKind::kAudio, audio_);
    }
    bool joined() const {
        return all_of([](LoadClient& one) { return one.joined(); });
    }
    bool published() const {
        return all_of([this](LoadClient& one) { return one.published(tracks_); });
    }
    // To our server; the floor knows no other.
    bool has_gcm() {
        const srtp::SendContext* const sender =
            clients_[index_of(Way::kServer)]->session().upstream()->transport().srtp_sender();
        return sender != nullptr && sender->profile() == srtp::Profile::kAeadAes128Gcm;
    }

    // As an encoder's sender does it: encrypted, then sent at once. The payload gets its stamp.
    void send_video(wire::RtpHeader header, BytesSpan payload, const CallDestination& to) {
        header.payload_type = client::kVp8Type;
        header.ssrc = video_.ssrc;
        wire::ExtensionWriter extensions;
        send(video_, header, extensions, payload, to);
    }
    void send_sound(wire::RtpHeader header, BytesSpan payload, const CallDestination& to) {
        header.payload_type = client::kOpusType;
        header.ssrc = audio_.ssrc;
        wire::ExtensionWriter extensions;
        extensions.add_audio_level(client::kAudioLevelExtension, {true, 20});
        send(audio_, header, extensions, payload, to);
    }
    void send_reports() {
        for (const Way way : {Way::kServer, Way::kPeer}) {
            LoadClient* const client = clients_[index_of(way)].get();
            if (client == nullptr) continue;
            std::array<std::uint8_t, 256> buffer;
            ByteWriter out(buffer);
            report(out, video_.to[index_of(way)], video_.ssrc, 90'000);
            report(out, audio_.to[index_of(way)], audio_.ssrc, 48'000);
            client->session().upstream()->send_rtcp(out.written());
            client->flush();
        }
    }
    static std::uint32_t rtp_time(std::uint32_t rate) {
        return static_cast<std::uint32_t>((now() - Timestamp{}).us() * rate / 1'000'000);
    }

  private:
    // A stream has its own numbers for each of those that it is sent to.
    struct Sent {
        std::uint64_t index = 100;
        std::uint32_t packets = 0;
        std::uint32_t octets = 0;
    };
    struct Stream {
        std::uint32_t ssrc = 0;
        std::array<Sent, kWays> to;
    };

    template <typename Holds>
    bool all_of(Holds holds) const {
        return std::ranges::all_of(clients_,
                                   [&](const auto& one) { return one == nullptr || holds(*one); });
    }
    void add_track(const char* cid, livekit::TrackSource source, client::MediaKind kind,
                   Stream& stream) {
        ++tracks_;
        stream.ssrc = rng_.u32() | 1;
        const std::uint32_t rtx = rng_.u32() | 1;
        for (const auto& client : clients_) {
            if (client == nullptr) continue;
            client::PublishOptions track;
            track.cid = cid;
            track.source = source;
            track.encode = false;
            track.plan.number = stream.ssrc;
            track.plan.kind = kind;
            track.plan.announce_ssrcs = true;
            client::LayerPlan layer;
            layer.ssrc = stream.ssrc;
            if (kind == client::MediaKind::kVideo) layer.rtx_ssrc = rtx;
            layer.width = 1280;
            layer.height = 720;
            track.plan.layers.push_back(layer);
            client->session().tracks().publish(std::move(track));
            client->flush();
        }
    }
    void send(Stream& stream, wire::RtpHeader header, wire::ExtensionWriter& extensions,
              BytesSpan payload, const CallDestination& to) {
        CallStamp{to.measurement, wall_us()}.write(payload);
        const std::size_t way = index_of(to.way);
        extensions.add_transport_sequence(client::kTransportCcExtension,
                                          transport_sequences_[way]++);
        Sent& sent = stream.to[way];
        const std::uint64_t index = sent.index++;
        header.sequence = static_cast<std::uint16_t>(index);
        ++sent.packets;
        sent.octets += static_cast<std::uint32_t>(payload.size());
        if (to.way == Way::kFloor) {
            send_to_floor(header, index, extensions, payload);
        } else {
            clients_[way]->session().upstream()->send_rtp(header, extensions, payload);
            clients_[way]->flush();
        }
        shared_.sent.fetch_add(1, std::memory_order_relaxed);
    }
    // The floor gets it plain; that it is encrypted all the same leaves the packets as far apart.
    void send_to_floor(wire::RtpHeader header, std::uint64_t index,
                       wire::ExtensionWriter& extensions, BytesView payload) {
        header.has_extension = true;
        std::array<std::uint8_t, 2048> plain, sealed;
        ByteWriter out(plain);
        wire::write_rtp_header(out, header);
        extensions.write(out);
        const std::size_t header_size = out.size();
        out.bytes(payload);
        std::copy_n(plain.begin(), header_size, sealed.begin());
        if (!out.ok() || scratch_.protect_rtp(sealed, header_size, payload, index) == 0)
            give_up("a packet does not fit");
        clients_[index_of(Way::kServer)]
            ->socket(client::Target::kPublisher)
            .send({IpAddress::v4(INADDR_LOOPBACK), shared_.floor_port}, out.written());
    }
    static void report(ByteWriter& out, const Sent& sent, std::uint32_t ssrc, std::uint32_t rate) {
        if (sent.packets == 0) return;
        wire::SenderReport report;
        report.ssrc = ssrc;
        report.ntp = NtpTime::from_unix(wall());
        report.rtp_time = rtp_time(rate);
        report.packet_count = sent.packets;
        report.octet_count = sent.octets;
        (void)wire::write_sender_report(out, report);
    }
    static srtp::MasterKey scratch_key() {
        const std::array<std::uint8_t, 16> key{1};
        const std::array<std::uint8_t, 12> salt{};
        return *srtp::MasterKey::from(srtp::Profile::kAeadAes128Gcm, key, salt);
    }

    CallShared& shared_;
    Rng rng_;
    std::array<std::unique_ptr<LoadClient>, kWays> clients_;  // none for the floor
    std::size_t tracks_ = 0;
    Stream video_;
    Stream audio_;
    std::array<std::uint16_t, kWays> transport_sequences_{};
    srtp::Engine engine_;
    srtp::SendContext scratch_{engine_, scratch_key()};
};

}  // namespace confab::bench

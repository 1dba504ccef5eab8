// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A call in which somebody watches pictures in three layers, made by an encoder that answers
// requests for key frames, over a link that may be narrow.
#pragma once

#include <doctest/doctest.h>

#include <array>
#include <set>
#include <string>
#include <vector>

#include "room/seam/call_seam_testing.h"

namespace confab::room::testing {

inline CallPlan simulcast() {
    CallPlan plan;
    plan.rids = {"q", "h", "f"};
    return plan;
}

// A simulcast encoder of 30 frames a second: packets of 100, 300 and 900 octets, about 27, 75 and
// 220 kbit/s; key frames on all layers as it is asked for one.
class Encoder {
  public:
    Encoder(const sfu::AddReceiver& receiver, std::uint32_t first_ssrc) : peer(receiver.peer) {
        streams.reserve(receiver.layers.size());
        for (std::size_t i = 0; i < receiver.layers.size(); ++i) {
            streams.emplace_back(receiver, first_ssrc + static_cast<std::uint32_t>(i),
                                 receiver.layers[i].rid);
            streams.back().timestamp = 1000;
        }
    }
    void frame(RoomAndShard& w) {
        const auto& rtcp = w.client(peer).rtcp;
        for (; seen_ < rtcp.size(); ++seen_) {
            wire::RtcpReader reader(rtcp[seen_].compound);
            while (const auto block = reader.next())
                if (const auto pli = wire::parse_pli(*block))
                    if (pli->media_ssrc >= streams[0].ssrc &&
                        pli->media_ssrc < streams[0].ssrc + streams.size() && answers)
                        key = enabled;
        }
        for (std::size_t i = 0; i < streams.size(); ++i) {
            Stream& s = streams[i];
            s.timestamp += 2970;
            if (!enabled.contains(i)) continue;
            if (frames_ % 15 == 0) {
                wire::SenderReport report;
                report.ssrc = s.ssrc;
                report.ntp = NtpTime::from_unix(UnixTime::seconds(1'700'000'000) +
                                                Duration::millis(w.world.now_ms));
                report.rtp_time = s.timestamp;
                Bytes compound(100);
                ByteWriter out(compound);
                REQUIRE(wire::write_sender_report(out, report));
                compound.resize(out.size());
                w.send_rtcp(peer, compound);
            }
            constexpr std::array<std::size_t, 3> kSizes{100, 300, 900};
            Bytes payload = vp8_payload(key.erase(i) > 0, static_cast<std::uint8_t>(i), kSizes[i]);
            set_dimensions(payload, 320U << i, 180U << i);
            w.send(peer, s.packet(payload));
        }
        ++frames_;
    }

    sfu::PeerId peer;
    std::vector<Stream> streams;
    std::set<std::size_t> enabled{0, 1, 2};
    std::set<std::size_t> key{0, 1, 2};
    bool answers = true;

  private:
    // RFC 6386 §9.1: behind the start code of a key frame, the low octet first.
    static void set_dimensions(Bytes& payload, std::size_t width, std::size_t height) {
        payload[7] = static_cast<std::uint8_t>(width);
        payload[8] = static_cast<std::uint8_t>(width >> 8);
        payload[9] = static_cast<std::uint8_t>(height);
        payload[10] = static_cast<std::uint8_t>(height >> 8);
    }

    std::size_t seen_ = 0;
    int frames_ = 0;
};

struct Watched : SeamCall {
    explicit Watched(const CallPlan& plan = simulcast()) : SeamCall(plan), camera(receiver, 100) {}
    void play(std::int64_t ms) {
        for (std::int64_t at = 0; at < ms; at += 33) {
            camera.frame(w);
            for (Encoder& other : others)
                other.frame(w);
            run(33);
        }
    }
    // Another participant with a camera; gives what bob gets of it.
    sfu::AddDownTrack add_publisher(const std::string& name) {
        const SessionId session = w.room.join_active("r", name);
        w.room.publish(session, "cam", true);
        run(1'000);
        const auto receivers = w.room.commands_of<sfu::AddReceiver>();
        others.emplace_back(receivers.back(),
                            1'000 + 10 * static_cast<std::uint32_t>(others.size()));
        for (const auto& track : w.room.commands_of<sfu::AddDownTrack>())
            if (track.receiver == receivers.back().receiver && track.peer == down.peer)
                return track;
        FAIL("no track");
        return {};
    }
    std::string sid_of(const std::string& name) {
        livekit::ListParticipantsRequest request;
        request.set_room("r");
        livekit::RoomParticipantIdentity who;
        who.set_room("r");
        who.set_identity(name);
        return w.room.manager.get_participant(who)->tracks(0).sid();
    }
    void limit(std::uint64_t bits) { w.world.command(0, sfu::SetBandwidthLimit{down.peer, bits}); }
    // Of a track's newest packet: its layer; -1 when none came for a second.
    int shown(const sfu::AddDownTrack& of) {
        const auto& rtp = w.client(of.peer).rtp;
        for (auto packet = rtp.rbegin(); packet != rtp.rend(); ++packet) {
            if (w.world.now_ms - packet->ms > 1'000) break;
            if (packet->ssrc == of.ssrc.value() && packet->payload.size() >= 80)
                return packet->payload.back();
        }
        return -1;
    }
    int shown() { return shown(down); }
    void size(std::uint32_t width, std::uint32_t height) {
        wish([&](livekit::UpdateTrackSettings& settings) {
            settings.set_width(width);
            settings.set_height(height);
            settings.set_quality(livekit::LOW);  // not looked at beside a size
        });
    }
    void subscribe(const std::string& to, bool on) {
        livekit::SignalRequest request;
        request.mutable_subscription()->add_track_sids(to);
        request.mutable_subscription()->set_subscribe(on);
        w.room.send(bob, request);
    }
    std::vector<int> states() {
        std::vector<int> result;
        for (const auto& told : w.room.of(bob, livekit::SignalResponse::kStreamStateUpdate))
            for (const auto& state : told.stream_state_update().stream_states())
                result.push_back(state.state());
        return result;
    }
    Encoder camera;
    std::vector<Encoder> others;
};

}  // namespace confab::room::testing

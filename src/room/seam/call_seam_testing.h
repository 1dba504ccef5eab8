// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A call of two in real rooms on a real shard: what the publisher sends is made packet by packet,
// what its subscriber gets is kept, and of both what they are told by RTCP.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "room/seam/media_seam_testing.h"
#include "rtc/sdp/feature_sets.h"
#include "wire/rtcp/rtcp.h"

namespace confab::room::testing {

using sfu::test::ReceivedRtp;
using sfu::test::vp8_payload;

struct CallPlan {
    bool video = true;
    std::string codec = "VP8";                                     // as in the description
    std::string next_codec;                                        // behind it there
    std::vector<std::string> rids;                                 // of simulcast
    bool descriptors = true;                                       // the publisher offers them
    bool red = true;                                               // and this
    std::function<void(livekit::AddTrackRequest&)> announce = {};  // what else it says
    JoinParams subscriber = test_join("r", "bob");
    std::vector<std::string> refused;  // codecs that the subscriber does not take
    bool watched = true;               // the subscriber has it at once
    Config config = test_config();
    sfu::ShardOptions options;
};

template <typename T>
struct Told {
    std::int64_t ms = 0;
    T value;
};
// The blocks of one kind among what an end was told by RTCP.
template <typename Parse>
auto told_by(const sfu::test::Client& end, Parse parse) {
    using T = std::remove_cvref_t<decltype(*parse(std::declval<const wire::RtcpBlock&>()))>;
    std::vector<Told<T>> result;
    for (const auto& rtcp : end.rtcp) {
        wire::RtcpReader reader(rtcp.compound);
        while (const auto block = reader.next())
            if (auto value = parse(*block)) result.push_back({rtcp.ms, *value});
    }
    return result;
}

struct SeamCall {
    explicit SeamCall(const CallPlan& plan = {})
        : w(plan.config, plan.options), alice(w.room.join_active("r", "alice")) {
        w.room.refused_codecs = plan.refused;
        bob = w.room.join(plan.subscriber);
        livekit::SignalRequest request;
        livekit::AddTrackRequest& add = *request.mutable_add_track();
        add.set_cid("cid");
        add.set_type(plan.video ? livekit::VIDEO : livekit::AUDIO);
        add.set_source(plan.video ? livekit::CAMERA : livekit::MICROPHONE);
        if (plan.video) describe_video(add, "cid", to_lower(plan.codec));
        if (plan.announce) plan.announce(add);
        w.room.send(alice, request);
        w.room.offer(alice, offer_of(plan));
        w.run(Duration::seconds(1));
        receiver = w.receiver(0);
        const auto tracks = w.room.commands_of<sfu::AddDownTrack>();
        REQUIRE(tracks.empty() != plan.watched);
        if (plan.watched) down = tracks[0];
        sid = w.room.of(alice, livekit::SignalResponse::kTrackPublished)
                  .at(0)
                  .track_published()
                  .track()
                  .sid();
    }
    Stream stream(std::uint32_t ssrc, const std::string& rid = {}) const {
        return Stream(receiver, ssrc, rid);
    }
    Stream repair_of(const Stream& media, std::uint32_t ssrc) const {
        Stream result(receiver, ssrc, media.rid);
        result.pt = receiver.codecs.front().rtx_pt.value().value();
        result.repairs = true;
        return result;
    }
    void send(BytesView packet) { w.send(receiver.peer, packet); }
    void run(std::int64_t ms) { w.run(Duration::millis(ms)); }
    // A packet and the time until the next one.
    void send(BytesView packet, std::int64_t ms) {
        send(packet);
        run(ms);
    }
    template <typename Write>
    void tell(sfu::PeerId from, Write write) {
        Bytes compound(1200);
        ByteWriter out(compound);
        REQUIRE(write(out));
        compound.resize(out.size());
        w.send_rtcp(from, compound);
    }
    // The publisher's sender report of a stream, `ahead` of the shard's clock.
    void report(const Stream& of, Duration ahead = {}) {
        wire::SenderReport sr;
        sr.ssrc = of.ssrc;
        sr.ntp = NtpTime::from_unix(wall() + ahead);
        sr.rtp_time = of.timestamp;
        tell(receiver.peer, [&](ByteWriter& out) { return wire::write_sender_report(out, sr); });
    }
    UnixTime wall() const {
        return UnixTime::seconds(1'700'000'000) + Duration::millis(w.world.now_ms);
    }
    void ask_key_frame() {
        tell(down.peer,
             [&](ByteWriter& out) { return wire::write_pli(out, {1, down.ssrc.value()}); });
    }
    void ask_again(const std::vector<std::uint16_t>& sequences) {
        tell(down.peer, [&](ByteWriter& out) {
            return wire::write_nack(out, 1, down.ssrc.value(), sequences);
        });
    }
    template <typename Set>
    void wish(Set set) {
        livekit::SignalRequest request;
        request.mutable_track_setting()->add_track_sids(sid);
        set(*request.mutable_track_setting());
        w.room.send(bob, request);
    }
    void mute(bool muted) {
        livekit::SignalRequest request;
        request.mutable_mute()->set_sid(sid);
        request.mutable_mute()->set_muted(muted);
        w.room.send(alice, request);
    }
    sfu::test::Client& publisher() { return w.client(receiver.peer); }
    sfu::test::Client& ears() { return w.client(down.peer); }
    // What the subscriber got of the stream itself, and of its retransmissions.
    std::vector<ReceivedRtp> heard() { return of_ssrc(down.ssrc.value()); }
    std::vector<ReceivedRtp> copies() { return of_ssrc(down.rtx_ssrc.value()); }

    // `backup`: a second video track of VP8.
    static std::string offer_of(const CallPlan& plan, const std::string& backup = {}) {
        std::vector<OfferedTrack> tracks{{"cid", plan.video, plan.rids}};
        if (!backup.empty()) tracks.push_back({backup, true, {}});
        std::string sdp = make_offer(tracks);
        const auto line = [](int id, std::string_view uri) {
            return "a=extmap:" + std::to_string(id) + " " + std::string(uri) + "\r\n";
        };
        std::string extensions = line(3, sdp::kExtTransportCc) + line(8, sdp::kExtAbsCaptureTime);
        if (plan.video && plan.descriptors) extensions += line(12, sdp::kExtDependencyDescriptor);
        replace(sdp, "a=rtcp-mux\r\n", "a=rtcp-mux\r\n" + extensions);
        if (!plan.red) {
            replace(sdp, "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n", "");
            replace(sdp, "111 63", "111");
        }
        std::string formats = format_of(96, plan.codec);
        if (!plan.next_codec.empty()) {
            formats += format_of(100, plan.next_codec);
            replace(sdp, "SAVPF 96 97", "SAVPF 96 97 100");
        }
        replace(sdp, "a=rtpmap:96 VP8/90000\r\n", formats);
        return sdp;
    }

    RoomAndShard w;
    SessionId alice;
    SessionId bob;
    sfu::AddReceiver receiver;
    sfu::AddDownTrack down;
    std::string sid;

  private:
    static std::string format_of(int pt, const std::string& codec) {
        const std::string number = std::to_string(pt);
        std::string lines = "a=rtpmap:" + number + " " + codec + "/90000\r\n";
        if (codec == "VP9") lines += "a=fmtp:" + number + " profile-id=0\r\n";
        if (codec == "H264")
            lines += "a=fmtp:" + number +
                     " level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n";
        return lines;
    }
    static void replace(std::string& text, const std::string& what, const std::string& by) {
        if (const std::size_t at = text.find(what); at != std::string::npos)
            text.replace(at, what.size(), by);
    }
    std::vector<ReceivedRtp> of_ssrc(std::uint32_t ssrc) {
        std::vector<ReceivedRtp> result;
        for (const ReceivedRtp& packet : ears().rtp)
            if (packet.ssrc == ssrc) result.push_back(packet);
        return result;
    }
};

}  // namespace confab::room::testing

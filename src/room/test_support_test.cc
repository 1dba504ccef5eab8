// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The implementation of test_support.h; part of the test program only.
#include "room/test_support.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/check.h"

namespace confab::room::testing {
namespace {

constexpr std::string_view kFingerprint =
    "sha-256 2B:55:2D:0E:8F:AF:A8:CA:B5:3D:F7:46:DA:A1:CC:43:72:1A:B5:DE:30:7C:9A:35:34:38:29:1C:"
    "D5:F7:E2:AF";

void append_transport(std::string& sdp, std::string_view ufrag) {
    sdp.append("c=IN IP4 0.0.0.0\r\na=ice-ufrag:").append(ufrag);
    sdp.append("\r\na=ice-pwd:clientpasswordclientpassword\r\na=fingerprint:");
    sdp.append(kFingerprint).append("\r\na=setup:actpass\r\n");
}

constexpr std::string_view kAudioCodecs =
    "a=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\n"
    "a=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n"
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n";
constexpr std::string_view kVideoCodecs =
    "a=rtcp-mux\r\na=rtcp-rsize\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\n"
    "a=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 transport-cc\r\na=rtpmap:97 rtx/90000\r\n"
    "a=fmtp:97 apt=96\r\na=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
    "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n"
    "a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n";

std::string section(bool video, int mid, std::string_view ufrag, std::string_view direction) {
    std::string sdp =
        video ? "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n" : "m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\n";
    append_transport(sdp, ufrag);
    sdp.append("a=mid:").append(std::to_string(mid)).append("\r\na=").append(direction);
    sdp.append("\r\n").append(video ? kVideoCodecs : kAudioCodecs);
    return sdp;
}

}  // namespace

Config test_config(std::size_t workers) {
    Config config;
    for (std::size_t i = 0; i < workers; ++i) {
        WorkerAddresses addresses;
        const auto ip = IpAddress::v4(0x7F000001);
        addresses.udp.push_back({ip, 7000});
        addresses.tcp.push_back({ip, static_cast<std::uint16_t>(7100 + i)});
        config.media.workers.push_back(addresses);
    }
    config.media.fingerprint_sha256 = std::string(kFingerprint.substr(8));
    config.node_id = "ND_testnode";
    config.ice_servers = [](const IceUser&) {
        livekit::ICEServer server;
        server.add_urls("stun:stun.example.org:3478");
        return std::vector<livekit::ICEServer>{server};
    };
    config.mint_token = [](const token::Grants& grants) { return "token-for-" + grants.identity; };
    return config;
}

JoinParams test_join(std::string room, std::string identity) {
    JoinParams params;
    params.room = std::move(room);
    params.grants.identity = std::move(identity);
    params.client.set_sdk(livekit::ClientInfo::JS);
    params.client.set_version("2.23.0");
    params.client.set_protocol(17);
    params.client.set_browser("chrome");
    token::VideoGrant& video = params.grants.video.emplace();
    video.room_join = true;
    video.room = params.room;
    video.can_update_own_metadata = true;
    return params;
}

std::string make_offer(const std::vector<OfferedTrack>& tracks, int spare_audio, int spare_video,
                       std::string_view ufrag) {
    std::string body;
    std::string bundle = "0";
    body += "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n";
    append_transport(body, ufrag);
    body += "a=mid:0\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n";
    int mid = 0;
    for (int i = 0; i < spare_audio + spare_video; ++i) {
        bundle += " " + std::to_string(++mid);
        body += section(i >= spare_audio, mid, ufrag, "recvonly");
    }
    for (const OfferedTrack& track : tracks) {
        bundle += " " + std::to_string(++mid);
        body += section(track.video, mid, ufrag, "sendonly");
        body += "a=msid:- " + track.cid + "\r\n";
        std::string simulcast;
        for (const std::string& rid : track.rids) {
            body += "a=rid:" + rid + " send\r\n";
            simulcast += (simulcast.empty() ? "" : ";") + rid;
        }
        if (!simulcast.empty()) body += "a=simulcast:send " + simulcast + "\r\n";
    }
    return "v=0\r\no=- 4611 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE " + bundle +
           "\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS\r\n" + body;
}

std::string with_h264_alone(std::string offer) {
    const auto replace = [&](std::size_t from, std::size_t to, std::string_view by) {
        if (from < to && to != std::string::npos) offer.replace(from, to - from, by);
    };
    const std::string_view numbers = "SAVPF 96 97";
    const std::size_t line = offer.find(numbers);
    replace(line, line + numbers.size(), "SAVPF 45");
    const std::string_view last = "apt=96\r\n";
    replace(offer.find("a=rtpmap:96"), offer.find(last) + last.size(),
            "a=rtpmap:45 H264/90000\r\na=fmtp:45 level-asymmetry-allowed=1;packetization-mode=1;"
            "profile-level-id=42e01f\r\n");
    return offer;
}

void describe_video(livekit::AddTrackRequest& add, const std::string& cid,
                    const std::string& codec) {
    add.set_width(1280);
    add.set_height(720);
    for (const auto& [quality, height] :
         {std::pair{livekit::LOW, 180U}, {livekit::MEDIUM, 360U}, {livekit::HIGH, 720U}}) {
        livekit::VideoLayer& layer = *add.add_layers();
        layer.set_quality(quality);
        layer.set_height(height);
        layer.set_width(height * 16 / 9);
    }
    livekit::SimulcastCodec& described = *add.add_simulcast_codecs();
    described.set_codec(codec);
    described.set_cid(cid);
}

std::string make_answer(const std::string& offer, const std::vector<std::string>& without) {
    auto parsed = sdp::parse(offer);
    if (!parsed) return {};
    parsed->ice_lite = false;
    parsed->ufrag.clear();
    parsed->fingerprints.clear();
    for (sdp::MediaSection& media : parsed->sections) {
        media.ufrag = "answ";
        media.pwd = "answerpasswordanswerpassword";
        media.setup = sdp::Setup::kActive;
        media.fingerprints = {{"sha-256", std::string(kFingerprint.substr(8))}};
        media.candidates.clear();
        media.end_of_candidates = false;
        media.msid.reset();
        media.ssrcs.clear();
        media.ssrc_groups.clear();
        if (!media.is_rtp()) continue;
        media.direction =
            sdp::sends(media.direction) ? sdp::Direction::kRecvOnly : sdp::Direction::kInactive;
        const auto refused = [&](const sdp::Codec& codec) {
            return std::find(without.begin(), without.end(), codec.name) != without.end();
        };
        std::vector<std::string> gone;
        for (const sdp::Codec& codec : media.codecs)
            if (refused(codec)) gone.push_back("apt=" + std::to_string(codec.pt));
        std::erase_if(media.codecs, [&](const sdp::Codec& codec) {
            return refused(codec) || std::find(gone.begin(), gone.end(), codec.fmtp) != gone.end();
        });
    }
    return sdp::write(*parsed);
}

Harness::Harness(Config config, std::uint64_t seed)
    : manager(std::move(config), seed, seeded_secrets(seed)) {}

void Harness::drain() {
    // No participant's timer may be missing among the deadlines that are kept.
    REQUIRE(manager.next_deadline() == manager.scan_deadlines());
    REQUIRE(bug_count() == 0);  // in a release build an impossible state is only counted
    while (auto effect = manager.poll_effect()) {
        ++effects;
        if (auto* signal = std::get_if<SendSignal>(&*effect)) {
            if (signal->response.has_offer())
                offers_.emplace_back(signal->session, signal->response.offer());
            signals[signal->session].push_back(std::move(signal->response));
        } else if (const auto* many = std::get_if<Broadcast>(&*effect)) {
            ++broadcasts;
            for (const SessionId session : many->sessions)
                signals[session].push_back(many->response);
        } else if (const auto* joined = std::get_if<SendJoin>(&*effect)) {
            livekit::SignalResponse& response = signals[joined->session].emplace_back();
            REQUIRE(response.ParseFromString(serialized(*joined)));
        } else if (const auto* close_it = std::get_if<CloseSession>(&*effect)) {
            closed[close_it->session] = close_it->code;
        } else if (auto* refuse = std::get_if<RefuseSession>(&*effect)) {
            refused[refuse->session] = *refuse;
        } else if (auto* command = std::get_if<MediaCommand>(&*effect)) {
            if (const auto* remote = std::get_if<sfu::SetRemote>(&command->command))
                remotes_.push_back(remote->peer);
            commands.push_back(std::move(*command));
        } else if (auto* hook = std::get_if<WebhookEvent>(&*effect)) {
            webhooks.push_back(std::move(hook->event));
        } else if (auto* done = std::get_if<RpcDone>(&*effect)) {
            rpc_done.push_back(std::move(*done));
        } else if (const auto* observation = std::get_if<Observation>(&*effect)) {
            observations.push_back(*observation);
        } else if (const auto* over_now = std::get_if<ParticipantOver>(&*effect)) {
            over.push_back(over_now->sid);
        } else if (auto* note = std::get_if<RoomNote>(&*effect)) {
            notes.push_back(std::move(*note));
        } else {
            stored.push_back(std::move(*effect));
        }
    }
}

void Harness::react() {
    drain();
    while ((auto_answer && !offers_.empty()) || (auto_connect && !remotes_.empty())) {
        std::vector<std::pair<SessionId, livekit::SessionDescription>> offers;
        if (auto_answer) offers.swap(offers_);
        for (const auto& [session, description] : offers) {
            livekit::SignalRequest request;
            request.mutable_answer()->set_type("answer");
            request.mutable_answer()->set_sdp(make_answer(description.sdp(), refused_codecs));
            request.mutable_answer()->set_id(description.id());
            manager.handle_request(clock(), session, request);
        }
        drain();
        std::vector<sfu::PeerId> remotes;
        if (auto_connect) remotes.swap(remotes_);
        for (const sfu::PeerId peer : remotes) {
            if (std::exchange(connected_[peer], true)) continue;
            sfu::PeerStateChanged state;
            state.peer = peer;
            state.state = sfu::PeerState::kConnected;
            manager.handle_media_event(clock(), 0, state);
            for (const auto channel : {sfu::DataChannel::kReliable, sfu::DataChannel::kLossy})
                manager.handle_media_event(clock(), 0, sfu::DataChannelOpened{peer, channel, ""});
        }
        drain();
    }
}

SessionId Harness::join(const JoinParams& params) {
    const SessionId session = manager.start_session(clock(), params);
    react();
    return session;
}

SessionId Harness::join_active(const std::string& room, const std::string& identity) {
    return join(test_join(room, identity));
}

void Harness::send(SessionId session, const livekit::SignalRequest& request) {
    manager.handle_request(clock(), session, request);
    react();
}

void Harness::offer(SessionId session, const std::string& sdp, std::uint32_t id) {
    livekit::SignalRequest request;
    request.mutable_offer()->set_type("offer");
    request.mutable_offer()->set_sdp(sdp);
    request.mutable_offer()->set_id(id);
    send(session, request);
}

void Harness::add_track(SessionId session, const std::string& cid, bool video) {
    livekit::SignalRequest request;
    livekit::AddTrackRequest& add = *request.mutable_add_track();
    add.set_cid(cid);
    add.set_type(video ? livekit::VIDEO : livekit::AUDIO);
    add.set_source(video ? livekit::CAMERA : livekit::MICROPHONE);
    if (video) describe_video(add, cid);
    send(session, request);
}

void Harness::publish(SessionId session, const std::string& cid, bool video) {
    add_track(session, cid, video);
    OfferedTrack track{cid, video, {}};
    if (video) track.rids = {"q", "h", "f"};
    published_[session].push_back(track);
    offer(session, make_offer(published_[session]), ++offer_ids_[session]);
}

void Harness::close(SessionId session) {
    manager.signal_closed(clock(), session);
    react();
}

void Harness::event(const sfu::Event& value) {
    manager.handle_media_event(clock(), 0, value);
    react();
}

void Harness::advance(Duration by) {
    const Timestamp target = now + by;
    // A deadline that handle_timeout does not move would never end.
    for (int steps = 0; manager.next_deadline() <= target; ++steps) {
        REQUIRE(steps < 100'000);
        now = std::max(now, manager.next_deadline());
        manager.handle_timeout(clock());
        react();
    }
    now = target;
}

std::vector<livekit::SignalResponse> Harness::take(SessionId session) {
    return std::exchange(signals[session], {});
}

std::vector<livekit::SignalResponse> Harness::of(SessionId session,
                                                 livekit::SignalResponse::MessageCase kind) {
    std::vector<livekit::SignalResponse> result;
    for (const livekit::SignalResponse& response : signals[session])
        if (response.message_case() == kind) result.push_back(response);
    return result;
}

std::vector<std::string> Harness::webhook_names() const {
    std::vector<std::string> names;
    names.reserve(webhooks.size());
    for (const livekit::WebhookEvent& hook : webhooks)
        names.push_back(hook.event());
    return names;
}

}  // namespace confab::room::testing

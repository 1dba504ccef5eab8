// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// For tests: a RoomManager with a clock, its effects sorted by session, and clients that describe
// themselves well enough to be negotiated with.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "room/manager/room_manager.h"
#include "rtc/sdp/description/description.h"

namespace confab::room::testing {

// Workers with a UDP port in common and a TCP port each, a minter and one STUN server.
Config test_config(std::size_t workers = 1);
JoinParams test_join(std::string room, std::string identity);

// What a client offers: a data section, then one section per entry, mids counted up.
struct OfferedTrack {
    std::string cid;
    bool video = false;
    std::vector<std::string> rids;
};
std::string make_offer(const std::vector<OfferedTrack>& tracks, int spare_audio = 0,
                       int spare_video = 0, std::string_view ufrag = "clnt");
// The same offer with H264 as the only codec of its first picture, under a number of its own.
std::string with_h264_alone(std::string offer);
// A picture of 720 lines in three layers, as a client announces it.
void describe_video(livekit::AddTrackRequest& add, const std::string& cid,
                    const std::string& codec = "vp8");
// The answer a browser gives to an offer; codecs in `without` ("H265") are refused.
std::string make_answer(const std::string& offer, const std::vector<std::string>& without = {});

class Harness {
  public:
    explicit Harness(Config config = test_config(), std::uint64_t seed = 7);

    SessionId join(const JoinParams& params);
    // A whole v0 session: answered and connected.
    SessionId join_active(const std::string& room, const std::string& identity);
    void send(SessionId session, const livekit::SignalRequest& request);
    void offer(SessionId session, const std::string& sdp, std::uint32_t id = 1);
    void add_track(SessionId session, const std::string& cid, bool video);
    // add_track, offer and answer for one more track of a v0 publisher.
    void publish(SessionId session, const std::string& cid, bool video);
    void close(SessionId session);
    void event(const sfu::Event& event);
    // Moves the clock, with all timers on the way.
    void advance(Duration by);
    void drain();
    Clock clock() const { return {now, UnixTime::seconds(1'700'000'000) + (now - Timestamp())}; }

    const std::vector<livekit::SignalResponse>& sent(SessionId session) { return signals[session]; }
    std::vector<livekit::SignalResponse> take(SessionId session);
    // Frames of one kind.
    std::vector<livekit::SignalResponse> of(SessionId session,
                                            livekit::SignalResponse::MessageCase kind);
    std::size_t count(SessionId session, livekit::SignalResponse::MessageCase kind) {
        return of(session, kind).size();
    }
    template <typename T>
    std::vector<T> commands_of() const {
        std::vector<T> result;
        for (const MediaCommand& command : commands)
            if (const T* value = std::get_if<T>(&command.command)) result.push_back(*value);
        return result;
    }
    std::vector<std::string> webhook_names() const;
    template <typename T>
    std::vector<T> observed() const {
        std::vector<T> result;
        for (const Observation& observation : observations)
            if (const T* value = std::get_if<T>(&observation)) result.push_back(*value);
        return result;
    }

    RoomManager manager;
    Timestamp now = Timestamp::micros(1'000'000);
    bool auto_answer = true;   // subscriber offers are answered at once
    bool auto_connect = true;  // peers connect as soon as they have a remote description
    std::vector<std::string> refused_codecs;
    std::map<SessionId, std::vector<livekit::SignalResponse>> signals;
    std::map<SessionId, std::uint16_t> closed;
    std::map<SessionId, RefuseSession> refused;
    std::vector<MediaCommand> commands;
    std::vector<livekit::WebhookEvent> webhooks;
    std::vector<RpcDone> rpc_done;
    std::vector<Observation> observations;
    std::vector<std::string> over;  // ParticipantOver
    std::vector<RoomNote> notes;
    std::vector<Effect> stored;  // StoreRoom and the like
    std::size_t effects = 0;
    std::size_t broadcasts = 0;

  private:
    void react();
    std::vector<std::pair<SessionId, livekit::SessionDescription>> offers_;
    std::vector<sfu::PeerId> remotes_;
    std::map<sfu::PeerId, bool> connected_;
    std::map<SessionId, std::vector<OfferedTrack>> published_;
    std::map<SessionId, std::uint32_t> offer_ids_;
};

}  // namespace confab::room::testing

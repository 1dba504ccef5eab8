// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A participant that an operator sends into a room (05 LKC-20 … LKC-24): tells what happens there,
// publishes clips and data, and has what it is sent as files. Pure; runtime/load/join/ drives it as
// Member drives a Person.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "client/session/session.h"
#include "load/guest/track_writer.h"
#include "load/reception.h"

namespace confab::load {

struct GuestTrack {
    std::string cid;
    std::shared_ptr<const client::Clip> clip;  // none: synthetic frames, which no decoder shows
    client::MediaKind kind = client::MediaKind::kAudio;
};

struct GuestSettings {
    client::SessionConfig session;
    std::vector<GuestTrack> tracks;
    std::vector<livekit::DataPacket> data;  // sent once, reliably
    bool records = false;
};

// One thing that happened: a word, and members in their order.
struct GuestEvent {
    std::string what;
    std::vector<std::pair<std::string, std::string>> facts;
};

// Octets that belong at the end of that file.
struct Recorded {
    std::string file;
    Bytes octets;
};

class Guest {
  public:
    static constexpr std::size_t kMaxEvents = 10'000;  // newest dropped
    static constexpr std::size_t kMaxFiles = 256;

    Guest(GuestSettings settings, Rng rng);

    // Path and query that the WebSocket is opened with.
    std::string open(Timestamp now, const std::string& token);
    void handle_signal(Timestamp now, std::string_view message);
    void handle_packet(Timestamp now, Timestamp arrival, client::Target target,
                       const SocketAddress& from, BytesSpan datagram);
    void handle_timeout(Timestamp now);
    Timestamp next_deadline();
    client::Session& session() { return session_; }

    std::optional<GuestEvent> poll_event();
    std::optional<Recorded> poll_recorded();
    // The server or the network has ended it; the reason.
    const std::string& ended() const { return ended_; }
    bool connected() const { return connected_; }
    // Everything there was to publish is out: clips have ended, data are acknowledged.
    bool has_published();
    // Of what was to be published, what the server refused or ended.
    std::uint64_t unpublished() const { return session_.tracks().ended(); }
    std::size_t flowing() const { return reception_.flowing(); }

  private:
    using Facts = std::vector<std::pair<std::string, std::string>>;
    struct File {
        std::string name;
        TrackWriter writer;
        Timestamp next_request = {};  // for a key frame
    };
    void tell(std::string what, Facts facts);
    void publish();
    void after_input(Timestamp now);
    void take_events(Timestamp now);
    void take_data(const livekit::DataPacket& packet);
    void look_around();
    void look_at_streams();
    void send_data(Timestamp now);
    void record(Timestamp now, BytesView packet);
    void request_key_frame(Timestamp now, File& file, std::uint32_t ssrc);
    const livekit::TrackInfo* track_info(const std::string& sid, std::string& identity) const;

    GuestSettings settings_;
    Rng rng_;
    client::Session session_;
    Reception reception_;
    std::deque<GuestEvent> events_;
    std::deque<Recorded> recorded_;
    std::uint64_t roster_seen_ = 0;
    // By participant sid: identity, and sid → muted of its tracks.
    struct Known {
        std::string identity;
        std::map<std::string, bool> tracks;
    };
    std::map<std::string, Known> known_;
    std::set<std::string> streams_;      // sids
    std::map<std::string, File> files_;  // by track sid
    std::string ended_;
    bool connected_ = false;
    std::size_t data_sent_ = 0;
};

}  // namespace confab::load

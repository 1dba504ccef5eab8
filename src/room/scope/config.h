// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Settings of the control plane as plain values; src/config fills them from the file (01 §7).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "room/scope/room_codecs.h"
#include "room/scope/types.h"
#include "sfu/shard/control_shard.h"
#include "token/limits.h"

namespace confab::room {

// Where the sockets of one media worker are; known before the first session (ICE-13).
struct WorkerAddresses {
    std::vector<SocketAddress> udp;
    std::vector<SocketAddress> tcp;  // passive
};
struct MediaNode {
    std::vector<WorkerAddresses> workers;
    std::string fingerprint_sha256;  // upper-case hex with colons
    bool ice_lite = false;
};

struct Limits : token::Limits {
    std::uint32_t subscriptions_audio = 0;  // SIG-114
    std::uint32_t subscriptions_video = 0;
    std::size_t custom_encoding = 32;
    std::size_t blob_key = 256;  // SIG-127
    std::size_t blobs = 64'000;
};

struct RoomDefaults {
    bool auto_create = true;
    std::uint32_t empty_timeout = 300;
    std::uint32_t departure_timeout = 20;
    std::uint32_t max_participants = 0;
    CodecList enabled_codecs;  // ROOM-08; empty = the default list
    bool enable_remote_unmute = false;
    bool sync_streams = false;
    std::optional<sfu::PlayoutDelayLimits> playout_delay;
    std::map<std::string, livekit::RoomConfiguration> presets;  // ROOM-03
};

// The refresh token of a participant with these grants (TOK-12).
using TokenMinter = std::function<std::string(const token::Grants&)>;
// Whom ICE servers are for.
struct IceUser {
    std::string_view participant_sid;
    std::string_view api_key;  // of its token
    bool tls_only = false;     // its connection fell back to TURN over TLS
};
// The ICE servers of one participant (SIG-88).
using IceServers = std::function<std::vector<livekit::ICEServer>(const IceUser& user)>;

struct Config {
    std::string server_version = "1.13.5";
    std::string node_id = "ND_local";
    std::string region;
    sfu::ControlShard control_shard = 0;  // which of the control threads this one is
    std::int32_t protocol = 17;
    std::int32_t ping_interval_s = 5;
    std::int32_t ping_timeout_s = 15;
    Limits limits;
    RoomDefaults room;
    RoomCodecs codecs;  // of `room`, by RoomManager
    MediaNode media;
    std::size_t participants_per_worker = 64;  // of one room; see Placement
    IceServers ice_servers;                    // none when empty
    TokenMinter mint_token;                    // no refresh_token when empty
    sfu::AudioLevelConfig audio_level;
    Duration dynacast_pause_delay = Duration::seconds(5);
    std::uint32_t codec_regression_threshold = 5;
    bool enable_data_tracks = true;
    bool enable_data_blobs = false;
    bool allow_tcp_fallback = true;  // ICE-15
    Duration tcp_fallback_rtt;       // of signalling: TCP where it is shorter; zero: always
    bool allow_udp_unstable_fallback = false;  // ICE-16
    bool force_tcp = false;
    bool send_side_bwe = false;
    bool active_red_encoding = false;  // IN-32
    // Shortest time between key frame requests to a publisher, by layer.
    std::array<Duration, 3> pli_throttle{Duration::millis(500), Duration::seconds(1),
                                         Duration::seconds(1)};
    bool reconnect_on_publication_error = false;   // SIG-107
    bool reconnect_on_subscription_error = false;  // SIG-111
    bool reconnect_on_data_channel_error = false;
    Duration update_batch_interval = Duration::seconds(3);  // SIG-131
    std::size_t update_batch_bytes = 128 * 1024;            // 0: one message
    bool webhooks_sent = true;                              // false: names are enough, for the log
    bool full_room_in_webhooks = false;                     // HOOK-04
    bool store_listens = false;                             // StoreRoom and the like are made
    bool egress_listens = false;                            // StartEgress is made
    bool history_listens = false;                           // RoomNote is made
    bool agents_listen = false;                             // RoomServed is made
    bool agent_recording = false;                           // flags of jobs (DSP-31)
    bool agent_redaction = false;
};

}  // namespace confab::room

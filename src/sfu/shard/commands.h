// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// What the control plane tells a media shard, and what the shard reports back (02 §10.9).
// Commands are structured data, never SDP; the state of a shard is rebuilt from commands alone.
// The control plane chooses every id, SSRC, ICE credential and payload type, so that it never has
// to wait for a worker before it can answer a client.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/net_address.h"
#include "base/tagged.h"
#include "base/time.h"
#include "sfu/data/data_rates.h"
#include "sfu/peer/stranger_limits.h"
#include "sfu/shard/peer_bytes.h"

namespace confab::sfu {

using PeerId = Tagged<struct PeerIdTag, std::uint64_t>;            // one peer connection
using ReceiverId = Tagged<struct ReceiverIdTag, std::uint64_t>;    // one codec of a published track
using DownTrackId = Tagged<struct DownTrackIdTag, std::uint64_t>;  // one subscription to it
using RoomId = Tagged<struct RoomIdTag, std::uint64_t>;            // groups receivers for speakers
using MemberId = Tagged<struct MemberIdTag, std::uint64_t>;        // a participant, for its data
using DataTrackId = Tagged<struct DataTrackIdTag, std::uint64_t>;  // a published data track
using WorkerIndex = std::uint16_t;

enum class MediaKind : std::uint8_t { kAudio, kVideo };
enum class Codec : std::uint8_t {
    kNone,
    kOpus,
    kRed,
    kPcmu,
    kPcma,
    kVp8,
    kVp9,
    kH264,
    kH265,
    kAv1
};
constexpr MediaKind kind_of(Codec c) {
    return c <= Codec::kPcma ? MediaKind::kAudio : MediaKind::kVideo;
}

// ---------------------------------------------------------------- transport

struct IceCredentials {
    std::string ufrag;
    std::string pwd;
};

enum class DtlsRole : std::uint8_t { kClient, kServer };
// Values of the use_srtp extension (RFC 5764 §4.1.2, RFC 7714 §14.2).
enum class SrtpProfile : std::uint16_t {
    kAes128CmSha1_80 = 0x0001,
    kAeadAes128Gcm = 0x0007,
    kAeadAes256Gcm = 0x0008,
};

struct Fingerprint {
    std::string algorithm;  // lower case: "sha-256", "sha-384", "sha-512", "sha-1"
    Bytes value;
};

enum class TransportProtocol : std::uint8_t { kUdp, kTcp };

struct RemoteCandidate {
    TransportProtocol protocol = TransportProtocol::kUdp;
    SocketAddress address;
    std::uint32_t priority = 0;
    bool relayed = false;  // a TURN server's, on behalf of the client
};
// How a connection goes (ICE-18). kTurn: to the client's relay, which it reaches by whatever way.
enum class ConnectionType : std::uint8_t { kUdp, kTcp, kTurn };
constexpr std::string_view to_text(ConnectionType type) {
    if (type == ConnectionType::kTcp) return "tcp";
    return type == ConnectionType::kTurn ? "turn" : "udp";
}

struct CreatePeer {
    PeerId peer;
    IceCredentials local;
    bool ice_lite = false;
    bool ice_controlling = false;  // true where we make the offers and are not lite (ICE-06)
    bool tcp_only = false;         // fallback: UDP checks are neither sent nor answered (ICE-15)
    std::optional<Duration> ice_limit;  // a path is found by then, or never (ICE-17)
    // In order of preference; all three when empty.
    std::vector<SrtpProfile> srtp_profiles;
    // Whether video of this subscriber may be paused for lack of bandwidth, if the client said so;
    // else ShardOptions::bandwidth decides (02 §5.1).
    std::optional<bool> allow_pause;
    bool takes_padding = false;  // on packets of media, so that lengths may be levelled (DES-12)
};
struct SetRemote {
    PeerId peer;
    IceCredentials remote;
    DtlsRole local_dtls_role = DtlsRole::kServer;  // fixed by the first SetRemote
    std::vector<Fingerprint> fingerprints;         // any one must match the peer's certificate
    bool sctp = false;                             // an application section was negotiated
    std::uint16_t sctp_port = 5000;
    std::uint32_t sctp_max_message_size = 65'535;  // what the peer takes
};
struct AddRemoteCandidate {
    PeerId peer;
    RemoteCandidate candidate;
};
// New local credentials; DTLS, SRTP and SCTP live on (ICE-14).
struct RestartIce {
    PeerId peer;
    IceCredentials local;
    bool tcp_only = false;
    std::optional<Duration> ice_limit = std::nullopt;
};
struct ClosePeer {
    PeerId peer;
};

// ---------------------------------------------------------------- publishing

struct ReceiveCodec {
    Codec codec = Codec::kNone;
    PayloadType pt;
    std::optional<PayloadType> rtx_pt;
    std::uint32_t clock_rate = 90'000;
    bool nack = true;
    bool operator==(const ReceiveCodec&) const = default;
};
// Ids of RTP header extensions on one section, 0 where not negotiated (RFC 8285).
struct ReceiveExtensions {
    std::uint8_t mid = 0;
    std::uint8_t rid = 0;
    std::uint8_t repaired_rid = 0;
    std::uint8_t audio_level = 0;
    std::uint8_t abs_capture_time = 0;
    std::uint8_t transport_cc = 0;
    std::uint8_t abs_send_time = 0;
    std::uint8_t dependency_descriptor = 0;
    bool operator==(const ReceiveExtensions&) const = default;
};
// 01 §3.3, VideoLayer.Mode.
enum class LayerMode : std::uint8_t {
    kUnused,
    kOneSpatialLayerPerStream,
    kMultipleSpatialLayersPerStream,
    kOneSpatialLayerPerStreamIncompleteRtcpSr,
};
// One simulcast stream of a section; a section without rids has one layer with an empty rid.
struct ReceiveLayer {
    std::string rid;
    std::uint8_t spatial = 0;  // position among the declared qualities (SDP-27)
    std::optional<Ssrc> ssrc;  // known from a=ssrc lines, else learned by mid and rid
    std::optional<Ssrc> rtx_ssrc;
    std::uint32_t width = 0;
    std::uint32_t height = 0;
};
struct AudioLevelConfig {  // 02 IN-30
    std::uint8_t active_level = 35;
    std::uint8_t min_percentile = 40;
    Duration update_interval = Duration::millis(400);
    std::uint32_t smooth_intervals = 2;
};
// What a track shows, as its publisher says; for statistics.
enum class MediaSource : std::uint8_t {
    kUnknown,
    kCamera,
    kMicrophone,
    kScreenShare,
    kScreenShareAudio,
};
inline constexpr std::size_t kMediaSources = 5;

// Once more for one that is there: with another mid it is made anew and goes on behind what it was;
// with the same one its codecs and extensions are those that were agreed on now.
struct AddReceiver {
    ReceiverId receiver;
    PeerId peer;
    RoomId room;
    MediaKind kind = MediaKind::kAudio;
    std::string mid;
    // In the order of the answer; the first is the codec the receiver was made for (IN-12).
    std::vector<ReceiveCodec> codecs;
    ReceiveExtensions extensions;
    std::vector<ReceiveLayer> layers;
    LayerMode mode = LayerMode::kOneSpatialLayerPerStream;
    MediaSource source = MediaSource::kUnknown;
    bool screen_share = false;
    bool microphone = false;  // takes part in speaker detection (IN-31)
    bool encrypted = false;   // payload is opaque (IN-43)
    bool any_codec = false;   // its publisher did not say which: its first packet does
    AudioLevelConfig audio_level;
    std::array<Duration, 3> pli_throttle{Duration::millis(500), Duration::seconds(1),
                                         Duration::seconds(1)};
};
struct RemoveReceiver {
    ReceiverId receiver;
};
// Its participant went to another room with it (API-12): who subscribes is for others to say, this
// is about whose speaker it is.
struct MoveReceiver {
    ReceiverId receiver;
    RoomId room;
};
// The publisher muted or unmuted the track (FWD-15, IN-21).
struct MuteReceiver {
    ReceiverId receiver;
    bool muted = false;
};

// What the publisher was asked to send (dynacast): spatial layers up to this one, -1 for none. A
// layer that is wanted again counts as flowing with its next packet (IN-21).
struct WantLayers {
    ReceiverId receiver;
    std::int8_t max_spatial = -1;
};

// ---------------------------------------------------------------- subscribing

struct SendCodec {
    Codec codec = Codec::kNone;
    PayloadType pt;
    std::optional<PayloadType> rtx_pt;
    std::uint32_t clock_rate = 90'000;
    bool nack = true;
};
struct SendExtensions {
    std::uint8_t dependency_descriptor = 0;
    std::uint8_t abs_capture_time = 0;
    std::uint8_t abs_send_time = 0;
    std::uint8_t transport_cc = 0;
    std::uint8_t playout_delay = 0;
    std::uint8_t mid = 0;
};
// What the subscriber asked for (SUB-01); the shard applies it at once, the control plane
// debounces.
struct DownTrackSettings {
    bool enabled = true;
    std::uint8_t max_spatial = 2;
    std::uint8_t max_temporal = 3;
    std::uint32_t max_fps = 0;  // no more temporal layers than this rate takes; 0: all (SUB-03)
    std::uint8_t priority = 1;  // larger first; 255 for screen share (SUB-06)
    bool operator==(const DownTrackSettings&) const = default;
};
// Bounds of the playout delay asked of the subscriber (IN-41).
struct PlayoutDelayLimits {
    Duration min;
    Duration max;  // zero: 10 s, and none without a least
};
struct AddDownTrack {
    DownTrackId down_track;
    PeerId peer;  // lives on the worker that gets this command
    ReceiverId receiver;
    WorkerIndex home = 0;  // the worker of the receiver's peer
    MediaKind kind = MediaKind::kAudio;
    Ssrc ssrc;
    Ssrc rtx_ssrc;
    std::vector<SendCodec> codecs;  // what the subscriber accepts
    SendExtensions extensions;
    std::string cname;  // stream id (SDP-04)
    std::string mid;
    DownTrackSettings settings;
    MediaSource source = MediaSource::kUnknown;
    bool screen_share = false;
    bool encrypted = false;
    Bytes sif_trailer;  // ends injected frames of encrypted tracks (IN-43)
    // Video, where extensions.playout_delay was negotiated.
    std::optional<PlayoutDelayLimits> playout_delay;
    // The client shows a track only once packets of it came: silence or padding until then
    // (FWD-16).
    bool early_media = false;
    // The track has packet trailers, and the client does not know them (IN-42).
    bool strip_packet_trailers = false;
    // Opus goes as RED to a client that takes both (IN-32).
    bool add_redundancy = false;
};
struct UpdateDownTrack {
    DownTrackId down_track;
    DownTrackSettings settings;
};
// Moves a down-track to another receiver of the same track, without negotiation (DYN-05).
struct SwitchDownTrack {
    DownTrackId down_track;
    ReceiverId receiver;
    WorkerIndex home = 0;
};
struct RemoveDownTrack {
    DownTrackId down_track;
    bool blank_frames = true;  // 0.2 s of blank frames first (FWD-15)
};
// Caps the estimated downlink of a peer; 0 removes the cap (SIG-174).
struct SetBandwidthLimit {
    PeerId peer;
    std::uint64_t bits_per_second = 0;
};

// ---------------------------------------------------------------- moving

// A peer is about to come here from another worker with these down-tracks: packets of their tracks
// are kept for it. PeerAwaited follows when nothing is missing any more. Ends with an ImportPeer, a
// ClosePeer, or an EndAwait: it stays where it is.
struct AwaitedTrack {
    DownTrackId down_track;
    ReceiverId receiver;
    WorkerIndex home = 0;
    MediaKind kind = MediaKind::kAudio;
    std::uint8_t max_spatial = 2;
};
struct AwaitPeer {
    PeerId peer;
    std::vector<AwaitedTrack> tracks;
};
struct EndAwait {
    PeerId peer;
    // Its client was told these names of ICE, which begin with this worker's letter, while it was
    // counted as one of this worker: they lead to where it is, until a ClosePeer names the peer.
    std::vector<std::string> names;
    WorkerIndex at = 0;
    // What it publishes: who was told meanwhile that these are here finds them there, likewise.
    std::vector<ReceiverId> receivers;
};
// The peer goes on at another owner (MC-20): what waits is sent, then PeerExported follows and it
// is gone here. Packets that still come for it wait until it is at worker `to`, and are passed on
// to it from then on, until a ClosePeer names it; they are lost without one. Subscribers of what it
// publishes stay, and wait for `to` likewise.
struct ExportPeer {
    PeerId peer;
    std::optional<WorkerIndex> to;  // none: in another process
    PeerId with;  // the other connection of its participant, if it has one: both go, or none
};
// Makes the peer with what it publishes and what it is sent, as if by these commands, and goes on
// where its state says; PeerImported follows. Receivers and down-tracks that the state does not
// know begin anew, those that are not named here have ended.
struct ImportPeer {
    CreatePeer create;
    std::vector<AddReceiver> receivers;
    std::vector<AddDownTrack> down_tracks;
    PeerBytes state;
    // PeerExported::at, where that was told by the clock of this process.
    std::optional<Timestamp> exported;
    bool in_doubt = false;  // the old owner may have sent more than the state knows (TRAP-14)
};

// ---------------------------------------------------------------- data

// The labels of 01 SIG-78; kOther for any other.
enum class DataChannel : std::uint8_t { kReliable, kLossy, kDataTrack, kOther };

// Opens `_reliable`, `_lossy` and, when asked, `_data_track` from our side (DC-02).
struct OpenDataChannels {
    PeerId peer;
    bool data_track = true;
};
// A participant in a room, for its data.
struct DataPlace {
    RoomId room;
    MemberId member;
    bool operator==(const DataPlace&) const = default;
};
// A participant of a room on this worker, as far as data goes: who it is and what it may (01
// SIG-120, SIG-124). Again whenever any of it changed.
struct DataMember {
    RoomId room;
    MemberId member;
    PeerId peer;   // on which data goes to it; none yet
    PeerId other;  // on which it may send besides, when there is one
    // Of these the one on which it publishes and the one on which it is sent media: the same one
    // where it has one alone. Their round-trip times are metrics of it.
    PeerId publisher;
    PeerId subscriber;
    std::string identity;
    std::string sid;
    bool may_publish = false;
    bool hears_metrics = false;
    bool hidden = false;
    bool agent = false;
    bool expects_channels = true;  // false: its client asked for none (DC-09)
    // It is there, on this worker, and only seen in `room`: nothing goes to it here, and what it
    // says to everybody there is said here, too (API-11).
    std::optional<DataPlace> elsewhere;
    bool operator==(const DataMember&) const = default;
};
struct DataMemberGone {
    RoomId room;
    MemberId member;
};
// All workers with members of the room; each of them is told.
struct DataWorkers {
    RoomId room;
    std::vector<WorkerIndex> workers;
    bool metrics_heard = false;  // somebody in the room, on whichever of them, may hear metrics
};
// Frames with this handle of the publisher's, whose worker is told, belong to the track (SIG-125).
struct AddDataTrack {
    RoomId room;
    MemberId publisher;
    std::uint16_t handle = 0;
    DataTrackId track;
};
struct RemoveDataTrack {
    RoomId room;
    MemberId publisher;
    std::uint16_t handle = 0;
};
// The track flows to a member on this worker under this handle; 0: no more (SIG-126).
struct FlowDataTrack {
    RoomId room;
    MemberId member;
    DataTrackId track;
    std::uint16_t handle = 0;
    std::uint32_t frames_per_second = 0;  // at most; 0: all (DT-05)
};
// A packet of the API, for members on this worker.
struct SendData {
    RoomId room;
    bool lossy = false;
    Bytes payload;
    std::vector<std::string> identities;  // with `sids` those it is for; both empty: everybody
    std::vector<std::string> sids;
    Bytes nonce;
};
// A call of a participant's method by the API: its packet, and the id by which its acknowledgement
// and its response are known, which come back as CallAnswered (API-14).
struct CallMethod {
    RoomId room;
    MemberId member;
    std::string request_id;
    Bytes payload;
};
// Nobody waits for it any more.
struct EndCall {
    RoomId room;
    MemberId member;
    std::string request_id;
};

// StrangerLimits, DataRates: they hold from now on.
using Command =
    std::variant<CreatePeer, SetRemote, AddRemoteCandidate, RestartIce, ClosePeer, AddReceiver,
                 RemoveReceiver, MoveReceiver, MuteReceiver, WantLayers, AddDownTrack,
                 UpdateDownTrack, SwitchDownTrack, RemoveDownTrack, SetBandwidthLimit, AwaitPeer,
                 EndAwait, ExportPeer, ImportPeer, OpenDataChannels, DataMember, DataMemberGone,
                 DataWorkers, AddDataTrack, RemoveDataTrack, FlowDataTrack, SendData, CallMethod,
                 EndCall, StrangerLimits, DataRates>;

// ================================================================ events

enum class PeerState : std::uint8_t {
    kConnecting,    // no usable pair or no DTLS yet
    kConnected,     // ICE and DTLS are up for the first time
    kDisconnected,  // nothing heard from the selected pair for 10 s (ICE-04)
    kReconnected,   // heard again, a new pair after an ICE restart, or of another type by now
    kFailed,        // 5 s after kDisconnected, or a wrong fingerprint, or DTLS failed
};
// kStalled: DTLS does not follow ICE; like kIce over with a restart (ICE-17).
enum class PeerFailure : std::uint8_t { kNone, kIce, kDtls, kFingerprint, kStalled };

struct PeerStateChanged {
    PeerId peer;
    PeerState state = PeerState::kConnecting;
    PeerFailure failure = PeerFailure::kNone;
    ConnectionType type = ConnectionType::kUdp;  // of the selected pair
    SocketAddress remote;
};
// All that an awaited peer is to get of its tracks comes here from now on.
struct PeerAwaited {
    PeerId peer;
};
// The end of an ExportPeer, for each of its peers. Without bytes they can not be moved (now) and
// live on here, or are not known.
struct PeerExported {
    PeerId peer;
    PeerBytes state;
    Timestamp at;
};
// The end of an ImportPeer. Not taken: these are no such bytes, and nothing was made of them.
struct PeerImported {
    PeerId peer;
    bool taken = false;
};
// First packet of a layer: media really arrives. Once more when its size or the SSRC of its
// retransmissions becomes known later.
struct LayerStarted {
    ReceiverId receiver;
    std::uint8_t spatial = 0;
    Codec codec = Codec::kNone;
    Ssrc ssrc;
    std::uint32_t width = 0;  // from the first key frame, 0 when unknown
    std::uint32_t height = 0;
    Ssrc rtx_ssrc;             // 0 when not known (yet)
    bool other_codec = false;  // it went on in this one of its section without an offer (IN-09)
};
struct SpeakerLevel {
    ReceiverId receiver;
    double level = 0;  // linear, 0 to 1, smoothed (IN-30)
    bool active = false;
};
// The microphone receivers of a room on this worker that speak, and those that no longer do since
// the last report: inactive, once. Every update interval with any of them. A receiver that was
// removed is not listed any more.
struct SpeakerLevels {
    RoomId room;
    std::vector<SpeakerLevel> levels;
};
enum class StreamState : std::uint8_t { kActive, kPaused };
// kActive with the first forwarded packet of every start or resume, kPaused for lack of bandwidth
// (BWE-09).
struct StreamStateChanged {
    DownTrackId down_track;
    StreamState state = StreamState::kActive;
};
// What is published is of a codec that the subscriber does not take: nothing reaches it until the
// publisher changes codecs or the down-track gets another receiver (IN-09). Once each time.
struct CodecUnsupported {
    DownTrackId down_track;
    Codec codec = Codec::kNone;  // of the receiver, as far as the subscriber's worker knows
};
// Numbers of one window (5 s) from which connection quality is computed (CQ-01): of all streams of
// a receiver together.
struct QualitySample {
    ReceiverId receiver;     // set for publishing,
    DownTrackId down_track;  // or this for subscribing
    Codec codec = Codec::kNone;
    std::uint64_t packets_expected = 0;
    std::uint64_t packets_lost = 0;
    Duration span;                   // in which those came or were sent; zero: in the window
    double distance_to_desired = 0;  // on average
    double unmuted = 1;              // share of the window in which something was to come
    bool muted = false;              // at its end
    bool unwanted = false;           // the publisher was asked for none of it (DYN-01)
    bool unjudged = false;           // no report of the subscriber is of anything that was sent
    bool paused = false;
    bool rtcp_overdue = false;
    std::uint64_t bytes = 0;  // that came, or were sent; headers included
};
// What came of one stream of a receiver in the window.
struct StreamSample {
    ReceiverId receiver;
    std::uint8_t spatial = 0;
    std::uint64_t bytes = 0;  // headers included
    std::uint64_t packets_expected = 0;
    std::uint64_t packets_lost = 0;
    std::uint32_t frames = 0;
};
// What its path is like by then.
struct PathQuality {
    std::uint8_t bad_reports = 0;  // of the last 32 about what it is sent (LossHistory, ICE-16)
    std::optional<Duration> rtt;   // as the last of them that measured it did
};
// Messages of its data channels in the window, as they came and as SCTP took them.
struct DataCount {
    std::uint64_t messages_in = 0;
    std::uint64_t bytes_in = 0;
    std::uint64_t messages_out = 0;
    std::uint64_t bytes_out = 0;
    bool operator==(const DataCount&) const = default;
};
struct QualityBatch {
    PeerId peer;  // whose receivers and down-tracks
    std::vector<QualitySample> samples;
    std::vector<StreamSample> streams;  // of its receivers
    PathQuality path = {};
    DataCount data = {};
};
struct DataChannelOpened {
    PeerId peer;
    DataChannel channel = DataChannel::kOther;
    std::string label;
};
// The last reliable packet with a number that was taken from its sender; not for each one, but soon
// after the last (SIG-121).
struct DataProgress {
    PeerId peer;
    std::uint32_t sequence = 0;
};
// The packet with which a participant acknowledges or answers a CallMethod.
struct CallAnswered {
    PeerId peer;
    Bytes payload;
};
// A channel broke or a receiver made no progress for 5 s (DC-25).
struct DataChannelFailed {
    PeerId peer;
    DataChannel channel = DataChannel::kOther;
};

using Event =
    std::variant<PeerStateChanged, LayerStarted, SpeakerLevels, StreamStateChanged,
                 CodecUnsupported, QualityBatch, DataChannelOpened, DataProgress, CallAnswered,
                 DataChannelFailed, PeerAwaited, PeerExported, PeerImported>;

}  // namespace confab::sfu

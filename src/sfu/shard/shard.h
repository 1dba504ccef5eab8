// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// One media worker without its thread (02 §10): peers, receivers, tracks and down-tracks, driven by
// datagrams, commands, messages of other shards and time. Pure, so that the same code runs behind
// sockets, in the simulator with any number of shards in one thread, and under fuzzers.
//
// Per turn the driver gives inputs, then calls poll_transmit() until it returns false, then polls
// events, then sleeps until next_deadline().
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/timer_wheel.h"
#include "sfu/data/data_router.h"
#include "sfu/inbound/source_monitor.h"
#include "sfu/peer/shard_peer.h"
#include "sfu/shard/commands.h"
#include "sfu/shard/control_shard.h"
#include "sfu/shard/event_queue.h"
#include "sfu/shard/foreign_paths.h"
#include "sfu/shard/link.h"
#include "sfu/shard/link_outbox.h"
#include "sfu/shard/media_figures.h"

namespace confab::sfu {

// Settings of the configuration that hold for all rooms.
struct ShardOptions {
    BandwidthOptions bandwidth;                  // rtc.congestion_control.*
    std::size_t packet_buffer_size_video = 500;  // rtc.*: packets kept for retransmission
    std::size_t packet_buffer_size_audio = 200;
    bool loss_proxying = false;  // audio.enable_loss_proxying (IN-05)

    std::size_t packet_buffer_size(MediaKind kind) const {
        return kind == MediaKind::kVideo ? packet_buffer_size_video : packet_buffer_size_audio;
    }
};

struct ShardConfig {
    WorkerIndex index = 0;
    std::size_t worker_count = 1;
    std::size_t control_shards = 1;               // at most kMaxControlShards
    std::vector<ice::LocalCandidate> candidates;  // this worker's sockets
    const dtls::Context* dtls = nullptr;          // certificate of the process
    bool simulate_dtls = false;                   // peer::SharedCrypto
    // Wall clock at `now` of construction; the two run on together.
    UnixTime wall;
    PacketPoolLimits pool;
    srtp::Backend crypto_backend = srtp::Backend::kIpsecMb;
    ShardOptions options;
};

struct ShardSnapshot {
    std::size_t peers = 0;
    std::size_t receivers = 0;
    std::size_t tracks = 0;
    std::size_t down_tracks = 0;
    std::size_t pool_bytes = 0;
    std::size_t packets_in_use = 0;
    std::uint64_t unknown_datagrams = 0;
    std::uint64_t rtp_in = 0;
    std::uint64_t rtp_out = 0;
    std::uint64_t bytes_in = 0;  // of everything
    std::uint64_t bytes_out = 0;
    std::uint64_t rtp_bytes_in = 0;
    std::uint64_t rtx_in = 0;  // of rtp_in
    std::uint64_t rtx_bytes_in = 0;
    std::uint64_t rtx_out = 0;  // of rtp_out
    std::uint64_t rtx_bytes_out = 0;
    std::uint64_t srtp_failures = 0;
    std::uint64_t rtp_unknown_ssrc = 0;
    std::uint64_t links_dropped = 0;  // packets for subscribers on other workers
    std::uint64_t nacks_in = 0;       // packets that subscribers asked for
    std::uint64_t nacks_out = 0;      // packets that publishers were asked for
    std::uint64_t plis_in = 0;
    std::uint64_t plis_out = 0;
    std::uint64_t firs_in = 0;
    std::uint64_t events_dropped = 0;
    std::uint64_t data_dropped = 0;  // no channel, or a receiver that is too slow

    // Adds those of another shard.
    void merge(const ShardSnapshot& other);
};

// The ufrags we give out begin with the letter of the worker that owns the peer, so that a check
// that arrives at any socket finds its owner without a shared table (02 DES-03).
inline constexpr std::string_view kOwnerLetters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
inline constexpr std::size_t kMaxWorkers = kOwnerLetters.size();
std::optional<WorkerIndex> owner_of_ufrag(std::string_view ufrag);

class Shard {
  public:
    static constexpr Duration kQualityInterval = Duration::seconds(5);  // CQ-01
    // What one turn does at most; the rest is due at once, behind the packets that came meanwhile.
    static constexpr std::size_t kMaxTimersPerTurn = 256;
    static constexpr std::size_t kMaxRefreshedPerTurn = 64;     // down-tracks told of their source
    static constexpr std::size_t kMaxDeliveriesPerTurn = 1024;  // of data messages
    // What a participant that goes had sent before; more than that is lost with it and counted.
    static constexpr std::size_t kMaxDeliveriesAtEnd = 4 * kMaxDeliveriesPerTurn;
    static constexpr std::size_t kMaxArrived = 64;  // packets of a track that are decided together

    Shard(ShardConfig config, Timestamp now, Rng rng, ShardLinks& links);
    ~Shard();

    PacketPool& pool() { return pool_; }

    // ------------------------------------------------------------ inputs
    void handle_command(Timestamp now, Command command);
    // A datagram in a slot of pool(). If it is for another shard, which one; the packet is then
    // untouched.
    struct Origin {
        std::optional<WorkerIndex> via;    // to whose socket it came, if that was another worker's
        std::optional<Timestamp> arrival;  // there; not after `now`, which it is by default
    };
    std::optional<WorkerIndex> handle_datagram(Timestamp now, const ice::Path& path,
                                               PacketRef packet, const Origin& origin = {});
    // A frame of a TCP stream, at most PacketPool::kLargeCapacity bytes; else dropped.
    std::optional<WorkerIndex> handle_frame(Timestamp now, const ice::Path& path, BytesView frame);
    void handle_tcp_closed(Timestamp now, const ice::Path& path);
    void handle_link(Timestamp now, const LinkMessage& message, BytesView bytes);
    void handle_timeout(Timestamp now);

    // ------------------------------------------------------------ outputs
    // Fills the batch; true while more waits. The batch must be empty on entry.
    bool poll_transmit(Timestamp now, SendBatch& batch);
    // For whichever control shard.
    std::optional<Event> poll_event();
    // Those of each control shard apart, for a driver that has no room for those of one at times.
    std::optional<Event> poll_event(ControlShard control) { return outlets_[control].poll(); }
    bool has_event(ControlShard control) const { return !outlets_[control].empty(); }
    Timestamp next_deadline() const { return wheel_.next_deadline(); }
    ShardSnapshot snapshot() const;
    const MediaFigures& figures() const { return figures_; }
    // Down-tracks that were looked at for another reason than a packet of theirs.
    std::uint64_t down_tracks_visited() const { return visited_; }
    // Packets that came and were decided on for at least one subscriber here.
    std::uint64_t forwarded() const { return forwarded_; }
    std::size_t known_ufrags() const { return by_ufrag_.size(); }
    // A peer uses this TCP stream (so that the driver does not expire it).
    bool uses_path(const ice::Path& path) const { return by_path_.contains(path); }
    // Whose a path is, if a check on it named another worker.
    std::optional<WorkerIndex> foreign_owner(const ice::Path& path) const {
        return foreign_paths_.owner(path);
    }

  private:
    friend class ShardPeer;
    friend struct OutboundTrack;
    struct Speakers : Timed {
        RoomId room;
        TimerNode timer{static_cast<Timed*>(this)};
        Duration interval;
        struct Microphone {
            Receiver* receiver = nullptr;
            bool spoke = false;  // in the last report
        };
        std::vector<Microphone> microphones;
        void on_timer(Shard& shard, Timestamp now) override;
    };
    // A receiver, with the timer that looks at its layers and bitrates.
    struct ReceiverEntry : Timed {
        std::unique_ptr<Receiver> receiver;
        ShardPeer* peer = nullptr;
        Track* track = nullptr;
        TimerNode timer{static_cast<Timed*>(this)};
        SourceMonitor monitor;
        void on_timer(Shard& shard, Timestamp now) override;
    };

    // shard_commands.cc
    void apply(Timestamp now, CreatePeer& c);
    void apply(Timestamp now, SetRemote& c);
    void apply(Timestamp now, AddRemoteCandidate& c);
    void apply(Timestamp now, RestartIce& c);
    void apply(Timestamp now, ClosePeer& c);
    void apply(Timestamp now, AddReceiver& c);
    void apply(Timestamp now, RemoveReceiver& c);
    void apply(Timestamp now, MuteReceiver& c);
    void apply(Timestamp now, WantLayers& c);
    void apply(Timestamp now, AddDownTrack& c);
    void apply(Timestamp now, UpdateDownTrack& c);
    void apply(Timestamp now, SwitchDownTrack& c);
    void apply(Timestamp now, RemoveDownTrack& c);
    void apply(Timestamp now, SetBandwidthLimit& c);
    void apply(Timestamp now, OpenDataChannels& c);
    // shard_data.cc
    void apply(Timestamp now, DataMemberGone& c);
    template <typename C>
        requires requires(DataRouter& router, C& c) { router.apply(Timestamp(), c); }
    void apply(Timestamp now, C& c) {
        data_.apply(now, c);
    }
    void add_ufrag(ShardPeer& peer, const std::string& ufrag);
    void remove_receiver(Timestamp now, ReceiverId id);
    void finish_down_track(Timestamp now, ShardPeer& peer, OutboundTrack& outbound);
    Track& track_for(ReceiverId id, WorkerIndex home, MediaKind kind);
    void drop_track_if_unused(ReceiverId id);
    void detach(Timestamp now, OutboundTrack& outbound);
    void add_microphone(Timestamp now, Receiver& receiver);
    void remove_microphone(const Receiver& receiver);

    // shard.cc
    ShardPeer* find_peer(PeerId id);
    ShardPeer* route(Timestamp now, const ice::Path& path, BytesView datagram,
                     std::optional<WorkerIndex>& owner);
    void remember_path(ShardPeer& peer, const ice::Path& path, bool validated);
    void after_input(Timestamp now, ShardPeer& peer);
    void take_events(Timestamp now, ShardPeer& peer);
    void handle_transport_event(Timestamp now, ShardPeer& peer, peer::TransportEvent event);
    void peer_connected(Timestamp now, ShardPeer& peer);
    void peer_reconnected(Timestamp now, ShardPeer& peer);
    void drain_transport(ShardPeer& peer, SendBatch& batch);
    void reschedule(ShardPeer& peer);
    void mark_dirty(ShardPeer& peer);
    void emit(Event event);
    NtpTime ntp(Timestamp now) const;
    void handle_peer_timeout(Timestamp now, ShardPeer& peer);
    void report_speakers(Timestamp now, Speakers& speakers);
    static Timestamp next_tick(Timestamp now, Duration interval);
    void report_quality(Timestamp now, ShardPeer& peer);
    void handle_down_track_timeout(Timestamp now, OutboundTrack& outbound);
    void reschedule(Timestamp now, OutboundTrack& outbound);
    StreamRound take_round(const Receiver& receiver, InboundStream& stream);
    DownTrackWindow take_window(DownTrack& down_track);
    static void add_peer_counters(ShardSnapshot& s, const ShardPeer& peer);

    // shard_media.cc
    struct Times {
        Timestamp now;
        Timestamp arrival;  // by which the network is measured
    };
    void handle_rtp(Times at, ShardPeer& peer, PacketRef packet, BytesSpan bytes);
    void stream_found(Timestamp now, ShardPeer& peer, const InboundRoute& route);
    void forward(Timestamp now, ReceiverEntry& entry, InboundStream& stream, MediaPacket& media,
                 PacketRef& ref);
    void fan_out(Timestamp now, Track& track, MediaPacket& media, PacketRef& ref);
    void deliver(Timestamp now, Track& track, const Subscriber& subscriber,
                 std::span<const ForwardedPacket> packets, const ArrivedPacket& arrived);
    void deliver(Timestamp now, Track& track);
    void deliver_arrived(Timestamp now);
    void source_changed(Timestamp now, Track& track);
    void bitrates_changed(Timestamp now, Track& track);
    void refresh_due(Timestamp now);
    void refresh(Timestamp now, const Subscriber& subscriber);
    void update_source(Timestamp now, ReceiverEntry& entry);
    void push_link(Timestamp now, WorkerIndex to, const LinkBody& body);
    void retry_links(Timestamp now);
    void copy_to_replicas(Timestamp now, Track& track, const MediaPacket& media, PacketRef& ref);
    void tell_home(Timestamp now, Track& track);
    void handle_subscribe(Timestamp now, WorkerIndex from, const LinkSubscribe& subscribe);
    void handle_source(Timestamp now, const LinkSource& source);
    void handle_link_packet(Timestamp now, const LinkPacket& packet, BytesView bytes);
    void request_key_frame(Timestamp now, Track& track, std::uint8_t spatial);
    void allocate(Timestamp now, ShardPeer& peer);
    void serve_down_track(Timestamp now, ShardPeer& peer, OutboundTrack& outbound);
    std::size_t resend(ShardPeer& peer, OutboundTrack& outbound, std::span<ResendPacket> packets);
    std::size_t send_probe(Timestamp now, ShardPeer& peer, std::size_t bytes);
    void note_loss(Timestamp now, const Track& track, std::uint8_t fraction);
    void report_started(ShardPeer& peer, Receiver& receiver, std::uint8_t spatial);

    // shard_data.cc
    bool may_take_message(ShardPeer& peer);
    void route_message(Timestamp now, ShardPeer& peer, const peer::MessageReceived& message);
    void serve_data(Timestamp now);
    void take_rest(Timestamp now, ShardPeer& peer);
    void flush_data(Timestamp now);

    // shard_rtcp.cc
    void handle_rtcp(Timestamp now, ShardPeer& peer, BytesView compound);
    void handle_sender_report(Timestamp now, ShardPeer& peer, const wire::RtcpBlock& block);
    void apply_sender_report(Timestamp arrival, Receiver& receiver, InboundStream& stream,
                             const wire::SenderReport& report);
    void handle_report_blocks(Timestamp now, ShardPeer& peer, const wire::ReportBlocks& blocks);
    void handle_transport_feedback(Timestamp now, ShardPeer& peer, const wire::RtcpBlock& block);
    void handle_payload_feedback(Timestamp now, ShardPeer& peer, const wire::RtcpBlock& block);
    void handle_extended_report(Timestamp now, ShardPeer& peer, const wire::RtcpBlock& block);
    void handle_pli(Timestamp now, ShardPeer& peer, std::uint32_t ssrc);

    // What the router of data asks of the connections.
    struct DataDoor final : DataPort {
        explicit DataDoor(Shard& of) : shard(of) {}
        bool is_connected(PeerId peer) override;
        bool has_channel(PeerId peer, DataChannel channel) override;
        sctp::SendStatus send(Timestamp now, PeerId to, DataChannel channel,
                              const sctp::SharedBytes& payload) override;
        std::size_t buffered(PeerId to) override;
        void resume(PeerId sender) override;
        void emit(Event event) override { shard.emit(std::move(event)); }
        bool push_link(WorkerIndex to, BytesView piece) override;
        Shard& shard;
    };

    ShardConfig config_;
    Rng rng_;
    LinkOutbox links_;
    Timestamp start_;
    PacketPool pool_;  // before everything that holds packets
    srtp::Engine engine_;
    srtp::BatchEncryptor encryptor_;
    peer::SharedCrypto crypto_;
    TimerWheel wheel_;
    TimerNode due_timer_;   // subscribers of due_tracks_ are left over from the last turn
    TimerNode link_timer_;  // while messages to other shards wait
    TimerNode data_timer_;  // of data_, or at once while data_waiting_ has some
    std::unordered_map<PeerId, std::unique_ptr<ShardPeer>> peers_;
    std::unordered_map<ice::Path, ShardPeer*> by_path_;
    std::unordered_map<std::string, ShardPeer*> by_ufrag_;
    ForeignPaths foreign_paths_;
    std::unordered_map<ReceiverId, std::unique_ptr<ReceiverEntry>> receivers_;
    std::unordered_map<ReceiverId, std::unique_ptr<Track>> tracks_;
    struct DownTrackEntry {
        ShardPeer* peer = nullptr;
        OutboundTrack* outbound = nullptr;
    };
    std::unordered_map<DownTrackId, DownTrackEntry> down_tracks_;
    std::unordered_map<RoomId, std::unique_ptr<Speakers>> speakers_;
    std::deque<ReceiverId> due_tracks_;  // with a pass over their subscribers under way, each once
    std::size_t refresh_budget_ = kMaxRefreshedPerTurn;
    std::uint64_t visited_ = 0;
    std::vector<Track*> arrived_;  // have packets that are not decided yet
    std::vector<ShardPeer*> dirty_;
    std::size_t dirty_flushed_ = 0;
    std::vector<EventQueue> outlets_;  // by control shard
    DataDoor data_door_{*this};
    DataRouter data_;
    std::deque<ShardPeer*> data_waiting_;  // have messages to be taken, in turn
    std::size_t data_budget_ = kMaxDeliveriesPerTurn;
    MediaFigures figures_;
    std::uint64_t forwarded_ = 0;
    ShardSnapshot totals_;  // of peers that are gone, and of the shard itself
};

}  // namespace confab::sfu

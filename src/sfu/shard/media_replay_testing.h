// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Plays the client side of a recording (media_script_testing.h) into a shard on a virtual clock and
// keeps what the shard sends: whole packets through SRTP, commands in place of signalling.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sfu/shard/media_script_testing.h"
#include "sfu/shard/shard_testing.h"
#include "wire/rtcp/transport_cc.h"

namespace confab::sfu::test {

// RTCP towards the publisher, in the recording or from us.
struct PublisherFeedback {
    struct Request {
        std::int64_t ms = 0;
        std::uint32_t ssrc = 0;
        std::vector<std::uint16_t> sequences;  // of a NACK
    };
    struct Report {
        std::int64_t ms = 0;
        std::uint32_t ssrc = 0;
        std::uint8_t fraction = 0;
        std::int32_t lost = 0;
        std::uint32_t highest = 0;
    };
    std::vector<Request> plis;
    std::vector<Request> nacks;
    std::vector<Report> reports;
    std::vector<std::int64_t> reference_times;
    std::multiset<std::uint16_t> transport_cc;  // numbers told about, received or not
};
struct TimedReport {
    std::int64_t ms = 0;
    wire::SenderReport report;
};
struct SubscriberReport {
    std::int64_t ms = 0;
    std::size_t peer = 0;
    wire::SenderReport report;
};
struct StateChange {
    std::int64_t ms = 0;
    std::size_t peer = 0;
    bool active = false;
};
struct LevelChange {
    std::int64_t ms = 0;
    bool active = false;
};
// One side of a recording.
struct Observed {
    std::vector<SentPacket> sent;
    PublisherFeedback feedback;
    std::vector<SubscriberReport> reports;
    std::vector<StateChange> states;
    std::vector<LevelChange> levels;
};

inline Codec codec_named(std::string_view name) {
    constexpr std::array kNames{std::pair{std::string_view("opus"), Codec::kOpus},
                                std::pair{std::string_view("red"), Codec::kRed},
                                std::pair{std::string_view("vp8"), Codec::kVp8},
                                std::pair{std::string_view("vp9"), Codec::kVp9},
                                std::pair{std::string_view("h264"), Codec::kH264},
                                std::pair{std::string_view("av1"), Codec::kAv1}};
    for (const auto& [text, codec] : kNames)
        if (text == name) return codec;
    return Codec::kNone;
}
constexpr std::uint32_t clock_of(Codec codec) {
    return kind_of(codec) == MediaKind::kAudio ? 48'000 : 90'000;
}

class MediaReplay {
  public:
    static constexpr std::size_t kPeers = 2;
    // The number of the P line at the end of payloads that have room for it.
    static constexpr std::size_t kTag = 4;

    explicit MediaReplay(const std::string& path) : script_(read_script(path)), world_(1) {
        publisher_ = &world_.add_client(0);
        for (std::size_t i = 0; i < kPeers; ++i)
            subscribers_.push_back(&world_.add_client(0));
        world_.run(400);
        base_ = world_.now_ms;
        world_.events.clear();
    }

    void run();
    const std::vector<SourcePacket>& source() const { return source_; }
    const Observed& recorded() const { return recorded_; }
    const Observed& ours() const { return ours_; }
    const std::map<std::uint32_t, AddDownTrack>& tracks() const { return tracks_; }  // by SSRC
    const std::vector<TimedReport>& publisher_reports() const { return publisher_reports_; }
    const std::multiset<std::uint16_t>& transport_numbers() const { return transport_numbers_; }
    const Shard& shard() const { return *world_.shards[0]; }

  private:
    std::int64_t now() const { return world_.now_ms - base_; }
    void apply(const ScriptLine& line);
    void add_receiver(const ScriptLine& line);
    void add_track(const ScriptLine& line);
    void end_receiver(ReceiverId id);
    void play_packet(const ScriptLine& line);
    void play_publisher_report(const ScriptLine& line);
    void play_subscriber_rtcp(const ScriptLine& line);
    void note_feedback(const ScriptLine& line);
    std::optional<std::uint16_t> our_sequence(std::size_t peer, std::uint32_t ssrc,
                                              std::uint16_t recorded) const;
    void inject(Client& client, std::deque<std::pair<SocketAddress, Bytes>>& out);
    // Takes what came out since the last call; media of it was caused by packet `source`.
    void collect(int source);
    void collect_packet(std::size_t peer, const ReceivedRtp& packet, int source);
    void collect_publisher_rtcp(std::int64_t ms, BytesView compound);

    std::vector<ScriptLine> script_;
    World world_;
    Client* publisher_ = nullptr;
    std::vector<Client*> subscribers_;
    std::int64_t base_ = 0;
    std::vector<SourcePacket> source_;
    std::vector<TimedReport> publisher_reports_;
    std::multiset<std::uint16_t> transport_numbers_;  // as sent
    std::uint8_t transport_cc_id_ = 0;
    Observed recorded_;
    Observed ours_;
    std::map<std::uint32_t, AddDownTrack> tracks_;
    std::map<std::uint64_t, AddDownTrack> tracks_by_id_;
};

inline void MediaReplay::run() {
    for (const ScriptLine& line : script_) {
        while (now() < line.ms) {
            world_.run(1);
            collect(-1);
        }
        apply(line);
    }
    for (int i = 0; i < 100; ++i) {
        world_.run(1);
        collect(-1);
    }
}

inline void MediaReplay::apply(const ScriptLine& line) {
    Fields f(line.rest);
    if (line.kind == "receiver") return add_receiver(line);
    if (line.kind == "track") return add_track(line);
    if (line.kind == "P") return play_packet(line);
    if (line.kind == "A") return play_publisher_report(line);
    if (line.kind == "B") return play_subscriber_rtcp(line);
    if (line.kind == "S") return recorded_.sent.push_back(read_sent(line));
    if (line.kind == "p") return note_feedback(line);
    if (line.kind == "s") {
        SubscriberReport r;
        r.ms = line.ms;
        r.peer = f.number<std::size_t>();
        r.report.ssrc = f.number<std::uint32_t>();
        r.report.ntp = NtpTime(f.big());
        r.report.rtp_time = f.number<std::uint32_t>();
        r.report.packet_count = f.number<std::uint32_t>();
        r.report.octet_count = f.number<std::uint32_t>();
        recorded_.reports.push_back(r);
    } else if (line.kind == "E") {
        const auto peer = f.number<std::size_t>();
        recorded_.states.push_back({line.ms, peer, f.word() == "ACTIVE"});
    } else if (line.kind == "V") {
        recorded_.levels.push_back({line.ms, f.number() != 0});
    } else if (line.kind == "settings") {
        DownTrackSettings wish;
        const DownTrackId id(f.number<std::uint64_t>() + 1);
        wish.enabled = f.number() != 0;
        wish.max_spatial = f.number<std::uint8_t>();
        wish.max_temporal = f.number<std::uint8_t>();
        world_.command(0, UpdateDownTrack{id, wish});
    } else if (line.kind == "mute") {
        const ReceiverId id(f.number<std::uint64_t>() + 1);
        world_.command(0, MuteReceiver{id, f.number() != 0});
    } else if (line.kind == "end") {
        end_receiver(ReceiverId(f.number<std::uint64_t>() + 1));
    }
    world_.flush_shard(0);
    collect(-1);
}

inline void MediaReplay::add_receiver(const ScriptLine& line) {
    Fields f(line.rest);
    AddReceiver add;
    add.receiver = ReceiverId(f.number<std::uint64_t>() + 1);
    add.peer = publisher_->id;
    add.room = RoomId(1);
    add.kind = f.word() == "v" ? MediaKind::kVideo : MediaKind::kAudio;
    add.mid = f.word();
    const Codec codec = codec_named(f.word());
    ReceiveCodec receive{codec, PayloadType(f.number<std::uint8_t>()), std::nullopt,
                         clock_of(codec), true};
    if (const auto rtx = f.number<std::uint8_t>(); rtx != 0) receive.rtx_pt = PayloadType(rtx);
    add.codecs = {receive};
    if (f.word() == "m") add.mode = LayerMode::kMultipleSpatialLayersPerStream;
    std::uint8_t spatial = 0;
    for (const std::string& rid : f.list())
        add.layers.push_back({rid, spatial++, std::nullopt, std::nullopt, 0, 0});
    for (const std::string& text : f.list()) {
        const std::size_t at = text.find('=');
        const std::string name = text.substr(0, at);
        const auto id = parse_decimal<std::uint8_t>(text.substr(at + 1)).value_or(0);
        ReceiveExtensions& ids = add.extensions;
        (name == "mid"     ? ids.mid
         : name == "rid"   ? ids.rid
         : name == "rrid"  ? ids.repaired_rid
         : name == "level" ? ids.audio_level
         : name == "act"   ? ids.abs_capture_time
         : name == "dd"    ? ids.dependency_descriptor
         : name == "ast"   ? ids.abs_send_time
                           : ids.transport_cc) = id;
    }
    if (add.extensions.transport_cc != 0) transport_cc_id_ = add.extensions.transport_cc;
    for (const std::string& flag : f.list()) {
        add.microphone |= flag == "mic";
        add.encrypted |= flag == "enc";
    }
    world_.command(0, add);
}

inline void MediaReplay::add_track(const ScriptLine& line) {
    Fields f(line.rest);
    AddDownTrack add;
    add.down_track = DownTrackId(f.number<std::uint64_t>() + 1);
    add.receiver = ReceiverId(f.number<std::uint64_t>() + 1);
    add.peer = subscribers_[f.number<std::size_t>()]->id;
    add.ssrc = Ssrc(f.number<std::uint32_t>());
    add.rtx_ssrc = Ssrc(f.number<std::uint32_t>());
    for (const std::string& text : f.list()) {
        Fields parts(std::string(text).replace(text.find(':'), 1, " "));
        SendCodec codec;
        codec.codec = codec_named(parts.word());
        codec.clock_rate = clock_of(codec.codec);
        const std::vector<std::string> types = parts.list(':');
        codec.pt = PayloadType(parse_decimal<std::uint8_t>(types[0]).value_or(0));
        if (types[1] != "0")
            codec.rtx_pt = PayloadType(parse_decimal<std::uint8_t>(types[1]).value_or(0));
        add.codecs.push_back(codec);
    }
    add.kind = kind_of(add.codecs.front().codec);
    for (const std::string& text : f.list()) {
        const auto id = parse_decimal<std::uint8_t>(text.substr(text.find('=') + 1)).value_or(0);
        if (text.starts_with("dd")) add.extensions.dependency_descriptor = id;
        if (text.starts_with("act")) add.extensions.abs_capture_time = id;
        if (text.starts_with("ast")) add.extensions.abs_send_time = id;
    }
    add.encrypted = f.word() == "enc";
    if (add.encrypted) add.sif_trailer = Bytes(44, 'x');
    add.cname = "PA_pub|TR_" + std::to_string(add.down_track.value());
    add.mid = "1";
    tracks_[add.ssrc.value()] = add;
    tracks_by_id_[add.down_track.value()] = add;
    world_.command(0, add);
}

inline void MediaReplay::end_receiver(ReceiverId id) {
    world_.command(0, RemoveReceiver{id});
    for (const auto& [number, track] : tracks_by_id_)
        if (track.receiver == id) world_.command(0, RemoveDownTrack{DownTrackId(number), true});
}

inline void MediaReplay::inject(Client& client, std::deque<std::pair<SocketAddress, Bytes>>& out) {
    for (auto& [to, bytes] : out)
        world_.to_shards.push_back({client.address, to, std::move(bytes)});
    world_.deliver_to_shards();
    world_.flush_shard(0);
}

inline void MediaReplay::play_packet(const ScriptLine& line) {
    const SourcePacket p = read_source(line);
    const auto number = static_cast<std::uint32_t>(source_.size());
    source_.push_back(p);
    Bytes packet(2000);
    ByteWriter out(packet);
    wire::RtpHeader header;
    header.payload_type = p.pt;
    header.ssrc = p.ssrc;
    header.sequence = p.sequence;
    header.timestamp = p.timestamp;
    header.marker = p.marker;
    header.padding_size = p.padding;
    wire::ExtensionWriter extensions;
    for (const Extension& e : p.extensions) {
        extensions.add(e.id, e.value);
        if (e.id == transport_cc_id_) transport_numbers_.insert(load_be16(e.value.data()));
    }
    header.has_extension = !extensions.empty();
    wire::write_rtp_header(out, header);
    extensions.write(out);
    Bytes payload = p.payload;
    payload.resize(p.size - out.size() - p.padding);
    if (payload.size() >= p.payload.size() + kTag)
        store_be32(payload.data() + payload.size() - kTag, number | 0xA500'0000);
    out.bytes(payload);
    if (p.padding > 0) wire::write_rtp_padding(out, p.padding);
    packet.resize(out.size());
    std::deque<std::pair<SocketAddress, Bytes>> datagrams;
    publisher_->send_packet(packet, datagrams);
    inject(*publisher_, datagrams);
    collect(static_cast<int>(number));
}

inline void MediaReplay::play_publisher_report(const ScriptLine& line) {
    Fields f(line.rest);
    wire::SenderReport report;
    report.ssrc = f.number<std::uint32_t>();
    report.ntp = NtpTime(f.big());
    report.rtp_time = f.number<std::uint32_t>();
    report.packet_count = f.number<std::uint32_t>();
    report.octet_count = f.number<std::uint32_t>();
    publisher_reports_.push_back({line.ms, report});
    Bytes compound(28);
    ByteWriter out(compound);
    (void)wire::write_sender_report(out, report);
    std::deque<std::pair<SocketAddress, Bytes>> datagrams;
    publisher_->send_rtcp(compound, datagrams);
    inject(*publisher_, datagrams);
    collect(-1);
}

// Our numbers differ where we began with another packet.
inline std::optional<std::uint16_t> MediaReplay::our_sequence(std::size_t peer, std::uint32_t ssrc,
                                                              std::uint16_t recorded) const {
    for (auto theirs = recorded_.sent.rbegin(); theirs != recorded_.sent.rend(); ++theirs) {
        if (theirs->peer != peer || theirs->ssrc != ssrc || theirs->sequence != recorded) continue;
        for (const SentPacket& mine : ours_.sent)
            if (mine.peer == peer && mine.ssrc == ssrc && theirs->source >= 0 &&
                mine.source == theirs->source)
                return mine.sequence;
        break;
    }
    return std::nullopt;
}

inline void MediaReplay::play_subscriber_rtcp(const ScriptLine& line) {
    Fields f(line.rest);
    const auto peer = f.number<std::size_t>();
    const std::string kind = f.word();
    const auto ssrc = f.number<std::uint32_t>();
    Bytes compound(1200);
    ByteWriter out(compound);
    if (kind == "RR") {
        wire::ReportBlock block;
        block.ssrc = ssrc;
        block.fraction_lost = f.number<std::uint8_t>();
        block.cumulative_lost = f.number<std::int32_t>();
        block.highest_sequence = f.number<std::uint32_t>();
        block.jitter = f.number<std::uint32_t>();
        // As the client would answer our reports rather than the recorded ones: no delay between.
        for (const SubscriberReport& r : ours_.reports)
            if (r.peer == peer && r.report.ssrc == ssrc) {
                block.last_sr = r.report.ntp.compact();
                block.delay_since_last_sr =
                    static_cast<std::uint32_t>((line.ms - r.ms) * 65'536 / 1000);
            }
        (void)wire::write_receiver_report(out, 1, std::span(&block, 1));
    } else if (kind == "NACK") {
        std::vector<std::uint16_t> list;
        for (const std::uint16_t recorded : f.sequences())
            if (const auto sequence = our_sequence(peer, ssrc, recorded)) list.push_back(*sequence);
        if (list.empty()) return;
        (void)wire::write_nack(out, 1, ssrc, list);
    } else {
        (void)wire::write_pli(out, {1, ssrc});
    }
    compound.resize(out.size());
    std::deque<std::pair<SocketAddress, Bytes>> datagrams;
    subscribers_[peer]->send_rtcp(compound, datagrams);
    inject(*subscribers_[peer], datagrams);
    collect(-1);
}

inline void MediaReplay::note_feedback(const ScriptLine& line) {
    Fields f(line.rest);
    PublisherFeedback& to = recorded_.feedback;
    const std::string kind = f.word();
    if (kind == "XR") return to.reference_times.push_back(line.ms);
    if (kind == "TWCC") {
        const auto base = f.number<std::uint16_t>();
        const auto count = f.number<std::uint16_t>();
        for (std::uint16_t i = 0; i < count; ++i)
            to.transport_cc.insert(static_cast<std::uint16_t>(base + i));
        return;
    }
    const auto ssrc = f.number<std::uint32_t>();
    if (kind == "PLI") to.plis.push_back({line.ms, ssrc, {}});
    if (kind == "NACK") to.nacks.push_back({line.ms, ssrc, f.sequences()});
    if (kind == "RR") {
        PublisherFeedback::Report report{line.ms, ssrc, f.number<std::uint8_t>(), 0, 0};
        report.lost = f.number<std::int32_t>();
        report.highest = f.number<std::uint32_t>();
        to.reports.push_back(report);
    }
}

inline void MediaReplay::collect(int source) {
    for (std::size_t peer = 0; peer < subscribers_.size(); ++peer) {
        Client& client = *subscribers_[peer];
        for (const ReceivedRtp& packet : client.rtp)
            collect_packet(peer, packet, source);
        client.rtp.clear();
        for (const ReceivedRtcp& rtcp : client.rtcp) {
            wire::RtcpReader reader(rtcp.compound);
            while (const auto block = reader.next())
                if (const auto report = wire::parse_sender_report(*block)) {
                    ours_.reports.push_back({rtcp.ms - base_, peer, *report});
                    ours_.reports.back().report.blocks = {};
                }
        }
        client.rtcp.clear();
    }
    for (const ReceivedRtcp& rtcp : publisher_->rtcp)
        collect_publisher_rtcp(rtcp.ms - base_, rtcp.compound);
    publisher_->rtcp.clear();
    for (const Event& event : world_.events) {
        if (const auto* state = std::get_if<StreamStateChanged>(&event)) {
            const PeerId peer = tracks_by_id_.at(state->down_track.value()).peer;
            ours_.states.push_back({now(), subscribers_[0]->id == peer ? std::size_t{0} : 1,
                                    state->state == StreamState::kActive});
        } else if (const auto* levels = std::get_if<SpeakerLevels>(&event)) {
            const bool active = std::any_of(levels->levels.begin(), levels->levels.end(),
                                            [](const SpeakerLevel& l) { return l.active; });
            if (ours_.levels.empty() ? active : ours_.levels.back().active != active)
                ours_.levels.push_back({now(), active});
        }
    }
    world_.events.clear();
}

inline void MediaReplay::collect_packet(std::size_t peer, const ReceivedRtp& packet, int source) {
    const auto view = wire::parse_rtp(packet.packet).value();
    SentPacket p;
    p.ms = packet.ms - base_;
    p.peer = peer;
    p.pt = packet.pt;
    p.ssrc = packet.ssrc;
    p.sequence = packet.sequence;
    p.timestamp = packet.timestamp;
    p.marker = packet.marker;
    p.payload_size = view.payload.size() + view.header.padding_size;
    p.payload = packet.payload;
    const bool media = tracks_.contains(packet.ssrc);
    p.source = media ? source : -2;
    // What a packet brought on is its own copy, or a packet of ours that became due.
    if (media && source >= 0 && packet.payload.size() >= kTag) {
        const std::uint32_t tag = load_be32(&packet.payload[packet.payload.size() - kTag]);
        const SourcePacket& from = source_[static_cast<std::size_t>(source)];
        const bool tagged = from.size > 200;
        if (tagged && tag != (static_cast<std::uint32_t>(source) | 0xA500'0000)) p.source = -1;
    }
    p.payload.resize(std::min<std::size_t>(p.payload.size(), 40));
    wire::ExtensionReader reader(view.header);
    while (const auto element = reader.next())
        p.extensions.push_back({element->id, to_vector(element->data)});
    ours_.sent.push_back(std::move(p));
}

inline void MediaReplay::collect_publisher_rtcp(std::int64_t ms, BytesView compound) {
    PublisherFeedback& to = ours_.feedback;
    wire::RtcpReader reader(compound);
    while (const auto block = reader.next()) {
        if (const auto pli = wire::parse_pli(*block)) to.plis.push_back({ms, pli->media_ssrc, {}});
        if (const auto nack = wire::parse_nack(*block)) {
            PublisherFeedback::Request request{ms, nack->media_ssrc, {}};
            nack->for_each([&](std::uint16_t s) { request.sequences.push_back(s); });
            to.nacks.push_back(std::move(request));
        }
        if (const auto report = wire::parse_receiver_report(*block))
            for (std::size_t i = 0; i < report->blocks.size(); ++i) {
                const wire::ReportBlock b = report->blocks[i];
                to.reports.push_back(
                    {ms, b.ssrc, b.fraction_lost, b.cumulative_lost, b.highest_sequence});
            }
        if (block->type == wire::RtcpType::kExtendedReport) to.reference_times.push_back(ms);
        if (const auto feedback = wire::parse_transport_feedback(*block))
            for (std::uint16_t i = 0; i < feedback->status_count; ++i)
                to.transport_cc.insert(static_cast<std::uint16_t>(feedback->base_sequence + i));
    }
}

}  // namespace confab::sfu::test

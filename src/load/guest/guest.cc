// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "load/guest/guest.h"

#include <algorithm>
#include <utility>

#include "load/join_path.h"
#include "wire/rtcp/rtcp_feedback.h"
#include "wire/rtcp/rtcp_reports.h"
#include "wire/rtp/rtp.h"

namespace confab::load {
namespace {

constexpr std::uint32_t kEveryPacket = 1;
constexpr std::uint32_t kDemoBitRate = 500'000;
constexpr Duration kKeyFrameInterval = Duration::seconds(1);  // of asking for one

// What of an identity a file's name may have.
std::string file_part(const std::string& text) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '_';
        out += plain ? c : '_';
        if (out.size() == 64) break;
    }
    return out;
}

client::TrackPlan plan_of(const GuestTrack& track, std::uint32_t number, Rng& rng) {
    client::TrackPlan plan;
    plan.number = number;
    plan.kind = track.clip ? track.clip->kind : track.kind;
    plan.announce_ssrcs = true;
    plan.clip = track.clip;
    client::LayerPlan layer;
    layer.ssrc = rng.u32() | 1;
    if (plan.kind == client::MediaKind::kVideo) {
        layer.rtx_ssrc = rng.u32() | 1;
        layer.width = track.clip ? track.clip->width : std::uint16_t{640};
        layer.height = track.clip ? track.clip->height : std::uint16_t{360};
    }
    if (!track.clip)
        layer.bit_rate = plan.kind == client::MediaKind::kVideo ? kDemoBitRate : 32'000;
    plan.layers.push_back(layer);
    return plan;
}

}  // namespace

Guest::Guest(GuestSettings settings, Rng rng)
    : settings_(std::move(settings)),
      rng_(rng.fork()),
      session_(settings_.session, rng.fork()),
      reception_(kEveryPacket) {}

std::string Guest::open(Timestamp now, const std::string& token) {
    const livekit::JoinRequest request = session_.start(now);
    return session_.single() ? single_join_path(request, token) : double_join_path(request, token);
}

void Guest::tell(std::string what, Facts facts) {
    if (events_.size() < kMaxEvents) events_.push_back({std::move(what), std::move(facts)});
}

std::optional<GuestEvent> Guest::poll_event() {
    if (events_.empty()) return std::nullopt;
    std::optional<GuestEvent> event(std::move(events_.front()));
    events_.pop_front();
    return event;
}

std::optional<Recorded> Guest::poll_recorded() {
    if (recorded_.empty()) return std::nullopt;
    std::optional<Recorded> one(std::move(recorded_.front()));
    recorded_.pop_front();
    return one;
}

// ---------------------------------------------------------------- publishing

void Guest::publish() {
    std::uint32_t number = 1;
    for (const GuestTrack& track : settings_.tracks) {
        client::PublishOptions options;
        options.cid = track.cid;
        options.plan = plan_of(track, number++, rng_);
        options.source =
            options.plan.kind == client::MediaKind::kAudio ? livekit::MICROPHONE : livekit::CAMERA;
        session_.tracks().publish(std::move(options));
    }
}

void Guest::send_data(Timestamp now) {
    while (connected_ && data_sent_ < settings_.data.size()) {
        if (!session_.data().send(now, settings_.data[data_sent_], true)) return;
        ++data_sent_;
    }
}

bool Guest::has_published() {
    if (data_sent_ < settings_.data.size() || session_.data().unacknowledged() > 0) return false;
    const std::vector<std::string> open = session_.tracks().cids();
    std::uint32_t number = 1;
    for (const GuestTrack& track : settings_.tracks) {
        // Of one that the server refused or ended nothing more comes.
        const bool is_open = std::find(open.begin(), open.end(), track.cid) != open.end();
        if (!session_.publisher().has_ended(number++) && is_open) return false;
    }
    return true;
}

// ---------------------------------------------------------------- driving

void Guest::handle_signal(Timestamp now, std::string_view message) {
    (void)session_.handle_signal(now, message);
    after_input(now);
}

void Guest::handle_packet(Timestamp now, Timestamp arrival, client::Target target,
                          const SocketAddress& from, BytesSpan datagram) {
    if (wire::is_rtp(datagram)) (void)reception_.look(arrival, datagram);
    ice::Path path;
    path.local = settings_.session.addresses[static_cast<std::size_t>(target)];
    path.remote = from;
    const auto media = session_.handle_packet(now, target, path, datagram);
    if (media.kind == peer::Media::Kind::kRtp) {
        reception_.take(now, arrival, media.packet);
        if (settings_.records) record(now, media.packet);
    }
    after_input(now);
}

void Guest::handle_timeout(Timestamp now) {
    if (client::Connection* const connection = session_.downstream())
        reception_.handle_timeout(now, *connection);
    session_.handle_timeout(now);
    after_input(now);
}

Timestamp Guest::next_deadline() {
    return earlier(session_.next_deadline(), reception_.next_deadline());
}

void Guest::after_input(Timestamp now) {
    take_events(now);
    if (std::exchange(roster_seen_, session_.roster().revision()) != session_.roster().revision())
        look_around();
    const client::Connection* const upstream = session_.upstream();
    const bool up = upstream->connected() ||
                    (session_.downstream() != nullptr && session_.downstream()->connected());
    if (up && !std::exchange(connected_, true)) tell("connected", {});
    send_data(now);
}

void Guest::take_events(Timestamp) {
    while (const auto event = session_.poll_event()) {
        if (const auto* joined = std::get_if<client::Joined>(&*event); joined && !joined->resumed) {
            tell("joined", {{"identity", session_.self().identity()},
                            {"participantID", session_.self().sid()}});
            publish();
        } else if (const auto* left = std::get_if<client::Left>(&*event)) {
            ended_ = livekit::DisconnectReason_Name(left->leave.reason());
        } else if (std::holds_alternative<client::StreamsChanged>(*event)) {
            reception_.set_streams(session_.subscriptions().streams());
            look_at_streams();
        } else if (const auto* data = std::get_if<client::DataArrived>(&*event)) {
            take_data(data->packet);
        }
    }
    if (session_.failed() && ended_.empty()) ended_ = "no media connection (ICE or DTLS failed)";
}

void Guest::take_data(const livekit::DataPacket& packet) {
    if (packet.has_user())
        tell("data", {{"participant", packet.participant_identity()},
                      {"topic", packet.user().topic()},
                      {"data", packet.user().payload()}});
    if (packet.has_sip_dtmf())
        tell("dtmf", {{"participant", packet.participant_identity()},
                      {"digits", packet.sip_dtmf().digit()}});
}

// ---------------------------------------------------------------- who is there

void Guest::look_around() {
    std::map<std::string, Known> now;
    for (const auto& info : session_.roster().others()) {
        Known& one = now[info->sid()];
        one.identity = info->identity();
        for (const livekit::TrackInfo& track : info->tracks())
            one.tracks[track.sid()] = track.muted();
    }
    for (const auto& [sid, one] : known_)
        if (!now.contains(sid))
            tell("participant disconnected",
                 {{"participant", one.identity}, {"participantID", sid}});
    for (const auto& [sid, one] : now) {
        const auto before = known_.find(sid);
        const Known nobody;
        const Known& old = before == known_.end() ? nobody : before->second;
        if (before == known_.end())
            tell("participant connected", {{"participant", one.identity}, {"participantID", sid}});
        for (const auto& [track, muted] : one.tracks) {
            const auto was = old.tracks.find(track);
            if (was == old.tracks.end())
                tell("track published", {{"participant", one.identity}, {"trackID", track}});
            else if (was->second != muted)
                tell(muted ? "track muted" : "track unmuted",
                     {{"participant", one.identity}, {"trackID", track}});
        }
        for (const auto& [track, muted] : old.tracks)
            if (!one.tracks.contains(track))
                tell("track unpublished", {{"participant", one.identity}, {"trackID", track}});
    }
    known_ = std::move(now);
}

const livekit::TrackInfo* Guest::track_info(const std::string& sid, std::string& identity) const {
    for (const auto& info : session_.roster().others())
        for (const livekit::TrackInfo& track : info->tracks())
            if (track.sid() == sid) {
                identity = info->identity();
                return &track;
            }
    return nullptr;
}

void Guest::look_at_streams() {
    std::set<std::string> now;
    for (const auto& [sid, stream] : session_.subscriptions().streams())
        now.insert(sid);
    for (const std::string& sid : streams_)
        if (!now.contains(sid)) tell("track unsubscribed", {{"trackID", sid}});
    for (const std::string& sid : now) {
        if (streams_.contains(sid)) continue;
        std::string identity;
        (void)track_info(sid, identity);
        tell("track subscribed", {{"participant", identity}, {"trackID", sid}});
    }
    streams_ = std::move(now);
}

// ---------------------------------------------------------------- recording

void Guest::record(Timestamp now, BytesView packet) {
    const auto peek = wire::peek_rtp(packet);
    if (!peek) return;
    for (const auto& [sid, stream] : session_.subscriptions().streams()) {
        const bool is_repair = stream.rtx_ssrc != 0 && stream.rtx_ssrc == peek->ssrc;
        if (stream.ssrc != peek->ssrc && !is_repair) continue;
        auto file = files_.find(sid);
        if (file == files_.end()) {
            std::string identity;
            const livekit::TrackInfo* const info = track_info(sid, identity);
            if (info == nullptr || files_.size() >= kMaxFiles) return;
            auto writer = TrackWriter::create(*info);
            if (!writer) return;
            const std::string name =
                file_part(identity) + "-" + file_part(sid) + "." + writer->extension();
            tell("recording", {{"participant", identity}, {"trackID", sid}, {"file", name}});
            file = files_.emplace(sid, File{name, std::move(*writer)}).first;
        }
        TrackWriter& writer = file->second.writer;
        if (is_repair)
            writer.push_repair(now, packet);
        else
            writer.push(now, packet);
        if (Bytes octets = writer.take(now); !octets.empty())
            recorded_.push_back({file->second.name, std::move(octets)});
        if (writer.wants_key_frame()) request_key_frame(now, file->second, stream.ssrc);
        return;
    }
}

void Guest::request_key_frame(Timestamp now, File& file, std::uint32_t ssrc) {
    client::Connection* const connection = session_.downstream();
    if (connection == nullptr || now < file.next_request) return;
    file.next_request = now + kKeyFrameInterval;
    std::array<std::uint8_t, 64> buffer;
    ByteWriter out(buffer);
    (void)wire::write_receiver_report(out, 1, {});
    (void)wire::write_pli(out, {1, ssrc});
    if (out.ok()) connection->send_rtcp(out.written());
}

}  // namespace confab::load

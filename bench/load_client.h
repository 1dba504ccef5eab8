// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A participant of a load: signalling as livekit-client 2.x does it with one connection (/rtc/v1)
// or two (/rtc), as recorded: the join, the offer that comes with it or answers to the server's
// offer, trickled candidates, the permission message, a second offer (01 SIG-81, SIG-82).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/text.h"
#include "bench/load_connection.h"
#include "bench/load_websocket.h"
#include "livekit_rtc.pb.h"
#include "room/signal/trickle.h"
#include "token/token.h"

namespace confab::bench {

struct ClientOptions {
    std::string room;
    std::string identity;
    bool single = true;  // /rtc/v1
    bool auto_subscribe = true;
};

inline std::string gzip(const std::string& plain) {
    constexpr int kGzip = 16;
    z_stream stream{};
    if (::deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + kGzip, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        std::abort();
    Bytes in = to_vector(as_bytes(plain));
    Bytes out(::deflateBound(&stream, static_cast<uLong>(in.size())));
    stream.next_in = in.data();
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = out.data();
    stream.avail_out = static_cast<uInt>(out.size());
    (void)::deflate(&stream, Z_FINISH);
    out.resize(stream.total_out);
    (void)::deflateEnd(&stream);
    return std::string(as_text(out));
}

class LoadClient final : public Waiter {
  public:
    static constexpr std::size_t kChannels = 3;
    static constexpr Duration kPingInterval = Duration::seconds(5);

    LoadClient(Load& load, const Ports& ports, ClientOptions options)
        : started(now()), load_(load), options_(std::move(options)) {
        if (options_.single) open_publisher(3);
        socket_ = std::make_unique<LoadWebSocket>(ports.http, target(), load.deflate);
        watch();
        load_.loop.set_timer(*this, timer_, started + kPingInterval);
    }
    ~LoadClient() override { load_.loop.set_timer(*this, timer_, Timestamp::never()); }

    // Every connection this kind of session has at once is up, its channels are open, and the
    // server has answered everything.
    bool joined() {
        if (!got_join_ || offers_ != answers_ || !ready(publisher_.get())) return false;
        return options_.single ? offers_ > 1 : ready(subscriber_.get());
    }
    bool failed() const {
        return socket_->failed() || (publisher_ && failed(*publisher_)) ||
               (subscriber_ && failed(*subscriber_));
    }
    bool published(std::size_t tracks) const { return published_ >= tracks && offers_ == answers_; }
    const std::set<std::string>& tracks() const { return tracks_; }
    LoadConnection& downstream() { return options_.single ? *publisher_ : *subscriber_; }
    LoadConnection& upstream() { return *publisher_; }

    // A microphone and a camera with three layers; the encoders start with start_media().
    void publish() {
        announce("mic", livekit::AUDIO, livekit::MICROPHONE);
        announce("cam", livekit::VIDEO, livekit::CAMERA);
        plan(sfu::MediaKind::kAudio, builder_->add_sending(sdp::Kind::kAudio, "mic", {}), {""});
        const std::vector<std::string> rids{"q", "h", "f"};
        plan(sfu::MediaKind::kVideo, builder_->add_sending(sdp::Kind::kVideo, "cam", rids), rids);
        offer();
    }
    void start_media() {
        for (const sim::TrackPlan& one : plans_)
            upstream().publish(one);
    }
    void subscribe(const std::set<std::string>& tracks) {
        livekit::SignalRequest request;
        request.mutable_subscription()->set_subscribe(true);
        for (const std::string& sid : tracks)
            request.mutable_subscription()->add_track_sids(sid);
        send(request);
    }
    void leave() {
        livekit::SignalRequest request;
        request.mutable_leave()->set_reason(livekit::CLIENT_INITIATED);
        send(request);
    }

    void on_socket() override {
        socket_->flush();
        socket_->receive([this](std::string_view payload) { on_message(payload); });
        watch();
    }
    void on_time() override {
        livekit::SignalRequest request;
        request.mutable_ping_req()->set_timestamp(wall().ms());
        send(request);
        load_.loop.set_timer(*this, timer_, timer_ + kPingInterval);
    }
    // To be asked after each turn of the loop: what a connection that has come up makes due.
    void advance() {
        if (!options_.single || second_offer_ || !publisher_->connected() || answers_ == 0) return;
        second_offer_ = true;
        offer();
    }

    const Timestamp started;

  private:
    static bool ready(LoadConnection* connection) {
        return connection != nullptr && connection->connected() &&
               connection->channels() >= kChannels;
    }
    static bool failed(LoadConnection& connection) {
        return connection.transport().state() == peer::TransportState::kFailed;
    }

    void open_publisher(std::size_t receiving) {
        publisher_ = std::make_unique<LoadConnection>(load_, ice::Role::kControlling, true);
        builder_ = std::make_unique<OfferBuilder>(publisher_->local(), receiving);
    }
    std::string token() const {
        token::Grants grants;
        grants.identity = options_.identity;
        grants.name = options_.identity;
        token::VideoGrant video;
        video.room_join = true;
        video.room = options_.room;
        video.can_update_own_metadata = true;
        grants.video = video;
        const std::string secret = ServerProcess::kSecret;
        return token::mint_token(grants, {ServerProcess::kKey, secret}, wall(),
                                 Duration::seconds(600));
    }
    std::string target() {
        if (!options_.single)
            return "/rtc?access_token=" + token() +
                   "&auto_subscribe=" + (options_.auto_subscribe ? "1" : "0") +
                   "&sdk=js&version=2.23.0&protocol=17&client_protocol=2";
        livekit::JoinRequest join;
        auto& info = *join.mutable_client_info();
        info.set_sdk(livekit::ClientInfo::JS);
        info.set_version("2.23.0");
        info.set_protocol(17);
        join.mutable_connection_settings()->set_auto_subscribe(options_.auto_subscribe);
        *join.mutable_publisher_offer() = description();
        livekit::WrappedJoinRequest wrapped;
        wrapped.set_compression(livekit::WrappedJoinRequest::GZIP);
        wrapped.set_join_request(gzip(join.SerializeAsString()));
        const std::string bytes = wrapped.SerializeAsString();
        return "/rtc/v1?access_token=" + token() +
               "&join_request=" + base64_encode(as_bytes(bytes), Base64::kUrl);
    }
    livekit::SessionDescription description() {
        livekit::SessionDescription result;
        result.set_type("offer");
        result.set_sdp(builder_->offer());
        result.set_id(++offers_);
        return result;
    }
    void offer() {
        livekit::SignalRequest request;
        *request.mutable_offer() = description();
        send(request);
    }
    void send(const livekit::SignalRequest& request) {
        socket_->send(request.SerializeAsString());
        watch();
    }
    void watch() { load_.loop.watch(socket_->fd(), *this, socket_->wants_to_write()); }

    void on_message(std::string_view payload) {
        livekit::SignalResponse response;
        if (!response.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) return;
        if (response.has_join())
            take_join(response.join());
        else if (response.has_answer())
            take_answer(response.answer());
        else if (response.has_offer())
            take_offer(response.offer());
        else if (response.has_trickle())
            take_trickle(response.trickle());
        else if (response.has_track_published())
            ++published_;
        else if (response.has_update())
            for (const auto& one : response.update().participants())
                take_participant(one);
        else if (response.has_media_sections_requirement())
            take_requirement(response.media_sections_requirement());
    }
    void take_join(const livekit::JoinResponse& join) {
        got_join_ = true;
        own_sid_ = join.participant().sid();
        for (const auto& one : join.other_participants())
            take_participant(one);
    }
    void take_participant(const livekit::ParticipantInfo& info) {
        if (info.sid() == own_sid_) return;
        for (const livekit::TrackInfo& track : info.tracks())
            tracks_.insert(track.sid());
    }
    void take_answer(const livekit::SessionDescription& answer) {
        const auto parsed = sdp::parse(answer.sdp());
        if (!parsed) return;
        publisher_->set_remote(*parsed, true);
        if (++answers_ > 1) return;
        trickle(*publisher_, livekit::PUBLISHER);
        if (!options_.single) return;
        send_permission();
    }
    void take_offer(const livekit::SessionDescription& offered) {
        const auto parsed = sdp::parse(offered.sdp());
        if (!parsed) return;
        const bool first = subscriber_ == nullptr;
        if (first) {
            const bool lite = parsed->ice_lite;
            subscriber_ = std::make_unique<LoadConnection>(
                load_, lite ? ice::Role::kControlling : ice::Role::kControlled, false);
        }
        livekit::SignalRequest request;
        request.mutable_answer()->set_type("answer");
        request.mutable_answer()->set_sdp(answer_to(*parsed, subscriber_->local()));
        request.mutable_answer()->set_id(offered.id());
        send(request);
        subscriber_->set_remote(*parsed, false);
        if (!first) return;
        trickle(*subscriber_, livekit::SUBSCRIBER);
        open_publisher(0);
        offer();
        send_permission();
    }
    void send_permission() {
        livekit::SignalRequest request;
        request.mutable_subscription_permission()->set_all_participants(true);
        send(request);
    }
    void trickle(LoadConnection& connection, livekit::SignalTarget target) {
        livekit::SignalRequest request;
        request.mutable_trickle()->set_candidateinit(connection.candidate_init());
        request.mutable_trickle()->set_target(target);
        send(request);
    }
    void take_trickle(const livekit::TrickleRequest& trickle) {
        const auto line = room::parse_candidate_init(trickle.candidateinit());
        const auto candidate = line ? room::parse_candidate(*line) : std::nullopt;
        LoadConnection* connection = publisher_.get();
        if (!options_.single && trickle.target() == livekit::SUBSCRIBER)
            connection = subscriber_.get();
        if (candidate && connection != nullptr) connection->add_candidate(candidate->address);
    }
    void take_requirement(const livekit::MediaSectionsRequirement& requirement) {
        builder_->add_receiving(requirement.num_audios(), requirement.num_videos());
        offer();
    }

    void announce(const std::string& cid, livekit::TrackType type, livekit::TrackSource source) {
        livekit::SignalRequest request;
        livekit::AddTrackRequest& add = *request.mutable_add_track();
        add.set_cid(cid);
        add.set_name(cid);
        add.set_type(type);
        add.set_source(source);
        if (type == livekit::VIDEO) {
            add.set_width(1280);
            add.set_height(720);
            livekit::SimulcastCodec& codec = *add.add_simulcast_codecs();
            codec.set_codec("vp8");
            codec.set_cid(cid);
            for (std::uint32_t i = 0; i < 3; ++i) {
                livekit::VideoLayer& layer = *add.add_layers();
                layer.set_quality(static_cast<livekit::VideoQuality>(i));
                layer.set_width(320U << i);
                layer.set_height(180U << i);
                layer.set_bitrate(150'000U << (2 * i));
            }
        }
        send(request);
    }
    void plan(sfu::MediaKind kind, const std::string& mid, const std::vector<std::string>& rids) {
        sim::TrackPlan plan;
        plan.number = load_.rng.u32();
        plan.kind = kind;
        plan.mid = mid;
        plan.frames_per_second = 30;
        for (std::size_t i = 0; i < rids.size(); ++i) {
            sim::LayerPlan layer;
            layer.rid = rids[i];
            layer.ssrc = load_.rng.u32() | 1;
            if (kind == sfu::MediaKind::kVideo) layer.rtx_ssrc = load_.rng.u32() | 1;
            layer.width = static_cast<std::uint16_t>(320U << i);
            layer.height = static_cast<std::uint16_t>(180U << i);
            layer.packets_per_frame = static_cast<std::uint8_t>(1 + 2 * i);
            plan.layers.push_back(std::move(layer));
        }
        plans_.push_back(std::move(plan));
    }

    Load& load_;
    ClientOptions options_;
    std::unique_ptr<LoadWebSocket> socket_;
    std::unique_ptr<LoadConnection> publisher_;  // or the only one
    std::unique_ptr<LoadConnection> subscriber_;
    std::unique_ptr<OfferBuilder> builder_;
    Timestamp timer_ = Timestamp::never();
    bool got_join_ = false;
    bool second_offer_ = false;
    std::uint32_t offers_ = 0;
    std::uint32_t answers_ = 0;
    std::size_t published_ = 0;
    std::string own_sid_;
    std::set<std::string> tracks_;
    std::vector<sim::TrackPlan> plans_;
};

}  // namespace confab::bench

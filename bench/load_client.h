// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A participant of a load: client::Session behind a WebSocket and a UDP socket for each connection.
// Received RTP is counted by SSRC and not decrypted.
#pragma once

#include <array>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/load_loop.h"
#include "bench/server_process.h"
#include "client/session/session.h"
#include "load/join_path.h"
#include "runtime/load/web_socket_client.h"
#include "token/token.h"
#include "wire/rtp/rtp.h"

namespace confab::bench {

struct ClientOptions {
    std::string room;
    std::string identity;
    bool single = true;  // /rtc/v1
    bool auto_subscribe = true;
    bool finishes_dtls = true;  // else it hears nothing of the server's handshake
    std::string key = ServerProcess::kKey;
    std::string secret = ServerProcess::kSecret;
    bool own_server = true;  // another has no channels, or connects once there is something to send
};

// To the server of a benchmark.
inline std::unique_ptr<load::WebSocketClient> open_web_socket(std::uint16_t port,
                                                              const std::string& path,
                                                              bool deflate) {
    return std::make_unique<load::WebSocketClient>(
        load::WebSocketTarget{.address = {IpAddress::v4(INADDR_LOOPBACK), port},
                              .host = "127.0.0.1:" + std::to_string(port),
                              .name = {},
                              .path = path,
                              .deflate = deflate});
}

class LoadClient : public Waiter {
  public:
    LoadClient(Load& load, const Ports& ports, ClientOptions options)
        : started(now()),
          load_(load),
          options_(std::move(options)),
          session_(config(), load.rng.fork()) {
        const livekit::JoinRequest request = session_.start(started);
        web_ = open_web_socket(ports.http, target(request), load.deflate);
        for (std::size_t i = 0; i < udp_.size(); ++i) {
            if (load.sample_rtp > 1) udp_[i].sample_rtp(load.sample_rtp);
            load_.loop.watch(udp_[i].fd(), *this, i, false);
        }
        load_.loop.watch(web_->fd(), *this, kWeb, true);
        flush();
    }
    ~LoadClient() override { load_.loop.set_timer(*this, timer_, Timestamp::never()); }

    // Every connection this kind of session has at once is up, its channels are open, and the
    // server has answered everything. Of another server's: that it is in the room.
    bool joined() const {
        return options_.own_server ? session_.settled() : session_.signal_open();
    }
    bool failed() const { return web_->failed() || session_.failed() || over_; }
    bool published(std::size_t tracks) {
        const bool ready =
            options_.own_server ? session_.settled() : session_.upstream()->can_send();
        return session_.tracks().announced() >= tracks && ready;
    }
    const std::string& identity() const { return options_.identity; }
    client::Session& session() { return session_; }
    const LoadSocket& socket(client::Target target) const {
        return udp_[static_cast<std::size_t>(target)];
    }
    // Datagrams of handshakes that it did not want to hear.
    std::size_t unheard() const { return unheard_; }
    std::size_t streams() const { return streams_.size(); }
    std::uint64_t packets() const { return packets_; }
    std::uint64_t messages() const { return messages_; }  // of data, received
    // Sids of all tracks of the others.
    std::vector<std::string> tracks() const {
        std::vector<std::string> sids;
        for (const auto& info : session_.roster().others())
            for (const livekit::TrackInfo& track : info->tracks())
                sids.push_back(track.sid());
        return sids;
    }

    // A microphone and, if asked, a camera with three layers; the encoders start with
    // start_media().
    void publish(bool camera) {
        session_.tracks().publish(
            options("mic", livekit::MICROPHONE, client::MediaKind::kAudio, {""}));
        if (camera)
            session_.tracks().publish(
                options("cam", livekit::CAMERA, client::MediaKind::kVideo, {"q", "h", "f"}));
        flush();
    }
    void start_media() {
        session_.tracks().start_media(now());
        flush();
    }
    void subscribe(const std::vector<std::string>& tracks) {
        session_.subscriptions().subscribe(tracks, true);
        flush();
    }
    bool send_data(const livekit::DataPacket& packet, bool reliable) {
        const bool sent = session_.data().send(now(), packet, reliable);
        flush();
        return sent;
    }
    void leave() {
        session_.leave();
        flush();
    }
    // Sends what the session wants to send, after it was given anything.
    void flush() {
        while (const auto event = session_.poll_event()) {
            over_ = over_ || std::holds_alternative<client::Left>(*event);
            if (std::holds_alternative<client::DataArrived>(*event)) ++messages_;
        }
        while (const auto message = session_.poll_signal())
            web_->send(*message);
        while (const auto out = session_.poll_transmit())
            udp_[static_cast<std::size_t>(out->target)].send(out->datagram.path.remote,
                                                             out->datagram.bytes);
        if (std::exchange(writing_, web_->wants_to_write()) != web_->wants_to_write())
            load_.loop.watch(web_->fd(), *this, kWeb, writing_);
        load_.loop.set_timer(*this, timer_, session_.next_deadline());
    }

    void on_socket(std::size_t number) override {
        if (number == kWeb) {
            web_->flush();
            web_->receive(
                [this](std::string_view message) { (void)session_.handle_signal(now(), message); });
            return flush();
        }
        bool counted_only = true;
        udp_[number].receive([&](const SocketAddress& from, BytesSpan datagram) {
            counted_only &= take(static_cast<client::Target>(number), from, datagram);
        });
        if (!counted_only) flush();
    }
    void on_time() override {
        session_.handle_timeout(now());
        flush();
    }

    const Timestamp started;

  private:
    static constexpr std::size_t kWeb = client::kTargets;  // after the sockets of media

    client::SessionConfig config() {
        client::SessionConfig config;
        config.single = options_.single;
        config.auto_subscribe = options_.auto_subscribe;
        config.offer_size = client::OfferSize::kBrowser;
        config.crypto = {&load_.engine, &*load_.dtls, false};
        config.fingerprint = load_.fingerprint;
        config.addresses = {udp_[0].address(), udp_[1].address()};
        config.wall_at_zero = wall() - (now() - Timestamp{});
        config.participants = load_.participants;
        // What all servers have in common, and what ours and the floor use.
        if (!options_.own_server)
            config.profiles = {srtp::Profile::kAeadAes128Gcm, srtp::Profile::kAes128CmSha1_80};
        return config;
    }
    client::PublishOptions options(const char* cid, livekit::TrackSource source,
                                   client::MediaKind kind, const std::vector<std::string>& rids) {
        client::PublishOptions options;
        options.cid = cid;
        options.source = source;
        options.encode = false;
        options.plan.number = load_.rng.u32();
        options.plan.kind = kind;
        options.plan.frames_per_second = 30;
        for (std::size_t i = 0; i < rids.size(); ++i) {
            client::LayerPlan layer;
            layer.rid = rids[i];
            layer.ssrc = load_.rng.u32() | 1;
            if (kind == client::MediaKind::kVideo) layer.rtx_ssrc = load_.rng.u32() | 1;
            layer.width = static_cast<std::uint16_t>(320U << i);
            layer.height = static_cast<std::uint16_t>(180U << i);
            layer.packets_per_frame = static_cast<std::uint8_t>(1 + 2 * i);
            options.plan.layers.push_back(std::move(layer));
        }
        return options;
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
        return token::mint_token(grants, {options_.key, options_.secret}, wall(),
                                 Duration::seconds(600));
    }
    std::string target(const livekit::JoinRequest& request) const {
        return options_.single ? load::single_join_path(request, token())
                               : load::double_join_path(request, token());
    }
    // Whether it only had to be counted.
    bool take(client::Target target, const SocketAddress& from, BytesSpan datagram) {
        if (wire::is_rtp(datagram)) {
            ++packets_;
            streams_.insert(load_be32(datagram.data() + 8));
            return true;
        }
        if (!options_.finishes_dtls && wire::classify(datagram) == wire::PacketKind::kDtls) {
            ++unheard_;
            return true;
        }
        ice::Path path;
        path.local = udp_[static_cast<std::size_t>(target)].address();
        path.remote = from;
        (void)session_.handle_packet(now(), target, path, datagram);
        return false;
    }

    Load& load_;
    ClientOptions options_;
    std::array<LoadSocket, client::kTargets> udp_;
    client::Session session_;
    std::unique_ptr<load::WebSocketClient> web_;
    Timestamp timer_ = Timestamp::never();
    bool over_ = false;
    bool writing_ = true;  // the socket is watched for it
    std::size_t unheard_ = 0;
    std::uint64_t packets_ = 0;
    std::uint64_t messages_ = 0;
    std::set<std::uint32_t> streams_;
};

}  // namespace confab::bench

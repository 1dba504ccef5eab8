// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rtc/peer/transport.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "crypto/hkdf.h"
#include "wire/rtp/rtp.h"

namespace confab::peer {
namespace {

Media::Kind media_kind(wire::PacketKind kind) {
    return kind == wire::PacketKind::kRtcp ? Media::Kind::kRtcp : Media::Kind::kRtp;
}

}  // namespace

Transport::Transport(const SharedCrypto& crypto, TransportConfig config, Rng rng)
    : crypto_(crypto), config_(std::move(config)), rng_(rng), agent_(config_.ice, rng_.fork()) {}

Transport::~Transport() = default;

// ---------------------------------------------------------------- negotiation

void Transport::set_remote(Timestamp now, const RemoteParameters& remote) {
    const bool first = !remote_.has_value();
    const dtls::Role role = first ? remote.local_role : remote_->local_role;
    remote_ = remote;
    remote_->local_role = role;
    if (first && !crypto_.simulate_dtls) {
        CONFAB_CHECK(crypto_.dtls != nullptr);
        dtls::Config config;
        config.role = role;
        config.fingerprints = remote.fingerprints;
        for (const srtp::Profile profile : config_.profiles)
            config.srtp_profiles.push_back(static_cast<dtls::SrtpProfile>(profile));
        dtls_.emplace(*crypto_.dtls, std::move(config));
    }
    (void)agent_.set_remote_credentials(now, remote.ice);
    if (dtls_connected_ && remote.sctp && !sctp_.started())
        sctp_.start(now, data_config(*remote_, config_.sctp), rng_.fork());
    drain(now);
}

void Transport::add_remote_candidate(Timestamp now, const ice::RemoteCandidate& candidate) {
    agent_.add_remote_candidate(now, candidate);
    drain(now);
}

void Transport::restart_ice(Timestamp now, const ice::RestartOptions& options) {
    agent_.restart(now, options);
    early_path_.reset();
    dtls_due_ = Timestamp::never();
    drain(now);
}

void Transport::tcp_opened(Timestamp now, const ice::Path& path) {
    agent_.add_tcp_connection(now, path);
    drain(now);
}

void Transport::tcp_closed(Timestamp now, std::uint32_t connection) {
    agent_.remove_tcp_connection(now, connection);
    if (early_path_ && early_path_->protocol == ice::Protocol::kTcp &&
        early_path_->tcp_connection == connection)
        early_path_.reset();
    drain(now);
}

// ---------------------------------------------------------------- input

Media Transport::handle_packet(Timestamp now, const ice::Path& path, BytesSpan datagram) {
    const wire::PacketKind kind = wire::classify(datagram);
    if (kind == wire::PacketKind::kStun) {
        agent_.handle_packet(now, path, datagram);
        if (!early_path_ && !agent_.selected() && agent_.is_valid_path(path))
            start_early(now, path);
        if (agent_.is_valid_path(path)) (void)heard(now);
        drain(now);
        return {};
    }
    if (kind == wire::PacketKind::kUnknown || kind == wire::PacketKind::kTurnChannel) {
        ++unknown_kind_;
        return {};
    }
    if (!agent_.is_valid_path(path)) {
        ++unvalidated_path_;
        agent_.note_stray(now, path, false);
        return {};
    }
    if (kind == wire::PacketKind::kDtls) {
        if (agent_.selected() == path) (void)agent_.note_activity(now, path);
        (void)heard(now);
        if (!agent_.selected()) early_path_ = path;
        early_flight_.clear();
        if (dtls_) dtls_->handle_packet(now, datagram);
        if (crypto_.simulate_dtls) sctp_.handle_packet(now, datagram.subspan(1));
        drain(now);
        return {};
    }
    return handle_media(now, path, datagram, media_kind(kind));
}

Media Transport::handle_media(Timestamp now, const ice::Path& path, BytesSpan datagram,
                              Media::Kind kind) {
    Media media = srtp_.unprotect(now, datagram, kind);
    if (media.kind == Media::Kind::kNone) return media;
    // Only what is authentic shows that the peer is alive, or where it is.
    media.stirs = !agent_.note_activity(now, path);
    if (!media.stirs) media_heard_at_ = now;
    if (media.stirs || connection_.state() == TransportState::kDisconnected) drain_ice(now);
    if (kind == Media::Kind::kRtcp && heard(now)) media.stirs = true;
    return media;
}

Transport::Stray Transport::handle_stray(Timestamp now, const ice::Path& path, BytesView datagram) {
    const Media::Kind kind = media_kind(wire::classify(datagram));
    if (now - media_heard_at_ < kMediaSilence || !srtp_.may_be_from_peer(datagram, kind))
        return Stray::kNotTried;
    if (!srtp_.is_from_peer(datagram, kind)) return Stray::kNotOurs;
    agent_.note_stray(now, path, true);
    drain(now);
    return Stray::kOurs;
}

// Whoever is heard after a silence may hear again too. RTP is left out: it comes without a turn to
// send in, and RTCP soon follows it.
bool Transport::heard(Timestamp now) {
    if (now - std::exchange(heard_at_, now) < kSilence || sctp_.idle()) return false;
    sctp_.path_restored(now);
    return true;
}

void Transport::handle_timeout(Timestamp now) {
    if (now >= agent_.next_deadline()) agent_.handle_timeout(now);
    if (dtls_ && now >= dtls_->next_deadline()) dtls_->handle_timeout(now);
    if (now >= data_deadline()) sctp_.handle_timeout(now);
    if (now >= dtls_due_) {
        dtls_due_ = Timestamp::never();
        connection_.fail(TransportFailure::kStalled);
    }
    drain(now);
}

Timestamp Transport::next_deadline() const {
    Timestamp deadline = earlier(agent_.next_deadline(), dtls_due_);
    if (dtls_) deadline = earlier(deadline, dtls_->next_deadline());
    return earlier(deadline, data_deadline());
}

// Without a path nobody takes the output: to be due for it would be to be due for ever.
Timestamp Transport::data_deadline() const {
    return way() ? sctp_.next_deadline() : sctp_.next_timeout();
}

// ---------------------------------------------------------------- what the parts report

void Transport::drain(Timestamp now) {
    drain_ice(now);
    drain_dtls(now);
    sctp_.drain();
}

void Transport::drain_ice(Timestamp now) {
    while (const auto event = agent_.poll_event()) {
        if (std::holds_alternative<ice::Selected>(*event)) {
            selected(now);
            continue;
        }
        switch (std::get<ice::StateChanged>(*event).state) {
            case ice::State::kNew:
                break;
            case ice::State::kChecking:
                ice_began_ = now;
                connection_.ice_checking();
                break;
            case ice::State::kConnected:
                connection_.ice_connected();
                break;
            case ice::State::kDisconnected:
                connection_.ice_disconnected();
                break;
            case ice::State::kFailed:
                dtls_due_ = Timestamp::never();
                connection_.fail(TransportFailure::kIce);
                break;
        }
    }
}

// The handshake does not wait for the nomination, which libwebrtc gives up to 50 ms after the first
// answered check: any valid pair may carry data (RFC 8445 §12.1). As server we would otherwise drop
// a hello that comes at once, and its sender waits 50 ms or more before it tries again.
void Transport::start_early(Timestamp now, const ice::Path& path) {
    if (!dtls_) return;
    early_path_ = path;
    start_dtls(now);
}

void Transport::start_dtls(Timestamp now) {
    if (!dtls_ || std::exchange(dtls_started_, true)) return;
    dtls_->start(now);
}

void Transport::selected(Timestamp now) {
    early_path_.reset();
    sctp_.path_restored(now);
    start_dtls(now);
    // A peer that takes no hello before its own side of ICE is done has lost ours.
    for (Bytes& record : std::exchange(early_flight_, {}))
        records_.push_back(std::move(record));
    if (crypto_.simulate_dtls && !dtls_connected_) simulate_handshake(now);
    if (dtls_connected_) connection_.media_ready();
    // Another pair of the same generation gives no more time.
    if (!dtls_connected_ && dtls_due_.is_never())
        dtls_due_ = now + std::clamp((now - ice_began_) * 3, kMinDtlsTime, kMaxDtlsTime);
}

void Transport::drain_dtls(Timestamp now) {
    if (!dtls_) return;
    while (const auto event = dtls_->poll_event()) {
        if (const auto* connected = std::get_if<dtls::Connected>(&*event)) {
            keys_ready(now, *connected);
        } else {
            const auto reason = std::get<dtls::Failed>(*event).reason;
            connection_.fail(reason == dtls::FailureReason::kFingerprint
                                 ? TransportFailure::kFingerprint
                                 : TransportFailure::kDtls);
        }
    }
    while (const auto packet = dtls_->poll_application_data())
        sctp_.handle_packet(now, *packet);
}

void Transport::keys_ready(Timestamp now, const dtls::Connected& connected) {
    if (!connected.srtp) return connection_.fail(TransportFailure::kDtls);
    const auto profile = static_cast<srtp::Profile>(connected.srtp->profile);
    const auto local =
        srtp::MasterKey::from(profile, connected.srtp->local_key(), connected.srtp->local_salt());
    const auto remote =
        srtp::MasterKey::from(profile, connected.srtp->remote_key(), connected.srtp->remote_salt());
    use_keys(now, local, remote);
}

void Transport::use_keys(Timestamp now, const std::optional<srtp::MasterKey>& local,
                         const std::optional<srtp::MasterKey>& remote) {
    if (!local || !remote) return connection_.fail(TransportFailure::kDtls);
    srtp_.start(*crypto_.engine, *local, *remote);
    dtls_connected_ = true;
    dtls_due_ = Timestamp::never();
    // Connected is who has nominated a pair, too: what others are told, and send, waits for it.
    if (agent_.selected()) connection_.media_ready();
    if (remote_ && remote_->sctp)
        sctp_.start(now, data_config(*remote_, config_.sctp), rng_.fork());
}

// Each end for itself: one may be through while the other hears nothing yet, and has other
// passwords of ICE when it does. So the keys depend on nothing but the roles.
void Transport::simulate_handshake(Timestamp now) {
    const bool client = remote_->local_role == dtls::Role::kClient;
    const srtp::Profile profile =
        config_.profiles.empty() ? srtp::Profile::kAeadAes128Gcm : config_.profiles.front();
    const std::size_t key = srtp::key_size(profile);
    const std::size_t salt = srtp::salt_size(profile);
    Bytes material(2 * (key + salt));
    const auto extracted = crypto::hkdf_extract(as_bytes("simulated"), as_bytes("handshake"));
    (void)crypto::hkdf_expand(extracted, as_bytes("srtp"), material);
    const BytesView all = material;
    const auto of_client =
        srtp::MasterKey::from(profile, all.first(key), all.subspan(2 * key, salt));
    const auto of_server =
        srtp::MasterKey::from(profile, all.subspan(key, key), all.subspan(2 * key + salt, salt));
    use_keys(now, client ? of_client : of_server, client ? of_server : of_client);
}

// ---------------------------------------------------------------- output

// DTLS first. A packet of the association becomes a record only when the one before has gone: a
// whole congestion window at once would overflow the session's queue.
std::optional<Bytes> Transport::next_record() {
    if (dtls_)
        if (auto record = dtls_->poll_transmit()) return record;
    if (!dtls_connected_) return std::nullopt;
    const auto packet = sctp_.poll_transmit();
    if (!packet) return std::nullopt;
    if (crypto_.simulate_dtls) {
        // A content type of DTLS, so that the demultiplexer knows it, then the packet.
        Bytes record{23};
        record.insert(record.end(), packet->begin(), packet->end());
        return record;
    }
    (void)dtls_->send_application_data(*packet);
    return dtls_->poll_transmit();
}

std::optional<Transport::Datagram> Transport::poll_transmit() {
    if (const auto stun = agent_.poll_transmit()) {
        last_datagram_.assign(stun->bytes().begin(), stun->bytes().end());
        return Datagram{stun->path, last_datagram_};
    }
    const std::optional<ice::Path>& path = way();
    if (!path) return std::nullopt;
    if (!records_.empty()) {
        last_datagram_ = std::move(records_.front());
        records_.pop_front();
        return Datagram{*path, last_datagram_};
    }
    auto record = next_record();
    if (!record) return std::nullopt;
    last_datagram_ = std::move(*record);
    if (!agent_.selected() && early_flight_.size() < kMaxEarlyFlight && !dtls_connected_)
        early_flight_.push_back(last_datagram_);
    return Datagram{*path, last_datagram_};
}

std::optional<TransportEvent> Transport::poll_event() {
    if (const auto state = poll_state()) return *state;
    return sctp_.poll_event();
}

TransportCounters Transport::counters() const {
    TransportCounters counters;
    counters.unknown_kind = unknown_kind_;
    counters.unvalidated_path = unvalidated_path_;
    counters.before_keys = srtp_.counters().before_keys;
    counters.srtp_failures = srtp_.counters().failures;
    counters.throttled = srtp_.counters().throttled;
    return counters;
}

}  // namespace confab::peer

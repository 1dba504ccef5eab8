// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "room/negotiate/peer_link.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "room/scope/ids.h"
#include "room/signal/responses.h"

namespace confab::room {
namespace {

sdp::AnswererConfig answerer_config(const RoomScope& scope, const PeerLinkConfig& config) {
    sdp::AnswererConfig result;
    result.client = config.client;
    result.publish_codecs = *config.codecs;
    result.subscribe_codecs = *config.codecs;
    result.single = config.single;
    result.playout_delay = config.playout_delay;
    result.transport_cc = scope.config.send_side_bwe;
    result.session_id = scope.ids.rng().u64() >> 1;
    result.session_version = static_cast<std::uint64_t>(scope.clock.wall.s());
    return result;
}

sdp::OffererConfig offerer_config(const RoomScope& scope, const PeerLinkConfig& config) {
    sdp::OffererConfig result;
    result.client = config.client;
    result.codecs = *config.codecs;
    result.application = config.application;
    result.transport_cc = scope.config.send_side_bwe;
    result.playout_delay = config.playout_delay;
    result.session_id = scope.ids.rng().u64() >> 1;
    result.session_version = static_cast<std::uint64_t>(scope.clock.wall.s());
    return result;
}

// 2B:55:… → bytes; empty when it is not hex.
Bytes fingerprint_bytes(std::string_view hex) {
    std::string digits;
    for (const char c : hex)
        if (c != ':') digits.push_back(c);
    return from_hex(digits).value_or(Bytes{});
}

// libwebrtc as DTLS server, which it is wherever it offers, takes CM-SHA1 before GCM: a client that
// is known to take GCM is offered nothing else (02 DES-23).
std::vector<sfu::SrtpProfile> srtp_profiles(const sdp::ClientTraits& client) {
    std::vector profiles{sfu::SrtpProfile::kAeadAes128Gcm, sfu::SrtpProfile::kAeadAes256Gcm};
    if (!client.takes_gcm) profiles.push_back(sfu::SrtpProfile::kAes128CmSha1_80);
    return profiles;
}

}  // namespace

PeerLink::PeerLink(const RoomScope& scope, PeerLinkConfig config)
    : timer(1 + static_cast<std::uint32_t>(scope.ids.rng().below(256))),  // 01 SIG-85
      scope_(&scope),
      config_(std::move(config)),
      id_(sfu::PeerId(scope.ids.next())) {
    new_credentials();
    make_negotiator();
    scope.out.command(config_.worker, description());
}

PeerLink::PeerLink(const RoomScope& scope, PeerLinkConfig config, Moved)
    : timer(1), scope_(&scope), config_(std::move(config)) {
    make_negotiator();
}

void PeerLink::make_negotiator() {
    if (config_.offers) {
        offerer_.emplace(offerer_config(*scope_, config_));
    } else {
        answerer_.emplace(answerer_config(*scope_, config_));
    }
}

sfu::CreatePeer PeerLink::description() const {
    sfu::CreatePeer create;
    create.peer = id_;
    create.local = local_;
    create.ice_lite = config_.ice_lite;
    create.ice_controlling = config_.offers && !config_.ice_lite;
    create.tcp_only = config_.tcp_only;
    create.ice_limit = config_.ice_limit;
    create.allow_pause = config_.allow_pause;
    create.takes_padding = config_.client.takes_padding;
    create.srtp_profiles = srtp_profiles(config_.client);
    return create;
}

PeerLink::~PeerLink() {
    went_down();
    if (id_ == sfu::PeerId()) return;  // bytes that were none
    scope_->out.command(config_.worker, sfu::ClosePeer{id_});
    for (const sfu::WorkerIndex worker : earlier_)
        scope_->out.command(worker, sfu::ClosePeer{id_});
}

void PeerLink::came_up(sfu::ConnectionType type) {
    if (type_ == type) return;
    went_down();
    type_ = last_type = type;
    scope_->out.observe(ConnectionsChanged{type, 1});
}

void PeerLink::went_down() {
    if (type_) scope_->out.observe(ConnectionsChanged{*type_, -1});
    type_.reset();
}

void PeerLink::move_to(sfu::WorkerIndex worker) {
    std::erase(earlier_, worker);
    if (worker != config_.worker) earlier_.push_back(config_.worker);
    config_.worker = worker;
}

void PeerLink::new_credentials() {
    local_ = scope_->ids.ice_credentials(config_.worker);
    list_candidates(config_.tcp_only);
    trickled_ = false;
    tried = true;
    candidates_.clear();
}

void PeerLink::list_candidates(bool tcp_only) {
    tcp_lines_ = tcp_only;
    const auto& workers = scope_->config.media.workers;
    lines_ = config_.worker < workers.size()
                 ? candidate_lines(workers[config_.worker], local_.ufrag, tcp_only)
                 : std::vector<std::string>{};
}

sdp::LocalTransport PeerLink::local_transport() const {
    sdp::LocalTransport local;
    local.ufrag = local_.ufrag;
    local.pwd = local_.pwd;
    local.fingerprint_sha256 = scope_->config.media.fingerprint_sha256;
    // The first description goes out before the candidates, later ones repeat them.
    if (trickled_) local.candidates = lines_;
    local.ice_lite = config_.ice_lite;
    return local;
}

void PeerLink::apply_remote(const sdp::RemoteTransport& remote) {
    sfu::SetRemote command;
    command.peer = id_;
    command.remote = {remote.ufrag, remote.pwd};
    command.local_dtls_role =
        remote.local_setup == sdp::Setup::kActive ? sfu::DtlsRole::kClient : sfu::DtlsRole::kServer;
    command.fingerprints.push_back(
        {remote.fingerprint_algorithm, fingerprint_bytes(remote.fingerprint_hex)});
    command.sctp = remote.application;
    command.sctp_port = remote.sctp_port;
    command.sctp_max_message_size = remote.max_message_size;
    scope_->out.command(config_.worker, std::move(command));
    application_ = remote.application;
    has_remote_ = true;
    for (const std::string& line : remote.candidates)
        add_candidate(line);
    for (const std::string& line : std::exchange(waiting_candidates_, {}))
        add_candidate(line);
}

Result<sdp::Answer, sdp::NegotiationError> PeerLink::handle_offer(
    std::string_view offer, const std::vector<sdp::PendingTrack>& pending) {
    const RemoteIce ice = remote_ice_of(offer);
    const bool restart = has_remote_ && !ice.ufrag.empty() && ice != remote_ice_;
    const sfu::IceCredentials before = local_;
    // RFC 8445 §9: both sides change their credentials.
    if (restart) new_credentials();
    CONFAB_CHECK(answerer_);  // which description is whose is for Negotiation
    auto answer = answerer_->answer(offer, pending, local_transport());
    if (!answer) {
        if (restart) local_ = before;
        return answer;
    }
    if (restart)
        scope_->out.command(config_.worker,
                            sfu::RestartIce{id_, local_, config_.tcp_only, config_.ice_limit});
    remote_ice_ = ice;
    apply_remote(answer->remote);
    return answer;
}

std::vector<sdp::PublishSection> PeerLink::match_late(
    const std::vector<sdp::PendingTrack>& pending) {
    if (!answerer_ || pending.empty()) return {};
    return answerer_->match_late(pending);
}

sdp::Offer PeerLink::make_offer() {
    CONFAB_CHECK(offerer_);
    return offerer_->make_offer(local_transport());
}

Result<sdp::AppliedAnswer, sdp::NegotiationError> PeerLink::handle_answer(std::string_view answer) {
    CONFAB_CHECK(offerer_);
    auto applied = offerer_->apply_answer(answer);
    if (applied) apply_remote(applied->remote);
    return applied;
}

void PeerLink::add_candidate(std::string_view line) {
    const auto candidate = parse_candidate(line);
    if (!candidate || config_.tcp_only) return;
    // Every description repeats them all.
    const auto known = std::find(candidates_.begin(), candidates_.end(), candidate->address);
    if (known != candidates_.end()) return;
    if (candidates_.size() >= kMaxCandidates) {
        ++scope_->counters.dropped_candidates;
        return;
    }
    candidates_.push_back(candidate->address);
    scope_->out.command(config_.worker, sfu::AddRemoteCandidate{id_, *candidate});
}

Result<void, std::string> PeerLink::handle_trickle(const std::string& json) {
    CONFAB_TRY(const std::string line, parse_candidate_init(json));
    if (has_remote_) {
        add_candidate(line);
    } else if (waiting_candidates_.size() < kMaxWaitingCandidates) {
        waiting_candidates_.push_back(line);
    } else {
        ++scope_->counters.dropped_candidates;
    }
    return {};
}

std::vector<livekit::SignalResponse> PeerLink::take_trickles() {
    std::vector<livekit::SignalResponse> result;
    if (std::exchange(trickled_, true)) return result;
    for (std::size_t i = 0; i < lines_.size(); ++i)
        result.push_back(
            trickle_message(candidate_init(lines_[i]), config_.target, i + 1 == lines_.size()));
    return result;
}

void PeerLink::restart_ice() {
    new_credentials();
    timer.abandon();
    scope_->out.command(config_.worker,
                        sfu::RestartIce{id_, local_, config_.tcp_only, config_.ice_limit});
}

void PeerLink::add_sender(sdp::Sender sender) {
    if (offerer_) {
        offerer_->add_sender(std::move(sender));
    } else {
        answerer_->add_sender(std::move(sender));
    }
}

void PeerLink::remove_sender(std::uint64_t id) {
    if (offerer_) {
        offerer_->remove_sender(id);
    } else {
        answerer_->remove_sender(id);
    }
}

sdp::MissingSections PeerLink::missing() const {
    return answerer_ ? answerer_->missing() : sdp::MissingSections{};
}

}  // namespace confab::room

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/doctor/signal_probe.h"

#include <poll.h>

#include "base/text.h"
#include "client/session/session.h"
#include "crypto/certificate.h"
#include "crypto/random.h"
#include "json/json.h"
#include "livekit_rtc.pb.h"
#include "load/join_path.h"
#include "rtc/dtls/context.h"
#include "runtime/load/web_socket_client.h"
#include "wire/ice/candidate.h"

namespace confab::doctor {
namespace {

constexpr int kNotFound = 404;
constexpr std::size_t kMaxCandidates = 16;
constexpr std::size_t kMaxIceServers = 16;
constexpr Duration kTurn = Duration::millis(100);
// Candidates come one by one; after this long without another they are all there.
constexpr Duration kQuiet = Duration::millis(300);

// Keys for connections that never come about.
struct Crypto {
    srtp::Engine engine;
    std::optional<dtls::Context> dtls;
    std::string fingerprint;
    Crypto() {
        const auto certificate = crypto::Certificate::generate(wall());
        if (!certificate) return;
        fingerprint = certificate->sha256_fingerprint();
        if (auto context = dtls::Context::create(*certificate)) dtls.emplace(*std::move(context));
    }
};

std::string candidate_line(const livekit::TrickleRequest& trickle) {
    const auto init = json::parse(trickle.candidateinit());
    const json::Value* line = init ? init->find("candidate") : nullptr;
    return line == nullptr ? std::string() : line->string;
}

}  // namespace

// One WebSocket with the session over it.
class SignalProbe::Session {
  public:
    Session(const SignalTarget& target, bool single)
        : single_(single), session_(config(single), crypto::seeded_rng()) {
        const livekit::JoinRequest join = session_.start(monotonic());
        load::WebSocketTarget to{target.address, target.host, target.name, {}, true};
        to.path = target.prefix + (single ? load::single_join_path(join, target.token)
                                          : load::double_join_path(join, target.token));
        web_ = std::make_unique<load::WebSocketClient>(to);
    }
    ~Session() {
        session_.leave();
        drain();
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    void run(const Deadline& deadline) {
        facts.tried = true;
        while (!web_->failed() && !is_complete() && !deadline.over()) {
            const auto events = static_cast<short>(POLLIN | (web_->wants_to_write() ? POLLOUT : 0));
            (void)wait_for(web_->fd(), events, deadline.within(kTurn));
            web_->flush();
            web_->receive([this](std::string_view message) { take(message); });
            facts.upgraded = facts.upgraded || web_->is_open();
            drain();
        }
        facts.refused_status = web_->refused_status();
        if (web_->failed()) facts.error = web_->error();
    }
    // The server is older than /rtc/v1.
    bool is_superseded() const { return single_ && web_->refused_status() == kNotFound; }

    SignalFacts facts;
    std::vector<CandidateFacts> candidates;
    ice::CredentialPair credentials;

  private:
    client::SessionConfig config(bool single) {
        client::SessionConfig made;
        made.single = single;
        made.crypto = {&crypto_.engine, crypto_.dtls ? &*crypto_.dtls : nullptr, false};
        made.fingerprint = crypto_.fingerprint;
        // Nobody is to send there: the probes of media have sockets of their own.
        for (SocketAddress& address : made.addresses)
            address = {IpAddress::v4(0x7F00'0001), 9};
        made.wall_at_zero = wall() - (monotonic() - Timestamp{});
        made.participants = std::make_shared<client::ParticipantPool>();
        return made;
    }

    bool is_complete() const {
        return facts.joined && facts.pong && facts.has_credentials && !candidates.empty() &&
               monotonic() - last_candidate_ >= kQuiet;
    }

    void drain() {
        session_.handle_timeout(monotonic());
        while (const auto message = session_.poll_signal())
            web_->send(*message);
        while (session_.poll_transmit()) {
        }
        while (session_.poll_event()) {
        }
        web_->flush();
    }

    void take(std::string_view message) {
        livekit::SignalResponse response;
        if (!response.ParseFromArray(message.data(), static_cast<int>(message.size()))) return;
        if (response.has_join()) take_join(response.join());
        if (response.has_answer()) take_description(response.answer().sdp());
        if (response.has_offer()) take_description(response.offer().sdp());
        if (response.has_trickle()) add_candidate(candidate_line(response.trickle()));
        if (response.has_pong_resp() || response.pong() != 0) {
            facts.pong = true;
            facts.pong_took = monotonic() - pinged_;
        }
        session_.handle_signal(monotonic(), response);
        learn_credentials();
    }

    void take_join(const livekit::JoinResponse& join) {
        facts.joined = true;
        for (const livekit::ICEServer& server : join.ice_servers())
            for (const std::string& url : server.urls())
                if (facts.ice_servers.size() < kMaxIceServers)
                    facts.ice_servers.push_back({url, server.username(), server.credential()});
        livekit::SignalRequest ping;
        ping.mutable_ping_req()->set_timestamp(wall().ms());
        web_->send(ping.SerializeAsString());
        pinged_ = monotonic();
    }

    void take_description(std::string_view sdp) {
        for (std::string_view rest = sdp; !rest.empty();) {
            std::string_view line = trim(next_token(rest, '\n'));
            if (line.starts_with("a=candidate:")) add_candidate(line.substr(2));
        }
    }

    void add_candidate(std::string_view line) {
        const auto candidate = wire::parse_candidate(line);
        if (!candidate || candidate->component != 1 || candidate->address.ip.is_none()) return;
        const bool is_tcp = candidate->transport == wire::CandidateTransport::kTcp;
        if (is_tcp && candidate->tcp_type != wire::TcpType::kPassive) return;
        last_candidate_ = monotonic();
        for (const CandidateFacts& known : candidates)
            if (known.address == candidate->address && known.is_tcp == is_tcp) return;
        if (candidates.size() < kMaxCandidates) candidates.push_back({candidate->address, is_tcp});
    }

    void learn_credentials() {
        if (facts.has_credentials) return;
        for (const auto target : {client::Target::kSubscriber, client::Target::kPublisher}) {
            const client::Connection* connection = session_.connection(target);
            if (connection == nullptr || connection->remote_credentials().ufrag.empty()) continue;
            credentials.local = {connection->local().ufrag, connection->local().pwd};
            credentials.remote = connection->remote_credentials();
            facts.has_credentials = true;
            return;
        }
    }

    bool single_;
    Crypto crypto_;
    client::Session session_;
    std::unique_ptr<load::WebSocketClient> web_;
    Timestamp pinged_;
    Timestamp last_candidate_;
};

SignalProbe::SignalProbe(SignalTarget target) : target_(std::move(target)) {}
SignalProbe::~SignalProbe() = default;

SignalFacts SignalProbe::run(const Deadline& deadline) {
    session_ = std::make_unique<Session>(target_, true);
    session_->run(deadline);
    if (session_->is_superseded()) {
        session_ = std::make_unique<Session>(target_, false);
        session_->run(deadline);
    }
    return session_->facts;
}

const std::vector<CandidateFacts>& SignalProbe::candidates() const {
    return session_->candidates;
}
const ice::CredentialPair& SignalProbe::credentials() const {
    return session_->credentials;
}

}  // namespace confab::doctor

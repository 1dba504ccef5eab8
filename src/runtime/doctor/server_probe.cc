// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/doctor/server_probe.h"

#include <future>

#include "base/text.h"
#include "crypto/random.h"
#include "runtime/doctor/candidate_probe.h"
#include "runtime/doctor/http_probe.h"
#include "runtime/doctor/signal_probe.h"
#include "runtime/doctor/tls_connection.h"
#include "runtime/doctor/turn_probe.h"
#include "runtime/net/http/http_client.h"
#include "token/grants.h"
#include "token/token.h"

namespace confab::doctor {
namespace {

// Together below the 15 s that everything may take.
constexpr Duration kResolve = Duration::seconds(3);
constexpr Duration kConnect = Duration::seconds(3);
constexpr Duration kHttp = Duration::seconds(4);
constexpr Duration kSignal = Duration::seconds(4);
constexpr Duration kMedia = Duration::seconds(3);
constexpr Duration kTokenLife = Duration::seconds(300);
constexpr int kOk = 200;

struct Target {
    net::HttpUrl url;
    std::string base;    // scheme and place
    std::string prefix;  // of all paths
};

// http_url knows http and https; ws and wss are the same servers.
std::string as_http(const std::string& url) {
    if (url.starts_with("ws://")) return "http" + url.substr(2);
    if (url.starts_with("wss://")) return "https" + url.substr(3);
    return url.find("://") == url.npos ? "https://" + url : url;
}

std::optional<Target> parse_target(const std::string& text) {
    const std::string plain = as_http(text);
    const auto url = net::parse_http_url(plain);
    if (!url) return std::nullopt;
    Target target{*url, {}, url->target.substr(0, url->target.find('?'))};
    while (target.prefix.ends_with('/'))
        target.prefix.pop_back();
    target.base = (url->tls ? "https://" : "http://") + url->host_header;
    return target;
}

// Hidden from others, in a room that nobody else is in.
std::string make_token(const std::string& key, const std::string& secret) {
    std::array<std::uint8_t, 8> random{};
    crypto::fill_random(random);
    token::Grants grants;
    grants.identity = "confab-doctor";
    token::VideoGrant video;
    video.room_join = true;
    video.room_create = true;
    video.hidden = true;
    video.room = "confab-doctor-" + to_hex(random);
    grants.video = video;
    return token::mint_token(grants, {key, secret}, wall(), kTokenLife);
}

// A token names its key for all to see: what may be a secret is no name to try.
bool looks_swapped(const std::string& key, const std::string& secret) {
    return secret.starts_with("API") || secret.size() < key.size();
}

class ServerProbe {
  public:
    ServerProbe(const ServerQuestion& question, const Deadline& deadline)
        : question_(question), deadline_(deadline) {}

    ServerFacts run() {
        facts_.url = question_.url;
        facts_.has_key = !question_.api_secret.empty();
        const auto target = parse_target(question_.url);
        if (!target) {
            facts_.url_error = "is no address of a server";
            return facts_;
        }
        target_ = *target;
        if (connect() && ask() && join()) look_at_media();
        return facts_;
    }

  private:
    void tell(const std::string& what) const {
        if (question_.progress) question_.progress(what);
    }

    bool connect() {
        facts_.host = target_.url.host;
        facts_.port = target_.url.port;
        facts_.is_tls = target_.url.tls;
        tell("name and connection");
        facts_.name = resolve(facts_.host, deadline_.within(kResolve));
        if (facts_.name.addresses.empty()) return false;
        facts_.address = {facts_.name.addresses.front(), facts_.port};
        const Timestamp began = monotonic();
        facts_.tcp = connect_tcp(facts_.address, deadline_.within(kConnect)).reach;
        facts_.connect_took = monotonic() - began;
        return facts_.tcp == Reach::kAnswered;
    }

    // Certificate, root and token at once. False: nothing that follows can work.
    bool ask() {
        tell("certificate, HTTP and token");
        HttpQuestion http{target_.base + target_.prefix, {}, {}};
        if (facts_.has_key) {
            token_ = make_token(question_.api_key, question_.api_secret);
            http.token = token_;
            if (looks_swapped(question_.api_key, question_.api_secret))
                http.swapped_token = make_token(question_.api_secret, question_.api_key);
        }
        const Deadline deadline = deadline_.within(kHttp);
        auto tls = std::async(std::launch::async, [&] {
            return facts_.is_tls ? probe_tls(facts_.address, facts_.host, deadline) : TlsFacts{};
        });
        facts_.http = probe_http(http, deadline);
        facts_.tls = tls.get();
        return facts_.http.status == kOk && facts_.http.token_status == kOk;
    }

    bool join() {
        tell("WebSocket and signalling");
        signal_.emplace(SignalTarget{facts_.address, target_.url.host_header,
                                     facts_.is_tls ? facts_.host : std::string(), target_.prefix,
                                     token_});
        facts_.signal = signal_->run(deadline_.within(kSignal));
        facts_.candidates = signal_->candidates();
        return facts_.signal.has_credentials;
    }

    void look_at_media() {
        tell("media by UDP, TCP and TURN");
        const Deadline deadline = deadline_.within(kMedia);
        std::vector<std::future<TurnFacts>> turn;
        for (const IceServerFacts& server : facts_.signal.ice_servers) {
            if (!parse_turn_url(server.url)) continue;
            TurnQuestion asked{server, media_for_relay(), signal_->credentials()};
            turn.push_back(std::async(std::launch::async,
                                      [asked, deadline] { return probe_turn(asked, deadline); }));
        }
        probe_candidates(facts_.candidates, signal_->credentials(), deadline);
        for (const CandidateFacts& one : facts_.candidates)
            if (!one.is_tcp && one.reach == Reach::kAnswered && !facts_.mtu.tried)
                facts_.mtu = probe_mtu(one.address, signal_->credentials(),
                                       deadline_.within(Duration::seconds(1)));
        for (auto& one : turn)
            facts_.turn.push_back(one.get());
    }

    std::optional<SocketAddress> media_for_relay() const {
        for (const CandidateFacts& one : facts_.candidates)
            if (!one.is_tcp && one.address.ip.is_v4()) return one.address;
        return std::nullopt;
    }

    const ServerQuestion& question_;
    Deadline deadline_;
    Target target_;
    ServerFacts facts_;
    std::string token_;
    std::optional<SignalProbe> signal_;
};

}  // namespace

ServerFacts probe_server(const ServerQuestion& question, const Deadline& deadline) {
    return ServerProbe(question, deadline).run();
}

}  // namespace confab::doctor

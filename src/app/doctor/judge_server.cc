// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// A server as it was met from outside, from its name to its media.
#include <algorithm>
#include <cstdlib>

#include "app/doctor/judge.h"

namespace confab::doctor {
namespace {

constexpr Duration kSoon = Duration::seconds(14 * 24 * 3600);
// Tokens are good for a minute before and after; half of it is an early word.
constexpr Duration kClockTolerance = Duration::seconds(30);
// A ping that takes so much longer than the connection was held by something.
constexpr Duration kHeld = Duration::millis(1500);
constexpr int kOk = 200;
constexpr int kNotReady = 406;
constexpr int kUnavailable = 503;
constexpr int kNotFound = 404;
constexpr int kUnauthorized = 401;
constexpr int kForbidden = 403;

std::string ms_text(Duration time) {
    return std::to_string((time.us() + 500) / 1000) + " ms";
}

class ServerJudge {
  public:
    ServerJudge(const ServerFacts& facts, const HostFacts* host, UnixTime now, Diagnosis& out)
        : facts_(facts), host_(host), now_(now), out_(out) {}

    void run() {
        if (!facts_.url_error.empty())
            return out_.add(Code::kUrlInvalid, facts_.url + " " + facts_.url_error);
        if (!name() || !connection() || !certificate() || !http()) return;
        clock();
        if (!token() || !signalling()) return;
        media();
        path_mtu();
        for (const TurnFacts& turn : facts_.turn)
            judge_turn(turn);
    }

  private:
    std::string place() const { return facts_.address.to_string(); }

    bool name() {
        const NameFacts& name = facts_.name;
        if (name.addresses.empty()) {
            out_.add(Code::kDnsMissing, facts_.host + " (" + name.error + ")");
            return false;
        }
        if (IpAddress::parse(facts_.host)) return true;
        if (leads_elsewhere()) {
            out_.add(Code::kDnsElsewhere, facts_.host + " is " +
                                              name.addresses.front().to_string() +
                                              ", which is no address of this machine");
            return false;
        }
        out_.good("DNS", facts_.host + " is " + name.addresses.front().to_string());
        return true;
    }
    // Only on the server's own machine, and where its public address is known, can that be told.
    bool leads_elsewhere() const {
        if (host_ == nullptr) return false;
        const AddressFacts& own = host_->addresses;
        const bool here = std::any_of(
            facts_.name.addresses.begin(), facts_.name.addresses.end(), [&](const IpAddress& ip) {
                return is_of_host(ip, own) || ip.is_loopback() ||
                       std::any_of(own.media.begin(), own.media.end(),
                                   [&](const app::MediaAddress& m) { return m.advertised == ip; });
            });
        return !here;
    }

    bool connection() {
        if (facts_.tcp == Reach::kAnswered) {
            out_.good("connection", place() + " in " + ms_text(facts_.connect_took));
            return true;
        }
        out_.add(facts_.tcp == Reach::kRefused ? Code::kTcpRefused : Code::kTcpTimeout, place());
        return false;
    }

    bool certificate() {
        if (!facts_.is_tls) {
            const bool is_local = facts_.host == "localhost" || facts_.address.ip.is_loopback();
            if (!is_local) out_.add(Code::kNoHttps, facts_.url);
            return true;
        }
        const TlsFacts& tls = facts_.tls;
        const std::size_t before = out_.findings.size();
        for (const TlsFault fault : tls.faults)
            tls_fault(fault);
        if (out_.findings.size() != before) return false;
        if (tls.not_after && *tls.not_after - now_ < kSoon)
            out_.add(Code::kTlsExpiresSoon, "it ends on " + date_text(*tls.not_after));
        else
            out_.good("certificate", tls.names + ", of " + tls.issuer + ", until " +
                                         (tls.not_after ? date_text(*tls.not_after) : "?"));
        return true;
    }
    void tls_fault(TlsFault fault) {
        const TlsFacts& tls = facts_.tls;
        const auto is_there = [&](TlsFault other) {
            return std::find(tls.faults.begin(), tls.faults.end(), other) != tls.faults.end();
        };
        switch (fault) {
            case TlsFault::kExpired:
                return out_.add(Code::kTlsExpired, tls_fault_text(tls));
            case TlsFault::kNotYetValid:
                return out_.add(Code::kTlsNotYetValid, tls_fault_text(tls));
            case TlsFault::kWrongName:
                return out_.add(Code::kTlsName,
                                "it is for " + tls.names + ", not for " + facts_.host);
            case TlsFault::kSelfSigned:
                return out_.add(Code::kTlsSelfSigned, "it is for " + tls.names);
            case TlsFault::kUnknownIssuer:
                // Of one that is signed by itself nobody is the issuer.
                if (!is_there(TlsFault::kSelfSigned))
                    out_.add(Code::kTlsUntrusted, "its issuer is " + tls.issuer);
                return;
            case TlsFault::kHandshake:
                return out_.add(Code::kTlsHandshake, place() + ": " + tls.detail);
            case TlsFault::kOther:
                return out_.add(Code::kTlsUntrusted, tls.detail);
        }
    }

    bool http() {
        const HttpFacts& http = facts_.http;
        if (http.status == kNotReady || http.status == kUnavailable) {
            out_.add(Code::kServerNotReady,
                     "GET / is " + std::to_string(http.status) + ": " + http.body);
            return false;
        }
        const bool is_ours = http.status == kOk && http.body == "OK";
        if (!is_ours) {
            out_.add(Code::kHttpUnexpected, http.status == 0
                                                ? "GET / gets no answer: " + http.error
                                                : "GET / is " + std::to_string(http.status));
            return false;
        }
        out_.good("HTTP", "GET / is 200");
        return true;
    }

    void clock() {
        if (!facts_.http.date) return;
        const Duration ahead = *facts_.http.date - facts_.http.asked_at;
        const std::int64_t seconds = std::llabs(ahead.us()) / 1'000'000;
        if (Duration::seconds(seconds) >= kClockTolerance)
            out_.add(Code::kClockOff, "the server's is " + std::to_string(seconds) + " s " +
                                          (ahead > Duration::zero() ? "ahead" : "behind"));
        else
            out_.good("clock", "differs by less than " + std::to_string(seconds + 1) + " s");
    }

    bool token() {
        if (!facts_.has_key) {
            out_.skipped.push_back(
                "token, WebSocket, media and TURN: give --api-key and --api-secret");
            return false;
        }
        const HttpFacts& http = facts_.http;
        if (http.token_status == kOk) {
            out_.good("token", "is taken");
            return true;
        }
        const std::string said = std::to_string(http.token_status) + " " + http.token_text;
        const auto says = [&](std::string_view part) {
            return http.token_text.find(part) != std::string::npos;
        };
        // Clocks that differ are found already; what they do to a token is their fault.
        if (out_.has(Code::kClockOff) && (says("expired") || says("not valid yet"))) return false;
        if (http.swapped_is_taken)
            out_.add(Code::kKeySecretSwapped, "the other way round a token is taken");
        else if (http.token_status == kUnauthorized && says("API key"))
            out_.add(Code::kKeyUnknown, said);
        else if (http.token_status == kUnauthorized &&
                 (says("signature") || says("cryptographic primitive")))
            out_.add(Code::kSecretWrong, said);
        else
            out_.add(Code::kTokenRefused, said);
        return false;
    }

    bool signalling() {
        const SignalFacts& signal = facts_.signal;
        if (!signal.upgraded) {
            not_upgraded();
            return false;
        }
        const bool late = signal.pong && signal.pong_took > facts_.connect_took * 3 + kHeld;
        if ((!signal.joined || !signal.pong) && signal.error.empty()) {
            out_.add(Code::kWsBuffered, "the WebSocket opens, and no message comes through");
            return false;
        }
        if (late)
            out_.add(Code::kWsBuffered, "an answer took " + ms_text(signal.pong_took) +
                                            ", the connection " + ms_text(facts_.connect_took));
        if (!signal.joined || !signal.has_credentials) {
            out_.add(Code::kWsSilent, signal.error);
            return false;
        }
        if (!late) out_.good("WebSocket", "an answer takes " + ms_text(signal.pong_took));
        return true;
    }
    void not_upgraded() {
        const SignalFacts& signal = facts_.signal;
        const int status = signal.refused_status;
        // The token was taken a moment ago: only the server itself says these.
        if (status == kUnauthorized || status == kForbidden || status == kUnavailable ||
            (status == kNotFound && signal.error.find("room") != std::string::npos))
            return out_.add(Code::kJoinRefused, std::to_string(status) + " " + signal.error);
        out_.add(Code::kWsUpgrade, status == 0 ? (signal.error.empty() ? "no answer" : signal.error)
                                               : "the answer is " + std::to_string(status));
    }

    // ------------------------------------------------------------ media

    struct Count {
        std::size_t all = 0;
        std::size_t answered = 0;
        std::string dead;  // those that did not
    };
    Count count(bool is_tcp) const {
        Count count;
        for (const CandidateFacts& one : facts_.candidates) {
            // An address of a family that this machine has no way to says nothing of the server.
            if (one.is_tcp != is_tcp || one.reach == Reach::kUnreachable) continue;
            ++count.all;
            if (one.reach == Reach::kAnswered)
                ++count.answered;
            else
                count.dead += (count.dead.empty() ? "" : ", ") + one.address.to_string();
        }
        return count;
    }

    void media() {
        if (facts_.candidates.empty())
            return out_.add(Code::kCandidatesNone, "the server offers no address for media");
        const Count udp = count(false);
        const Count tcp = count(true);
        if (udp.answered + tcp.answered == 0) return unreachable();
        if (udp.answered == 0)
            out_.add(Code::kUdpBlocked, udp.all == 0 ? "no address is offered for UDP" : udp.dead);
        else if (!udp.dead.empty())
            out_.add(Code::kUdpCandidateDead, udp.dead);
        else
            out_.good("media by UDP", std::to_string(udp.answered) + " address(es) answer");
        if (tcp.all > 0 && tcp.answered == 0)
            out_.add(Code::kTcpMediaBlocked, tcp.dead);
        else if (tcp.answered > 0)
            out_.good("media by TCP", std::to_string(tcp.answered) + " address(es) answer");
    }
    void unreachable() {
        std::string list;
        bool all_private = true;
        bool all_loopback = true;
        for (const CandidateFacts& one : facts_.candidates) {
            list += (list.empty() ? "" : ", ") + one.address.to_string() +
                    (one.is_tcp ? " by TCP" : " by UDP");
            all_private = all_private && is_private(one.address.ip);
            all_loopback = all_loopback && one.address.ip.is_loopback();
        }
        // The address is why; on the server's own machine that is found without asking.
        if (all_loopback && !out_.has(Code::kCandidatesLoopback))
            return out_.add(Code::kCandidatesLoopback, list);
        if (all_private && !is_private(facts_.address.ip) && !out_.has(Code::kCandidatesPrivate))
            return out_.add(Code::kCandidatesPrivate, list);
        if (!out_.has(Code::kCandidatesLoopback) && !out_.has(Code::kNodeIpForeign))
            out_.add(Code::kMediaUnreachable, list);
    }

    void path_mtu() {
        const PathMtuFacts& mtu = facts_.mtu;
        if (!mtu.tried) return;
        if (mtu.passes)
            out_.good("packet size", std::to_string(mtu.bytes) + " bytes get through");
        else if (!out_.has(Code::kInterfaceMtu))
            out_.add(Code::kMtuLow, "packets of " + std::to_string(mtu.bytes) + " bytes are lost");
    }

    void judge_turn(const TurnFacts& turn) {
        if (!turn.resolve_error.empty())
            return out_.has(Code::kTurnDomainDns)
                       ? void()
                       : out_.add(Code::kTurnUnreachable, turn.url + ": its name has no address (" +
                                                              turn.resolve_error + ")");
        if (turn.is_tls && !turn.tls.faults.empty())
            return out_.add(Code::kTurnTls, turn.url + ": " + tls_fault_text(turn.tls));
        if (turn.reach != Reach::kAnswered) return out_.add(Code::kTurnUnreachable, turn.url);
        if (!turn.allocated)
            return out_.add(turn.error_code == 0 ? Code::kTurnUnreachable : Code::kTurnCredentials,
                            turn.url + (turn.error_code == 0
                                            ? std::string(": it does not answer")
                                            : ": it answers " + std::to_string(turn.error_code)));
        // A relay that is not asked for media is there; one whose media is closed to all is not it.
        if (turn.relay == Reach::kRefused || turn.relay == Reach::kSilent) {
            if (count(false).answered > 0) out_.add(Code::kTurnRelay, turn.url);
            return;
        }
        out_.good("TURN", turn.url);
    }

    const ServerFacts& facts_;
    const HostFacts* host_;
    UnixTime now_;
    Diagnosis& out_;
};

}  // namespace

void judge_server(const ServerFacts& facts, const HostFacts* host, UnixTime now, Diagnosis& out) {
    ServerJudge(facts, host, now, out).run();
}

}  // namespace confab::doctor

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/tls/acme.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include "app/version.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "crypto/x509/self_signed.h"
#include "runtime/telemetry/log.h"

namespace confab::app {
namespace {

constexpr Duration kPatience = Duration::seconds(30);  // of a request
constexpr Duration kDay = Duration::seconds(86'400);
constexpr Duration kPlaceholderLife = Duration::seconds(30 * 86'400);
constexpr std::uint16_t kHttpsPort = 443;

std::vector<std::string> names_of(const config::Config& config) {
    std::vector<std::string> names = config.tls.domains;
    const config::Turn& turn = config.turn;
    const bool of_turn = turn.enabled && turn.tls_port != 0 && !turn.external_tls &&
                         turn.cert_file.empty() && !turn.domain.empty();
    if (of_turn && std::find(names.begin(), names.end(), turn.domain) == names.end())
        names.push_back(turn.domain);
    return names;
}

// An authority asks at 80 and 443 and nowhere else.
std::vector<acme::ChallengeKind> kinds_of(const config::Config& config) {
    std::vector<acme::ChallengeKind> kinds;
    if (config.port == kHttpsPort || config.tls.redirect_port == 0)
        kinds.push_back(acme::ChallengeKind::kTlsAlpn01);
    if (config.tls.redirect_port != 0) kinds.push_back(acme::ChallengeKind::kHttp01);
    return kinds;
}

Result<net::HttpClientOptions, std::string> client_options(const std::string& ca_file) {
    net::HttpClientOptions options;
    options.max_requests = 1;
    if (ca_file.empty()) return options;
    std::ifstream file(ca_file, std::ios::binary);
    options.extra_ca_pem.assign(std::istreambuf_iterator<char>(file), {});
    if (options.extra_ca_pem.find("-----BEGIN CERTIFICATE-----") == std::string::npos)
        return fail("tls.acme_ca_file: " + ca_file +
                    " has no certificate in it; name the PEM file of the authority");
    return options;
}

crypto::SelfSignedOptions placeholder_for(std::vector<std::string> names, UnixTime now) {
    return {std::move(names), now - kDay, now + kPlaceholderLife};
}

}  // namespace

Acme::Acme(net::EventLoop& loop, AcmeStore store, acme::Issuer issuer,
           net::HttpClientOptions client, Certificates& certificates)
    : store_(std::move(store)),
      issuer_(std::move(issuer)),
      client_(loop, std::move(client)),
      certificates_(certificates),
      timer_(loop) {}

Acme::~Acme() = default;

Result<std::unique_ptr<Acme>, std::string> Acme::make(net::EventLoop& loop,
                                                      const config::Config& config,
                                                      const std::string& data_dir,
                                                      Certificates& certificates) {
    if (!acme::is_url(config.tls.acme_directory))
        return fail("tls.acme_directory: \"" + config.tls.acme_directory +
                    "\" is no address; write https://HOST/PATH");
    CONFAB_TRY(AcmeStore store, AcmeStore::open(data_dir));
    CONFAB_TRY(crypto::EcKey account, store.account_key());
    CONFAB_TRY(net::HttpClientOptions client, client_options(config.tls.acme_ca_file));
    std::vector<std::string> names = names_of(config);
    acme::IssuerOptions options{config.tls.acme_directory, config.tls.email, names,
                                kinds_of(config), &crypto::EcKey::generate};
    acme::Issuer issuer(std::move(options), std::move(account), crypto::seeded_rng());
    std::unique_ptr<Acme> made(
        new Acme(loop, std::move(store), std::move(issuer), std::move(client), certificates));
    CONFAB_TRY_VOID(made->show_kept(names));
    return made;
}

Result<void, std::string> Acme::show_kept(const std::vector<std::string>& names) {
    const acme::Moment now = moment();
    std::string notice;
    const auto kept = store_.certificate(notice);
    if (!notice.empty())
        telemetry::log_warn("a new certificate is asked for", {{"reason", notice}});
    const bool fits = kept && std::all_of(names.begin(), names.end(), [&](const std::string& name) {
                          return kept->names(name);
                      });
    if (fits) {
        issuer_.set_life(now, kept->not_before(), kept->not_after());
        certificates_.set_issued(*kept, false);
        return {};
    }
    auto placeholder = crypto::make_self_signed_server(placeholder_for(names, now.wall));
    if (!placeholder) return fail(std::string("a certificate to begin with could not be made"));
    certificates_.set_issued(*std::move(placeholder), true);
    telemetry::log_info(
        "a certificate is asked for; until it comes, clients see one that nobody "
        "vouches for");
    return {};
}

acme::Moment Acme::moment() {
    return {net::EventLoop::now(), net::EventLoop::wall()};
}

void Acme::start() {
    issuer_.handle_timeout(moment());
    turn();
}

void Acme::turn() {
    while (const auto event = issuer_.poll_event())
        std::visit([this](const auto& one) { take(one); }, *event);
    if (const auto request = issuer_.poll_transmit()) send(*request);
    timer_.set(issuer_.next_deadline(), [this] {
        issuer_.handle_timeout(moment());
        turn();
    });
}

void Acme::take(const acme::Challenge& challenge) {
    telemetry::log_info("the authority looks at this server",
                        {{"domain", challenge.domain}, {"by", acme::to_text(challenge.kind)}});
    if (challenge.kind == acme::ChallengeKind::kHttp01) {
        tokens_[challenge.token] = challenge.key_authorization;
        return;
    }
    crypto::SelfSignedOptions options = placeholder_for({challenge.domain}, moment().wall);
    options.acme_digest = crypto::sha256(as_bytes(challenge.key_authorization));
    auto certificate = crypto::make_self_signed_server(options);
    if (!certificate) return;  // the challenge fails, and so does the order
    challenges_.push_back({challenge.domain, *std::move(certificate)});
    certificates_.set_challenges(challenges_);
}

void Acme::take(const acme::Withdrawn&) {
    tokens_.clear();
    if (challenges_.empty()) return;
    challenges_.clear();
    certificates_.set_challenges({});
}

void Acme::take(const acme::Issued& issued) {
    telemetry::log_info("certificate issued",
                        {{"names", issued.certificate.names_text()},
                         {"until", net::http_date(issued.certificate.not_after())}});
    if (const auto kept = store_.keep(issued.chain_pem, issued.key_pem); !kept)
        telemetry::log_error("the certificate is lost with the next restart",
                             {{"reason", kept.error()}});
    certificates_.set_issued(issued.certificate, false);
}

void Acme::take(const acme::Failed& failed) {
    certificates_.note_failure(
        Certificates::kHttp,
        failed.why + " (again in " + std::to_string(failed.again.us() / 1'000'000) + " s)");
}

void Acme::send(const acme::Request& request) {
    net::HttpClientRequest wanted;
    wanted.method = request.method;
    wanted.url = request.url;
    wanted.body = request.body;
    wanted.timeout = wanted.connect_timeout = kPatience;
    wanted.headers.add("User-Agent", "confab/" + std::string(kConfabVersion));
    if (!request.content_type.empty()) wanted.headers.add("Content-Type", request.content_type);
    client_.send(std::move(wanted),
                 [this](net::HttpClient::Result result) { answered(std::move(result)); });
}

void Acme::answered(net::HttpClient::Result result) {
    if (!result) {
        issuer_.handle_lost(moment(), std::string(net::to_string(result.error())));
        return turn();
    }
    acme::Response response;
    response.status = result->status;
    response.body = std::move(result->body);
    response.nonce = result->headers.get("Replay-Nonce");
    response.location = result->headers.get("Location");
    response.retry_after = result->headers.get("Retry-After");
    issuer_.handle_response(moment(), response);
    turn();
}

std::optional<std::string> Acme::answer(std::string_view path) const {
    if (!path.starts_with(kPath)) return std::nullopt;
    const auto found = tokens_.find(path.substr(kPath.size()));
    if (found == tokens_.end()) return std::nullopt;
    return found->second;
}

}  // namespace confab::app

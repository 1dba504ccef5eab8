// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/tls/certificates.h"

#include <utility>

#include "app/serve/reload.h"
#include "runtime/telemetry/log.h"

namespace confab::app {
namespace {

using telemetry::Metric;

double in_seconds(UnixTime time) {
    return static_cast<double>(time.s());
}

std::vector<std::string> turn_names(const config::Turn& turn) {
    if (turn.domain.empty()) return {};
    return {turn.domain};
}

}  // namespace

Certificates::Certificates(net::EventLoop& loop, telemetry::Metrics& metrics,
                           const config::Config& config)
    : metrics_(metrics),
      shares_turn_(config.shares_turn_tls()),
      turn_tls_(config.turn.enabled && config.turn.tls_port != 0 && !config.turn.external_tls),
      timer_(loop) {
    const config::Tls& tls = config.tls;
    const config::Turn& turn = config.turn;
    if (!tls.cert_file.empty())
        http_files_.emplace(CertificatePlace{"tls", tls.cert_file, tls.key_file, tls.domains});
    if (turn_tls_ && !turn.cert_file.empty())
        turn_files_.emplace(
            CertificatePlace{"turn", turn.cert_file, turn.key_file, turn_names(turn)});
}

Result<void, std::string> Certificates::load() {
    const UnixTime now = net::EventLoop::wall();
    for (auto* const files : {&http_files_, &turn_files_}) {
        if (!*files) continue;
        std::string warning;
        CONFAB_TRY_VOID((*files)->load(now, warning));
        if (!warning.empty())
            telemetry::log_error("clients will refuse the certificate", {{"reason", warning}});
    }
    return show();
}

// Makes the contexts of what there is.
Result<void, std::string> Certificates::show() {
    net::TlsContext::Options http;
    if (http_files_)
        http.certificates.push_back(http_files_->certificate());
    else if (issued_)
        http.certificates.push_back(*issued_);
    net::TlsContext::Options turn;
    if (turn_files_)
        turn.certificates.push_back(turn_files_->certificate());
    else if (turn_tls_)
        turn.certificates = http.certificates;
    if (turn_files_ && shares_turn_ && !http.certificates.empty())
        http.certificates.push_back(turn_files_->certificate());
    http.challenges = challenges_;
    const auto make = [](const net::TlsContext::Options& options, const char* section,
                         net::TlsContext& into) -> Result<void, std::string> {
        if (options.certificates.empty()) return {};
        auto made = net::TlsContext::make(options);
        if (!made)
            return fail(std::string(section) + ".cert_file cannot be used: " + made.error() +
                        "; take an ECDSA P-256 or RSA key of 2048 bits or more");
        into = *std::move(made);
        return {};
    };
    CONFAB_TRY_VOID(make(http, "tls", http_));
    CONFAB_TRY_VOID(make(turn, "turn", turn_));
    const auto tell = [this](const char* use, const net::TlsContext::Options& options) {
        if (options.certificates.empty() || placeholder_) return;
        metrics_.set(Metric::kTlsCertificateExpiry, {use},
                     in_seconds(options.certificates.front().not_after()));
    };
    tell(kHttp, http);
    tell(kTurn, turn);
    return {};
}

std::vector<Certificates::Shown> Certificates::shown() const {
    std::vector<Shown> all;
    if (http_files_)
        all.push_back({kHttp, http_files_->certificate(), true, false});
    else if (issued_)
        all.push_back({kHttp, *issued_, false, placeholder_});
    if (turn_files_) all.push_back({kTurn, turn_files_->certificate(), true, false});
    return all;
}

void Certificates::watch(std::function<void()> changed) {
    changed_ = std::move(changed);
    if (http_files_ || turn_files_)
        timer_.set(net::EventLoop::now() + kLookAtFiles, [this] { look(); });
}

void Certificates::look() {
    if (http_files_ && http_files_->changed()) reload(*http_files_, kHttp);
    if (turn_files_ && turn_files_->changed()) reload(*turn_files_, kTurn);
    timer_.set(net::EventLoop::now() + kLookAtFiles, [this] { look(); });
}

void Certificates::reload() {
    if (http_files_) reload(*http_files_, kHttp);
    if (turn_files_) reload(*turn_files_, kTurn);
}

void Certificates::reload(CertificateFiles& files, const char* use) {
    const CertificateFiles before = files;
    auto taken = files.reload(net::EventLoop::wall());
    if (taken) taken = show();
    if (!taken) {
        files = before;
        return note_failure(use, taken.error());
    }
    telemetry::log_info("certificate taken over", {{"use", use},
                                                   {"names", files.certificate().names_text()},
                                                   {"until", files.certificate().not_after().s()}});
    if (changed_) changed_();
}

void Certificates::note_failure(const char* use, const std::string& why) {
    metrics_.add(Metric::kTlsCertificateFailures, {use});
    metrics_.set(Metric::kTlsCertificateLastFailure, {use}, in_seconds(net::EventLoop::wall()));
    telemetry::log_error("no other certificate is taken, the one before stays",
                         {{"use", use}, {"reason", why}});
}

void Certificates::set_issued(crypto::ServerCertificate certificate, bool placeholder) {
    auto before = std::exchange(issued_, std::move(certificate));
    placeholder_ = placeholder;
    if (const auto shown = show(); !shown) {
        issued_ = std::move(before);
        return note_failure(kHttp, shown.error());
    }
    if (changed_) changed_();
}

void Certificates::set_challenges(std::vector<net::TlsContext::Challenge> challenges) {
    challenges_ = std::move(challenges);
    if (const auto shown = show(); !shown) return note_failure(kHttp, shown.error());
    if (changed_) changed_();
}

}  // namespace confab::app

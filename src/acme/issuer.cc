// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "acme/issuer.h"

#include <algorithm>
#include <utility>

#include "acme/signed_request.h"
#include "base/machine.h"
#include "base/text.h"
#include "json/json.h"

namespace confab::acme {
namespace {

constexpr std::string_view kNothing = "{}";

std::string account_payload(const std::string& email) {
    json::Writer json;
    json.begin_object();
    json.boolean("termsOfServiceAgreed", true);
    if (!email.empty()) json.strings("contact", {"mailto:" + email});
    json.end_object();
    return json.take();
}

std::string order_payload(const std::vector<std::string>& names) {
    std::string list;
    for (const std::string& name : names) {
        json::Writer one;
        one.begin_object();
        one.string("type", "dns");
        one.string("value", name);
        one.end_object();
        list += (list.empty() ? "[" : ",") + one.take();
    }
    json::Writer json;
    json.begin_object();
    json.raw("identifiers", list + "]");
    json.end_object();
    return json.take();
}

// What an operator can do about it.
std::string_view remedy_for(const std::string& problem) {
    if (problem == "rateLimited") return "; it is asked again when it says so";
    if (problem == "rejectedIdentifier") return "; correct tls.domain and tls.domains";
    if (problem == "invalidContact" || problem == "unsupportedContact")
        return "; correct tls.email";
    if (problem == "externalAccountRequired")
        return "; take an authority without accounts of its own as tls.acme_directory";
    if (problem == "caa") return "; allow this authority in the CAA record of the domain";
    return {};
}

}  // namespace

static_assert(SansIoMachine<Issuer, Moment>);

Issuer::Issuer(IssuerOptions options, crypto::EcKey account, Rng rng)
    : options_(std::move(options)), account_(std::move(account)), rng_(rng) {}

// ---------------------------------------------------------------- when

void Issuer::set_life(Moment at, UnixTime begin, UnixTime end) {
    due_ = begin + Duration::micros((end - begin).us() / 3 * 2);
    if (step_ == Step::kIdle) wake_at_ = at.now;
}

void Issuer::handle_timeout(Moment at) {
    if (at.now < wake_at_) return;
    if (step_ == Step::kAuthorizationPoll || step_ == Step::kOrderPoll) {
        wake_at_ = Timestamp::never();
        waits_ = true;
        return;
    }
    if (step_ != Step::kIdle) return;
    if (at.wall >= due_) return begin(at);
    wake_at_ = at.now + std::min(due_ - at.wall, kLook);
}

void Issuer::begin(Moment) {
    polls_ = refused_nonces_ = at_authorization_ = 0;
    ask(Step::kDirectory, options_.directory_url);
}

void Issuer::fail(Moment at, std::string why, Duration at_least) {
    ++failures_;
    Duration pause = kFirstPause;
    for (std::size_t i = 1; i < failures_ && pause < kLongestPause; ++i)
        pause = pause + pause;
    pause = std::min(pause, kLongestPause);
    // Not all servers of an operator at once.
    pause = pause + Duration::micros(static_cast<std::int64_t>(
                        rng_.below(static_cast<std::uint64_t>(pause.us() / 10))));
    pause = std::max(pause, at_least);
    step_ = Step::kIdle;
    waits_ = sent_ = asks_nonce_ = false;
    key_.reset();
    wake_at_ = at.now + pause;
    events_.emplace_back(Withdrawn{});
    events_.emplace_back(Failed{std::move(why), pause});
}

// ---------------------------------------------------------------- requests

void Issuer::ask(Step step, std::string url, std::string payload) {
    step_ = step;
    url_ = std::move(url);
    payload_ = std::move(payload);
    waits_ = true;
    wake_at_ = Timestamp::never();
}

std::optional<Request> Issuer::poll_transmit() {
    if (!waits_ || sent_) return std::nullopt;
    sent_ = true;
    if (step_ == Step::kDirectory) return Request{"GET", url_, {}, {}};
    if (nonce_.empty()) {
        asks_nonce_ = true;
        return Request{"HEAD", directory_.new_nonce, {}, {}};
    }
    return sign();
}

Request Issuer::sign() {
    const std::string nonce = std::exchange(nonce_, {});
    const bool by_key = step_ == Step::kAccount;
    const SignedHead head{url_, nonce, by_key ? std::string_view() : account_url_};
    const auto body = signed_body(account_, head, payload_);
    return {"POST", url_, std::string(kSignedType), body.value_or(std::string())};
}

void Issuer::handle_lost(Moment at, const std::string& why) {
    if (!sent_) return;
    const std::string url = asks_nonce_ ? directory_.new_nonce : url_;
    fail(at, "no answer from " + plain_text(url) + ": " + plain_text(why) +
                 "; let this server reach tls.acme_directory over https");
}

void Issuer::handle_response(Moment at, const Response& response) {
    if (!sent_) return;
    sent_ = false;
    if (is_base64url(response.nonce, kMaxNonce)) nonce_ = response.nonce;
    if (std::exchange(asks_nonce_, false)) {
        if (nonce_.empty()) fail(at, "the authority gives no nonce");
        return;
    }
    waits_ = false;
    if (response.status / 100 != 2) return refused(at, response);
    refused_nonces_ = 0;
    take(at, response);
}

void Issuer::refused(Moment at, const Response& response) {
    const Problem problem = parse_problem(response);
    if (problem.type == "badNonce" && ++refused_nonces_ <= kMaxNonces) {
        waits_ = true;  // with the nonce that came along, or another one
        return;
    }
    if (problem.type == "accountDoesNotExist") account_url_.clear();
    const Duration after =
        parse_retry_after(response.retry_after, at.wall).value_or(Duration::zero());
    fail(at,
         "the authority refuses: " + problem.type + ": " + problem.detail +
             std::string(remedy_for(problem.type)),
         after);
}

// Asks the same once more, later.
void Issuer::ask_again(Moment at, const Response& response) {
    if (++polls_ > kMaxPolls) return fail(at, "the authority does not come to a decision");
    Duration pause = kFirstPoll;
    for (std::size_t i = 1; i < polls_ && pause < kLongestPoll; ++i)
        pause = pause + pause;
    if (const auto wanted = parse_retry_after(response.retry_after, at.wall))
        pause = std::max(*wanted, kFirstPoll);
    wake_at_ = at.now + std::min(pause, kLongestPoll);
}

// ---------------------------------------------------------------- answers

void Issuer::take(Moment at, const Response& response) {
    switch (step_) {
        case Step::kDirectory:
            return take_directory(at, response);
        case Step::kAccount:
            return take_account(at, response);
        case Step::kOrder:
        case Step::kFinalize:
        case Step::kOrderPoll:
            return take_order(at, response);
        case Step::kAuthorization:
        case Step::kAuthorizationPoll:
            return take_authorization(at, response);
        case Step::kChallenge:
            polls_ = 0;
            ask(Step::kAuthorizationPoll, order_.authorizations[at_authorization_]);
            waits_ = false;
            wake_at_ = at.now + kFirstPoll;
            return;
        case Step::kCertificate:
            return take_certificate(at, response);
        case Step::kIdle:
            return;
    }
}

void Issuer::take_directory(Moment at, const Response& response) {
    auto directory = parse_directory(response.body);
    if (!directory)
        return fail(at, plain_text(options_.directory_url) +
                            " is no ACME directory; correct tls.acme_directory");
    directory_ = *std::move(directory);
    if (account_url_.empty())
        ask(Step::kAccount, directory_.new_account, account_payload(options_.email));
    else
        ask(Step::kOrder, directory_.new_order, order_payload(options_.names));
}

void Issuer::take_account(Moment at, const Response& response) {
    if (!is_url(response.location)) return fail(at, "the authority names no account");
    account_url_ = response.location;
    ask(Step::kOrder, directory_.new_order, order_payload(options_.names));
}

void Issuer::take_order(Moment at, const Response& response) {
    const Step step = step_;
    auto order = parse_order(response.body);
    if (!order) return fail(at, "the authority answers with something that is no order");
    order_ = *std::move(order);
    if (step == Step::kOrder) {
        if (!is_url(response.location)) return fail(at, "the authority names no order");
        order_url_ = response.location;
        at_authorization_ = 0;
    }
    switch (order_.status) {
        case Status::kInvalid:
            return fail(at, "the authority gives the order up: " + order_.error);
        case Status::kValid:
            if (order_.certificate.empty() || !key_)
                return fail(at, "the authority names no certificate");
            return ask(Step::kCertificate, order_.certificate);
        case Status::kReady:
            if (step == Step::kOrder) return finalize(at);
            break;
        case Status::kPending:
            if (step == Step::kOrder) return next_authorization(at);
            break;
        case Status::kProcessing:
            break;
    }
    if (step != Step::kOrderPoll) polls_ = 0;
    ask(Step::kOrderPoll, order_url_);
    waits_ = false;
    ask_again(at, response);
}

void Issuer::next_authorization(Moment at) {
    if (at_authorization_ < order_.authorizations.size())
        return ask(Step::kAuthorization, order_.authorizations[at_authorization_]);
    finalize(at);
}

void Issuer::take_authorization(Moment at, const Response& response) {
    const auto authorization = parse_authorization(response.body);
    if (!authorization)
        return fail(at, "the authority answers with something that is no authorization");
    switch (authorization->status) {
        case Status::kValid:
            ++at_authorization_;
            return next_authorization(at);
        case Status::kInvalid:
            return fail(at, "the authority could not see that " +
                                plain_text(authorization->domain) +
                                " is this server: " + authorization->error +
                                "; let the whole internet reach it at port 443, or at 80 with "
                                "tls.redirect_port, under that name");
        default:
            break;
    }
    if (step_ == Step::kAuthorization) return answer(at, *authorization);
    ask_again(at, response);
}

void Issuer::answer(Moment at, const Authorization& authorization) {
    const std::vector<std::string>& names = options_.names;
    if (std::find(names.begin(), names.end(), authorization.domain) == names.end())
        return fail(at, "the authority asks for a name that is not ours");
    const std::size_t count = options_.kinds.size();
    for (std::size_t i = 0; i < count; ++i) {
        const ChallengeKind kind = options_.kinds[(i + failures_) % count];
        for (const Authorization::Challenge& one : authorization.challenges) {
            if (one.kind != kind) continue;
            events_.emplace_back(Challenge{kind, authorization.domain, one.token,
                                           one.token + "." + account_.thumbprint()});
            return ask(Step::kChallenge, one.url, std::string(kNothing));
        }
    }
    fail(at,
         "the authority offers none of the challenges that this server can answer; set "
         "tls.redirect_port: 80, or port: 443");
}

void Issuer::finalize(Moment at) {
    auto key = options_.new_key();
    if (!key) return fail(at, "a key could not be made");
    const auto request = key->certificate_request(options_.names);
    if (!request) return fail(at, "a certificate request could not be made");
    key_ = *std::move(key);
    json::Writer json;
    json.begin_object();
    json.string("csr", base64_encode(*request, Base64::kUrlNoPadding));
    json.end_object();
    ask(Step::kFinalize, order_.finalize, json.take());
}

// Empty: clients will take it.
std::string Issuer::objection_to(const crypto::ServerCertificate& certificate,
                                 UnixTime wall) const {
    for (const std::string& name : options_.names)
        if (!certificate.names(name)) return "not for " + name;
    if (wall > certificate.not_after()) return "expired; set the clock of this server";
    return {};
}

void Issuer::take_certificate(Moment at, const Response& response) {
    crypto::Secret key = key_->pem();
    auto certificate = crypto::ServerCertificate::read(response.body, as_text(key.view()));
    if (!certificate)
        return fail(at, "the certificate of the authority " +
                            std::string(crypto::to_text(certificate.error())));
    if (const std::string why = objection_to(*certificate, at.wall); !why.empty())
        return fail(at, "the certificate of the authority is " + why);
    key_.reset();
    failures_ = 0;
    step_ = Step::kIdle;
    set_life(at, certificate->not_before(), certificate->not_after());
    events_.emplace_back(Withdrawn{});
    events_.emplace_back(Issued{*std::move(certificate), response.body, std::move(key)});
}

std::optional<Event> Issuer::poll_event() {
    if (events_.empty()) return std::nullopt;
    Event first = std::move(events_.front());
    events_.erase(events_.begin());
    return first;
}

}  // namespace confab::acme

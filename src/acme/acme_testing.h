// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// For tests: an authority that answers each request as it is told to, and what the machine says.
#pragma once

#include <doctest/doctest.h>

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "acme/issuer.h"
#include "base/text.h"
#include "crypto/x509/self_signed.h"
#include "json/json.h"

namespace confab::acme {

inline constexpr UnixTime kBegin = UnixTime::seconds(1'800'000'000);

inline std::string directory_json() {
    return R"({"newNonce":"https://ca.test/nonce","newAccount":"https://ca.test/account",)"
           R"("newOrder":"https://ca.test/order"})";
}
inline std::string order_json(const std::string& status, std::size_t authorizations = 1,
                              const std::string& more = {}) {
    std::string list;
    for (std::size_t i = 0; i < authorizations; ++i)
        list +=
            (i > 0 ? "," : "") + ("\"https://ca.test/authorization/" + std::to_string(i)) + "\"";
    return R"({"status":")" + status + R"(","authorizations":[)" + list +
           R"(],"finalize":"https://ca.test/finalize")" + more + "}";
}
inline std::string authorization_json(const std::string& status,
                                      const std::string& domain = "meet.test",
                                      const std::string& more = {}) {
    return R"({"status":")" + status + R"(","identifier":{"type":"dns","value":")" + domain +
           R"("},"challenges":[{"type":"dns-01","url":"https://ca.test/c/0","token":"t0"},)"
           R"({"type":"http-01","url":"https://ca.test/c/1","token":"t1"},)"
           R"({"type":"tls-alpn-01","url":"https://ca.test/c/2","token":"t2")" +
           more + "}]}";
}
inline std::string problem_json(const std::string& type, const std::string& detail) {
    return R"({"type":"urn:ietf:params:acme:error:)" + type + R"(","detail":")" + detail + "\"}";
}

// The parts of a signed body.
struct SignedParts {
    json::Value head;
    std::string payload;
};
inline SignedParts parts_of(const Request& request) {
    const auto body = json::parse(request.body);
    REQUIRE(body);
    const auto decode = [&](std::string_view name) {
        const auto bytes = base64_decode(body->find(name)->string, Base64::kUrlNoPadding);
        REQUIRE(bytes);
        return std::string(as_text(*bytes));
    };
    // Its views are not looked at.
    return {json::parse(decode("protected")).value(), decode("payload")};
}

class Scene {
  public:
    explicit Scene(std::vector<ChallengeKind> kinds = {ChallengeKind::kTlsAlpn01,
                                                       ChallengeKind::kHttp01},
                   std::vector<std::string> names = {"meet.test"})
        : issuer({"https://ca.test/directory", "operator@meet.test", std::move(names),
                  std::move(kinds),
                  [this] {
                      auto key = crypto::EcKey::generate();
                      last_key = *key;
                      return key;
                  }},
                 *crypto::EcKey::generate(), Rng(7)) {}

    // The request that is to be sent now; `url` as it has to be.
    Request next(std::string_view url) {
        drain();
        const auto request = issuer.poll_transmit();
        REQUIRE(request);
        CHECK(request->url == "https://ca.test/" + std::string(url));
        return *request;
    }
    void answer(int status, std::string body, std::string location = {},
                std::string retry_after = {}) {
        issuer.handle_response(at, {status, std::move(body), "nonce" + std::to_string(++nonces),
                                    std::move(location), std::move(retry_after)});
        drain();
    }
    // From the directory to the order; what comes next is up to the test.
    void begin(std::string order = order_json("pending")) {
        issuer.handle_timeout(at);
        CHECK(next("directory").method == "GET");
        answer(200, directory_json());
        if (!has_account) {
            if (nonces_needed()) get_nonce();
            next("account");
            answer(201, "{}", "https://ca.test/account/1");
            has_account = true;
        }
        next("order");
        answer(201, std::move(order), "https://ca.test/order/1");
    }
    bool nonces_needed() {
        const bool first = !had_nonce;
        had_nonce = true;
        return first && nonces == 0;
    }
    void get_nonce() {
        CHECK(next("nonce").method == "HEAD");
        answer(200, "");
    }
    // From the pending order to the finalized one.
    void authorize() {
        next("authorization/0");
        answer(200, authorization_json("pending"));
        next("c/2");
        answer(200, "{}");
        wait();
        next("authorization/0");
        answer(200, authorization_json("valid"));
    }
    void finish(UnixTime begin, UnixTime end) {
        next("finalize");
        answer(200, order_json("valid", 1, R"(,"certificate":"https://ca.test/certificate")"));
        next("certificate");
        answer(200, chain(begin, end));
    }
    // A certificate for the key that was made last.
    std::string chain(UnixTime begin, UnixTime end,
                      const std::vector<std::string>& names = {"meet.test"});
    // Until the machine wants to be woken, and wakes it.
    void wait() {
        REQUIRE_FALSE(issuer.next_deadline().is_never());
        const Duration pause = issuer.next_deadline() - at.now;
        if (pause > Duration::zero()) at = {at.now + pause, at.wall + pause};
        issuer.handle_timeout(at);
        drain();
    }
    void drain() {
        while (auto event = issuer.poll_event()) {
            if (auto* const one = std::get_if<Challenge>(&*event)) challenges.push_back(*one);
            if (std::get_if<Withdrawn>(&*event) != nullptr) challenges.clear();
            if (auto* const one = std::get_if<Failed>(&*event)) failures.push_back(*one);
            if (std::get_if<Issued>(&*event) != nullptr) ++issued;
        }
    }

    std::optional<crypto::EcKey> last_key;
    Issuer issuer;
    Moment at{Timestamp::micros(1'000'000), kBegin};
    std::size_t nonces = 0;
    bool had_nonce = false;
    bool has_account = false;
    std::vector<Challenge> challenges;
    std::vector<Failed> failures;
    int issued = 0;
};

}  // namespace confab::acme

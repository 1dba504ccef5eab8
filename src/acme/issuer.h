// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Gets a certificate for a server's names and another one in time (RFC 8555): a machine. After each
// input its driver takes the events, shows the challenges that they ask for, then sends the request
// that there is, one at a time, and says what became of it.
//
// A certificate is due at two thirds of the life of the one before. What fails is tried again later
// and later, and not before the server's own Retry-After.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "acme/messages.h"
#include "base/result.h"
#include "base/rng.h"
#include "base/time.h"
#include "crypto/x509/ec_key.h"
#include "crypto/x509/server_certificate.h"

namespace confab::acme {

struct IssuerOptions {
    std::string directory_url;
    std::string email;               // may be empty
    std::vector<std::string> names;  // of hosts, at least one, lower case
    // How challenges can be answered, in the order in which they are tried. A further attempt
    // begins with the next.
    std::vector<ChallengeKind> kinds;
    // Keys of certificates, each a new one.
    std::function<Result<crypto::EcKey, crypto::EcKeyError>()> new_key;
};

// The driver's clocks.
struct Moment {
    Timestamp now;
    UnixTime wall;
};

// To be shown for `domain` from now on.
struct Challenge {
    ChallengeKind kind{};
    std::string domain;
    std::string token;
    std::string key_authorization;  // RFC 8555 §8.1
};
// None of the challenges is to be shown any more.
struct Withdrawn {};
struct Issued {
    crypto::ServerCertificate certificate;
    std::string chain_pem;
    crypto::Secret key_pem;
};
struct Failed {
    std::string why;  // for the log, with its remedy where there is one
    Duration again;   // in that time
};
using Event = std::variant<Challenge, Withdrawn, Issued, Failed>;

class Issuer {
  public:
    static constexpr Duration kFirstPause = Duration::seconds(60);
    static constexpr Duration kLongestPause = Duration::seconds(6 * 3600);
    static constexpr Duration kFirstPoll = Duration::seconds(1);
    static constexpr Duration kLongestPoll = Duration::seconds(30);
    static constexpr std::size_t kMaxPolls = 60;                // of one authorization or order
    static constexpr std::size_t kMaxNonces = 5;                // refused ones in a row
    static constexpr Duration kLook = Duration::seconds(3600);  // the wall clock may be set

    // `account` is the key of the account, which is made with the server if it has none of it.
    Issuer(IssuerOptions options, crypto::EcKey account, Rng rng);

    // The life of the certificate in use. Without one a certificate is due at once.
    void set_life(Moment at, UnixTime begin, UnixTime end);
    UnixTime due() const { return due_; }

    void handle_timeout(Moment at);
    // To the last request. `why`: it could not be sent, or nothing came back.
    void handle_response(Moment at, const Response& response);
    void handle_lost(Moment at, const std::string& why);

    std::optional<Request> poll_transmit();
    std::optional<Event> poll_event();
    Timestamp next_deadline() const { return wake_at_; }

  private:
    enum class Step : std::uint8_t {
        kIdle,
        kDirectory,
        kAccount,
        kOrder,
        kAuthorization,      // what is asked for
        kChallenge,          // that it can be looked at
        kAuthorizationPoll,  // what came of it
        kFinalize,
        kOrderPoll,
        kCertificate,
    };

    void begin(Moment at);
    void ask(Step step, std::string url, std::string payload = {});
    void ask_again(Moment at, const Response& response);
    Request sign();
    void take(Moment at, const Response& response);
    void take_directory(Moment at, const Response& response);
    void take_account(Moment at, const Response& response);
    void take_order(Moment at, const Response& response);
    void take_authorization(Moment at, const Response& response);
    void next_authorization(Moment at);
    void answer(Moment at, const Authorization& authorization);
    void finalize(Moment at);
    void take_certificate(Moment at, const Response& response);
    std::string objection_to(const crypto::ServerCertificate& certificate, UnixTime wall) const;
    void refused(Moment at, const Response& response);
    void fail(Moment at, std::string why, Duration at_least = Duration::zero());

    IssuerOptions options_;
    crypto::EcKey account_;
    Rng rng_;
    UnixTime due_;
    Timestamp wake_at_;  // never: an answer is waited for
    Step step_ = Step::kIdle;
    Directory directory_;
    std::string account_url_;
    std::string nonce_;
    std::string url_;      // what step_ asks
    std::string payload_;  // what it says
    bool waits_ = false;   // the request of step_ is to be sent
    bool asks_nonce_ = false;
    bool sent_ = false;
    std::size_t refused_nonces_ = 0;
    std::size_t polls_ = 0;
    std::size_t failures_ = 0;
    Order order_;
    std::string order_url_;
    std::size_t at_authorization_ = 0;
    std::optional<crypto::EcKey> key_;  // of the certificate that is asked for
    std::vector<Event> events_;
};

}  // namespace confab::acme

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Certificates of an authority (acme/issuer.h): its HTTP client and clock, the challenges that are
// shown, what is kept. Only for the thread of its loop.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "acme/issuer.h"
#include "app/serve/tls/acme_store.h"
#include "app/serve/tls/certificates.h"
#include "base/result.h"
#include "config/config.h"
#include "runtime/net/event_loop.h"
#include "runtime/net/http/http_client.h"

namespace confab::app {

class Acme {
  public:
    static constexpr std::string_view kPath = "/.well-known/acme-challenge/";  // RFC 8555 §8.3

    // Shows what is kept in `data_dir`, else a certificate that nobody vouches for. The error is a
    // text for the operator. `certificates` outlives this.
    static Result<std::unique_ptr<Acme>, std::string> make(net::EventLoop& loop,
                                                           const config::Config& config,
                                                           const std::string& data_dir,
                                                           Certificates& certificates);
    ~Acme();

    // Asks the authority from now on, whenever a certificate is due.
    void start();
    // The answer to a challenge over HTTP, if `path` is that of one that is shown.
    std::optional<std::string> answer(std::string_view path) const;

  private:
    Acme(net::EventLoop& loop, AcmeStore store, acme::Issuer issuer, net::HttpClientOptions client,
         Certificates& certificates);
    // `names` are those that the certificate has to have.
    Result<void, std::string> show_kept(const std::vector<std::string>& names);
    static acme::Moment moment();
    void turn();
    void take(const acme::Challenge& challenge);
    void take(const acme::Withdrawn&);
    void take(const acme::Issued& issued);
    void take(const acme::Failed& failed);
    void send(const acme::Request& request);
    void answered(net::HttpClient::Result result);

    AcmeStore store_;
    acme::Issuer issuer_;
    net::HttpClient client_;
    Certificates& certificates_;
    std::map<std::string, std::string, std::less<>> tokens_;  // to key authorizations
    std::vector<net::TlsContext::Challenge> challenges_;
    net::EventLoop::Timer timer_;
};

}  // namespace confab::app

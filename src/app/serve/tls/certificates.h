// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The certificates of this server: what the HTTP port and the TURN server show, from files or from
// an authority, and when it becomes another. Only for the thread of its loop.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "app/serve/tls/certificate_files.h"
#include "base/result.h"
#include "config/config.h"
#include "crypto/x509/server_certificate.h"
#include "runtime/net/event_loop.h"
#include "runtime/net/tls/tls_context.h"
#include "runtime/telemetry/metrics.h"

namespace confab::app {

class Certificates {
  public:
    static constexpr const char* kHttp = "http";  // uses, as metrics call them
    static constexpr const char* kTurn = "turn";

    Certificates(net::EventLoop& loop, telemetry::Metrics& metrics, const config::Config& config);

    // Reads the files; the error is a text for the operator. Without tls.cert_file set_issued() is
    // next.
    Result<void, std::string> load();
    // None where there is no TLS. After load().
    const net::TlsContext& http() const { return http_; }
    const net::TlsContext& turn() const { return turn_; }

    // What clients are shown now, by use.
    struct Shown {
        std::string use;
        crypto::ServerCertificate certificate;
        bool from_files = true;
        bool placeholder = false;
    };
    std::vector<Shown> shown() const;

    // Looks at the files from now on; `changed` is called when http() or turn() is another.
    void watch(std::function<void()> changed);
    // Takes over what the files are now.
    void reload();

    // Of an authority, instead of tls.cert_file. `placeholder`: nobody vouches for it, it is shown
    // until there is one.
    void set_issued(crypto::ServerCertificate certificate, bool placeholder);
    // Instead of those before.
    void set_challenges(std::vector<net::TlsContext::Challenge> challenges);
    // Counts and tells it.
    void note_failure(const char* use, const std::string& why);

  private:
    Result<void, std::string> show();
    void reload(CertificateFiles& files, const char* use);
    void look();

    telemetry::Metrics& metrics_;
    bool shares_turn_;  // the HTTP port
    bool turn_tls_;
    std::optional<CertificateFiles> http_files_;
    std::optional<CertificateFiles> turn_files_;
    std::optional<crypto::ServerCertificate> issued_;
    bool placeholder_ = false;
    std::vector<net::TlsContext::Challenge> challenges_;
    net::TlsContext http_;
    net::TlsContext turn_;
    std::function<void()> changed_;
    net::EventLoop::Timer timer_;
};

}  // namespace confab::app

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/tls/certificates.h"

#include <doctest/doctest.h>

#include "app/serve/tls/certificate_testing.h"

namespace confab::app {
namespace {

using telemetry::Metric;

struct Scene {
    Scene() {
        folder.write(now(), Duration::seconds(3600), {"meet.test"});
        config.port = 443;
        config.tls.domain = "meet.test";
        config.tls.domains = {"meet.test"};
        config.tls.cert_file = folder.at("cert.pem");
        config.tls.key_file = folder.at("key.pem");
    }
    // Lets the loop run until the condition holds, or for three seconds.
    template <typename F>
    bool eventually(F condition) {
        bool held = false;
        net::EventLoop::Timer look(loop);
        const Timestamp end = net::EventLoop::now() + Duration::seconds(8);
        std::function<void()> again = [&] {
            held = condition();
            if (held || net::EventLoop::now() > end) return loop.stop();
            look.set(net::EventLoop::now() + Duration::millis(20), again);
        };
        again();
        if (!held) loop.run();
        return held;
    }

    CertificateFolder folder;
    config::Config config;
    net::EventLoop loop;
    telemetry::Metrics metrics{"ND_test"};
};

}  // namespace

TEST_CASE("Certificates: none without TLS") {
    Scene scene;
    Certificates none(scene.loop, scene.metrics, config::Config{});
    REQUIRE(none.load());
    CHECK_FALSE(none.http());
    CHECK_FALSE(none.turn());
}

TEST_CASE("Certificates: TURN has its own, or that of the HTTP port [TURN-18]") {
    Scene scene;
    scene.config.turn.enabled = true;
    scene.config.turn.tls_port = 5349;
    scene.config.turn.domain = "turn.test";
    {
        Certificates shared(scene.loop, scene.metrics, scene.config);
        REQUIRE(shared.load());
        CHECK(shared.http());
        CHECK(shared.turn());
    }
    const CertificateFolder other;
    other.write(now(), Duration::seconds(7200), {"turn.test"});
    scene.config.turn.cert_file = other.at("cert.pem");
    scene.config.turn.key_file = other.at("key.pem");
    Certificates own(scene.loop, scene.metrics, scene.config);
    REQUIRE(own.load());
    CHECK(scene.metrics.value(Metric::kTlsCertificateExpiry, {"turn"}) >
          scene.metrics.value(Metric::kTlsCertificateExpiry, {"http"}) + 3000);
    scene.config.turn.external_tls = true;
    Certificates proxied(scene.loop, scene.metrics, scene.config);
    REQUIRE(proxied.load());
    CHECK_FALSE(proxied.turn());
}

TEST_CASE("Certificates: what clients are shown, for whoever operates the server") {
    Scene scene;
    scene.config.turn.enabled = true;
    scene.config.turn.tls_port = 5349;
    const CertificateFolder other;
    other.write(now(), Duration::seconds(7200), {"turn.test"});
    scene.config.turn.cert_file = other.at("cert.pem");
    scene.config.turn.key_file = other.at("key.pem");
    Certificates own(scene.loop, scene.metrics, scene.config);
    REQUIRE(own.load());
    const auto shown = own.shown();
    REQUIRE(shown.size() == 2);
    CHECK(shown[0].use == "http");
    CHECK(shown[0].from_files);
    CHECK(shown[0].certificate.names_text() == "meet.test");
    CHECK(shown[1].use == "turn");
    CHECK(shown[1].certificate.names_text() == "turn.test");
    Certificates none(scene.loop, scene.metrics, config::Config{});
    REQUIRE(none.load());
    CHECK(none.shown().empty());
}

TEST_CASE("Certificates: a file that is not there is an error at the start [TURN-18]") {
    Scene scene;
    scene.folder.remove("key.pem");
    Certificates certificates(scene.loop, scene.metrics, scene.config);
    const auto loaded = certificates.load();
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().starts_with("tls.key_file: "));
}

TEST_CASE("Certificates: changed files are taken over by themselves, bad ones are not [TURN-18]") {
    Scene scene;
    Certificates certificates(scene.loop, scene.metrics, scene.config);
    REQUIRE(certificates.load());
    int changes = 0;
    certificates.watch([&] { ++changes; });
    const auto first = certificates.http().state();
    scene.folder.put("cert.pem", scene.folder.text("cert.pem").substr(0, 300));
    CHECK(scene.eventually(
        [&] { return scene.metrics.value(Metric::kTlsCertificateFailures, {"http"}) == 1; }));
    CHECK(scene.metrics.value(Metric::kTlsCertificateLastFailure, {"http"}) > 1e9);
    CHECK(certificates.http().state() == first);
    CHECK(changes == 0);
    scene.folder.write(now(), Duration::seconds(7200), {"meet.test"});
    CHECK(scene.eventually([&] { return changes == 1; }));
    CHECK(certificates.http().state() != first);
    CHECK(scene.metrics.value(Metric::kTlsCertificateExpiry, {"http"}) >
          static_cast<double>(now().s() + 7000));
}

}  // namespace confab::app

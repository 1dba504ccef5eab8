// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/console/console_setup.h"

#include <doctest/doctest.h>

#include <future>

#include "app/serve/console/pages.h"
#include "app/serve/tls/certificate_testing.h"
#include "crypto/x509/self_signed.h"

namespace confab::app {
namespace {

constexpr Duration kDay = Duration::seconds(86'400);

console::CertificateView view_of(UnixTime begin, Duration life, bool from_files = true,
                                 bool placeholder = false) {
    const CertificateFolder folder;
    folder.write(begin, life, {"a.test", "b.test"});
    const auto certificate =
        crypto::ServerCertificate::read(folder.text("cert.pem"), folder.text("key.pem"));
    REQUIRE(certificate);
    return certificate_views({{"http", *certificate, from_files, placeholder}}, now()).at(0);
}

}  // namespace

TEST_CASE("Console setup: passwords and bounds are as configured") {
    config::Config config;
    CHECK(console_options(config).enabled);
    CHECK(console_options(config).passwords.of_operator.empty());
    CHECK(history_limits(config).retention == kDay * 30);
    CHECK(history_limits(config).max_bytes == std::size_t{256} << 20U);
    config.own.console_enabled = false;
    config.own.console_password = config::SecretText("o");
    config.own.console_viewer_password = config::SecretText("v");
    config.own.console_history_days = 2;
    config.own.console_history_size = 3;
    CHECK_FALSE(console_options(config).enabled);
    CHECK(console_options(config).passwords.of_operator == "o");
    CHECK(console_options(config).passwords.of_viewer == "v");
    CHECK(history_limits(config).retention == kDay * 2);
    CHECK(history_limits(config).max_bytes == std::size_t{3} << 20U);
}

TEST_CASE("Console setup: a certificate says until when it is good, and what to do") {
    const console::CertificateView valid = view_of(now() - kDay, kDay * 60);
    CHECK(valid.state == "valid");
    CHECK(valid.source == "files");
    CHECK(valid.names == std::vector<std::string>{"a.test", "b.test"});
    CHECK(valid.detail.empty());
    CHECK(view_of(now() - kDay, kDay * 5).state == "expires soon");
    CHECK(view_of(now() - kDay, kDay * 21).state == "expires soon");  // 20 days left
    CHECK(view_of(now() - kDay, kDay * 23).state == "valid");
    CHECK(view_of(now() - kDay, kDay * 5, false).detail.find("renewed") != std::string::npos);
    const console::CertificateView expired = view_of(now() - kDay * 9, kDay);
    CHECK(expired.state == "expired");
    CHECK_FALSE(expired.detail.empty());
    const console::CertificateView waiting = view_of(now() - kDay, kDay * 60, false, true);
    CHECK(waiting.state == "waiting");
    CHECK(waiting.source == "acme");
}

TEST_CASE("Console setup: pages are in the program as they were built") {
    CHECK(embedded_console().has_value() == !console_pages().empty());
    for (const EmbeddedFile& file : console_pages()) {
        CHECK_FALSE(file.name.empty());
        if (file.name == "index.html") CHECK(file.bytes.find("<html") != std::string_view::npos);
    }
}

TEST_CASE("Console setup: a history in a folder, in memory without one, or none") {
    const auto post = [](Callback<> answer) { answer(); };
    config::Config config;
    const CertificateFolder folder;
    {
        const auto in_folder = open_history(config, folder.at("."), post);
        REQUIRE(in_folder);
        in_folder->write(console::Event{now(), "action", "x", {}, {}, {}});
    }
    const auto count = [&](const std::string& where) {
        const auto history = open_history(config, where, post);
        REQUIRE(history);
        std::promise<std::size_t> found;
        console::EventsQuery query;
        query.before = now() + kDay;
        history->events(query, [&](const auto& answer) { found.set_value(answer->size()); });
        return found.get_future().get();
    };
    CHECK(count(folder.at(".")) == 1);
    CHECK(count("") == 0);
    CHECK(count("/proc/nowhere") == 0);  // where nothing can be written
    config.own.console_history_days = 0;
    CHECK(open_history(config, folder.at("."), post) == nullptr);
}

TEST_CASE("Console setup: options are shown without secrets") {
    config::Config config;
    config.own.console_password = config::SecretText("the-password");
    bool seen = false;
    for (const console::OptionView& option : option_views(config)) {
        CHECK(option.value.find("the-password") == std::string::npos);
        seen = seen || (option.name == "confab.console_password" && option.value == "(set)");
    }
    CHECK(seen);
}

}  // namespace confab::app

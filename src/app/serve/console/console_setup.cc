// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/console/console_setup.h"

#include <map>
#include <utility>

#include "app/serve/console/pages.h"
#include "base/text.h"
#include "config/print.h"
#include "runtime/telemetry/log.h"

namespace confab::app {
namespace {

constexpr Duration kDay = Duration::seconds(std::int64_t{24} * 3600);
// Authorities' certificates are renewed a month before; this late something is wrong.
constexpr Duration kSoon = kDay * 21;  // as the page colours them

console::CertificateView view_of(const Certificates::Shown& shown, UnixTime now) {
    console::CertificateView view;
    view.use = shown.use;
    view.source = shown.from_files ? "files" : "acme";
    view.not_after = shown.certificate.not_after();
    const std::string names = shown.certificate.names_text();
    for (const std::string_view name : split(names, ','))
        if (const std::string_view trimmed = trim(name); !trimmed.empty())
            view.names.emplace_back(trimmed);
    if (shown.placeholder) {
        view.state = "waiting";
        view.detail = "the authority has issued none yet: the log and `confab doctor` say why";
    } else if (now > view.not_after) {
        view.state = "expired";
        view.detail = shown.from_files ? "put a new one into the files" : "the log says why";
    } else if (view.not_after - now < kSoon) {
        view.state = "expires soon";
        view.detail = shown.from_files ? "put a new one into the files"
                                       : "it should have been renewed: the log says why not";
    } else {
        view.state = "valid";
    }
    return view;
}

}  // namespace

control::ConsoleOptions console_options(const config::Config& config) {
    control::ConsoleOptions options;
    options.enabled = config.own.console_enabled;
    options.passwords = {std::string(config.own.console_password.reveal()),
                         std::string(config.own.console_viewer_password.reveal())};
    return options;
}

store::HistoryLimits history_limits(const config::Config& config) {
    return {kDay * config.own.console_history_days,
            std::size_t{config.own.console_history_size} << 20U};
}

std::optional<net::StaticFiles> embedded_console() {
    if (console_pages().empty()) return std::nullopt;
    std::map<std::string, std::string> contents;
    for (const EmbeddedFile& file : console_pages())
        contents.emplace(file.name, file.bytes);
    net::StaticFilesOptions options;
    options.prefix = "/console";
    options.content_security_policy = control::Console::kPolicy;
    return net::StaticFiles::of(std::move(contents), std::move(options));
}

std::vector<console::OptionView> option_views(const config::Config& config) {
    std::vector<console::OptionView> views;
    for (config::EffectiveValue& value : config::effective_values(config))
        views.push_back({value.name, std::move(value.value), value.is_default});
    return views;
}

std::vector<console::CertificateView> certificate_views(
    const std::vector<Certificates::Shown>& shown, UnixTime now) {
    std::vector<console::CertificateView> views;
    views.reserve(shown.size());
    for (const Certificates::Shown& one : shown)
        views.push_back(view_of(one, now));
    return views;
}

std::unique_ptr<store::HistoryWriter> open_history(const config::Config& config,
                                                   const std::string& folder,
                                                   std::function<void(Callback<>)> post) {
    if (config.own.console_history_days == 0) return nullptr;
    std::unique_ptr<store::HistoryFile> file;
    if (!folder.empty()) {
        std::string notice;
        auto opened = store::HistoryFile::open(folder, notice);
        if (!notice.empty()) telemetry::log_error(notice);
        if (opened)
            file = *std::move(opened);
        else
            telemetry::log_error("the history of the console is kept in memory only",
                                 {{"reason", opened.error()}});
    }
    if (!file) file = store::HistoryFile::in_memory();
    if (!file) return nullptr;
    return std::make_unique<store::HistoryWriter>(std::move(file), history_limits(config),
                                                  std::move(post));
}

}  // namespace confab::app

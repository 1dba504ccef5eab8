// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Everything the commands need from the machine, so that tests can stand in for it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "app/doctor/examine.h"
#include "app/serve/serve_context.h"
#include "app/setup/machine.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "config/config.h"
#include "runtime/load/join/join_room.h"
#include "runtime/load/run_load.h"
#include "runtime/net/http/http_client.h"
#include "runtime/netem/relay_node.h"

namespace confab::app {

inline constexpr std::size_t kMaxFileSize = 1024 * 1024;  // of configuration and key files

struct FileText {
    std::string text;
    unsigned mode = 0;  // permission bits
};

// `confab webhook listen`: what arrives at address:port is told, in the order of its arrival.
struct WebhookListen {
    std::string address;
    std::uint16_t port = 0;
    std::string forward_url;  // empty: nowhere
    struct Arrived {
        std::string path;
        std::string authorization;
        std::string body;
    };
    // The status that its sender gets; other than 200, it is not forwarded.
    std::function<int(const Arrived&)> arrived;
    // What became of one that was forwarded; 0: no answer, `error` says why.
    std::function<void(int status, std::string_view error)> forwarded;
    // Now it listens, at that port.
    std::function<void(std::uint16_t port)> ready;
    std::function<bool()> is_over;  // asked a few times a second
};

struct Host {
    // How it was called, without the folder: "confab", "lk", "livekit-server" … (05 C.6).
    std::string program = "confab";
    bool is_named_lk() const { return program == "lk" || program == "livekit-cli"; }
    bool is_named_server() const {
        return program == "livekit-server" || program == "confab-server";
    }

    std::function<std::optional<std::string>(std::string_view name)> env;
    // The error is the reason alone: "no such file or directory".
    std::function<Result<FileText, std::string>(const std::string& path)> read_file;
    // Whole or not at all, with that mode, in a folder of 0700 if there was none; the error is the
    // reason alone.
    std::function<Result<void, std::string>(const std::string& path, const std::string& text,
                                            unsigned mode)>
        write_file;
    // All that comes by the standard input, at most kMaxFileSize.
    std::function<Result<std::string, std::string>()> read_input;
    std::function<void(BytesSpan out)> fill_random;
    std::function<UnixTime()> now;
    std::function<int(const config::Config&, const ServeContext&)> serve;
    std::function<Result<netsim::Totals, std::string>(const netsim::RelayOptions&)> netsim;
    std::function<load::Report(const load::RunSettings&)> load_test;
    std::function<doctor::Diagnosis(const doctor::Request&)> examine;
    // setup/machine.h
    std::function<setup::Found(bool offline, const std::string& root)> look_around;
    std::function<Result<void, std::string>(const std::vector<setup::PlannedFile>&, bool force)>
        write_files;
    std::function<bool(const std::string& root)> has_package_unit;
    // A line from the terminal; nothing: there is none (any more).
    std::function<std::optional<std::string>(const std::string& prompt)> read_line;
    struct Self {
        std::string user;
        std::string host;
        std::int64_t pid = 0;
    };
    std::function<Self()> self;
    // One request of another program; returns with its answer.
    std::function<net::HttpClient::Result(net::HttpClientRequest)> http;
    // A participant of a room until the operator has had enough.
    std::function<Result<void, std::string>(const load::JoinSettings&)> join;
    // A file with media, of any length up to 256 MiB; the error is the reason alone.
    std::function<Result<std::string, std::string>(const std::string& path)> read_media;
    // Receives webhooks until the operator has had enough; the error says why it cannot.
    std::function<Result<void, std::string>(const WebhookListen&)> listen_webhooks;
    // To the standard output at once; false when nobody reads it any more.
    std::function<bool(const std::string& text)> print;
    std::function<bool()> prints_to_terminal;
    // Until that has passed, or the operator has asked for the end.
    std::function<void(Duration)> pause;
    std::function<void(const std::string& text)> warn;  // to the standard error output at once
    // The same, if it is a terminal.
    std::function<void(const std::string& text)> progress;
    // The operator has asked for the end; from the first call on signals do that alone.
    std::function<bool()> interrupted;
};

// The real one; what main() gives (`serve`, `netsim`, `load_test`, `examine`, `join`,
// `listen_webhooks`) is left empty.
Host system_host();

}  // namespace confab::app

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The flags of `confab netsim`, and what it prints.
#include <doctest/doctest.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/commands/command_line.h"
#include "app/netsim/netsim_report.h"
#include "json/json.h"
#include "netem/changes.h"
#include "runtime/netem/relay_node.h"

namespace confab::app {
namespace {

struct Machine {
    std::map<std::string, std::string> files;
    std::optional<netsim::RelayOptions> ran;
    netsim::Totals totals;
    std::string fails;

    Outcome run(std::vector<std::string> arguments) {
        Host host;
        host.read_file = [this](const std::string& path) -> Result<FileText, std::string> {
            const auto found = files.find(path);
            if (found == files.end()) return fail(std::string("no such file or directory"));
            return FileText{found->second, 0644};
        };
        host.netsim =
            [this](const netsim::RelayOptions& options) -> Result<netsim::Totals, std::string> {
            ran = options;
            if (!fails.empty()) return fail(fails);
            return totals;
        };
        arguments.insert(arguments.begin(), "netsim");
        return run_command(arguments, host);
    }
    netsim::RelayOptions options(const std::vector<std::string>& more) {
        std::vector<std::string> arguments = {"--listen", "127.0.0.2:7882", "--to",
                                              "127.0.0.1:7882/udp"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const Outcome outcome = run(arguments);
        CHECK(outcome.err == "");
        CHECK(outcome.code == 0);
        REQUIRE(ran);
        return *ran;
    }
    std::string error(const std::vector<std::string>& arguments) {
        const Outcome outcome = run(arguments);
        CHECK(outcome.code == kExitFailure);
        CHECK(outcome.out == "");
        CHECK_FALSE(ran);
        return outcome.err;
    }
};

netsim::Totals some_totals() {
    netsim::Totals t;
    t.running = Duration::millis(12'340);
    t.up.link.offered = 100;
    t.up.link.lost = 7;
    t.up.relay.udp_dropped = 5;
    t.up.relay.forwarded = 93;
    t.up.relay.octets = 9300;
    t.down.link.queue_dropped = 3;
    t.down.link.reordered = 4;
    t.down.link.duplicated = 2;
    t.clients = 2;
    t.rebinds = 1;
    t.tcp.opened = 6;
    t.tcp.octets_up = 77;
    return t;
}

}  // namespace

TEST_CASE("netsim: routes, UDP unless TCP is named") {
    Machine m;
    const netsim::RelayOptions o = m.options({"--listen", "[::1]:0", "--to", "[::1]:7881/tcp",
                                              "--listen=127.0.0.2:1", "--to=127.0.0.1:1"});
    REQUIRE(o.routes.size() == 3);
    CHECK_FALSE(o.routes[0].is_tcp);
    CHECK(o.routes[0].listen.to_string() == "127.0.0.2:7882");
    CHECK(o.routes[0].server.to_string() == "127.0.0.1:7882");
    CHECK(o.routes[1].is_tcp);
    CHECK(o.routes[1].listen.port == 0);
    CHECK_FALSE(o.routes[2].is_tcp);
    CHECK(o.conditions == netem::Conditions{});
    CHECK(o.seed == 1);
    CHECK(o.duration == Duration::zero());
    CHECK(o.commands_fd == -1);
}

TEST_CASE("netsim: links lie over a profile, changes are put in order") {
    Machine m;
    m.files["lift"] = "4s up:outage=1s\n";
    const netsim::RelayOptions o =
        m.options({"--profile", "n6", "--up", "loss=2%", "--down=rate=600kbit", "--seed", "7",
                   "--at", "20s:rebind", "--at", "1s:udp=drop", "--schedule", "lift", "--duration",
                   "90s", "--commands"});
    CHECK(o.conditions.up.loss == doctest::Approx(0.02));
    CHECK(o.conditions.down.bits_per_second == 600'000);
    CHECK(o.conditions.down.loss == 0);
    REQUIRE(o.schedule.size() == 4);
    CHECK(o.schedule[0].at == Duration::seconds(1));
    CHECK(o.schedule[1].at == Duration::seconds(4));
    CHECK(o.schedule[2].change.length == Duration::seconds(5));  // of the profile
    CHECK(o.schedule[3].change.kind == netem::Change::Kind::kRebind);
    CHECK(o.seed == 7);
    CHECK(o.duration == Duration::seconds(90));
    CHECK(o.commands_fd == 0);
    CHECK(m.options({"--profile=N4", "--up=clear"}).conditions.up == netem::LinkSpec{});
}

TEST_CASE("netsim: errors say what to write") {
    Machine m;
    const auto with = [&m](const std::vector<std::string>& more) {
        std::vector<std::string> all = {"--listen=127.0.0.2:1", "--to=127.0.0.1:1"};
        all.insert(all.end(), more.begin(), more.end());
        return m.error(all);
    };
    const std::string pairs =
        "error: every --listen needs its --to, at least one and at most 64; for example --listen "
        "127.0.0.2:7882 --to 127.0.0.1:7882/udp\n";
    CHECK(m.error({}) == pairs);
    CHECK(m.error({"--listen", "127.0.0.2:1"}) == pairs);
    CHECK(m.error({"--listen", "x", "--to", "127.0.0.1:1"}) ==
          "error: --listen x is no address; write for example 127.0.0.2:7882\n");
    for (const std::string to : {"127.0.0.1", "127.0.0.1:0", "127.0.0.1:1/sctp", "host:1"})
        CHECK(m.error({"--listen=127.0.0.2:1", "--to=" + to}) ==
              "error: --to " + to +
                  " is no address of a server; write for example 127.0.0.1:7882/udp\n");
    CHECK(m.error({"--listen=[::1]:1", "--to=127.0.0.1:1"}).find("two families") !=
          std::string::npos);
    CHECK(m.error({"--listen=127.0.0.1:1", "--to=127.0.0.1:1"}).find("is the server itself") !=
          std::string::npos);
    CHECK(with({"--up=loss=2"}) ==
          "error: --up: \"loss=2\" is not understood; write for example loss=2% or 0.02 (0 to "
          "100%)\n");
    CHECK(with({"--down=x"}).starts_with("error: --down: \"x\" is none of what a link has"));
    CHECK(with({"--profile=N99"}).find("N6b") != std::string::npos);
    CHECK(
        with({"--at=rebind"}).starts_with("error: --at: \"rebind\" does not begin with its time"));
    CHECK(with({"--schedule=none"}) == "error: open none: no such file or directory\n");
    m.files["bad"] = "1s rebind\n2s nothing\n";
    CHECK(with({"--schedule=bad"}).starts_with("error: bad: line 2: \"nothing\" is no change"));
    CHECK(with({"--duration=60"}) ==
          "error: --duration 60 is no time; write for example 60s or 500ms\n");
    CHECK(with({"--duration=0s"}).find("is no time") != std::string::npos);
    m.fails = "listen udp 127.0.0.2:1: Address already in use; do something";
    const Outcome outcome = m.run({"--listen=127.0.0.2:1", "--to=127.0.0.1:1"});
    CHECK(outcome.code == kExitFailure);
    CHECK(outcome.err == "error: " + m.fails + "\n");
}

TEST_CASE("netsim: the figures as a table and as one JSON object") {
    Machine m;
    m.totals = some_totals();
    const std::string table = m.run({"--listen=127.0.0.2:1", "--to=127.0.0.1:1"}).out;
    CHECK(
        table.starts_with("datagrams                          up           down\n"
                          "entered                           105              0\n"
                          "dropped as UDP                      5              0\n"));
    CHECK(table.find("lost on the way                     7              0\n") != table.npos);
    CHECK(table.find("12.3 s, 2 clients, 1 rebindings\nTCP: 6 streams (0 refused") != table.npos);
    CHECK(table.find("warning") == table.npos);
    m.totals.not_read = 9;
    CHECK(m.run({"--listen=127.0.0.2:1", "--to=127.0.0.1:1"})
              .out.find("warning: 9 datagrams were lost because this machine is too slow") !=
          table.npos);

    m.totals.evicted = 4;
    m.totals.not_opened = 3;
    m.totals.port_error = "too many open files";
    const std::string crowded = m.run({"--listen=127.0.0.2:1", "--to=127.0.0.1:1"}).out;
    CHECK(crowded.find("warning: 4 times a client got another port because there were more than "
                       "1024 at once") != crowded.npos);
    CHECK(crowded.find("warning: 3 times a client got no port (too many open files)") !=
          crowded.npos);

    const std::string line = m.run({"--listen=127.0.0.2:1", "--to=127.0.0.1:1", "--json"}).out;
    REQUIRE(line.find('\n') == line.size() - 1);
    const auto read = json::parse(line.substr(0, line.size() - 1));
    REQUIRE(read);
    const auto number = [&](std::string_view part, std::string_view key) {
        const json::Value* const object = part.empty() ? &*read : read->find(part);
        REQUIRE(object != nullptr);
        REQUIRE(object->find(key) != nullptr);
        return object->find(key)->number;
    };
    CHECK(number("", "running_ms") == 12'340);
    CHECK(number("up", "entered") == 105);
    CHECK(number("up", "lost") == 7);
    CHECK(number("up", "forwarded") == 93);
    CHECK(number("down", "queue_full") == 3);
    CHECK(number("down", "reordered") == 4);
    CHECK(number("down", "duplicated") == 2);
    CHECK(number("tcp", "octets_up") == 77);
    CHECK(number("", "not_read") == 9);
    CHECK(number("", "evicted") == 4);
    CHECK(number("", "not_opened") == 3);
}

TEST_CASE("netsim: lines while it runs; the help shows every profile") {
    netsim::Totals before = some_totals();
    netsim::Totals now = before;
    now.running = now.running + Duration::seconds(1);
    now.up.relay.octets += 75'000;
    now.up.link.lost += 2;
    now.down.link.in_outage += 3;
    CHECK(progress_text(before, now) ==
          "13 s: 2 clients, 0 streams; up 600 kbit/s, 2 lost; down 0 kbit/s, 3 lost");
    CHECK(route_line(
              {true, *SocketAddress::parse("127.0.0.2:1"), *SocketAddress::parse("127.0.0.1:2")}) ==
          "listening tcp 127.0.0.2:1 for 127.0.0.1:2\n");
    Machine m;
    const Outcome help = m.run({"--help"});
    CHECK(help.code == 0);
    for (const std::string_view part :
         {"N6b: nothing passes for 20 s", "N11: MTU 1280", "--at", "Examples:", "bad-network.md"})
        CHECK(help.out.find(part) != help.out.npos);
}

}  // namespace confab::app

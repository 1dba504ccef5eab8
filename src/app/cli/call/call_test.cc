// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Which server and key are meant, and what is said when a call fails.
#include "app/cli/call/call.h"

#include "app/cli/call/projects.h"
#include "app/cli/call/templates.h"
#include "app/cli/cli_testing.h"
#include "livekit_room.pb.h"

namespace confab::app::cli {

using testing::has;
using testing::kSecret;
using testing::Machine;

namespace {

constexpr const char* kProjects =
    "default_project: home\nprojects:\n  - name: home\n    project_id: \"\"\n"
    "    url: wss://home.example.com\n    api_key: key\n"
    "    api_secret: \"0123456789012345678901234567890123456789\"\n  - name: other\n"
    "    url: http://other.example.com/\n    api_key: otherkey\n    api_secret: othersecret\n"
    "device_name: desk\n";

std::string url_of(Machine& m, const std::vector<std::string>& arguments) {
    m.asked.clear();
    m.answer("livekit.RoomService/ListRooms", livekit::ListRoomsResponse{});
    (void)m.run_bare(arguments);
    return m.asked.empty() ? "" : m.asked.back().url;
}

std::string error_of(Machine& m, const std::vector<std::string>& arguments) {
    const Outcome o = m.run_bare(arguments);
    CHECK(o.code == kExitFailure);
    CHECK(o.out == "");
    const std::size_t at = o.err.find("error: ");
    return at == std::string::npos ? o.err : o.err.substr(at + 7);
}

}  // namespace

TEST_CASE(
    "credentials: project, subdomain, flags, environment, --dev, livekit.toml, default [LKC-02]") {
    Machine m;
    m.files["/home/me/.livekit/cli-config.yaml"] = {kProjects, 0600};
    const std::string tail = "/twirp/livekit.RoomService/ListRooms";
    CHECK(url_of(m, {"room", "list"}) == "https://home.example.com" + tail);
    CHECK(url_of(m, {"room", "list", "--project", "other"}) == "http://other.example.com" + tail);
    CHECK(url_of(m, {"--subdomain", "other", "room", "list"}) == "http://other.example.com" + tail);
    for (const std::vector<std::string>& more :
         {std::vector<std::string>{}, std::vector<std::string>{"--project", "other"}}) {
        std::vector<std::string> all{"room", "list", "--url", "http://node-2.example.com"};
        all.insert(all.end(), more.begin(), more.end());
        CHECK(url_of(m, all) == "http://node-2.example.com" + tail);
    }
    CHECK(url_of(m, {"--dev", "room", "list"}) == "http://localhost:7880" + tail);
    CHECK(m.asked.back().grants.api_key == "devkey");
    m.files["livekit.toml"] = {"[agent]\nsubdomain = \"x\"\n[project]\n  subdomain = \"other\"\n",
                               0644};
    CHECK(url_of(m, {"room", "list"}) == "http://other.example.com" + tail);
    m.variables["LIVEKIT_URL"] = "ws://env.example.com:1";
    m.variables["LIVEKIT_API_KEY"] = "key";
    m.variables["LIVEKIT_API_SECRET"] = kSecret;
    CHECK(url_of(m, {"room", "list"}) == "http://env.example.com:1" + tail);
    CHECK(m.asked.back().grants.api_key == "key");
    m.variables["CONFAB_URL"] = "http://own.example.com";
    CHECK(url_of(m, {"room", "list"}) == "http://own.example.com" + tail);
    CHECK(url_of(m, {"--url=http://flag.example.com/", "room", "list"}) ==
          "http://flag.example.com" + tail);
    CHECK(m.run_bare({"room", "list"}).err == "Using url, api-key, api-secret from environment\n");
    CHECK(m.run_bare({"room", "list", "-q"}).err == "");
}

TEST_CASE("credentials: what is missing is named [LKC-02]") {
    Machine m;
    CHECK(has(error_of(m, {"room", "list"}), "no server and key; give --url with --api-key"));
    CHECK(has(error_of(m, {"room", "list", "--api-key", "k"}), "api-secret is required"));
    CHECK(has(error_of(m, {"room", "list", "--api-secret", "s"}), "api-key is required"));
    CHECK(has(error_of(m, {"room", "list", "--dev", "--api-key", "k"}),
              "--dev has a key of its own"));
    CHECK(has(error_of(m, {"room", "list", "--dev", "--project", "p"}), "two servers"));
    CHECK(has(error_of(m, {"room", "list", "--project", "p"}), "no project p; add it"));
    m.files["/home/me/.livekit/cli-config.yaml"] = {kProjects, 0644};
    CHECK(has(error_of(m, {"room", "list", "--project", "p"}),
              "no project p; there are home, other"));
    m.answer("livekit.RoomService/ListRooms", livekit::ListRoomsResponse{});
    CHECK(has(m.run_bare({"room", "list"}).err,
              "warning: /home/me/.livekit/cli-config.yaml has "
              "secrets that others may read; run: chmod 600"));
    m.files["/home/me/.livekit/cli-config.yaml"] = {"projects: [", 0600};
    CHECK(has(error_of(m, {"room", "list"}), "cli-config.yaml: "));
}

TEST_CASE("project: add, list, remove, set-default; lk's file is written as lk alone [LKC-03]") {
    Machine m;
    const std::string shared = "/home/me/.livekit/cli-config.yaml";
    const std::string own = "/home/me/.confab/cli-config.yaml";
    m.files[shared] = {kProjects, 0600};
    const std::vector<std::string> add{
        "project",   "add", "new",          "--url",        "ws://new.example.com",
        "--api-key", "abc", "--api-secret", "hidden-secret"};
    const Outcome added = m.run_bare(add);
    CHECK(added.code == 0);
    CHECK(has(added.out, "│   new"));
    CHECK(has(added.out, "│ * home"));
    CHECK(!has(added.out, "hidden-secret"));
    CHECK(added.err == "Saved to [" + own + "]\n");
    CHECK(m.files[shared].text == kProjects);
    CHECK(m.files[own].mode == 0600);
    CHECK(has(m.files[own].text, "device_name: desk"));
    CHECK(has(m.run_bare(add).err, "there is a project new; remove it first"));
    CHECK(m.run_bare({"project", "set-default", "new"}).out == "Default project set to [new]\n");
    CHECK(load_projects(m.host())->default_name == "new");
    CHECK(m.run_bare({"project", "remove", "new"}).out == "Removed project new\n");
    CHECK(load_projects(m.host())->all.size() == 2);
    CHECK(load_projects(m.host())->default_name == "");
    CHECK(
        has(m.run_bare({"project", "remove", "new"}).err, "no project new; there are home, other"));
    CHECK(has(m.run_bare({"project", "list", "-o", "json"}).out,
              "\"URL\": \"wss://home.example.com\""));
    CHECK(m.run_bare({"project", "list", "--field", "Name"}).out == "home\nother\n");
    CHECK(m.run_bare({"project", "list", "--json"}).out.starts_with("{\n  \"projects\": ["));
    m.program = "lk";
    CHECK(m.run_bare(add).code == 0);
    CHECK(has(m.files[shared].text, "name: new"));
    const std::string listed = m.run_bare({"project", "list", "--json"}).out;
    CHECK(listed.starts_with("[\n  {\n    \"Name\": \"home\","));
    CHECK(listed.ends_with("  }\n]\n"));
}

TEST_CASE("project add: names, addresses and keys are checked; the first is the default") {
    Machine m;
    const auto add = [&](const char* name, const char* url, const char* key) {
        return m.run_bare(
            {"project", "add", name, "--url", url, "--api-key", key, "--api-secret", "secret"});
    };
    CHECK(has(add("a b", "ws://x", "key").err, "letters, digits, dashes"));
    CHECK(has(add("a", "x", "key").err, "is no address of a server"));
    CHECK(has(add("a", "ws://x", "k").err, "at least 3 characters"));
    CHECK(m.run_bare({"project", "add", "a", "--url", "ws://x"}).code == kExitUsage);
    CHECK(add("a", "ws://x", "key").code == 0);
    CHECK(load_projects(m.host())->default_name == "a");
    CHECK(has(m.run_bare({"context", "list"}).out, "* a"));
}

TEST_CASE("calls: no answer is explained by what failed") {
    Machine m;
    net::HttpClientError error = net::HttpClientError::kConnect;
    m.http = [&](const auto&) -> net::HttpClient::Result { return fail(error); };
    const auto text = [&](net::HttpClientError one) {
        error = one;
        return error_of(m, {"room", "list", "--dev"});
    };
    using Error = net::HttpClientError;
    CHECK(has(text(Error::kConnect),
              "cannot connect to http://localhost:7880; is the server running"));
    CHECK(has(text(Error::kResolve), "is not found; check --url and the DNS"));
    CHECK(has(text(Error::kTls), "its certificate is not of an authority"));
    CHECK(has(text(Error::kTimeout), "does not answer in time"));
    CHECK(has(text(Error::kBadUrl), "is no address of a server"));
    CHECK(has(text(Error::kBadResponse), "is no server of this protocol"));
    CHECK(has(text(Error::kClosed), "connection closed"));
}

TEST_CASE("calls: refusals have code, text and a remedy; an unknown server is told as one") {
    Machine m;
    const auto text = [&](int status, const std::string& type, const std::string& body,
                          const char* date = "Fri, 15 Jan 2027 08:00:00 GMT") {
        m.http = [=](const auto&) -> net::HttpClient::Result {
            auto answer = Machine::reply(status, type, body);
            answer.headers.set("Date", date);
            return answer;
        };
        return error_of(m, {"room", "list", "--dev"});
    };
    CHECK(text(404, "application/json",
               R"({"code":"not_found","msg":"requested room does not exist"})") ==
          "not_found: requested room does not exist\n");
    CHECK(
        has(text(401, "application/json", R"({"code":"unauthenticated","msg":"invalid API key"})"),
            "the server has no key devkey"));
    CHECK(has(text(401, "text/plain", "token signature is invalid"),
              "the secret is not that of key"));
    CHECK(has(text(401, "text/plain", "token is expired", "Fri, 15 Jan 2027 09:00:00 GMT"),
              "the clock of this machine is 3600 s behind that of the server"));
    CHECK(has(text(401, "text/plain", "token is not valid yet", "Fri, 15 Jan 2027 07:59:00 GMT"),
              "60 s ahead of"));
    CHECK(has(text(401, "text/plain", "token is expired"), "set the clocks of both machines"));
    CHECK(has(
        text(401, "application/json", R"({"code":"unauthenticated","msg":"permissions denied"})"),
        "may not do that"));
    CHECK(has(text(404, "text/html", "<html>"), "is no server of this protocol"));
    CHECK(has(text(301, "text/plain", "elsewhere"), "is no server of this protocol"));
    CHECK(has(text(200, "text/html", "<html>"), "is no server of this protocol"));
    CHECK(has(text(404, "application/json", R"({"code":"bad_route","msg":"no handler"})"),
              "is older"));
    CHECK(has(text(500, "application/json",
                   R"x({"code":"internal","msg":"egress not connected (redis required)"})x"),
              "needs `redis:`"));
    CHECK(!has(text(500, "text/plain", "a\x1b[2Jb"), "\x1b"));
}

TEST_CASE("--curl and --verbose tell on stderr, what is printed stays the same [LKC-01]") {
    Machine m;
    m.answer("livekit.RoomService/ListRooms", livekit::ListRoomsResponse{});
    const Outcome o = m.run({"room", "list", "it's", "--curl", "-o", "json"});
    CHECK(o.out == "{}\n");
    CHECK(has(o.err, "curl -X POST 'http://localhost:7880/twirp/livekit.RoomService/ListRooms'"));
    CHECK(has(o.err, "-H 'Authorization: Bearer ey"));
    CHECK(has(o.err, "-d '{\"names\":[\"it'\\''s\"]}'"));
    CHECK(has(m.run({"room", "list", "a", "--verbose"}).err, "\"names\": [\n    \"a\"\n  ]"));
}

TEST_CASE(
    "templates: times, chance and who we are; two percent signs are one, everything else stays "
    "[LKC-06]") {
    Machine m;
    const Host host = m.host();
    CHECK(expanded("a-%t", host) == "a-20270115080000");
    CHECK(expanded("%Y/%m/%d %H:%M:%S", host) == "2027/01/15 08:00:00");
    CHECK(expanded("%T", host) == "2027-01-15T08:00:00Z");
    CHECK(expanded("%x", host) == "010203040506");
    CHECK(expanded("%U@%h.%p", host) == "me@here.42");
    CHECK(expanded("100% %q %", host) == "100% %q %");
    CHECK(expanded("%%x", host) == "%x");
}

TEST_CASE("verbs: unknown words are answered with those that are near, groups with their verbs") {
    Machine m;
    CHECK(m.run_bare({"room", "crate"}).err ==
          "error: unknown command `room crate`; did you mean `confab room create`?\n");
    CHECK(m.run_bare({"room"}).err ==
          "error: `confab room` needs a command; see `confab room --help`\n");
    CHECK(has(m.run_bare({"room", "--help"}).out, "participants          Who is in a room"));
    CHECK(has(m.run_bare({"room", "create", "--help"}).out, "--empty-timeout N"));
    CHECK(has(m.run_bare({"rom", "list"}).err, "unknown command `rom`"));
    CHECK(has(m.run_bare({"room", "list", "--jsn"}).err, "did you mean --json?"));
    CHECK(has(m.run_bare({"--help"}).out, "dispatch"));
    m.program = "lk";
    CHECK(has(m.run_bare({}).out, "Usage: lk COMMAND"));
    CHECK(has(m.run_bare({"room", "list", "--help"}).out, "lk room list"));
}

TEST_CASE("verbs of services that come later say so, with a remedy, whatever is behind them") {
    Machine m;
    for (const std::vector<std::string>& one :
         {std::vector<std::string>{"agent", "deploy", "--secrets", "a=b"},
          {"cloud", "auth"},
          {"perf", "agent-load-test", "--rooms", "2"},
          {"replay"},
          {"app", "create", "x"}}) {
        const Outcome o = m.run_bare(one);
        CHECK(o.code == kExitFailure);
        CHECK(o.err.starts_with("error: `" + one[0]));
    }
    CHECK(has(m.run_bare({"cloud", "auth"}).err, "project add"));
}

}  // namespace confab::app::cli

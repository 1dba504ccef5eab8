// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// token create, decode, verify. What commands_test.cc has of it stays there.
#include "app/cli/cli_testing.h"
#include "app/cli/output/json_text.h"
#include "json/json.h"

namespace confab::app::cli {

using testing::has;
using testing::kNow;
using testing::kSecret;
using testing::Machine;

namespace {

token::Grants grants_of(std::string text) {
    while (text.ends_with('\n'))
        text.pop_back();
    const token::KeyMap keys({{"devkey", "secret"}, {"key", kSecret}});
    const auto grants = token::verify_token(text, keys, kNow);
    REQUIRE(grants);
    return *grants;
}

}  // namespace

TEST_CASE("token create: grants beyond video, an agent, a room configuration, upstream's names") {
    Machine m;
    m.files["a.json"] = {R"({"x": "1"})", 0644};
    const Outcome o = m.run({"token",
                             "create",
                             "--join",
                             "-r",
                             "demo",
                             "-i",
                             "anna-%Y",
                             "-n",
                             "Anna",
                             "--egress",
                             "--ingress",
                             "--inference",
                             "--sip-call",
                             "--observability",
                             "--allow-update-metadata",
                             "--allow-source",
                             "camera,microphone",
                             "--attribute",
                             "y=2",
                             "--attribute-file",
                             "a.json",
                             "--agent",
                             "echo",
                             "--job-metadata",
                             "j",
                             "--preset",
                             "p",
                             "--grant",
                             R"({"canSubscribe": false, "hidden": true})"});
    CHECK(o.err == "");
    const token::Grants g = grants_of(o.out);
    CHECK(g.identity == "anna-2027");
    CHECK(g.name == "Anna");
    CHECK(g.video->room_record);
    CHECK(g.video->ingress_admin);
    CHECK(g.video->hidden);
    CHECK(!g.video->subscribes());
    CHECK(g.video->updates_own_metadata());
    CHECK(g.video->can_publish_sources.size() == 2);
    CHECK(g.inference_perform);
    CHECK(g.observability_write);
    CHECK(g.sip == token::SipGrant{false, true});
    CHECK(g.attributes == std::map<std::string, std::string>{{"x", "1"}, {"y", "2"}});
    CHECK(g.room_preset == "p");
    CHECK(g.room_config->agents(0).agent_name() == "echo");
    CHECK(g.room_config->agents(0).metadata() == "j");
}

TEST_CASE("token create: a grant as JSON adds to flags, and wins over them; nonsense is named") {
    Machine m;
    const auto with = [&](const char* json) {
        return m.run({"token", "create", "--list", "--room", "r", "--grant", json});
    };
    CHECK(grants_of(with(R"({"roomCreate": true})").out).video->room_create);
    CHECK(!grants_of(with(R"( {"roomList":false,"roomCreate":true} )").out).video->room_list);
    CHECK(grants_of(with("{}").out).video->room == "r");
    CHECK(has(with("[]").err, "--grant is no JSON object"));
    CHECK(has(with(R"({"roomCreate": "yes"})").err, "wrong type"));
    CHECK(has(m.run({"token", "create", "--room", "r"}).err, "the token would allow nothing"));
    CHECK(has(m.run({"token", "create", "--join", "--room", "r"}).err, "--join needs --room and"));
    CHECK(has(m.run({"token", "create", "--list", "--allow-source", "moon"}).err,
              "unknown source moon"));
    CHECK(
        has(m.run({"token", "create", "--list", "--attribute-file", "gone"}).err, "no such file"));
}

TEST_CASE("token create: members of --grant in any case are those claims, written as they are") {
    Machine m;
    const Outcome o =
        m.run({"token", "create", "--list", "--grant",
               R"({"ROOMCREATE": true, "canpublishsources": ["camera"], "canpublish": false})"});
    const token::Grants g = grants_of(o.out);
    CHECK(g.video->room_create);
    CHECK(g.video->can_publish == false);
    CHECK(g.video->can_publish_sources.size() == 1);
    std::string text = o.out;
    text.pop_back();
    const std::string claims = m.run_bare({"token", "decode", text}).out;
    CHECK(has(claims, "\"roomCreate\": true"));
    CHECK(has(claims, "\"canPublish\": false"));
}

TEST_CASE("token create: attributes several in one flag, without their quotes") {
    Machine m;
    const Outcome o =
        m.run({"token", "create", "--list", "--attribute", "a=1,b=\"x y\"", "--attribute", "c: d"});
    CHECK(grants_of(o.out).attributes ==
          std::map<std::string, std::string>{{"a", "1"}, {"b", "x y"}, {"c", "d"}});
}

TEST_CASE(
    "token create: the default project signs, and a configuration of the environment where there "
    "is none [LKC-02]") {
    Machine m;
    const std::vector<std::string> create{"token", "create", "--list"};
    const auto key_of = [&](std::vector<std::string> more) {
        more.insert(more.begin(), create.begin(), create.end());
        std::string text = m.run_bare(more).out;
        return text.empty() ? ""
                            : m.run_bare({"token", "decode", text.substr(0, text.size() - 1),
                                          "--field", "claims.iss"})
                                  .out;
    };
    m.variables["LIVEKIT_KEYS"] = "server: " + std::string(kSecret);
    CHECK(key_of({}) == "server\n");
    m.files["/home/me/.livekit/cli-config.yaml"] = {
        "default_project: home\nprojects:\n  - name: home\n    url: wss://home.example.com\n"
        "    api_key: key\n    api_secret: \"0123456789012345678901234567890123456789\"\n"
        "  - name: other\n    url: wss://other.example.com\n    api_key: otherkey\n"
        "    api_secret: othersecret\n",
        0600};
    CHECK(key_of({}) == "key\n");
    CHECK(key_of({"--dev"}) == "devkey\n");
    CHECK(key_of({"--api-key", "server"}) == "server\n");
    m.variables.erase("LIVEKIT_KEYS");
    m.files["c.yaml"] = {"keys: {mine: " + std::string(kSecret) + "}", 0600};
    CHECK(key_of({"--config", "c.yaml"}) == "mine\n");
    CHECK(key_of({"--keys", "flag: " + std::string(kSecret)}) == "flag\n");
    // A livekit.toml names a project, in either place.
    m.files["my.toml"] = {"[project]\nsubdomain = \"other\"\n", 0644};
    CHECK(key_of({"--config", "my.toml"}) == "otherkey\n");
    CHECK(m.run_bare({"--config", "my.toml", "token", "create", "--list"}).code == 0);
    m.variables = {{"CONFAB_API_KEY", "key"}, {"CONFAB_API_SECRET", kSecret}};
    CHECK(key_of({}) == "key\n");
}

TEST_CASE(
    "token create as lk: identity and room are made up, five minutes, grants shown [LKC-07]") {
    Machine m;
    m.program = "lk";
    const Outcome o = m.run({"token", "create", "--join"});
    CHECK(o.code == 0);
    CHECK(o.out.starts_with("Token grants:\n{\n"));
    CHECK(has(o.out, "\nProject URL: http://localhost:7880\nAccess token: ey"));
    CHECK(has(o.err, "Using generated participant identity [participant-010203040506]\n"));
    CHECK(has(o.err, "Using generated room name [room-20270115080000]\n"));
    CHECK(has(o.err, "valid for (mins): 5\n"));
    const Outcome only = m.run({"token", "create", "--join", "--token-only"});
    const token::Grants g = grants_of(only.out);
    CHECK(g.name == g.identity);
    CHECK(*g.expires_at == kNow + Duration::seconds(300));
    const Outcome both = m.run({"create-token", "--join", "-j"});
    const auto json = json::parse(both.out);
    REQUIRE(json);
    CHECK(text_at(*json, "grants.video.roomJoin") == "true");
    CHECK(!text_at(*json, "access_token").empty());
    m.program = "confab";
    CHECK(has(m.run({"token", "create", "--join"}).err, "--join needs"));
}

TEST_CASE("token decode and verify: what it says, and whether it is right") {
    Machine m;
    std::string token = m.run({"token", "create", "--list", "--room", "r"}).out;
    CHECK(has(m.run_bare({"token", "decode", token, "--field", "claims.video.room"}).out, "r\n"));
    m.input = token;
    CHECK(m.run_bare({"token", "decode", "-"}).code == 0);
    CHECK(m.run({"token", "verify", token}).code == 0);
    CHECK(has(
        m.run_bare({"token", "verify", token, "--api-key", "devkey", "--api-secret", "other"}).err,
        "token signature is invalid"));
    m.now = kNow + Duration::seconds(7 * 3600);
    CHECK(has(m.run({"token", "verify", token}).err, "token is expired"));
    CHECK(has(m.run_bare({"token", "decode", "abc"}).err, "has not three parts"));
    CHECK(has(m.run_bare({"token", "decode", "a.b.c"}).err, "base64url"));
    CHECK(has(m.run_bare({"token", "decode", "W10.W10.c"}).err, "no JSON object"));
}

}  // namespace confab::app::cli

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

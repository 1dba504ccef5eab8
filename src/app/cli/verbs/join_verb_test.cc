// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// room join: flags in, settings of a participant out; what it tells is printed.
#include "app/cli/cli_testing.h"
#include "app/cli/output/json_text.h"
#include "client/media/clip/clip.h"
#include "json/json.h"

namespace confab::app::cli {

using testing::has;
using testing::kNow;
using testing::Machine;

namespace {

std::string opus_file() {
    client::OggOpusWriter ogg(1);
    Bytes file = ogg.header();
    const Bytes page = ogg.packet(Bytes{0xFC, 1});
    file.insert(file.end(), page.begin(), page.end());
    return std::string(as_text(file));
}

}  // namespace

TEST_CASE("room join: a token of its own, everything that is published [LKC-20] [LKC-21]") {
    Machine m;
    m.media["a.ogg"] = opus_file();
    load::JoinSettings got;
    m.joins = [&](const load::JoinSettings& s) -> Result<void, std::string> {
        got = s;
        s.told({"joined", {{"identity", "anna"}, {"x", ""}}});
        CHECK(!s.is_over(0));
        m.stop = true;
        CHECK(s.is_over(0));
        return {};
    };
    CHECK(m.run({"room", "join", "demo", "--identity", "anna", "--publish", "a.ogg",
                 "--publish-demo", "--publish-data", "hi", "--publish-dtmf", "12", "--loop",
                 "--exit-after-publish", "--metadata", "m", "--attribute", "a=b"})
              .code == 0);
    CHECK(m.printed == "2027-01-15T08:00:00Z joined identity=anna\n");
    CHECK(got.url == "http://localhost:7880");
    REQUIRE(got.tracks.size() == 3);
    CHECK(got.tracks[0].clip->loops);
    CHECK(!got.tracks[1].clip);
    CHECK(got.data[0].user().payload() == "hi");
    CHECK(got.data[1].sip_dtmf().digit() == "12");
    CHECK(got.ends_after_publish);
    CHECK(!got.auto_subscribe);
    CHECK(got.single);
    const token::KeyMap keys(token::KeyMap::Texts{{"devkey", "secret"}});
    const auto grants = token::verify_token(got.token, keys, kNow);
    REQUIRE(grants);
    CHECK(grants->video->room == "demo");
    CHECK(grants->video->room_join);
    CHECK(grants->video->publishes());
    CHECK(grants->video->publishes_data());
    CHECK(grants->metadata == "m");
    CHECK(grants->attributes.at("a") == "b");
    m.stop = false;
    CHECK(m.run({"join-room", "--room", "demo", "--signal", "v0", "--record", "out"}).code == 0);
    CHECK(has(m.warned, "Using generated participant identity [participant-"));
    CHECK(got.auto_subscribe);
    CHECK(!got.single);
    CHECK(got.record_folder == "out");
}

TEST_CASE("room join --token: the address is that of a project, a variable or the default") {
    Machine m;
    std::string url;
    m.joins = [&](const load::JoinSettings& s) -> Result<void, std::string> {
        url = s.url;
        return {};
    };
    const auto with = [&](std::vector<std::string> more) {
        more.insert(more.begin(), {"room", "join", "--token", "t"});
        url.clear();
        (void)m.run_bare(more);
        return url;
    };
    CHECK(with({}) == "http://localhost:7880");
    m.files["/home/me/.livekit/cli-config.yaml"] = {
        "default_project: home\nprojects:\n  - name: home\n    url: wss://home.example.com\n"
        "  - name: other\n    url: ws://other.example.com\n",
        0600};
    CHECK(with({}) == "https://home.example.com");
    CHECK(with({"--project", "other"}) == "http://other.example.com");
    CHECK(with({"--project", "gone"}) == "");
    CHECK(with({"--dev"}) == "http://localhost:7880");
    m.variables["LIVEKIT_URL"] = "ws://theirs";
    CHECK(with({}) == "http://theirs");
    m.variables["CONFAB_URL"] = "ws://ours";
    CHECK(with({}) == "http://ours");
    CHECK(with({"--project", "other"}) == "http://other.example.com");
    CHECK(with({"--url", "ws://flag"}) == "http://flag");
}

TEST_CASE("room join: tracks are named after their files, which one flag may list; -q is quiet") {
    Machine m;
    for (const char* name : {"in/a.ogg", "b c.ogg", "a.ogg"})
        m.media[name] = opus_file();
    std::vector<std::string> names;
    m.joins = [&](const load::JoinSettings& s) -> Result<void, std::string> {
        for (const load::GuestTrack& track : s.tracks)
            names.push_back(track.cid);
        return {};
    };
    const Outcome o = m.run(
        {"room", "join", "demo", "-q", "--publish", "in/a.ogg,b c.ogg", "--publish", "a.ogg"});
    CHECK(o.code == 0);
    CHECK(names == std::vector<std::string>{"a.ogg", "b_c.ogg", "a.ogg-2"});
    CHECK(m.warned == "");
}

TEST_CASE("room join: what is expected in time, as a probe [LKC-24]") {
    Machine m;
    std::size_t flowing = 2;
    m.joins = [&](const load::JoinSettings& s) -> Result<void, std::string> {
        CHECK(s.token == "t");
        CHECK(s.auto_subscribe);
        while (!s.is_over(flowing))
            m.now = m.now + Duration::seconds(1);
        return {};
    };
    const std::vector<std::string> probe{"room", "join",      "--token", "t", "--expect-tracks",
                                         "2",    "--timeout", "5s"};
    CHECK(m.run_bare(probe).code == 0);
    CHECK(m.now == kNow);
    flowing = 1;
    const Outcome o = m.run_bare(probe);
    CHECK(o.code == 2);
    CHECK(has(o.err, "error: fewer than 2 tracks flow"));
    CHECK(m.now == kNow + Duration::seconds(5));
}

TEST_CASE("room join: files that cannot be published, and joins that fail, say why") {
    Machine m;
    m.media["a.ogg"] = "nonsense";
    m.joins = [](const load::JoinSettings&) -> Result<void, std::string> {
        return fail(std::string("refused"));
    };
    const auto with = [&](std::vector<std::string> more) {
        more.insert(more.begin(), {"room", "join", "demo"});
        return m.run(more).err;
    };
    CHECK(has(with({"--publish", "gone.ivf"}), "--publish gone.ivf: no such file"));
    CHECK(has(with({"--publish", "a.ogg"}), "is no Ogg file with Opus"));
    m.media["a.mp4"] = "x";
    CHECK(has(with({"--publish", "a.mp4"}), "only .ivf (VP8) and .ogg (Opus)"));
    CHECK(has(with({"--publish", "h264:///tmp/x"}), "live sources are not there yet"));
    CHECK(has(with({"--publish", "1", "--publish", "2", "--publish", "3", "--publish", "4"}),
              "at most 3"));
    CHECK(has(with({"--timeout", "5"}), "--timeout needs a time"));
    CHECK(has(with({}), "error: refused"));
    CHECK(has(m.run({"room", "join"}).err, "no room; give its name"));
    CHECK(has(m.run({"room", "join", "demo", "-o", "jsonl"}).err, "refused"));
}

}  // namespace confab::app::cli

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// room join (05 C.3): a participant that says what happens, publishes files and records.
#include <algorithm>
#include <memory>
#include <optional>

#include "app/cli/call/call.h"
#include "app/cli/call/templates.h"
#include "app/cli/output/table_text.h"
#include "app/cli/verbs/token_grants.h"
#include "app/cli/verbs/verbs.h"
#include "base/text.h"
#include "client/media/clip/clip.h"
#include "config/yaml/value.h"
#include "json/json.h"
#include "token/token.h"

namespace confab::app::cli {
namespace {

constexpr std::size_t kMaxPublished = 3;
constexpr Duration kTokenLifetime = Duration::seconds(6 * 3600);
constexpr Duration kExpectTime = Duration::seconds(20);
constexpr int kExitExpected = 2;

constexpr Param kJoin[] = {
    {.names = "-r,--room,room", .help = "The room", .kind = Kind::kName, .live = Live::kRoom},
    {.names = "-i,--identity", .help = "As whom; made up without", .kind = Kind::kName},
    {.names = "--name", .help = "Name shown to others", .kind = Kind::kName},
    {.names = "--token", .help = "A token that was made before, instead of a key"},
    {.names = "--auto-subscribe", .help = "Receive everything", .kind = Kind::kBool},
    {.names = "--publish",
     .help = "A file to publish: .ivf (VP8) or .ogg (Opus); repeatable, up to 3",
     .kind = Kind::kList,
     .live = Live::kFile},
    {.names = "--publish-demo",
     .help = "Publish a camera and a microphone without pictures and sound (packets alone)",
     .kind = Kind::kBool},
    {.names = "--loop", .help = "Begin files anew at their end", .kind = Kind::kBool},
    {.names = "--fps", .help = "Of files with pictures; default what they say"},
    {.names = "--publish-data", .help = "Send this text to all"},
    {.names = "--publish-dtmf", .help = "Send these digits"},
    {.names = "--exit-after-publish", .help = "Leave when all is published", .kind = Kind::kBool},
    {.names = "--record",
     .help = "Write what is received into this folder: .ogg, .ivf, .h264, .h265",
     .live = Live::kFile},
    {.names = "--expect-tracks",
     .help = "Leave with code 0 once so many flow, with code 2 if they do not in time",
     .kind = Kind::kNumber},
    {.names = "--timeout", .help = "For --expect-tracks; default 20s"},
    {.names = "--attribute", .help = "Attribute key=value; repeatable", .kind = Kind::kTexts},
    {.names = "--attribute-file", .help = "Attributes as JSON, a file", .live = Live::kFile},
    {.names = "--metadata", .help = "Metadata of the participant"},
    {.names = "--signal", .help = "Path of signalling", .choices = "v1,v0"},
    {.names = "--h26x-streaming-format", .help = "", .hidden = true},
    {.names = "--open", .help = "", .hidden = true},
};

Result<std::shared_ptr<const client::Clip>, std::string> read_clip(Call& call,
                                                                   const std::string& path) {
    if (path.find("://") != path.npos)
        return fail("--publish " + path +
                    ": live sources are not there yet; give a .ivf or .ogg file");
    const auto file = call.host().read_media(path);
    if (!file) return fail("--publish " + path + ": " + file.error());
    const double rate = std::strtod(call.values().text("fps").c_str(), nullptr);
    auto clip = path.ends_with(".ogg") ? client::read_ogg(as_bytes(*file))
                : path.ends_with(".ivf")
                    ? client::read_ivf(as_bytes(*file), rate)
                    : Result<client::Clip, std::string>(
                          fail(std::string("only .ivf (VP8) and .ogg (Opus) can be published")));
    if (!clip) return fail("--publish " + path + ": " + clip.error());
    clip->loops = call.values().flag("loop");
    return std::make_shared<const client::Clip>(*std::move(clip));
}

// That of the file, as far as it can stand in a session description; no two have the same.
std::string track_name(const std::string& path, const load::JoinSettings& settings) {
    std::string file = path.substr(path.rfind('/') + 1);
    for (char& c : file)
        if (c <= ' ' || c > '~') c = '_';
    std::string name = file;
    const auto is_taken = [&](const load::GuestTrack& track) { return track.cid == name; };
    for (int i = 2; std::ranges::any_of(settings.tracks, is_taken); ++i)
        name = file + "-" + std::to_string(i);
    return name;
}

Result<void, std::string> add_tracks(Call& call, load::JoinSettings& settings) {
    const auto& files = call.values().list("publish");
    if (files.size() > kMaxPublished)
        return fail(std::string("--publish is given at most 3 times"));
    for (std::size_t i = 0; i < files.size(); ++i) {
        CONFAB_TRY(auto clip, read_clip(call, files[i]));
        const client::MediaKind kind = clip->kind;
        settings.tracks.push_back({track_name(files[i], settings), std::move(clip), kind});
    }
    if (!call.values().flag("publish-demo")) return {};
    settings.tracks.push_back({"demo-mic", nullptr, client::MediaKind::kAudio});
    settings.tracks.push_back({"demo-cam", nullptr, client::MediaKind::kVideo});
    return {};
}

void add_data(const Values& values, load::JoinSettings& settings) {
    if (values.has("publish-data"))
        settings.data.emplace_back().mutable_user()->set_payload(values.text("publish-data"));
    if (values.has("publish-dtmf"))
        settings.data.emplace_back().mutable_sip_dtmf()->set_digit(values.text("publish-dtmf"));
}

// Of --token, or made with the key.
Result<void, std::string> add_token(Call& call, load::JoinSettings& settings) {
    Values& values = call.values();
    if (values.has("token")) {
        CONFAB_TRY(const Credentials server, find_address(values, call.host()));
        if (!server.notice.empty()) call.notice(trim(server.notice));
        settings.url = server.url;
        settings.token = values.text("token");
        return {};
    }
    if (values.text("room").empty()) return fail(std::string("no room; give its name, or --token"));
    if (values.text("identity").empty()) {
        values.set("identity", {expanded("participant-%x", call.host())});
        if (!call.settings().quiet)
            call.host().warn("Using generated participant identity [" + values.text("identity") +
                             "]\n");
    }
    values.set("join", {"true"});
    CONFAB_TRY(token::Grants grants, grants_of(call));
    // Here these flags are files and texts to publish, and no grants.
    grants.video->can_publish.reset();
    grants.video->can_publish_data.reset();
    CONFAB_TRY(const Credentials server, call.credentials());
    settings.url = server.url;
    settings.token = token::mint_token(grants, {server.api_key, server.api_secret},
                                       call.host().now(), kTokenLifetime);
    return {};
}

std::string event_text(const Call& call, const load::GuestEvent& event) {
    const std::string time = rfc3339(call.host().now());
    if (call.settings().form.is_machine()) {
        json::Writer writer;
        writer.begin_object();
        writer.string("time", time);
        writer.string("event", event.what);
        for (const auto& [name, value] : event.facts)
            writer.string(name, value);
        writer.end_object();
        return writer.take() + "\n";
    }
    std::string line = time + " " + event.what;
    for (const auto& [name, value] : event.facts)
        if (!value.empty()) line += " " + name + "=" + printable(value);
    return line + "\n";
}

// Whether what was expected has come, and until when it may.
class Expectation {
  public:
    Expectation(const Call& call, Duration patience)
        : host_(call.host()),
          tracks_(call.values().number("expect-tracks", 0)),
          end_(call.host().now() + patience) {}
    bool is_over(std::size_t flowing) {
        if (tracks_ == 0) return false;
        met_ = flowing >= tracks_;
        return met_ || host_.now() >= end_;
    }
    bool failed() const { return tracks_ > 0 && !met_; }
    std::uint64_t tracks() const { return tracks_; }

  private:
    const Host& host_;
    std::uint64_t tracks_;
    UnixTime end_;
    bool met_ = false;
};

Outcome join(Call& call) {
    load::JoinSettings settings;
    Duration patience = kExpectTime;
    if (call.values().has("timeout")) {
        const auto given = config::parse_duration(call.values().text("timeout"));
        if (!given || *given <= Duration::zero())
            return call.failed("--timeout needs a time with its unit, for example 20s");
        patience = *given;
    }
    if (const auto tracks = add_tracks(call, settings); !tracks) return call.failed(tracks.error());
    if (const auto token = add_token(call, settings); !token) return call.failed(token.error());
    add_data(call.values(), settings);
    Expectation expectation(call, patience);
    settings.url = http_url(settings.url);
    settings.single = call.values().text("signal") != "v0";
    settings.record_folder = call.values().text("record");
    settings.auto_subscribe = call.values().flag("auto-subscribe") ||
                              !settings.record_folder.empty() || expectation.tracks() > 0;
    settings.ends_after_publish = call.values().flag("exit-after-publish");
    bool closed = false;
    settings.told = [&](const load::GuestEvent& event) {
        closed |= !call.host().print(event_text(call, event));
    };
    settings.is_over = [&](std::size_t flowing) {
        return closed || call.host().interrupted() || expectation.is_over(flowing);
    };
    const auto ended = call.host().join(settings);
    if (!ended) return call.failed(ended.error());
    if (!expectation.failed()) return call.done({});
    Outcome outcome =
        call.failed("fewer than " + std::to_string(expectation.tracks()) + " tracks flow");
    outcome.code = kExitExpected;
    return outcome;
}

constexpr Verb kVerbs[] = {
    {.group = "room",
     .name = "join",
     .help = "Join a room: print what happens there, publish files, record",
     .examples = "confab room join demo --identity probe\n"
                 "confab room join demo --publish speech.ogg --publish clip.ivf --loop\n"
                 "confab room join demo --record recordings\n"
                 "confab room join demo --expect-tracks 2 --timeout 10s",
     .params = kJoin,
     .run = join,
     .old_names = "join-room"},
};

}  // namespace

std::span<const Verb> join_verbs() {
    return kVerbs;
}

}  // namespace confab::app::cli

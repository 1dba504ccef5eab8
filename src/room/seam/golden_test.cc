// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Replays recorded signalling (testdata/signal, one scenario per file) into RoomManager: the
// client's frames at their times, media events as the recording shows them, and compares what the
// server says per connection: kinds, order where it is fixed, the set of fields, and the final
// state. Values (ids, times, addresses) are not compared. SDPs of clients are stored by line
// numbers into sdp-lines.txt, those of the server as their sections (more of them:
// rtc/sdp/golden_test.cc), its tokens as what they say of the participant.
#include <doctest/doctest.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>

#include "base/text.h"
#include "room/test_support.h"

namespace confab::room {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;
using testing::Harness;
using R = livekit::SignalResponse;

// Differences that are meant. A field path ends here when its beginning matches.
struct Meant {
    std::string_view what;
    std::string_view reason;
    mutable bool needed = false;  // by something that really differs
};
const std::array kMeantFields{
    Meant{"update.participants.tracks.layers.repair_ssrc", "the shard reports the media SSRC only"},
    Meant{"update.participants.tracks.codecs.layers.repair_ssrc", "as above"},
    Meant{"join.other_participants.tracks.layers.repair_ssrc", "as above"},
    Meant{"join.other_participants.tracks.codecs.layers.repair_ssrc", "as above"},
};

// The same for whole kinds: scenario (end of its name), connection (0 = any), kind.
struct MeantKind {
    std::string_view scenario;
    int connection;
    std::string_view kind;
    std::string_view reason;
    mutable bool needed = false;
};
constexpr std::string_view kSpeakersAgain =
    "who resumes is told who speaks and who stopped; the recorded server tells nothing";
constexpr std::string_view kSpeakerHeard =
    "who subscribes to a speaker is told as the others were; the recorded server looks at the "
    "level "
    "of that moment, and there was none";
constexpr std::string_view kToldAgain =
    "who resumes is told what changed lately; the recorded server tells nothing";
constexpr std::string_view kNothingAsked =
    "not sent when the answer just before carried every track already";
const std::array kMeantKinds{
    MeantKind{"js-v1-late-joiner", 2, "media_sections_requirement", kNothingAsked},
    MeantKind{"js-v1-simulate-force-tcp", 3, "media_sections_requirement", kNothingAsked},
    MeantKind{"js-v1-simulate-force-tls", 3, "media_sections_requirement", kNothingAsked},
    MeantKind{"js-v1-simulate-full-reconnect", 3, "media_sections_requirement", kNothingAsked},
    MeantKind{"js-v1-simulate-migration", 4, "media_sections_requirement", kNothingAsked},
    MeantKind{"js-v1-simulate-node-failure", 4, "media_sections_requirement", kNothingAsked},
    MeantKind{"js-v1-simulate-resume-reconnect", 4, "media_sections_requirement", kNothingAsked},
    MeantKind{"mute-quality-unsubscribe-unpublish", 2, "subscription_permission_update",
              "a grant to all works at once, the recorded server takes up to 3 s"},
    MeantKind{"mute-quality-unsubscribe-unpublish", 1, "subscribed_quality_update",
              "settings outlive an unsubscription (SUB-01); the recorded server forgets them"},
    MeantKind{"rtc-node-call", 3, "leave", "the client closed its socket within 1 ms"},
    MeantKind{"rtc-node-call", 3, "speakers_changed", kSpeakersAgain},
    MeantKind{"rtc-node-call", 4, "speakers_changed", kSpeakerHeard},
    MeantKind{"js-v0-simulate-force-tls", 3, "speakers_changed", kSpeakerHeard},
    MeantKind{"js-v1-simulate-full-reconnect", 3, "speakers_changed", kSpeakerHeard},
    MeantKind{"simulate-resume-reconnect", 3, "speakers_changed", kSpeakersAgain},
    MeantKind{"simulate-signal-reconnect", 3, "speakers_changed", kSpeakersAgain},
    MeantKind{"disconnect-signal-on-resume", 3, "speakers_changed", kSpeakersAgain},
    MeantKind{"disconnect-signal-on-resume", 4, "speakers_changed", kSpeakersAgain},
    MeantKind{"disconnect-signal-on-resume-no-messages", 5, "speakers_changed", kSpeakersAgain},
    MeantKind{"rtc-node-call", 3, "subscription_permission_update", kToldAgain},
    MeantKind{"simulate-resume-reconnect", 3, "subscription_permission_update", kToldAgain},
    MeantKind{"simulate-resume-reconnect", 3, "stream_state_update", kToldAgain},
    MeantKind{"simulate-signal-reconnect", 3, "subscription_permission_update", kToldAgain},
    MeantKind{"simulate-signal-reconnect", 3, "stream_state_update", kToldAgain},
    MeantKind{"disconnect-signal-on-resume", 3, "subscription_permission_update", kToldAgain},
    MeantKind{"disconnect-signal-on-resume", 3, "stream_state_update", kToldAgain},
    MeantKind{"disconnect-signal-on-resume", 4, "subscription_permission_update", kToldAgain},
    MeantKind{"disconnect-signal-on-resume", 4, "stream_state_update", kToldAgain},
    MeantKind{"disconnect-signal-on-resume-no-messages", 5, "subscription_permission_update",
              kToldAgain},
    MeantKind{"disconnect-signal-on-resume-no-messages", 5, "stream_state_update", kToldAgain},
};
// Scenarios where we mean to do otherwise from a request on: compared is what comes before it.
struct MeantFrom {
    std::string_view scenario;
    std::string_view request;  // in its JSON
    std::string_view reason;
    mutable bool needed = false;
};
const std::array kMeantFrom{
    MeantFrom{"simulate-leave-full-reconnect", "leaveRequestFullReconnect",
              "the recorded server ignores this request (SIG-176)"},
};

// Kinds whose number is a matter of timing: compared is that they come at all, and the state that
// the client knows after the last of them (last_words).
const std::set<std::string> kStateLike{"update",
                                       "trickle",
                                       "offer",
                                       "media_sections_requirement",
                                       "subscribed_quality_update",
                                       "speakers_changed",
                                       "connection_quality",
                                       "room_update",
                                       "refresh_token",
                                       "answer",
                                       "stream_state_update"};
// Kinds that answer one request each, so that their order is fixed.
const std::set<std::string> kOrdered{"join",  "reconnect", "track_published", "request_response",
                                     "leave", "pong",      "pong_resp"};

std::string text_of(const Struct& object, const std::string& key) {
    const auto it = object.fields().find(key);
    return it == object.fields().end() ? "" : it->second.string_value();
}
double number_of(const Struct& object, const std::string& key) {
    const auto it = object.fields().find(key);
    return it == object.fields().end() ? 0 : it->second.number_value();
}
bool bool_of(const Struct& object, const std::string& key, bool fallback) {
    const auto it = object.fields().find(key);
    return it == object.fields().end() ? fallback : it->second.bool_value();
}
const Struct& object_of(const Struct& object, const std::string& key) {
    static const Struct kEmpty;
    const auto it = object.fields().find(key);
    return it == object.fields().end() ? kEmpty : it->second.struct_value();
}

std::string kind_of(const R& frame) {
    std::vector<const google::protobuf::FieldDescriptor*> fields;
    R::GetReflection()->ListFields(frame, &fields);
    return fields.empty() ? "" : std::string(fields[0]->name());
}

// Paths of all fields that are set, repeated ones once.
void paths_of(const google::protobuf::Message& message, const std::string& prefix,
              std::set<std::string>& paths) {
    std::vector<const google::protobuf::FieldDescriptor*> fields;
    const auto* reflection = message.GetReflection();
    reflection->ListFields(message, &fields);
    for (const auto* field : fields) {
        const std::string path = prefix + (prefix.empty() ? "" : ".") + std::string(field->name());
        paths.insert(path);
        if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE ||
            field->is_map())
            continue;
        if (!field->is_repeated()) {
            paths_of(reflection->GetMessage(message, field), path, paths);
            continue;
        }
        for (int i = 0; i < reflection->FieldSize(message, field); ++i)
            paths_of(reflection->GetRepeatedMessage(message, field, i), path, paths);
    }
}

// Whom a token lets in again, and as what: as the recorded ones are stored.
std::string token_text(const token::Grants& grants) {
    std::string text = grants.identity + " " + grants.name + " " + grants.metadata;
    for (const auto& [key, value] : grants.attributes)
        text.append(" ").append(key).append("=").append(value);
    const auto say = [&](const char* what, std::optional<bool> may) {
        if (may) text.append(*may ? " +" : " -").append(what);
    };
    const token::VideoGrant video = grants.video.value_or(token::VideoGrant());
    say("canPublish", video.can_publish);
    say("canSubscribe", video.can_subscribe);
    say("canPublishData", video.can_publish_data);
    say("canUpdateOwnMetadata", video.can_update_own_metadata);
    if (video.hidden) say("hidden", true);
    return text;
}

// The sections of a description: mid, kind, direction. The recorded ones are stored so.
std::string sections_text(const std::string& body) {
    if (!body.starts_with("v=0")) return body;
    const auto description = sdp::parse(body);
    REQUIRE(description);
    std::string text;
    for (const sdp::MediaSection& section : description->sections) {
        if (!text.empty()) text += ",";
        text += section.mid + " " + section.media + " ";
        text += section.rejected() ? "rejected" : to_text(section.direction);
    }
    return text;
}

Config config_of_replay() {
    Config config = testing::test_config();
    config.mint_token = token_text;
    return config;
}

class SdpLines {
  public:
    explicit SdpLines(const std::string& path) {
        std::ifstream file(path);
        for (std::string line; std::getline(file, line);)
            lines_.push_back(line);
    }
    // "@3,1,4" → the lines.
    std::string expand(std::string_view reference) const {
        std::string result;
        std::string_view rest = reference.substr(1);
        while (!rest.empty()) {
            const auto index = parse_decimal<std::size_t>(next_token(rest, ','));
            if (!result.empty()) result += "\r\n";
            if (index && *index < lines_.size()) result += lines_[*index];
        }
        return result;
    }

  private:
    std::vector<std::string> lines_;
};

class Replay {
  public:
    // Up to the first client frame that has `until` in it, if that is not empty.
    Replay(const std::filesystem::path& file, const SdpLines& lines, std::string_view until = "")
        : name_(file.stem().string()), lines_(lines) {
        std::ifstream input(file);
        for (std::string line; std::getline(input, line);) {
            if (!until.empty() && line.find(until) != line.npos) break;
            Struct object;
            REQUIRE(google::protobuf::util::JsonStringToMessage(line, &object).ok());
            script_.push_back(std::move(object));
        }
        harness_.auto_answer = harness_.auto_connect = false;
    }

    // What differs, empty when the scenario agrees.
    std::vector<std::string> run();

  private:
    struct Connection {
        std::optional<SessionId> session;
        std::vector<R> recorded;
        std::string identity;
        std::vector<livekit::SessionDescription> offers;  // as sent by the client
        std::size_t published = 0;
        std::size_t seen_offers = 0;
        std::size_t seen_needs = 0;
        std::size_t needs_offer = 0;
        bool refused = false;
    };
    static int id_of(const Struct& line) { return static_cast<int>(number_of(line, "id")); }

    void advance_to(std::int64_t ms);
    void later(std::int64_t ms, std::function<void()> task) {
        tasks_.emplace(harness_.now + Duration::millis(ms), std::move(task));
    }
    void react();
    void start(const Struct& line);
    void client_frame(const Struct& line);
    void server_frame(const Struct& line);
    void media_shown(Connection& connection, const R& frame);
    std::string translated(const Value& message) const;
    sfu::ReceiverId receiver_of(const std::string& participant_sid) const;
    void answer(Connection& connection, const livekit::SessionDescription& offer);
    void connect(sfu::PeerId peer);
    void compare(int id, Connection& connection, std::vector<std::string>& differences);
    void compare_final(int id, const std::vector<R>& recorded, const std::vector<R>& ours,
                       std::vector<std::string>& differences) const;
    void compare_last_words(int id, const std::vector<R>& recorded, const std::vector<R>& ours,
                            std::vector<std::string>& differences) const;

    bool is_meant_kind(int id, const std::string& kind) const;
    // Did another client leave at about the same time, so that who heard of it is chance?
    bool leaves_with_another(int id) const;

    std::string name_;
    const SdpLines& lines_;
    std::map<int, std::int64_t> left_;  // when the client sent leave
    bool relay_only_ = false;           // the recorded client could not connect any more
    Harness harness_{config_of_replay(), 5};
    std::vector<Struct> script_;
    std::map<int, Connection> connections_;
    std::map<std::string, std::string> sids_;  // recorded → ours
    std::multimap<Timestamp, std::function<void()>> tasks_;
    std::size_t seen_commands_ = 0;
    std::int64_t last_ms_ = 0;
};

void Replay::advance_to(std::int64_t ms) {
    const Timestamp target =
        harness_.now + Duration::millis(std::max<std::int64_t>(0, ms - last_ms_));
    last_ms_ = std::max(last_ms_, ms);
    for (;;) {
        react();
        const Timestamp next = harness_.manager.next_deadline();
        const Timestamp task = tasks_.empty() ? Timestamp::never() : tasks_.begin()->first;
        if (earlier(next, task) > target) break;
        harness_.now = std::max(harness_.now, earlier(next, task));
        if (task <= next) {
            auto run = std::move(tasks_.begin()->second);
            tasks_.erase(tasks_.begin());
            run();
        } else {
            harness_.manager.handle_timeout(harness_.clock());
        }
    }
    harness_.now = target;
}

bool Replay::is_meant_kind(int id, const std::string& kind) const {
    for (const MeantKind& meant : kMeantKinds)
        if (kind == meant.kind && (meant.connection == 0 || meant.connection == id) &&
            name_.ends_with(meant.scenario))
            return meant.needed = true;
    return false;
}

bool Replay::leaves_with_another(int id) const {
    constexpr std::int64_t kRace = 40;
    const auto own = left_.find(id);
    if (own == left_.end()) return false;
    return std::any_of(left_.begin(), left_.end(), [&](const auto& other) {
        return other.first != id && std::abs(other.second - own->second) <= kRace;
    });
}

void Replay::connect(sfu::PeerId peer) {
    if (relay_only_) return;
    sfu::PeerStateChanged state;
    state.peer = peer;
    state.state = sfu::PeerState::kConnected;
    harness_.manager.handle_media_event(harness_.clock(), 0, state);
    for (const auto channel : {sfu::DataChannel::kReliable, sfu::DataChannel::kLossy})
        harness_.manager.handle_media_event(harness_.clock(), 0,
                                            sfu::DataChannelOpened{peer, channel, ""});
}

void Replay::answer(Connection& connection, const livekit::SessionDescription& offer) {
    livekit::SignalRequest request;
    request.mutable_answer()->set_type("answer");
    request.mutable_answer()->set_id(offer.id());
    request.mutable_answer()->set_sdp(testing::make_answer(offer.sdp(), {"H265"}));
    harness_.manager.handle_request(harness_.clock(), *connection.session, request);
}

// What clients and media do by themselves: answer offers, offer when asked, connect, send.
void Replay::react() {
    harness_.drain();
    for (; seen_commands_ < harness_.commands.size(); ++seen_commands_) {
        const sfu::Command& command = harness_.commands[seen_commands_].command;
        if (const auto* remote = std::get_if<sfu::SetRemote>(&command)) {
            const sfu::PeerId peer = remote->peer;
            later(40, [this, peer] { connect(peer); });
        } else if (const auto* add = std::get_if<sfu::AddReceiver>(&command)) {
            if (add->kind != sfu::MediaKind::kVideo) continue;
            for (const sfu::ReceiveLayer& layer : add->layers) {
                const sfu::LayerStarted started{add->receiver,
                                                layer.spatial,
                                                sfu::Codec::kVp8,
                                                Ssrc(77U + layer.spatial),
                                                0,
                                                0,
                                                {}};
                later(60, [this, started] {
                    harness_.manager.handle_media_event(harness_.clock(), 0, started);
                });
            }
        }
    }
    for (auto& [id, connection] : connections_) {
        if (!connection.session) continue;
        const auto offers = harness_.of(*connection.session, R::kOffer);
        for (; connection.seen_offers < offers.size(); ++connection.seen_offers) {
            const livekit::SessionDescription offer = offers[connection.seen_offers].offer();
            later(20, [this, c = &connection, offer] { answer(*c, offer); });
        }
        // A client offers for every requirement; the recorded offers may have come before ours.
        const std::size_t needs = harness_.count(*connection.session, R::kMediaSectionsRequirement);
        for (; connection.seen_needs < needs; ++connection.seen_needs) {
            const std::size_t had = connection.offers.size();
            later(200, [this, c = &connection, had] {
                if (c->offers.empty() || c->offers.size() > had) return;
                livekit::SignalRequest request;
                *request.mutable_offer() = c->offers.back();
                harness_.manager.handle_request(harness_.clock(), *c->session, request);
            });
        }
    }
}

std::string Replay::translated(const Value& message) const {
    std::string json;
    REQUIRE(google::protobuf::util::MessageToJsonString(message, &json).ok());
    for (const auto& [recorded, ours] : sids_)
        for (std::size_t at = json.find(recorded); at != std::string::npos;
             at = json.find(recorded, at + ours.size()))
            json.replace(at, recorded.size(), ours);
    return json;
}

void expand_sdp(livekit::SessionDescription& description, const SdpLines& lines) {
    if (description.sdp().starts_with("@")) description.set_sdp(lines.expand(description.sdp()));
}

void Replay::start(const Struct& line) {
    const int id = id_of(line);
    const Struct& query = object_of(line, "query");
    const Struct& token = object_of(query, "access_token");
    const Struct& video = object_of(token, "video");
    JoinParams params = testing::test_join("golden", text_of(token, "sub"));
    params.client.clear_browser();
    params.grants.video->can_update_own_metadata = bool_of(video, "canUpdateOwnMetadata", false);
    for (const auto& [key, value] :
         {std::pair{"canPublish", &params.grants.video->can_publish},
          std::pair{"canSubscribe", &params.grants.video->can_subscribe},
          std::pair{"canPublishData", &params.grants.video->can_publish_data}})
        if (video.fields().contains(key)) *value = bool_of(video, key, true);
    params.grants.name = text_of(token, "name");
    params.grants.metadata = text_of(token, "metadata");
    for (const auto& [key, value] : object_of(token, "attributes").fields())
        params.grants.attributes[key] = value.string_value();
    params.grants.video->hidden = bool_of(video, "hidden", false);
    const auto number = [&](const char* key) {
        return parse_decimal<std::int32_t>(text_of(query, key)).value_or(0);
    };
    params.client.set_client_protocol(number("client_protocol"));
    params.auto_subscribe = text_of(query, "auto_subscribe") != "0";
    params.adaptive_stream = text_of(query, "adaptive_stream") == "1";
    params.reconnect = text_of(query, "reconnect") == "1";
    const auto sid_of_ours = [this](const std::string& recorded) {
        const auto known = sids_.find(recorded);
        return known == sids_.end() ? recorded : known->second;
    };
    params.participant_sid = sid_of_ours(text_of(query, "sid"));
    params.single_connection = query.fields().contains("join_request");
    if (params.single_connection) {
        livekit::JoinRequest request;
        const Struct& wrapped = object_of(query, "join_request");
        google::protobuf::util::JsonParseOptions options;
        options.ignore_unknown_fields = true;
        std::string json;
        (void)google::protobuf::util::MessageToJsonString(wrapped.fields().at("request"), &json);
        REQUIRE(google::protobuf::util::JsonStringToMessage(json, &request, options).ok());
        params.client = request.client_info();
        params.auto_subscribe = request.connection_settings().auto_subscribe();
        params.adaptive_stream = request.connection_settings().adaptive_stream();
        params.reconnect = request.reconnect();
        params.participant_sid = sid_of_ours(request.participant_sid());
        if (request.has_publisher_offer()) {
            params.publisher_offer = request.publisher_offer();
            expand_sdp(*params.publisher_offer, lines_);
            connections_[id].offers.push_back(*params.publisher_offer);
        }
        if (params.grants.identity.empty()) {  // the token was in a header: who it was shows later
            token::VideoGrant& all = *params.grants.video;
            all.can_update_own_metadata = all.can_publish = true;
            all.can_subscribe = all.can_publish_data = true;
            for (const Struct& other : script_) {
                const Struct& join = object_of(object_of(other, "message"), "join");
                const Struct& who = object_of(join, "participant");
                const bool same =
                    id_of(other) == id || text_of(who, "sid") == request.participant_sid();
                if (same && !text_of(who, "identity").empty())
                    params.grants.identity = text_of(who, "identity");
            }
        }
    }
    Connection& connection = connections_[id];
    connection.identity = params.grants.identity;
    connection.session = harness_.manager.start_session(harness_.clock(), params);
    harness_.drain();
}

void Replay::client_frame(const Struct& line) {
    Connection& connection = connections_[id_of(line)];
    if (!connection.session) return;
    livekit::SignalRequest request;
    google::protobuf::util::JsonParseOptions options;
    options.ignore_unknown_fields = true;
    REQUIRE(google::protobuf::util::JsonStringToMessage(translated(line.fields().at("message")),
                                                        &request, options)
                .ok());
    if (request.has_leave()) left_[id_of(line)] = static_cast<std::int64_t>(number_of(line, "ms"));
    if (request.has_answer()) return;  // ours has other offers: react() answers those
    if (request.has_offer()) {
        expand_sdp(*request.mutable_offer(), lines_);
        connection.offers.push_back(request.offer());
    }
    harness_.manager.handle_request(harness_.clock(), *connection.session, request);
}

sfu::ReceiverId Replay::receiver_of(const std::string& participant_sid) const {
    // The participant's PA_ sid stands in the CNAME of everything forwarded from it.
    for (const auto& down : harness_.commands_of<sfu::AddDownTrack>())
        if (down.cname.starts_with(participant_sid + "|") && down.kind == sfu::MediaKind::kAudio)
            return down.receiver;
    return {};
}

// Levels and stream states are the media plane's; they are put in when the recording shows them.
void Replay::media_shown(Connection& connection, const R& frame) {
    if (frame.has_speakers_changed()) {
        for (const livekit::SpeakerInfo& speaker : frame.speakers_changed().speakers()) {
            const auto receivers = harness_.commands_of<sfu::AddReceiver>();
            const auto own = sids_.find(speaker.sid());
            const bool simulated = speaker.level() > 0.89F && speaker.level() < 0.91F;
            if (own == sids_.end() || receivers.empty() || simulated) continue;
            sfu::ReceiverId receiver = receiver_of(own->second);
            if (receiver == sfu::ReceiverId()) {
                for (const auto& add : receivers)
                    if (add.microphone) receiver = add.receiver;
            }
            harness_.manager.handle_media_event(
                harness_.clock(), 0,
                sfu::SpeakerLevels{
                    receivers[0].room,
                    {{receiver, static_cast<double>(speaker.level()), speaker.active()}}});
        }
    }
    if (!frame.has_stream_state_update() || !connection.session) return;
    for (const auto& state : frame.stream_state_update().stream_states()) {
        const auto track = sids_.find(state.track_sid());
        if (track == sids_.end()) continue;
        for (const auto& down : harness_.commands_of<sfu::AddDownTrack>()) {
            if (!down.cname.ends_with("|" + track->second)) continue;
            harness_.manager.handle_media_event(
                harness_.clock(), 0,
                sfu::StreamStateChanged{down.down_track, sfu::StreamState::kActive});
        }
    }
}

void Replay::server_frame(const Struct& line) {
    Connection& connection = connections_[id_of(line)];
    R frame;
    std::string json;
    (void)google::protobuf::util::MessageToJsonString(line.fields().at("message"), &json);
    REQUIRE(google::protobuf::util::JsonStringToMessage(json, &frame).ok());
    connection.recorded.push_back(frame);
    if (frame.join().client_configuration().force_relay() == livekit::ENABLED) relay_only_ = true;
    if (!connection.session) return;
    if (frame.has_join()) {
        const auto ours = harness_.of(*connection.session, R::kJoin);
        if (!ours.empty())
            sids_[frame.join().participant().sid()] = ours[0].join().participant().sid();
    }
    if (frame.has_track_published()) {
        const auto ours = harness_.of(*connection.session, R::kTrackPublished);
        const std::size_t index = connection.published++;
        if (index < ours.size())
            sids_[frame.track_published().track().sid()] =
                ours[index].track_published().track().sid();
    }
    media_shown(connection, frame);
}

std::vector<std::string> Replay::run() {
    for (const Struct& line : script_) {
        advance_to(static_cast<std::int64_t>(number_of(line, "ms")));
        if (line.fields().contains("upgrade")) {
            start(line);
        } else if (text_of(line, "from") == "client") {
            client_frame(line);
        } else if (text_of(line, "from") == "server") {
            server_frame(line);
        } else if (number_of(line, "refused") >= 500) {
            connections_[id_of(line)].refused = true;
        } else if (text_of(line, "closed") == "client") {
            const Connection& connection = connections_[id_of(line)];
            if (connection.session)
                harness_.manager.signal_closed(harness_.clock(), *connection.session);
        }
        react();
    }
    advance_to(last_ms_ + 50);
    std::vector<std::string> differences;
    std::size_t compared = 0;
    for (auto& [id, connection] : connections_) {
        if (!connection.session) continue;
        compare(id, connection, differences);
        if (!connection.recorded.empty() || connection.refused) ++compared;
    }
    if (compared == 0) differences.emplace_back("nothing was compared");
    return differences;
}

bool is_meant(const std::string& path) {
    for (const Meant& meant : kMeantFields)
        if (path == meant.what) return meant.needed = true;
    return false;
}

void Replay::compare(int id, Connection& connection, std::vector<std::string>& differences) {
    const auto differ = [&](const std::string& what) {
        differences.push_back("#" + std::to_string(id) + " " + what);
    };
    const std::vector<R>& ours = harness_.sent(*connection.session);
    if (connection.refused != harness_.refused.contains(*connection.session))
        return differ("refused differs");
    if (ours.empty() != connection.recorded.empty()) return differ("silent");
    if (ours.empty()) return;
    if (kind_of(ours[0]) != kind_of(connection.recorded[0])) return differ("first frame differs");

    std::map<std::string, std::pair<std::size_t, std::size_t>> counts;
    std::array<std::string, 2> order;
    std::array<std::set<std::string>, 2> fields;
    for (const auto& [side, frames] :
         {std::pair<std::size_t, const std::vector<R>*>{0, &connection.recorded}, {1, &ours}}) {
        for (const R& frame : *frames) {
            const std::string kind = kind_of(frame);
            auto& count = counts[kind];
            ++(side == 0 ? count.first : count.second);
            if (kOrdered.contains(kind)) order[side] += kind + " ";
            paths_of(frame, "", fields[side]);
        }
    }
    for (const auto& [kind, count] : counts) {
        const bool state_like = kStateLike.contains(kind);
        const bool same =
            state_like ? (count.first > 0) == (count.second > 0) : count.first == count.second;
        if (!same && !is_meant_kind(id, kind))
            differ(kind + ": recorded " + std::to_string(count.first) + ", ours " +
                   std::to_string(count.second));
    }
    if (order[0] != order[1] && !is_meant_kind(id, "leave"))
        differ("order: " + order[0] + "| ours: " + order[1]);
    const bool racing = leaves_with_another(id);
    const auto counts_for = [&](const std::string& path) {
        const std::string kind = path.substr(0, path.find('.'));
        return !is_meant(path) && !is_meant_kind(id, kind) && !(racing && kind == "update");
    };
    for (const std::string& path : fields[0])
        if (!fields[1].contains(path) && counts_for(path)) differ("without " + path);
    for (const std::string& path : fields[1])
        if (!fields[0].contains(path) && counts_for(path)) differ("has too " + path);
    compare_final(id, connection.recorded, ours, differences);
    compare_last_words(id, connection.recorded, ours, differences);
}

// What a client knows at the end by the frames of each kind: {kind and subject, state}.
using LastWords = std::map<std::string, std::string>;

void last_words(const R& frame, const std::function<std::string(const std::string&)>& ours,
                LastWords& known) {
    for (const auto& [mid, sid] : frame.offer().mid_to_track_id())
        known["offer " + ours(sid)] = "offered";
    if (frame.has_answer())
        // The first: react() offers once more what it offered last, with its number.
        known.try_emplace("answer " + std::to_string(frame.answer().id()),
                          sections_text(frame.answer().sdp()));
    for (const auto& [mid, sid] : frame.answer().mid_to_track_id())
        known["answer " + ours(sid)] = "answered";
    if (frame.has_media_sections_requirement()) {
        const auto& needs = frame.media_sections_requirement();
        known["media_sections_requirement "] =
            std::to_string(needs.num_audios()) + " audio " + std::to_string(needs.num_videos());
    }
    if (!frame.refresh_token().empty()) known["refresh_token "] = frame.refresh_token();
    if (frame.has_trickle())
        known["trickle " + livekit::SignalTarget_Name(frame.trickle().target())] =
            frame.trickle().final() ? "final" : "more";
    const auto& quality = frame.subscribed_quality_update();
    for (const auto& codec : quality.subscribed_codecs()) {
        std::string& text =
            known["subscribed_quality_update " + ours(quality.track_sid()) + " " + codec.codec()];
        text.clear();
        for (const auto& one : codec.qualities())
            text += livekit::VideoQuality_Name(one.quality()) + (one.enabled() ? "+" : "-");
    }
    for (const auto& speaker : frame.speakers_changed().speakers())
        known["speakers_changed " + ours(speaker.sid())] = speaker.active() ? "active" : "silent";
    for (const auto& update : frame.connection_quality().updates())
        known["connection_quality " + ours(update.participant_sid())] = "told";
    if (frame.has_room_update()) {
        const livekit::Room& room = frame.room_update().room();
        known["room_update "] = room.metadata() + (room.active_recording() ? " recording" : "");
    }
    for (const auto& state : frame.stream_state_update().stream_states())
        known["stream_state_update " + ours(state.track_sid())] =
            livekit::StreamState_Name(state.state());
}

void Replay::compare_last_words(int id, const std::vector<R>& recorded, const std::vector<R>& ours,
                                std::vector<std::string>& differences) const {
    LastWords theirs;
    LastWords mine;
    const auto same = [](const std::string& sid) { return sid; };
    const auto translated_sid = [this](const std::string& sid) {
        const auto found = sids_.find(sid);
        return found == sids_.end() ? sid : found->second;
    };
    for (const R& frame : recorded)
        last_words(frame, translated_sid, theirs);
    for (const R& frame : ours)
        last_words(frame, same, mine);
    const auto differ = [&](const std::string& what, const std::string& text,
                            const std::string& shown) {
        if (is_meant_kind(id, what.substr(0, what.find(' ')))) return;
        differences.push_back("#" + std::to_string(id) + " last word on " + what + ": " + text +
                              " | ours: " + shown);
    };
    for (const auto& [what, text] : theirs) {
        const auto found = mine.find(what);
        if (found == mine.end())
            differ(what, text, "nothing");
        else if (found->second != text)
            differ(what, text, found->second);
    }
    for (const auto& [what, text] : mine)
        if (!theirs.contains(what)) differ(what, "nothing", text);
}

// The last word on every participant: state, reason, tracks and their mute state.
void Replay::compare_final(int id, const std::vector<R>& recorded, const std::vector<R>& ours,
                           std::vector<std::string>& differences) const {
    const auto summary = [](const std::vector<R>& frames) {
        std::map<std::string, std::string> result;
        const auto add = [&](const livekit::ParticipantInfo& info) {
            std::multiset<std::string> tracks;
            for (const livekit::TrackInfo& track : info.tracks())
                tracks.insert(std::string(track.muted() ? "muted " : "") + track.mime_type());
            std::string text = livekit::ParticipantInfo::State_Name(info.state()) + " " +
                               livekit::DisconnectReason_Name(info.disconnect_reason()) + " " +
                               info.metadata() + " " + info.name() +
                               (info.is_publisher() ? " publisher" : "");
            for (const std::string& track : tracks)
                text += " " + track;
            result[info.identity()] = text;
        };
        for (const R& frame : frames) {
            for (const auto& info : frame.join().other_participants())
                add(info);
            for (const auto& info : frame.update().participants())
                add(info);
        }
        return result;
    };
    const auto theirs = summary(recorded);
    const auto mine = summary(ours);
    for (const auto& [identity, text] : theirs) {
        const auto found = mine.find(identity);
        const std::string shown = found == mine.end() ? "nothing" : found->second;
        const bool chance = leaves_with_another(id) &&
                            (shown.starts_with("DISCONNECTED") || text.starts_with("DISCONNECTED"));
        if (shown != text && !chance) {
            std::string difference = "#" + std::to_string(id) + " final ";
            difference.append(identity).append(": ").append(text);
            differences.push_back(difference.append(" | ours: ").append(shown));
        }
    }
    for (const auto& [identity, text] : mine) {
        const bool chance = leaves_with_another(id) && text.starts_with("DISCONNECTED");
        if (theirs.contains(identity) || chance) continue;
        std::string difference = "#" + std::to_string(id) + " final ";
        differences.push_back(
            difference.append(identity).append(": nothing | ours: ").append(text));
    }
}

}  // namespace

TEST_CASE(
    "Golden: recorded sessions of both protocol versions [SIG-80] [SIG-82] [SIG-100] [SIG-131] "
    "[SIG-160]") {
    const std::filesystem::path folder =
        std::filesystem::path(CONFAB_SOURCE_DIR) / "src/room/testdata/signal";
    const SdpLines lines((folder / "sdp-lines.txt").string());
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        if (entry.path().extension() == ".jsonl") files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    REQUIRE(files.size() > 50);
    std::size_t agree = 0;
    std::ostringstream report;
    for (const auto& file : files) {
        std::vector<std::string> differences = Replay(file, lines).run();
        for (const MeantFrom& meant : kMeantFrom) {
            if (!file.stem().string().ends_with(meant.scenario)) continue;
            meant.needed = meant.needed || !differences.empty();
            differences = Replay(file, lines, meant.request).run();
        }
        if (differences.empty()) ++agree;
        for (const std::string& difference : differences)
            report << file.stem().string() << " " << difference << "\n";
    }
    MESSAGE("golden signal: " << agree << " of " << files.size() << " scenarios agree");
    CHECK_MESSAGE(agree == files.size(), report.str());
    for (const Meant& meant : kMeantFields)
        CHECK_MESSAGE(meant.needed, "not needed: ", meant.what);
    for (const MeantKind& meant : kMeantKinds)
        CHECK_MESSAGE(meant.needed, "not needed: ", meant.scenario, " ", meant.kind);
    for (const MeantFrom& meant : kMeantFrom)
        CHECK_MESSAGE(meant.needed, "not needed: ", meant.scenario);
}

}  // namespace confab::room

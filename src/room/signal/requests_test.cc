// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Requests by themselves: what the parts of a room would do is written down by a small host.
#include "room/signal/requests.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "room/roster/part_testing.h"

namespace confab::room {
namespace {

using testing::PartWorld;
using testing::test_join;
using Answer = livekit::RequestResponse;
using Request = livekit::SignalRequest;
using Response = livekit::SignalResponse;
using Calls = std::vector<std::string>;

// What came to the host, in order, as text.
struct Host : RequestsHost {
    void take_offer(Participant&, const livekit::SessionDescription& offer) override {
        calls.push_back("offer " + offer.sdp());
    }
    void take_answer(Participant&, const livekit::SessionDescription& answer) override {
        calls.push_back("answer " + answer.sdp());
    }
    Result<void, std::string> take_candidate(Participant&,
                                             const livekit::TrickleRequest&) override {
        if (candidates_fit) return {};
        return tl::unexpected<std::string>("no candidate");
    }
    void prefer_transport(Participant&, IcePreference preference) override {
        calls.push_back("prefer " + std::to_string(static_cast<int>(preference)));
    }
    void signal_measured(Participant&, Duration rtt) override { rtts.push_back(rtt); }
    std::vector<Duration> rtts;
    void limit_downlink(Participant&, std::uint64_t bits_per_second) override {
        calls.push_back("limit " + std::to_string(bits_per_second));
    }
    void add_track(Participant&, const livekit::AddTrackRequest& request) override {
        calls.push_back("add " + request.cid());
    }
    bool mute(Participant&, const std::string& sid, bool muted) override {
        calls.push_back((muted ? "mute " : "unmute ") + sid);
        return sid == "TR_mine";
    }
    void update_audio(Participant&, const livekit::UpdateLocalAudioTrack& update) override {
        calls.push_back("audio " + update.track_sid());
    }
    void update_video(Participant&, const livekit::UpdateLocalVideoTrack& update) override {
        calls.push_back("video " + update.track_sid());
    }
    bool has_track(const Participant&, const std::string& sid) const override {
        return sid == "TR_mine";
    }
    void subscribe(Participant&, const livekit::UpdateSubscription& wish) override {
        for (const std::string& sid : wish.track_sids())
            calls.push_back((wish.subscribe() ? "subscribe " : "unsubscribe ") + sid);
    }
    void update_settings(Participant&, const livekit::UpdateTrackSettings& settings) override {
        for (const std::string& sid : settings.track_sids())
            calls.push_back((settings.disabled() ? "disable " : "enable ") + sid);
    }
    bool set_access(Participant&, const livekit::SubscriptionPermission& list) override {
        return list.all_participants();
    }
    std::optional<DataRefusal> publish_data_track(
        Participant&, const livekit::PublishDataTrackRequest& request) override {
        if (request.name() == "fits") return std::nullopt;
        return DataRefusal{Answer::INVALID_NAME, "no such name"};
    }
    bool unpublish_data_track(Participant&, std::uint32_t handle) override { return handle == 1; }
    void subscribe_data(Participant&, const livekit::UpdateDataSubscription&) override {
        calls.emplace_back("data");
    }
    bool has_data_track(const Participant&, const std::string& sid) const override {
        return sid == "DTR_mine";
    }
    // What others see, at the moment they are told.
    void described_anew(Participant& p) override {
        calls.push_back("told " + p.info.name() + "/" + p.info.metadata());
    }
    void send_token(Participant&) override { calls.emplace_back("token"); }
    void seem_to_speak(Participant&, Duration time) override {
        calls.push_back("speak " + std::to_string(time.us() / 1'000'000));
    }
    void end(Participant&, const Ending& ending) override {
        calls.push_back("end " + livekit::DisconnectReason_Name(ending.reason) + " " +
                        (ending.with_leave ? livekit::LeaveRequest::Action_Name(ending.action)
                                           : std::string("silent")));
    }

    bool candidates_fit = true;
    Calls calls;
};

struct World : PartWorld {
    explicit World(const JoinParams& params = test_join("r", "alice")) : p(join(params, 1)) {}

    // The same of the session that alice has.
    void ask(const Request& request) { requests.handle(SessionId(1), "alice", request); }
    Calls calls() { return std::exchange(host.calls, {}); }
    // The answers since the last call.
    std::vector<Answer> answers() {
        std::vector<Answer> result;
        for (const Response& response : sorted().of(1, Response::kRequestResponse))
            result.push_back(response.request_response());
        return result;
    }
    Answer only_answer() {
        const auto all = answers();
        REQUIRE(all.size() == 1);
        return all[0];
    }
    // The one answer since the last call as text, empty when there is none.
    std::string said() {
        const auto all = answers();
        if (all.empty()) return "";
        CHECK(all.size() == 1);
        return Answer::Reason_Name(all[0].reason()) + " " + std::to_string(all[0].request_id()) +
               " " + all[0].message();
    }
    // Alice's metadata request and the answer's text.
    std::string asks_for(const livekit::UpdateParticipantMetadata& update) {
        Request request;
        *request.mutable_update_metadata() = update;
        ask(request);
        const auto all = answers();
        return all.empty() ? "" : all[0].message();
    }

    Participant& p;
    Host host;
    Requests requests{scope, roster, host};
};

Request ping(std::int64_t value) {
    Request request;
    request.set_ping(value);
    return request;
}

Request store_request(std::uint32_t id, const std::string& key, const std::string& contents) {
    Request request;
    livekit::StoreDataBlobRequest& store = *request.mutable_store_data_blob_request();
    store.set_request_id(id);
    store.mutable_blob()->mutable_key()->set_generic(key);
    store.mutable_blob()->set_contents(contents);
    return request;
}

Request get_request(std::uint32_t id, const std::string& identity, const std::string& key) {
    Request request;
    livekit::GetDataBlobRequest& get = *request.mutable_get_data_blob_request();
    get.set_request_id(id);
    get.set_participant_identity(identity);
    get.mutable_key()->set_generic(key);
    return request;
}

}  // namespace

TEST_CASE("Requests: only the session that a participant has now is listened to [SIG-160]") {
    World w;
    w.at(5'000);
    w.requests.handle(SessionId(2), "alice", ping(1));
    w.requests.handle(SessionId(1), "bob", ping(1));
    CHECK(w.counters.requests == 0);
    CHECK(w.sorted().of(1, Response::kPong).empty());
    w.p.signal.lost();
    w.ask(ping(1));
    CHECK(w.counters.requests == 0);
    w.p.signal.open(SessionId(1));
    w.ask(ping(1));
    CHECK(w.counters.requests == 1);
    CHECK(w.sorted().of(1, Response::kPong).size() == 1);
}

TEST_CASE("Requests: whatever is asked, it was heard of, and its deadline is looked at [SIG-145]") {
    World w;
    w.roster.finish_turn([](const Participant&) { return Timestamp::never(); });
    w.at(40'000);
    CHECK_FALSE(w.p.presence.heard_lately(w.clock.now));
    w.ask(Request());
    CHECK(w.p.presence.heard_lately(w.clock.now));
    CHECK(w.p.touched);
    CHECK(w.calls().empty());
}

TEST_CASE("Requests: a ping is answered with the wall clock, in the way it was asked [SIG-13]") {
    World w;
    w.clock.wall = UnixTime::seconds(1'700'000'000);
    w.ask(ping(77));
    Request newer;
    newer.mutable_ping_req()->set_timestamp(88);
    w.ask(newer);
    CHECK(w.host.rtts.empty());  // not known yet
    for (const std::int64_t rtt : {std::int64_t{25}, std::int64_t{-1}, INT64_MAX}) {
        Request measured;
        measured.mutable_ping_req()->set_rtt(rtt);
        w.ask(measured);
    }
    CHECK(w.host.rtts == std::vector{Duration::millis(25), Duration::seconds(60)});
    const auto out = w.sorted();
    const auto plain = out.of(1, Response::kPong);
    REQUIRE(plain.size() == 1);
    CHECK(plain[0].pong() == 1'700'000'000'000);
    const auto echoed = out.of(1, Response::kPongResp);
    REQUIRE(echoed.size() == 4);
    CHECK(echoed[0].pong_resp().last_ping_timestamp() == 88);
    CHECK(echoed[0].pong_resp().timestamp() == 1'700'000'000'000);
}

TEST_CASE("Requests: what is refused is answered with the reason and the request [SIG-48]") {
    World w;
    w.host.candidates_fit = false;
    Request trickle;
    trickle.mutable_trickle()->set_candidateinit("nonsense");
    w.ask(trickle);
    Answer answer = w.only_answer();
    CHECK(answer.reason() == Answer::UNCLASSIFIED_ERROR);
    CHECK(answer.message() == "no candidate");
    CHECK(answer.trickle().candidateinit() == "nonsense");
    CHECK(w.counters.bad_requests == 1);

    Request mute;
    mute.mutable_mute()->set_sid("TR_other");
    w.ask(mute);
    answer = w.only_answer();
    CHECK(answer.reason() == Answer::NOT_FOUND);
    CHECK(answer.mute().sid() == "TR_other");

    Request publish;
    publish.mutable_publish_data_track_request()->set_name("unfit");
    w.ask(publish);
    answer = w.only_answer();
    CHECK(answer.reason() == Answer::INVALID_NAME);
    CHECK(answer.message() == "no such name");
    CHECK(answer.publish_data_track().name() == "unfit");

    Request unpublish;
    unpublish.mutable_unpublish_data_track_request()->set_pub_handle(2);
    w.ask(unpublish);
    answer = w.only_answer();
    CHECK(answer.reason() == Answer::NOT_FOUND);
    CHECK(answer.unpublish_data_track().pub_handle() == 2);
}

TEST_CASE("Requests: of what is done as asked there is no answer [SIG-48]") {
    World w;
    std::vector<Request> all(5);
    all[0].mutable_trickle()->set_candidateinit("candidate");
    all[1].mutable_mute()->set_sid("TR_mine");
    all[2].mutable_publish_data_track_request()->set_name("fits");
    all[3].mutable_unpublish_data_track_request()->set_pub_handle(1);
    all[4].mutable_subscription_permission()->set_all_participants(true);
    for (const Request& request : all)
        w.ask(request);
    CHECK(w.answers().empty());
    CHECK(w.counters.bad_requests == 0);
    CHECK(w.calls() == Calls{"unmute TR_mine"});
}

TEST_CASE("Requests: an access list that cannot be is counted and not answered [SIG-10]") {
    World w;
    Request request;
    request.mutable_subscription_permission()->set_all_participants(false);
    w.ask(request);
    CHECK(w.counters.bad_requests == 1);
    CHECK(w.answers().empty());
}

TEST_CASE("Requests: data blobs, where they are off [SIG-127]") {
    World w;
    w.ask(store_request(3, "k", "x"));
    CHECK(w.said() == "NOT_ALLOWED 3 data blob not enabled");
    CHECK(w.p.blobs.size() == 0);
    w.ask(get_request(4, "alice", "k"));
    CHECK(w.said() == "NOT_FOUND 4 data blob not found");
}

TEST_CASE("Requests: a data blob is stored and fetched by its key [SIG-20] [SIG-54] [SIG-127]") {
    World w;
    w.config.enable_data_blobs = true;
    const Participant& bob = w.join("bob", 2);
    w.ask(store_request(3, "k", "one"));
    const auto stored = w.sorted().of(1, Response::kStoreDataBlobResponse);
    REQUIRE(stored.size() == 1);
    CHECK(stored[0].store_data_blob_response().request_id() == 3);
    CHECK(stored[0].store_data_blob_response().key().generic() == "k");
    w.requests.handle(SessionId(2), "bob", get_request(4, "alice", "k"));
    w.ask(get_request(5, "alice", "k"));
    const auto out = w.sorted();
    for (const std::uint64_t session : {1U, 2U}) {
        const auto found = out.of(session, Response::kGetDataBlobResponse);
        REQUIRE(found.size() == 1);
        const livekit::GetDataBlobResponse& answer = found[0].get_data_blob_response();
        CHECK(answer.request_id() == (session == 1 ? 5 : 4));
        CHECK(answer.blob().key().generic() == "k");
        CHECK(answer.blob().contents() == "one");
    }
    CHECK(bob.blobs.size() == 0);
}

TEST_CASE("Requests: data blobs that cannot be stored or are not there [SIG-20] [SIG-127]") {
    World w;
    w.config.enable_data_blobs = true;
    w.config.limits.blob_key = 4;
    w.config.limits.blobs = 10;
    w.config.limits.custom_encoding = 2;
    (void)w.join("bob", 2);
    w.ask(store_request(1, "key45", "x"));
    CHECK(w.said() == "INVALID_REQUEST 1 data blob is invalid");
    w.ask(store_request(2, "k", ""));
    CHECK(w.said() == "INVALID_REQUEST 2 data blob is empty");
    w.ask(store_request(3, "k", "0123456789"));
    CHECK(w.said() == "LIMIT_EXCEEDED 3 async attribute definition exceeds limit");
    Request schema = store_request(4, "", "x");
    schema.mutable_store_data_blob_request()
        ->mutable_blob()
        ->mutable_key()
        ->mutable_schema_id()
        ->mutable_encoding()
        ->set_custom("abc");
    w.ask(schema);
    CHECK(w.said() ==
          "INVALID_REQUEST 4 encoding identifier is empty or exceeds the maximum length");
    w.ask(store_request(5, "k", "012345678"));
    CHECK(w.said().empty());
    w.ask(get_request(6, "bob", "k"));
    CHECK(w.said() == "NOT_FOUND 6 data blob not found");
    w.ask(get_request(7, "carol", "k"));
    CHECK(w.said() == "NOT_FOUND 7 participant not found");
    Request no_key;
    no_key.mutable_get_data_blob_request()->set_request_id(8);
    w.ask(no_key);
    CHECK(w.said() == "INVALID_REQUEST 8 data blob key is required");
}

TEST_CASE("Requests: each property that changes is one update and one token, in order [SIG-14]") {
    World w;
    livekit::UpdateParticipantMetadata update;
    update.set_name("Alice");
    update.set_metadata("m");
    (*update.mutable_attributes())["mood"] = "fine";
    update.set_request_id(9);
    Request request;
    *request.mutable_update_metadata() = update;
    w.ask(request);
    CHECK(w.calls() ==
          Calls{"told Alice/", "token", "told Alice/m", "token", "told Alice/m", "token"});
    Answer answer = w.only_answer();
    CHECK(answer.reason() == Answer::OK);
    CHECK(answer.request_id() == 9);
    // The same name and metadata again are no change; attributes always are.
    update.clear_attributes();
    CHECK(w.asks_for(update).empty());
    CHECK(w.calls().empty());
    (*update.mutable_attributes())["mood"] = "";
    CHECK(w.asks_for(update).empty());
    CHECK(w.calls().size() == 2);
    CHECK(w.p.info.attributes().empty());
}

TEST_CASE("Requests: metadata needs its grant and fits its limits, or nothing changes [SIG-14]") {
    World w;
    Config& config = w.config;
    config.limits.participant_name = 4;
    config.limits.metadata = 6;
    config.limits.attributes = 8;
    livekit::UpdateParticipantMetadata update;
    update.set_name("12345");
    CHECK(w.asks_for(update) == "exceeds name length limit");
    update.set_name("1234");
    update.set_metadata("1234567");
    CHECK(w.asks_for(update) == "exceeds metadata size limit");
    update.set_metadata("123456");
    (*update.mutable_attributes())["k1"] = "1234567";
    CHECK(w.asks_for(update) == "exceeds attributes size limit");
    CHECK(w.calls().empty());
    CHECK(w.p.info.name().empty());
    (*update.mutable_attributes())["k1"] = "123456";
    CHECK(w.asks_for(update).empty());
    CHECK(w.p.info.name() == "1234");
    // What there is already counts, with what it is replaced by.
    livekit::UpdateParticipantMetadata more;
    (*more.mutable_attributes())["k"] = "1";
    CHECK(w.asks_for(more) == "exceeds attributes size limit");
    (*more.mutable_attributes())["k1"] = "";  // what goes does not
    (*more.mutable_attributes())["k2"] = "1234";
    CHECK(w.asks_for(more).empty());
    CHECK(w.p.info.attributes().size() == 2);
    (void)w.calls();
    w.p.info.mutable_permission()->set_can_update_metadata(false);
    CHECK(w.asks_for(update) == "does not have permission to update own metadata");
    CHECK(w.calls().empty());
}

TEST_CASE("Requests: a client says itself why it leaves, from a list [SIG-08]") {
    World w;
    const auto leave = [&](livekit::DisconnectReason reason) {
        Request request;
        request.mutable_leave()->set_reason(reason);
        w.ask(request);
        return w.calls();
    };
    CHECK(leave(livekit::USER_UNAVAILABLE) == Calls{"end USER_UNAVAILABLE DISCONNECT"});
    CHECK(leave(livekit::USER_REJECTED) == Calls{"end USER_REJECTED DISCONNECT"});
    CHECK(leave(livekit::AGENT_ERROR) == Calls{"end AGENT_ERROR DISCONNECT"});
    CHECK(leave(livekit::UNKNOWN_REASON) == Calls{"end CLIENT_INITIATED DISCONNECT"});
    CHECK(leave(livekit::PARTICIPANT_REMOVED) == Calls{"end CLIENT_INITIATED DISCONNECT"});
}

TEST_CASE("Requests: after a resume settings come before wishes [SIG-161]") {
    World w;
    Request request;
    livekit::SyncState& state = *request.mutable_sync_state();
    state.add_publish_tracks()->mutable_track()->set_sid("TR_mine");
    state.add_publish_data_tracks()->mutable_info()->set_sid("DTR_mine");
    state.mutable_subscription()->add_track_sids("TR_a");
    state.mutable_subscription()->set_subscribe(true);
    w.ask(request);
    CHECK(w.calls() == Calls{"subscribe TR_a"});
    state.add_track_sids_disabled("TR_b");
    w.ask(request);
    CHECK(w.calls() == Calls{"disable TR_b", "subscribe TR_a"});
}

TEST_CASE("Requests: who believes in a track that is not there starts anew [SIG-161] [SIG-146]") {
    const Calls anew{"end STATE_MISMATCH RECONNECT"};
    World w;
    Request unknown;
    unknown.mutable_sync_state()->add_publish_tracks()->mutable_track()->set_sid("TR_gone");
    unknown.mutable_sync_state()->mutable_subscription()->add_track_sids("TR_a");
    w.ask(unknown);
    CHECK(w.calls() == anew);
    Request nameless;
    nameless.mutable_sync_state()->add_publish_tracks()->set_cid("camera");
    w.ask(nameless);
    CHECK(w.calls() == anew);
    Request data;
    data.mutable_sync_state()->add_publish_data_tracks()->mutable_info()->set_sid("DTR_gone");
    w.ask(data);
    CHECK(w.calls() == anew);
}

TEST_CASE("Requests: failures that a client asks for, to test itself [SIG-12] [SIG-175]") {
    World w;
    const auto simulated = [&](auto&& set) {
        Request request;
        set(*request.mutable_simulate());
        w.ask(request);
        return w.calls();
    };
    using Scenario = livekit::SimulateScenario;
    const auto speaks = [&](std::int32_t seconds) {
        return simulated([&](Scenario& s) { s.set_speaker_update(seconds); });
    };
    CHECK(speaks(3'600) == Calls{"speak 3600"});
    CHECK(speaks(3'601) == Calls{"speak 3600"});
    CHECK(speaks(-1) == Calls{"speak 0"});
    CHECK(simulated([](Scenario& s) { s.set_node_failure(true); }) ==
          Calls{"end SERVER_SHUTDOWN silent"});
    CHECK(simulated([](Scenario& s) { s.set_migration(true); }) == Calls{"end MIGRATION silent"});
    CHECK(simulated([](Scenario& s) { s.set_server_leave(true); }) ==
          Calls{"end SERVER_SHUTDOWN DISCONNECT"});
    CHECK(simulated([](Scenario& s) { s.set_leave_request_full_reconnect(true); }) ==
          Calls{"end STATE_MISMATCH RECONNECT"});
    CHECK(simulated([](Scenario& s) { s.set_switch_candidate_protocol(livekit::TCP); }) ==
          Calls{"prefer 1"});
    CHECK(simulated([](Scenario& s) { s.set_switch_candidate_protocol(livekit::TLS); }) ==
          Calls{"prefer 2"});
    CHECK(simulated([](Scenario& s) { s.set_subscriber_bandwidth(-5); }) == Calls{"limit 0"});
    CHECK(simulated([](Scenario& s) { s.set_subscriber_bandwidth(90'000); }) ==
          Calls{"limit 90000"});
    CHECK(simulated([](Scenario& s) { s.set_disconnect_signal_on_resume(true); }).empty());
    CHECK_FALSE(w.p.drops.take(w.clock.now, SimulatedDrops::kBeforeMessages));
    CHECK(w.p.drops.take(w.clock.now, SimulatedDrops::kAfterMessages));
}

TEST_CASE("Requests: the rest goes to the part that it is for, as it came [SIG-01]") {
    World w;
    std::vector<Request> all(7);
    all[0].mutable_offer()->set_sdp("o");
    all[1].mutable_answer()->set_sdp("a");
    all[2].mutable_add_track()->set_cid("camera");
    all[3].mutable_track_setting()->add_track_sids("TR_a");
    all[4].mutable_update_audio_track()->set_track_sid("TR_b");
    all[5].mutable_update_video_track()->set_track_sid("TR_c");
    all[6].mutable_update_data_subscription();
    for (const Request& request : all)
        w.ask(request);
    CHECK(w.calls() == Calls{"offer o", "answer a", "add camera", "enable TR_a", "audio TR_b",
                             "video TR_c", "data"});
    CHECK(w.counters.requests == 7);
    CHECK(w.answers().empty());
}

}  // namespace confab::room

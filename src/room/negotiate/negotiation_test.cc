// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Negotiation by itself: a host that notes what it is told, no tracks, no subscriptions.
#include "room/negotiate/negotiation.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "room/roster/part_testing.h"
#include "rtc/sdp/description/description.h"

namespace confab::room {
namespace {

using R = livekit::SignalResponse;

struct FakeHost : NegotiationHost {
    void link_added(const Participant&) override {}
    std::vector<sdp::PendingTrack> pending_tracks(const Participant&) const override {
        return pending;
    }
    bool publishes_on(const Participant&, std::string_view) const override { return announced; }
    void offer_answered(Participant&, const sdp::Answer& answer) override {
        sections += answer.publish.size();
    }
    void senders_bound(Participant&, const std::vector<sdp::BoundSender>& senders) override {
        for (const sdp::BoundSender& sender : senders)
            bound.push_back(sender.id);
    }
    void no_data_wanted(Participant&) override { ++no_data; }
    void negotiation_failed(Participant& p) override {
        ++failed;
        p.closing = true;
    }

    std::vector<sdp::PendingTrack> pending;
    bool announced = true;
    std::size_t sections = 0;
    std::vector<std::uint64_t> bound;
    int no_data = 0;
    int failed = 0;
};

struct World : testing::PartWorld {
    explicit World(Config with = testing::test_config()) : PartWorld(std::move(with)) {
        clock = {Timestamp::micros(1'000'000), UnixTime::seconds(1'700'000'000)};
    }

    JoinParams params(const std::string& identity, bool single = false) {
        JoinParams result = testing::test_join("r", identity);
        result.single_connection = single;
        return result;
    }
    Participant& join(const JoinParams& joining) {
        Participant& p =
            roster.add(std::make_unique<Participant>(scope, joining, placement.take("r")));
        p.signal.open(SessionId(p.number));
        negotiation.add(p, joining);
        return p;
    }
    Participant& join(const std::string& identity, bool single = false) {
        return join(params(identity, single));
    }
    void offer(Participant& p, const std::string& sdp, std::uint32_t id = 1) {
        livekit::SessionDescription description;
        description.set_sdp(sdp);
        description.set_id(id);
        negotiation.handle_offer(p, description);
    }
    LinkNews state(const Participant& p, const PeerLink* link, sfu::PeerState state,
                   sfu::PeerFailure failure = sfu::PeerFailure::kNone,
                   sfu::ConnectionType type = sfu::ConnectionType::kUdp) {
        sfu::PeerStateChanged event;
        event.type = type;
        event.peer = link->id();
        event.state = state;
        event.failure = failure;
        return negotiation.handle_peer_state(p, event);
    }
    void pass(Duration by) { clock.now = clock.now + by; }
    // What was said and done since the last call.
    void drain() {
        said.clear();
        commands.clear();
        observed.clear();
        while (auto effect = out.poll()) {
            if (auto* send = std::get_if<SendSignal>(&*effect)) {
                said.push_back(std::move(send->response));
            } else if (auto* command = std::get_if<MediaCommand>(&*effect)) {
                commands.push_back(std::move(command->command));
            } else if (const auto* value = std::get_if<Observation>(&*effect)) {
                observed.push_back(*value);
            }
        }
    }
    std::size_t count(R::MessageCase kind) const {
        return static_cast<std::size_t>(std::count_if(
            said.begin(), said.end(), [&](const R& r) { return r.message_case() == kind; }));
    }
    const R* first(R::MessageCase kind) const {
        for (const R& response : said)
            if (response.message_case() == kind) return &response;
        return nullptr;
    }
    template <typename T>
    std::vector<T> done() const {
        std::vector<T> result;
        for (const sfu::Command& command : commands)
            if (const T* value = std::get_if<T>(&command)) result.push_back(*value);
        return result;
    }
    // Its subscriber connection answers what is offered.
    void answer(Participant& p) {
        drain();
        const R* offered = first(R::kOffer);
        REQUIRE(offered != nullptr);
        livekit::SessionDescription description;
        description.set_sdp(testing::make_answer(offered->offer().sdp()));
        negotiation.handle_answer(p, description);
    }

    FakeHost host;
    const CodecList codecs{{"audio/opus", ""}, {"video/vp8", ""}};
    Negotiation negotiation{scope, nullptr, roster, {&codecs}, host};
    std::vector<R> said;
    std::vector<sfu::Command> commands;
    std::vector<Observation> observed;
};

sdp::Sender audio(std::uint64_t id) {
    sdp::Sender sender;
    sender.id = id;
    sender.kind = sdp::Kind::kAudio;
    sender.stream_id = sender.track_id = "TR_" + std::to_string(id);
    sender.ssrc = static_cast<std::uint32_t>(1'000 + id);
    sender.mimes = {"audio/opus"};
    return sender;
}

std::string without_ufrag(std::string sdp) {
    for (auto at = sdp.find("a=ice-ufrag"); at != std::string::npos; at = sdp.find("a=ice-ufrag"))
        sdp.erase(at, sdp.find('\n', at) + 1 - at);
    return sdp;
}

}  // namespace

TEST_CASE(
    "Negotiation: a subscriber's connection is offered at once, a publisher's waits [SIG-81]") {
    World w;
    Participant& dual = w.join("dual");
    w.negotiation.open(dual);
    w.drain();
    CHECK(w.count(R::kOffer) == 1);
    CHECK(w.done<sfu::OpenDataChannels>().size() == 1);
    REQUIRE(w.negotiation.primary(dual) != nullptr);
    CHECK(w.negotiation.primary(dual) == w.negotiation.downstream(dual));
    CHECK(w.negotiation.publisher(dual) == nullptr);
    CHECK(w.media.peers.at(w.negotiation.primary(dual)->id()).participant == &dual);

    Participant& single = w.join("single", true);
    w.negotiation.open(single);
    w.drain();
    CHECK(w.said.empty());
    CHECK(w.negotiation.primary(single) == w.negotiation.publisher(single));

    JoinParams mute = w.params("mute");
    mute.grants.video->can_subscribe = false;
    Participant& publisher_primary = w.join(mute);
    w.negotiation.open(publisher_primary);
    CHECK(w.negotiation.primary(publisher_primary) == nullptr);
    CHECK_FALSE(w.negotiation.subscriber_primary(publisher_primary));
}

TEST_CASE(
    "Negotiation: an offer is answered with its number; what is none is passed over [SIG-86]") {
    World w;
    Participant& p = w.join("alice", true);
    w.negotiation.open(p);
    w.offer(p, testing::make_offer({}), 7);
    w.drain();
    REQUIRE(w.count(R::kAnswer) == 1);
    CHECK(w.first(R::kAnswer)->answer().id() == 7);
    CHECK(w.count(R::kTrickle) > 0);
    CHECK(w.done<sfu::SetRemote>().size() == 1);
    CHECK(w.host.no_data == 0);  // make_offer() has a data section

    w.offer(p, "no description");
    CHECK(w.host.failed == 0);
    CHECK(w.counters.negotiation_errors == 1);
    w.offer(p, without_ufrag(testing::make_offer({})));
    CHECK(w.host.failed == 1);
    CHECK(w.counters.negotiation_errors == 2);
    w.drain();
    CHECK(w.count(R::kAnswer) == 0);
}

TEST_CASE(
    "Negotiation: who only signals has no connection until an offer or a track comes [SIG-82]") {
    World w;
    Participant& offers = w.join("alice", true);
    Participant& hears = w.join("bob", true);
    Participant& trickles = w.join("carol", true);
    for (Participant* p : {&offers, &hears, &trickles})
        w.negotiation.open(*p);
    w.pass(Duration::seconds(60));
    for (Participant* p : {&offers, &hears, &trickles}) {
        CHECK(w.negotiation.next_deadline(*p).is_never());
        CHECK(w.negotiation.publisher(*p) == nullptr);
    }
    w.drain();
    CHECK(w.commands.empty());
    CHECK(w.said.empty());
    w.offer(offers, testing::make_offer({}));
    w.drain();
    CHECK(w.done<sfu::CreatePeer>().size() == 1);
    CHECK(w.count(R::kAnswer) == 1);
    w.negotiation.add_sender(hears, audio(1));
    w.clock.now = w.negotiation.next_deadline(hears);
    w.negotiation.handle_timeout(hears);
    w.drain();
    CHECK(w.done<sfu::CreatePeer>().size() == 1);
    CHECK(w.count(R::kMediaSectionsRequirement) == 1);
    livekit::TrickleRequest candidate;
    candidate.set_candidateinit(R"({"candidate":"","sdpMid":"0"})");
    (void)w.negotiation.handle_trickle(trickles, candidate);
    w.drain();
    CHECK(w.done<sfu::CreatePeer>().size() == 1);
}

TEST_CASE("Negotiation: a client's new credentials change ours, the same ones do not [ICE-14]") {
    World w;
    Participant& p = w.join("alice", true);
    w.offer(p, testing::make_offer({}));
    w.offer(p, testing::make_offer({}), 2);
    w.drain();
    CHECK(w.done<sfu::RestartIce>().empty());
    w.offer(p, testing::make_offer({}, 0, 0, "othr"), 3);
    w.drain();
    REQUIRE(w.done<sfu::RestartIce>().size() == 1);
    const std::string ufrag = w.done<sfu::RestartIce>()[0].local.ufrag;
    CHECK(w.first(R::kAnswer)->answer().sdp().find("a=ice-ufrag:" + ufrag) != std::string::npos);
    w.offer(p, testing::make_offer({}, 0, 0, "othr"), 4);
    w.drain();
    CHECK(w.done<sfu::RestartIce>().empty());
}

TEST_CASE("Negotiation: an answer nobody waits for is counted, a wrong one ends the session") {
    World w;
    Participant& single = w.join("single", true);
    w.negotiation.handle_answer(single, {});
    Participant& p = w.join("dual");
    w.negotiation.handle_answer(p, {});
    CHECK(w.counters.bad_requests == 2);
    CHECK(w.host.failed == 0);
    w.negotiation.open(p);
    livekit::SessionDescription wrong;
    wrong.set_sdp("no description");
    w.negotiation.handle_answer(p, wrong);
    CHECK(w.host.failed == 1);
}

TEST_CASE("Negotiation: who does not take numbers on all packets gets another offer [SDP-21]") {
    Config config = testing::test_config();
    config.send_side_bwe = true;
    World w(config);
    Participant& p = w.join("alice");
    sdp::Sender camera = audio(1);
    camera.kind = sdp::Kind::kVideo;
    camera.mimes = {"video/vp8"};
    w.negotiation.add_sender(p, camera);
    w.pass(NegotiationTimer::kQuietDelay);
    w.negotiation.handle_timeout(p);
    w.drain();
    const R* offer = w.first(R::kOffer);
    REQUIRE(offer != nullptr);
    CHECK(offer->offer().sdp().find("goog-remb") == std::string::npos);
    auto answer = sdp::parse(testing::make_answer(offer->offer().sdp()));
    REQUIRE(answer.has_value());
    for (sdp::MediaSection& section : answer->sections)
        section.extensions.clear();
    livekit::SessionDescription description;
    description.set_sdp(sdp::write(*answer));
    w.negotiation.handle_answer(p, description);
    CHECK(w.host.bound == std::vector<std::uint64_t>{1});  // pictures wait for nothing
    w.pass(NegotiationTimer::kBusyDelay);
    w.negotiation.handle_timeout(p);
    w.drain();
    offer = w.first(R::kOffer);
    REQUIRE(offer != nullptr);
    CHECK(offer->offer().sdp().find("goog-remb") != std::string::npos);
    description.set_sdp(testing::make_answer(offer->offer().sdp()));
    w.negotiation.handle_answer(p, description);
    w.pass(NegotiationTimer::kBusyDelay);
    w.negotiation.handle_timeout(p);
    w.drain();
    CHECK(w.count(R::kOffer) == 0);
}

TEST_CASE("Negotiation: a held offer is answered after its delay, and before the next one") {
    JoinParams params = World().params("go", true);
    params.client.set_sdk(livekit::ClientInfo::GO);
    livekit::SessionDescription held;
    held.set_sdp(testing::make_offer({}));
    held.set_id(1);
    {
        World w;
        Participant& p = w.join(params);
        REQUIRE(p.traits.answer_delay > Duration::zero());
        w.negotiation.handle_first_offer(p, held);
        w.drain();
        CHECK(w.count(R::kAnswer) == 0);
        w.clock.now = w.negotiation.next_deadline(p);
        w.negotiation.handle_timeout(p);
        w.drain();
        CHECK(w.count(R::kAnswer) == 1);
        CHECK(w.negotiation.next_deadline(p).is_never());
    }
    {
        World w;
        Participant& p = w.join(params);
        w.negotiation.handle_first_offer(p, held);
        w.offer(p, testing::make_offer({}), 2);
        w.drain();
        REQUIRE(w.count(R::kAnswer) == 2);
        CHECK(w.first(R::kAnswer)->answer().id() == 1);
    }
    {  // one that ends the session is not followed by an answer to the next
        World w;
        Participant& p = w.join(params);
        held.set_sdp(without_ufrag(testing::make_offer({})));
        w.negotiation.handle_first_offer(p, held);
        w.offer(p, testing::make_offer({}), 2);
        w.drain();
        CHECK(w.host.failed == 1);
        CHECK(w.count(R::kAnswer) == 0);
    }
}

TEST_CASE("Negotiation: an offer without an answer is overdue once connected [SDP-03]") {
    World w;
    Participant& p = w.join("alice");
    w.negotiation.open(p);
    w.answer(p);
    (void)w.state(p, w.negotiation.primary(p), sfu::PeerState::kConnected);
    w.pass(Duration::seconds(1));
    w.negotiation.add_sender(p, audio(1));
    w.clock.now = w.negotiation.next_deadline(p);
    w.negotiation.handle_timeout(p);
    w.drain();
    REQUIRE(w.count(R::kOffer) == 1);
    CHECK(w.negotiation.next_deadline(p) == w.clock.now + NegotiationTimer::kAnswerTimeout);
    w.pass(NegotiationTimer::kAnswerTimeout - Duration::millis(1));
    CHECK_FALSE(w.negotiation.overdue(p));
    w.pass(Duration::millis(1));
    CHECK(w.negotiation.overdue(p));
}

TEST_CASE(
    "Negotiation: senders are bound by the answer; a closing picture is waited for [FWD-15]") {
    World w;
    Participant& p = w.join("alice");
    w.negotiation.add_sender(p, audio(1));
    w.clock.now = w.negotiation.next_deadline(p);
    w.negotiation.handle_timeout(p);
    w.answer(p);
    CHECK(w.host.bound == std::vector<std::uint64_t>{1});
    w.pass(Duration::seconds(1));
    w.negotiation.remove_sender(p, 1, true);
    CHECK(w.negotiation.next_deadline(p) == w.clock.now + Negotiation::kBlankFrames);
    w.negotiation.handle_timeout(p);
    w.drain();
    CHECK(w.count(R::kOffer) == 0);
    p.closing = true;  // who ends is offered nothing any more
    w.pass(Duration::seconds(1));
    w.negotiation.handle_timeout(p);
    w.drain();
    CHECK(w.count(R::kOffer) == 0);
}

TEST_CASE(
    "Negotiation: what is missing is known with a held answer, not before [SIG-82] [SIG-84]") {
    World w;
    JoinParams params = w.params("go", true);
    params.client.set_sdk(livekit::ClientInfo::GO);
    Participant& p = w.join(params);
    livekit::SessionDescription held;
    held.set_sdp(testing::make_offer({}, 1));
    w.negotiation.handle_first_offer(p, held);
    const Timestamp due = w.clock.now + p.traits.answer_delay;
    w.negotiation.add_sender(p, audio(1));
    CHECK(w.negotiation.next_deadline(p) == due);
    w.pass(p.traits.answer_delay - Duration::millis(1));
    w.negotiation.handle_timeout(p);  // for another reason
    w.drain();
    CHECK(w.said.empty());
    w.pass(Duration::millis(1));
    w.negotiation.handle_timeout(p);
    w.drain();
    CHECK(w.count(R::kAnswer) == 1);
    CHECK(w.count(R::kMediaSectionsRequirement) == 0);
    CHECK(w.host.bound == std::vector<std::uint64_t>{1});
}

TEST_CASE("Negotiation: a single connection is asked for what is missing, once [SIG-84]") {
    World w;
    Participant& p = w.join("alice", true);
    w.offer(p, testing::make_offer({}));
    w.pass(Duration::seconds(1));
    w.drain();
    const auto asked = [&](std::uint64_t id) {
        w.negotiation.add_sender(p, audio(id));
        w.clock.now = w.negotiation.next_deadline(p);
        w.negotiation.handle_timeout(p);
        w.drain();
        REQUIRE(w.count(R::kMediaSectionsRequirement) == 1);
        return w.first(R::kMediaSectionsRequirement)->media_sections_requirement().num_audios();
    };
    CHECK(asked(1) == 1);
    CHECK(asked(2) == 1);  // one more, not two
    w.offer(p, testing::make_offer({}, 2), 2);
    CHECK(w.host.bound.size() == 2);
}

TEST_CASE("Negotiation: one connection is not asked again for what it has no codec of [SDP-40]") {
    World w;
    Participant& p = w.join("x", true);
    sdp::Sender camera = audio(1);
    camera.kind = sdp::Kind::kVideo;
    camera.mimes = {"video/vp8"};
    w.negotiation.add_sender(p, camera);
    w.pass(Duration::seconds(1));
    w.negotiation.handle_timeout(p);
    w.drain();
    REQUIRE(w.count(R::kMediaSectionsRequirement) == 1);
    // What is turned off comes back under another name.
    for (const char mid : {'1', '2', '3'}) {
        std::string sdp = testing::with_h264_alone(testing::make_offer({}, 0, 1));
        for (const std::string_view name : {"BUNDLE 0 1", "a=mid:1"})
            sdp[sdp.find(name) + name.size() - 1] = mid;
        w.offer(p, sdp);
        w.drain();
        CHECK(w.count(R::kAnswer) == 1);
        CHECK(w.count(R::kMediaSectionsRequirement) == 0);
    }
    // The room hears of it, to give the track up.
    CHECK(w.host.bound == std::vector<std::uint64_t>{1, 1, 1});
    CHECK(w.host.failed == 0);
}

TEST_CASE("Negotiation: what a report of the media plane says of a connection [SIG-145]") {
    World w;
    Participant& p = w.join("alice");
    w.negotiation.open(p);
    w.offer(p, testing::make_offer({}));
    const PeerLink* primary = w.negotiation.primary(p);
    const PeerLink* publisher = w.negotiation.publisher(p);
    LinkNews news = w.state(p, primary, sfu::PeerState::kConnected);
    CHECK((news.up && news.first && news.primary && !news.publisher));
    news = w.state(p, publisher, sfu::PeerState::kConnected);
    CHECK((news.up && news.first && !news.primary && news.publisher));
    CHECK(primary->connected());
    news = w.state(p, primary, sfu::PeerState::kDisconnected);
    CHECK((!news.up && news.failure == LinkNews::Failure::kNone));
    CHECK_FALSE(primary->connected());
    news = w.state(p, primary, sfu::PeerState::kFailed, sfu::PeerFailure::kIce);
    CHECK(news.failure == LinkNews::Failure::kPath);
    news = w.state(p, primary, sfu::PeerState::kReconnected);
    CHECK((news.up && !news.first));
    news = w.state(p, primary, sfu::PeerState::kFailed, sfu::PeerFailure::kFingerprint);
    CHECK(news.failure == LinkNews::Failure::kHandshake);
    sfu::PeerStateChanged unknown;
    unknown.peer = sfu::PeerId(99'999);
    unknown.state = sfu::PeerState::kConnected;
    CHECK_FALSE(w.negotiation.handle_peer_state(p, unknown).up);
}

TEST_CASE("Negotiation: established when media and data are, told once") {
    World w;
    Participant& p = w.join("alice");
    w.negotiation.open(p);
    const auto established = [&] {
        w.drain();
        return std::count_if(w.observed.begin(), w.observed.end(), [](const Observation& value) {
            const auto* peer = std::get_if<PeerReached>(&value);
            return peer != nullptr && peer->step == PeerStep::kFullyEstablished;
        });
    };
    (void)w.state(p, w.negotiation.primary(p), sfu::PeerState::kConnected);
    CHECK(established() == 0);
    w.negotiation.data_ready(p);
    CHECK(established() == 1);
    w.negotiation.data_ready(p);
    CHECK(established() == 0);
}

TEST_CASE("Negotiation: a failed handshake may choose its profile next time [DES-23]") {
    World w;
    JoinParams params = w.params("alice");
    params.client.set_browser("Chrome");
    params.client.set_browser_version("126.0");
    Participant& p = w.join(params);
    REQUIRE(p.traits.sdp.takes_gcm);
    w.negotiation.open(p);
    w.drain();
    CHECK(w.done<sfu::CreatePeer>().at(0).srtp_profiles.size() == 2);
    (void)w.state(p, w.negotiation.primary(p), sfu::PeerState::kFailed, sfu::PeerFailure::kDtls);
    w.negotiation.remove(p);
    w.roster.remove(p);
    Participant& again = w.join(params);
    w.negotiation.open(again);
    w.drain();
    CHECK(w.done<sfu::CreatePeer>().at(0).srtp_profiles.size() == 3);
}

TEST_CASE(
    "Negotiation: the other transport, remembered for the identity, within a bound [ICE-15]") {
    World w;
    Participant& p = w.join("alice");
    w.negotiation.try_other_transport(p);
    CHECK(w.negotiation.ice(p) == IcePreference::kTcp);
    w.pass(Negotiation::kSwitchTime - Duration::millis(1));
    w.negotiation.try_other_transport(p);
    CHECK(w.negotiation.ice(p) == IcePreference::kTcp);
    w.pass(Duration::millis(1));
    w.negotiation.try_other_transport(p);
    CHECK(w.negotiation.ice(p) == IcePreference::kAny);
    w.negotiation.prefer(p, IcePreference::kTls);
    w.negotiation.remove(p);
    w.roster.remove(p);
    w.negotiation.finish_turn();
    Participant& again = w.join("alice");
    CHECK(w.negotiation.ice(again) == IcePreference::kTls);
    w.negotiation.open(again);
    w.drain();
    // Its relay comes to us over UDP.
    CHECK_FALSE(w.done<sfu::CreatePeer>().at(0).tcp_only);

    for (std::size_t i = 1; i < ChosenTransports::kMax; ++i)
        w.negotiation.prefer(w.join("p" + std::to_string(i)), IcePreference::kTcp);
    w.negotiation.prefer(w.join("one too many"), IcePreference::kTcp);
    for (const std::string identity : {"p255", "one too many"}) {
        Participant& known = *w.roster.find(identity);
        w.negotiation.remove(known);
        w.roster.remove(known);
        const bool remembered = identity != "one too many";
        CHECK((w.negotiation.ice(w.join(identity)) == IcePreference::kTcp) == remembered);
    }
}

namespace {

// Fails after it was up for so long, or never was; the report of the media plane, and its use.
void fail(World& w, Participant& p, Duration lived) {
    const PeerLink* link = w.negotiation.primary(p);
    if (!link->ever_connected) (void)w.state(p, link, sfu::PeerState::kConnected);
    w.pass(lived);
    (void)w.state(p, link, sfu::PeerState::kFailed, sfu::PeerFailure::kIce);
    w.negotiation.try_other_transport(p);
}

Config config_with_tls() {
    Config config = testing::test_config();
    config.ice_servers = [](const IceUser& user) {
        livekit::ICEServer server;
        if (!user.tls_only) server.add_urls("turn:turn.example.org:3478?transport=udp");
        server.add_urls("turns:turn.example.org:443?transport=tcp");
        return std::vector<livekit::ICEServer>{server};
    };
    return config;
}

}  // namespace

TEST_CASE("Negotiation: TCP, then TURN over TLS, then all again [SIG-89] [ICE-15]") {
    World w(config_with_tls());
    Participant& p = w.join("alice");
    w.negotiation.open(p);
    for (const IcePreference next :
         {IcePreference::kTcp, IcePreference::kTls, IcePreference::kAny, IcePreference::kTcp}) {
        fail(w, p, Negotiation::kSwitchTime);
        CHECK(w.negotiation.ice(p) == next);
    }
}

TEST_CASE(
    "Negotiation: who came over TCP or a relay by itself is not sent to TCP [SIG-67] [ICE-15]") {
    for (const auto type : {sfu::ConnectionType::kTcp, sfu::ConnectionType::kTurn})
        for (const bool tls : {true, false})
            for (const bool publisher : {true, false}) {
                CAPTURE(tls);
                CAPTURE(publisher);
                World w(tls ? config_with_tls() : testing::test_config());
                Participant& p = w.join("alice");
                w.negotiation.open(p);
                w.offer(p, testing::make_offer({}));
                // The other connection is over UDP, and stays.
                const PeerLink* own = w.negotiation.publisher(p);
                const PeerLink* other = w.negotiation.downstream(p);
                if (!publisher) std::swap(own, other);
                REQUIRE(own != nullptr);
                (void)w.state(p, other, sfu::PeerState::kConnected);
                (void)w.state(p, own, sfu::PeerState::kConnected, {}, type);
                (void)w.state(p, own, sfu::PeerState::kFailed, sfu::PeerFailure::kIce);
                w.negotiation.try_other_transport(p);
                CHECK(w.negotiation.ice(p) == (tls ? IcePreference::kTls : IcePreference::kAny));
            }
}

TEST_CASE("Negotiation: TURN over TLS where TCP is not there, or not for it [SIG-89]") {
    Config config = config_with_tls();
    config.media.workers.at(0).tcp.clear();
    World w(std::move(config));
    Participant& p = w.join("alice");
    w.negotiation.try_other_transport(p);
    CHECK(w.negotiation.ice(p) == IcePreference::kTls);

    World other(config_with_tls());
    JoinParams go = other.params("alice");
    go.client.set_sdk(livekit::ClientInfo::GO);
    Participant& gopher = other.join(go);
    other.negotiation.try_other_transport(gopher);
    CHECK(other.negotiation.ice(gopher) == IcePreference::kTls);
}

TEST_CASE("Negotiation: TURN over TLS at once where signalling is slow, TCP where not [ICE-15]") {
    const auto next = [](std::optional<std::int64_t> rtt_ms, std::int64_t threshold_ms) {
        Config config = config_with_tls();
        config.tcp_fallback_rtt = Duration::millis(threshold_ms);
        World w(std::move(config));
        Participant& p = w.join("alice");
        w.negotiation.open(p);
        if (rtt_ms) note_signal_rtt(w.negotiation, p, Duration::millis(*rtt_ms));
        fail(w, p, Duration::seconds(1));
        return w.negotiation.ice(p);
    };
    CHECK(next(99, 100) == IcePreference::kTcp);
    CHECK(next(100, 100) == IcePreference::kTls);
    CHECK(next(5'000, 0) == IcePreference::kTcp);
    CHECK(next(std::nullopt, 100) == IcePreference::kTcp);
}

TEST_CASE("Negotiation: over TCP alone ICE has less time, as signalling takes it [ICE-17]") {
    World w(config_with_tls());
    Participant& p = w.join("alice");
    w.negotiation.open(p);
    w.answer(p);
    note_signal_rtt(w.negotiation, p, Duration::millis(100));
    const auto limit = [&] {
        w.drain();
        w.negotiation.restart(p);
        w.drain();
        return w.done<sfu::RestartIce>().at(0).ice_limit;
    };
    CHECK(limit() == std::nullopt);
    w.negotiation.prefer(p, IcePreference::kTcp);
    CHECK(limit() == Duration::seconds(5));
    note_signal_rtt(w.negotiation, p, Duration::millis(800));  // as it is by then
    CHECK(limit() == Duration::millis(6'400));
    w.negotiation.prefer(p, IcePreference::kTls);
    CHECK(limit() == std::nullopt);
}

TEST_CASE("Negotiation: what fails anew within 15 s of a switch is the next failure [ICE-17]") {
    for (const bool restarted : {true, false}) {
        World w(config_with_tls());
        Participant& p = w.join("alice");
        w.negotiation.open(p);
        w.answer(p);
        fail(w, p, Duration::seconds(1));
        CHECK(w.negotiation.ice(p) == IcePreference::kTcp);
        if (restarted) w.negotiation.restart(p);
        fail(w, p, Duration::seconds(5));
        CHECK(w.negotiation.ice(p) == (restarted ? IcePreference::kTls : IcePreference::kTcp));
    }
}

TEST_CASE("Negotiation: a connection that lived long has to fail twice [SIG-89] [ICE-15]") {
    for (const bool short_life : {true, false}) {
        World w;
        Participant& p = w.join("alice");
        w.negotiation.open(p);
        fail(w, p, FailureCount::kShortLife - Duration::millis(short_life ? 1 : 0));
        CHECK((w.negotiation.ice(p) == IcePreference::kTcp) == short_life);
        // The other connection of the same outage is no second failure.
        w.pass(Duration::millis(500));
        w.negotiation.try_other_transport(p);
        CHECK((w.negotiation.ice(p) == IcePreference::kTcp) == short_life);
        if (short_life) continue;
        fail(w, p, Duration::seconds(16));
        CHECK(w.negotiation.ice(p) == IcePreference::kTcp);
    }
}

TEST_CASE(
    "Negotiation: no other transport where that is not allowed, or TCP the only one [SIG-89]") {
    for (const bool forced : {true, false}) {
        Config config = config_with_tls();
        config.allow_tcp_fallback = forced;
        config.force_tcp = forced;
        World w(std::move(config));
        Participant& p = w.join("alice");
        w.negotiation.open(p);
        w.drain();
        CHECK(w.done<sfu::CreatePeer>().at(0).tcp_only == forced);
        fail(w, p, Duration::seconds(1));
        CHECK(w.negotiation.ice(p) == IcePreference::kAny);
    }
}

TEST_CASE("Negotiation: what a client says of a young connection is a failure [SIG-89] [ICE-15]") {
    const auto after = [](Duration lived, livekit::ReconnectReason reason) {
        World w;
        Participant& p = w.join("alice");
        w.negotiation.open(p);
        (void)w.state(p, w.negotiation.primary(p), sfu::PeerState::kConnected);
        w.pass(lived);
        w.negotiation.try_other_transport(p, reason);
        w.pass(Negotiation::kSwitchTime);
        w.negotiation.try_other_transport(p, reason);  // nor is it one of two
        return w.negotiation.ice(p) == IcePreference::kTcp;
    };
    const Duration last = FailureCount::kShortLife - Duration::millis(1);
    CHECK(after(last, livekit::RR_SUBSCRIBER_FAILED));
    CHECK_FALSE(after(FailureCount::kShortLife, livekit::RR_SUBSCRIBER_FAILED));
    CHECK_FALSE(after(last, livekit::RR_SIGNAL_DISCONNECTED));
    CHECK_FALSE(after(last, livekit::RR_PUBLISHER_FAILED));  // it has none yet
}

TEST_CASE("Negotiation: a remembered transport that does not work is forgotten [SIG-89] [ICE-15]") {
    for (const bool works : {true, false}) {
        World w;
        const auto leave = [&](Participant& p) {
            w.negotiation.remove(p);
            w.roster.remove(p);
            w.negotiation.finish_turn();
        };
        Participant& first = w.join("alice");
        w.negotiation.prefer(first, IcePreference::kTcp);
        leave(first);
        Participant& again = w.join("alice");
        w.negotiation.open(again);
        CHECK(w.negotiation.ice(again) == IcePreference::kTcp);
        if (works) (void)w.state(again, w.negotiation.primary(again), sfu::PeerState::kConnected);
        leave(again);
        const IcePreference next = works ? IcePreference::kTcp : IcePreference::kAny;
        CHECK(w.negotiation.ice(w.join("alice")) == next);
    }
}

TEST_CASE("Negotiation: what is not there for a client is not remembered for it [SIG-89]") {
    World w(config_with_tls());
    Participant& p = w.join("alice");
    w.negotiation.prefer(p, IcePreference::kTcp);
    w.negotiation.remove(p);
    w.roster.remove(p);
    JoinParams go = w.params("alice");
    go.client.set_sdk(livekit::ClientInfo::GO);  // takes no ICE/TCP
    CHECK(w.negotiation.ice(w.join(go)) == IcePreference::kAny);
    World other(config_with_tls());
    Participant& relayed = other.join("alice");
    other.negotiation.prefer(relayed, IcePreference::kTls);
    other.negotiation.remove(relayed);
    other.roster.remove(relayed);
    JoinParams esp32 = other.params("alice");
    esp32.client.set_sdk(livekit::ClientInfo::ESP32);  // takes no TURN over TLS
    CHECK(other.negotiation.ice(other.join(esp32)) == IcePreference::kAny);
}

TEST_CASE("Negotiation: where UDP alone is taken, UDP it stays [SIG-89] [ICE-15]") {
    World w(config_with_tls());
    JoinParams esp32 = w.params("alice");
    esp32.client.set_sdk(livekit::ClientInfo::ESP32);
    Participant& p = w.join(esp32);
    w.negotiation.open(p);
    fail(w, p, Negotiation::kSwitchTime);
    CHECK(w.negotiation.ice(p) == IcePreference::kAny);
}

TEST_CASE("Negotiation: of an old connection each transport has to fail once only [SIG-89]") {
    World w(config_with_tls());
    Participant& p = w.join("alice");
    w.negotiation.open(p);
    fail(w, p, FailureCount::kShortLife);
    CHECK(w.negotiation.ice(p) == IcePreference::kAny);
    for (const IcePreference next : {IcePreference::kTcp, IcePreference::kTls}) {
        fail(w, p, Duration::seconds(16));  // and has not come up in between
        CHECK(w.negotiation.ice(p) == next);
    }
}

TEST_CASE("Negotiation: the transport is remembered for a while after the session [SIG-89]") {
    for (const bool late : {true, false}) {
        World w;
        Participant& p = w.join("alice");
        w.negotiation.prefer(p, IcePreference::kTcp);
        w.pass(ChosenTransports::kLife * 3);  // it is used all the time
        w.negotiation.remove(p);
        w.roster.remove(p);
        w.negotiation.finish_turn();
        w.pass(ChosenTransports::kLife + Duration::millis(late ? 1 : 0));
        CHECK((w.negotiation.ice(w.join("alice")) == IcePreference::kAny) == late);
    }
}

TEST_CASE("Negotiation: where there is no TCP it is not tried [ICE-15]") {
    Config config = testing::test_config();
    config.media.workers.at(0).tcp.clear();
    World w(std::move(config));
    Participant& p = w.join("alice");
    w.negotiation.try_other_transport(p);
    CHECK(w.negotiation.ice(p) == IcePreference::kAny);
}

TEST_CASE(
    "Negotiation: a resume restarts the subscriber's connection once it has a peer [SIG-160]") {
    World w;
    Participant& p = w.join("alice");
    w.negotiation.restart(p);  // nothing there
    w.negotiation.open(p);
    w.negotiation.restart(p);  // nothing answered yet: the offer may be lost
    w.answer(p);
    CHECK(w.done<sfu::RestartIce>().empty());
    CHECK(w.count(R::kOffer) == 2);
    w.drain();
    w.negotiation.restart(p);
    w.drain();
    CHECK(w.done<sfu::RestartIce>().size() == 1);
    CHECK(w.count(R::kOffer) == 1);
}

TEST_CASE("Negotiation: who goes is unknown at once, its connections close with the turn") {
    World w;
    Participant& p = w.join("alice");
    w.negotiation.open(p);
    const sfu::PeerId peer = w.negotiation.primary(p)->id();
    w.negotiation.remove(p);
    CHECK_FALSE(w.media.peers.contains(peer));
    w.drain();
    CHECK(w.done<sfu::ClosePeer>().empty());
    CHECK(w.negotiation.primary(p) != nullptr);  // callers still hold it
    w.negotiation.finish_turn();
    w.drain();
    REQUIRE(w.done<sfu::ClosePeer>().size() == 1);
    CHECK(w.done<sfu::ClosePeer>()[0].peer == peer);
    CHECK(w.negotiation.next_deadline(p).is_never());
}

TEST_CASE("Negotiation: media nobody announced is given its time [SIG-107]") {
    Config config = testing::test_config();
    config.reconnect_on_publication_error = true;
    World w(std::move(config));
    Participant& p = w.join("alice");
    w.host.announced = false;
    w.offer(p, testing::make_offer({{"mic", false, {}}}));
    w.pass(Negotiation::kPublishTimeout - Duration::millis(1));
    w.offer(p, testing::make_offer({{"mic", false, {}}}), 2);  // the time goes on
    CHECK_FALSE(w.negotiation.overdue(p));
    w.pass(Duration::millis(1));
    CHECK(w.negotiation.overdue(p));
    w.host.announced = true;
    w.offer(p, testing::make_offer({{"mic", false, {}}}), 3);
    CHECK_FALSE(w.negotiation.overdue(p));
}

TEST_CASE("Negotiation: candidates for a connection that is not there are counted [SIG-03]") {
    World w;
    Participant& p = w.join("alice");
    livekit::TrickleRequest trickle;
    trickle.set_target(livekit::SUBSCRIBER);
    trickle.set_candidateinit("{}");
    CHECK(w.negotiation.handle_trickle(p, trickle));
    CHECK(w.counters.dropped_candidates == 1);
    trickle.set_target(livekit::PUBLISHER);
    trickle.set_candidateinit("nonsense");
    const auto done = w.negotiation.handle_trickle(p, trickle);
    REQUIRE_FALSE(done);
    CHECK_FALSE(done.error().empty());
}

}  // namespace confab::room

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The negotiation of a participant as bytes: what happens to it happens twice, once while it moves
// all the time, and the client and the media worker are told the same (07 SIO-11, TST7-04).
#include "base/state/state.h"

#include <doctest/doctest.h>

#include <string>
#include <variant>
#include <vector>

#include "room/negotiate/negotiation.h"
#include "room/roster/part_testing.h"

namespace confab::room {
namespace {

using R = livekit::SignalResponse;

struct Host : NegotiationHost {
    void link_added(const Participant&) override {}
    std::vector<sdp::PendingTrack> pending_tracks(const Participant&) const override {
        return pending;
    }
    bool publishes_on(const Participant&, std::string_view) const override { return false; }
    void offer_answered(Participant&, const sdp::Answer& answer) override {
        for (const sdp::PublishSection& section : answer.publish)
            told += "publishes " + section.cid + " on " + section.mid + "\n";
    }
    void senders_bound(Participant&, const std::vector<sdp::BoundSender>& senders) override {
        for (const sdp::BoundSender& sender : senders)
            told += "sent " + std::to_string(sender.id) + " on " + sender.mid + "\n";
    }
    void no_data_wanted(Participant&) override { told += "no data\n"; }
    void negotiation_failed(Participant&) override { told += "failed\n"; }

    std::vector<sdp::PendingTrack> pending;
    std::string told;
};

std::string text_of(const sfu::Command& command) {
    std::string text = "command " + std::to_string(command.index());
    if (const auto* restart = std::get_if<sfu::RestartIce>(&command))
        text += " " + restart->local.ufrag + (restart->tcp_only ? " tcp" : "");
    if (const auto* remote = std::get_if<sfu::SetRemote>(&command))
        text += " " + remote->remote.ufrag + (remote->sctp ? " sctp" : "");
    if (const auto* add = std::get_if<sfu::AddRemoteCandidate>(&command))
        text += " " + add->candidate.address.to_string();
    return text + "\n";
}

// A participant with its negotiation, and all that is said of it.
struct World : testing::PartWorld {
    explicit World(bool is_single, Config with = testing::test_config())
        : PartWorld(std::move(with)) {
        clock = {Timestamp::micros(1'000'000), UnixTime::seconds(1'700'000'000)};
        config.reconnect_on_publication_error = true;
        JoinParams params = testing::test_join("r", "alice");
        params.single_connection = is_single;
        p = &roster.add(std::make_unique<Participant>(scope, params, placement.take("r")));
        p->signal.open(SessionId(p->number));
        negotiation.add(*p, params);
        negotiation.open(*p);
        offer(testing::make_offer({}));
        collect();
    }

    void offer(const std::string& sdp) {
        livekit::SessionDescription description;
        description.set_sdp(sdp);
        description.set_id(++offers);
        negotiation.handle_offer(*p, description);
    }
    void answer() {
        if (offered.empty()) return;
        livekit::SessionDescription description;
        description.set_sdp(testing::make_answer(offered));
        negotiation.handle_answer(*p, description);
    }
    void state(sfu::PeerState state) {
        for (const PeerLink* link : links_of(negotiation, *p)) {
            sfu::PeerStateChanged event;
            event.peer = link->id();
            event.state = state;
            event.failure = sfu::PeerFailure::kIce;
            (void)negotiation.handle_peer_state(*p, event);
        }
    }
    void collect() {
        while (auto effect = out.poll()) {
            if (const auto* send = std::get_if<SendSignal>(&*effect)) {
                if (send->response.has_offer()) offered = send->response.offer().sdp();
                host.told += send->response.ShortDebugString() + "\n";
            } else if (const auto* command = std::get_if<MediaCommand>(&*effect)) {
                host.told += text_of(command->command);
            }
        }
    }
    std::string take() {
        collect();
        return std::exchange(host.told, {});
    }
    Bytes bytes() const {
        StateWriter writer(clock.now);
        save_negotiation(negotiation, *p, writer);
        return writer.take();
    }
    bool load(BytesView state) {
        StateReader in(state, clock.now);
        return load_negotiation(negotiation, *p, in);
    }
    // To another process and back. What the old one says of its end is not heard by anybody.
    void move() {
        collect();
        const Bytes state = bytes();
        {
            const Links gone = negotiation.take(*p);
        }
        REQUIRE(load(state));
        REQUIRE(bytes() == state);
        while (auto effect = out.poll()) {
            const auto* command = std::get_if<MediaCommand>(&*effect);
            CHECK((command == nullptr || std::holds_alternative<sfu::ClosePeer>(command->command)));
            CHECK_FALSE(std::holds_alternative<SendSignal>(*effect));
        }
        for (const PeerLink* link : links_of(negotiation, *p))
            CHECK(media.peers.at(link->id()).participant == p);
    }

    Host host;
    const CodecList codecs{{"audio/opus", ""}, {"video/vp8", ""}};
    Negotiation negotiation{scope, nullptr, roster, {&codecs}, host};
    Participant* p = nullptr;
    std::uint32_t offers = 0;
    std::string offered;
};

sdp::Sender sender(std::uint64_t id) {
    sdp::Sender sender;
    sender.id = id;
    sender.kind = id % 2 == 0 ? sdp::Kind::kAudio : sdp::Kind::kVideo;
    sender.stream_id = sender.track_id = "TR_" + std::to_string(id);
    sender.ssrc = static_cast<std::uint32_t>(1'000 + id);
    sender.rtx_ssrc = static_cast<std::uint32_t>(2'000 + id);
    sender.mimes = {id % 2 == 0 ? "audio/opus" : "video/VP8"};
    return sender;
}

std::string candidate(std::uint64_t port) {
    return R"({"candidate":"candidate:1 1 udp 2113937151 192.0.2.1 )" + std::to_string(port) +
           R"( typ host","sdpMid":"0","sdpMLineIndex":0})";
}

// What happens next; the same to both.
class Script {
  public:
    explicit Script(std::uint64_t seed) : rng_(seed) {}

    template <typename Worlds>
    void step(Worlds& worlds) {
        const std::uint64_t kind = rng_.below(11);
        const std::uint64_t value = rng_.below(1000);
        if (kind == 0 && tracks_.size() < 6) announce(value);
        if (kind == 1) ufrag_ = "clnt" + std::to_string(value);
        for (World* world : worlds)
            apply(*world, kind, value);
    }

  private:
    void announce(std::uint64_t value) {
        testing::OfferedTrack track;
        track.cid = "track" + std::to_string(tracks_.size());
        track.video = value % 2 == 0;
        tracks_.push_back(track);
    }
    void offer(World& world, std::uint64_t value) {
        world.host.pending.clear();
        for (const testing::OfferedTrack& track : tracks_) {
            sdp::PendingTrack pending;
            pending.cid = track.cid;
            pending.kind = track.video ? sdp::Kind::kVideo : sdp::Kind::kAudio;
            if (value % 3 != 0) world.host.pending.push_back(pending);
        }
        world.offer(testing::make_offer(tracks_, 2, 2, ufrag_));
    }
    void apply(World& world, std::uint64_t kind, std::uint64_t value) {
        Participant& p = *world.p;
        const std::uint64_t id = 1 + value % 5;
        switch (kind) {
            case 0:
            case 1:
                return offer(world, value);
            case 2:
                return world.negotiation.add_sender(p, sender(id));
            case 3:
                return world.negotiation.remove_sender(p, id, value % 2 == 0);
            case 4:
            case 5:
                return world.answer();
            case 6: {
                livekit::TrickleRequest trickle;
                trickle.set_candidateinit(candidate(1000 + value));
                if (value % 2 == 0) trickle.set_target(livekit::SUBSCRIBER);
                (void)world.negotiation.handle_trickle(p, trickle);
                return;
            }
            case 7:
                return world.state(value % 4 == 0 ? sfu::PeerState::kFailed
                                                  : sfu::PeerState::kConnected);
            case 8:
                if (value % 2 == 0) return world.negotiation.restart(p);
                return world.negotiation.try_other_transport(p);
            case 9:
                return note_signal_rtt(world.negotiation, p,
                                       Duration::millis(static_cast<std::int64_t>(value)));
            default:
                for (const sdp::PublishSection& late : world.negotiation.match_late(p))
                    world.host.told += "late " + late.cid + "\n";
        }
    }

    Rng rng_;
    std::vector<testing::OfferedTrack> tracks_;
    std::string ufrag_ = "clnt";
};

void pass_time(World& world, Duration by) {
    world.clock.now = world.clock.now + by;
    if (world.negotiation.next_deadline(*world.p) <= world.clock.now)
        world.negotiation.handle_timeout(*world.p);
}

}  // namespace

TEST_CASE(
    "Negotiation state: who moves all the time is told the same, and so is its worker "
    "[SIO-11] [MC-20] [TST7-04]") {
    std::size_t said = 0;
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        CAPTURE(seed);
        World stays(seed % 2 == 0);
        World moves(seed % 2 == 0);
        const std::vector<World*> both{&stays, &moves};
        Script script(seed);
        Rng rng(seed + 1000);
        for (int i = 0; i < 60; ++i) {
            CAPTURE(i);
            script.step(both);
            const Duration passed = Duration::millis(static_cast<std::int64_t>(rng.below(400)));
            for (World* world : both)
                pass_time(*world, passed);
            const std::string told = stays.take();
            REQUIRE(told == moves.take());
            said += told.size();
            REQUIRE(stays.negotiation.next_deadline(*stays.p) ==
                    moves.negotiation.next_deadline(*moves.p));
            CHECK(stays.negotiation.overdue(*stays.p) == moves.negotiation.overdue(*moves.p));
            CHECK(stays.negotiation.ice(*stays.p) == moves.negotiation.ice(*moves.p));
            if (rng.below(3) == 0) moves.move();
        }
    }
    CHECK(said > 100'000);
}

TEST_CASE("Negotiation state: an offer that is held goes along and is answered there [SIG-82]") {
    World world(true);
    JoinParams params = testing::test_join("r", "go");
    params.single_connection = true;
    params.client.set_sdk(livekit::ClientInfo::GO);
    Participant& go =
        world.roster.add(std::make_unique<Participant>(world.scope, params, Placement::beside(0)));
    go.signal.open(SessionId(go.number));
    world.negotiation.add(go, params);
    livekit::SessionDescription held;
    held.set_sdp(testing::make_offer({}));
    held.set_id(77);
    world.negotiation.handle_first_offer(go, held);
    world.p = &go;
    (void)world.take();
    const Timestamp due = world.negotiation.next_deadline(go);
    world.move();
    CHECK(world.negotiation.next_deadline(go) == due);
    pass_time(world, due - world.clock.now);
    CHECK(world.take().find("id: 77") != std::string::npos);
}

TEST_CASE("Negotiation state: what is none leaves no connection behind [SIO-11] [MC-20]") {
    World world(false);
    world.answer();
    world.state(sfu::PeerState::kConnected);
    (void)world.take();
    const Bytes state = world.bytes();
    // Its connections are here already: they are somebody's.
    CHECK_FALSE(world.load(state));
    CHECK(links_of(world.negotiation, *world.p).size() == 2);
    {
        const Links gone = world.negotiation.take(*world.p);
    }
    for (std::size_t size = 0; size < state.size(); ++size) {
        const bool taken = world.load(BytesView(state).first(size));
        if (!taken) CHECK(world.media.peers.empty());
        // Between two fields it is a state with fewer of them.
        if (taken) (void)world.negotiation.take(*world.p);
    }
    Bytes newer = state;
    newer.at(2) = 99;
    CHECK_FALSE(world.load(newer));
    CHECK(world.media.peers.empty());
    CHECK(world.load(state));
    CHECK(links_of(world.negotiation, *world.p).size() == 2);
}

TEST_CASE("Negotiation state: connections that are another participant's are refused [SIO-11]") {
    World world(true);
    const Bytes state = world.bytes();
    {
        const Links gone = world.negotiation.take(*world.p);
    }
    REQUIRE(world.load(state));
    const sfu::PeerId id = links_of(world.negotiation, *world.p).at(0)->id();
    Participant& other = world.roster.add(std::make_unique<Participant>(
        world.scope, testing::test_join("r", "bob"), Placement::beside(0)));
    StateReader in(state, world.clock.now);
    CHECK_FALSE(load_negotiation(world.negotiation, other, in));
    CHECK(world.media.peers.at(id).participant == world.p);
    (void)world.take();
}

}  // namespace confab::room

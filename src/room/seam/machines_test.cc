// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Tests of the small machines: Dynacast, Broadcaster, Lifecycle, Speakers, QualityView,
// NegotiationTimer, data tracks, trickle.
#include <doctest/doctest.h>

#include "base/machine.h"
#include "room/data/data_tracks.h"
#include "room/negotiate/negotiation_timer.h"
#include "room/negotiate/trickle.h"
#include "room/publish/dynacast.h"
#include "room/quality/quality_view.h"
#include "room/quality/speakers.h"
#include "room/roster/broadcaster.h"
#include "room/roster/lifecycle.h"

namespace confab::room {

static_assert(SansIoMachine<Dynacast>);

namespace {

Timestamp at_ms(std::int64_t ms) {
    return Timestamp::micros(ms * 1000);
}

livekit::ParticipantInfo info(const std::string& sid, const std::string& identity,
                              std::uint32_t version, std::int64_t joined = 0) {
    livekit::ParticipantInfo result;
    result.set_sid(sid);
    result.set_identity(identity);
    result.set_version(version);
    result.set_joined_at_ms(joined);
    return result;
}

}  // namespace

TEST_CASE("Dynacast: up at once, down after the delay, silent while muted [SIG-115] [DYN-01]") {
    Dynacast dynacast(at_ms(0), Duration::seconds(5));
    CHECK(dynacast.next_deadline() == at_ms(10'000));
    dynacast.want(at_ms(1'000), 0, 1, std::uint8_t{0});
    auto report = dynacast.poll_report();
    REQUIRE(report);
    CHECK((*report)[0].quality == WantedQuality(0));
    dynacast.want(at_ms(1'100), 0, 2, std::uint8_t{2});
    CHECK((*dynacast.poll_report())[0].quality == WantedQuality(2));
    dynacast.remove(at_ms(2'000), 2);
    CHECK_FALSE(dynacast.poll_report());
    // An increase in between does not cancel the timer: the unchanged state is told once more.
    dynacast.want(at_ms(3'000), 0, 3, std::uint8_t{2});
    CHECK_FALSE(dynacast.poll_report());
    CHECK(dynacast.next_deadline() == at_ms(7'000));
    dynacast.handle_timeout(at_ms(7'000));
    CHECK((*dynacast.poll_report())[0].quality == WantedQuality(2));
    dynacast.set_muted(true);
    dynacast.remove(at_ms(8'000), 3);
    dynacast.handle_timeout(at_ms(13'000));
    CHECK_FALSE(dynacast.poll_report());
    dynacast.set_muted(false);
    CHECK((*dynacast.poll_report())[0].quality == WantedQuality(0));
}

TEST_CASE("Dynacast: nobody ever subscribed is told after ten seconds [DYN-01]") {
    Dynacast dynacast(at_ms(0), Duration::seconds(5));
    dynacast.handle_timeout(at_ms(9'999));
    CHECK_FALSE(dynacast.poll_report());
    dynacast.handle_timeout(at_ms(10'000));
    const auto report = dynacast.poll_report();
    REQUIRE(report);
    CHECK_FALSE((*report)[0].quality);
    CHECK(dynacast.next_deadline().is_never());
}

TEST_CASE("Broadcaster: batches to the tick, publishers at once [SIG-131]") {
    Broadcaster broadcaster(at_ms(0), Duration::seconds(3));
    CHECK(broadcaster.next_deadline().is_never());
    CHECK(broadcaster.push(at_ms(1), info("PA_1", "a", 1), false).empty());
    CHECK(broadcaster.next_deadline() == at_ms(3'000));
    CHECK(broadcaster.poll_batch(at_ms(2'999)).empty());
    // An immediate update takes the waiting one with it; an older version is dropped.
    CHECK(broadcaster.push(at_ms(1), info("PA_1", "a", 3), true).size() == 1);
    CHECK(broadcaster.poll_batch(at_ms(3'000)).empty());
    // Ticks stay aligned to the creation of the room after a pause.
    CHECK(broadcaster.push(at_ms(15'100), info("PA_1", "a", 5), false).empty());
    CHECK(broadcaster.next_deadline() == at_ms(18'000));
    CHECK(broadcaster.push(at_ms(15'200), info("PA_1", "a", 4), true).empty());
    const auto batch = broadcaster.poll_batch(at_ms(18'500));
    REQUIRE(batch.size() == 1);
    CHECK(batch[0].version() == 5);
}

TEST_CASE("Broadcaster: an identity that comes back is told at once [SIG-133]") {
    Broadcaster broadcaster(at_ms(0), Duration::seconds(3));
    CHECK(broadcaster.push(at_ms(1), info("PA_1", "a", 3, 100), false).empty());
    const auto updates = broadcaster.push(at_ms(1), info("PA_2", "a", 1, 200), false);
    REQUIRE(updates.size() == 2);
    CHECK(updates[0].legacy_only);
    CHECK(updates[0].info.state() == livekit::ParticipantInfo::DISCONNECTED);
    CHECK(updates[1].info.sid() == "PA_2");
    CHECK_FALSE(updates[1].legacy_only);
}

TEST_CASE("Broadcaster: a late word of the session before does not end the new one [SIG-133]") {
    Broadcaster broadcaster(at_ms(0), Duration::seconds(3));
    CHECK(broadcaster.push(at_ms(1), info("PA_2", "a", 1, 200), false).empty());
    CHECK(broadcaster.push(at_ms(2), info("PA_1", "a", 9, 100), false).empty());
    CHECK(broadcaster.push(at_ms(3), info("PA_1", "a", 10, 100), true).empty());
    const auto batch = broadcaster.poll_batch(at_ms(3'000));
    REQUIRE(batch.size() == 1);
    CHECK(batch[0].sid() == "PA_2");
    CHECK(batch[0].state() != livekit::ParticipantInfo::DISCONNECTED);
}

TEST_CASE("Lifecycle: empty, departure and dependents [ROOM-05]") {
    Lifecycle room(at_ms(0), 300, 20);
    CHECK(room.next_deadline() == at_ms(300'000));
    room.set_present(at_ms(0), 0);  // a dependent came
    CHECK(room.next_deadline() == at_ms(300'000));
    room.set_present(at_ms(1'000), 1);
    CHECK(room.next_deadline().is_never());
    room.left(at_ms(5'000));
    room.set_present(at_ms(5'000), 0);
    CHECK(room.next_deadline() == at_ms(25'000));
    room.left(at_ms(9'000));  // the dependent went
    CHECK(room.next_deadline() == at_ms(29'000));
    CHECK(room.expired(at_ms(29'000)));
    room.set_present(at_ms(10'000), 1);
    room.set_present(at_ms(11'000), 0);  // became a dependent
    CHECK(room.next_deadline() == at_ms(31'000));
}

TEST_CASE("HeadCount: each one counts as what it is now [ROOM-05] [ROOM-10] [SIG-138]") {
    HeadCount heads;
    Standing alice;
    heads.change(alice, {true, false, false});
    heads.change(alice, {true, true, false});
    CHECK(heads.present() == 1);
    CHECK(heads.publishers() == 1);
    heads.change(alice, {false, true, true});
    CHECK(heads.present() == 0);
    CHECK(heads.recorders() == 1);
    heads.change(alice, {});
    CHECK(heads.publishers() + heads.recorders() + heads.present() == 0);
}

TEST_CASE("Speakers: only changes, quantised, stops once [SIG-134] [IN-31]") {
    Speakers speakers;
    const sfu::ReceiverId a(1), b(2), c(3);
    speakers.set_level(a, "PA_a", 0.20, true);
    speakers.set_level(b, "PA_b", 0.60, true);
    speakers.set_level(c, "PA_a", 0.05, true);
    auto changes = speakers.poll_changes();
    REQUIRE(changes.size() == 2);
    CHECK(changes[0].sid() == "PA_b");
    CHECK(changes[0].level() == doctest::Approx(0.625));
    CHECK(changes[1].level() == doctest::Approx(0.25));
    speakers.set_level(a, "PA_a", 0.21, true);
    CHECK(speakers.poll_changes().empty());
    speakers.set_level(b, "PA_b", 0, false);
    changes = speakers.poll_changes();
    REQUIRE(changes.size() == 1);
    CHECK(changes[0].sid() == "PA_b");
    CHECK_FALSE(changes[0].active());
    CHECK(changes[0].level() == doctest::Approx(0));
    CHECK(speakers.poll_changes().empty());
}

TEST_CASE("Quality: thresholds, MOS and smoothing [CQ-01] [CQ-02] [CQ-03]") {
    CHECK(to_quality(100) == QualityScore{livekit::EXCELLENT, 4.5F});
    CHECK(to_quality(80).quality == livekit::GOOD);
    CHECK(to_quality(40).quality == livekit::POOR);
    CHECK(to_quality(20).quality == livekit::LOST);
    CHECK(to_quality(0).mos == doctest::Approx(1.0));
    TrackScore score;
    sfu::QualitySample sample;
    sample.packets_expected = 100;
    sample.packets_lost = 5;
    score.add(sample, 10);
    CHECK(score.score() == doctest::Approx(60));  // 100 + 0.8·(50 − 100)
    sample.packets_lost = 0;
    score.add(sample, 10);
    CHECK(score.score() == doctest::Approx(76));  // 60 + 0.4·40
    sample.paused = true;
    score.add(sample, 10);
    CHECK(score.score() == doctest::Approx(30));
    QualityView view;
    CHECK(view.current().quality == livekit::EXCELLENT);
    view.add(1, sample, 10);
    CHECK(view.current().quality == livekit::POOR);
    view.remove(1);
    CHECK(view.current().quality == livekit::EXCELLENT);
}

TEST_CASE(
    "NegotiationTimer: debounce, one offer at a time, ids, timeout [SDP-03] [SIG-85] [SIG-86]") {
    NegotiationTimer timer(41);
    timer.request(at_ms(1'000), false);
    CHECK_FALSE(timer.due(at_ms(1'009)));
    CHECK(timer.due(at_ms(1'010)));
    CHECK(timer.start_offer(at_ms(1'010)) == 42);
    timer.request(at_ms(1'020), false);
    CHECK_FALSE(timer.due(at_ms(9'000)));
    CHECK(timer.next_deadline(false).is_never());
    CHECK(timer.next_deadline(true) == at_ms(16'010));
    CHECK(timer.timed_out(at_ms(16'010)));
    timer.answered(at_ms(1'050));
    CHECK(timer.due(at_ms(1'050)));
    CHECK(timer.start_offer(at_ms(1'050)) == 43);
    timer.answered(at_ms(1'060));
    timer.request(at_ms(1'100), false);
    CHECK(timer.next_deadline(true) == at_ms(1'250));
    timer.request(at_ms(1'110), true);
    CHECK(timer.due(at_ms(1'110)));
}

TEST_CASE("Data tracks: errors of publishing, handles of subscribing [SIG-125] [SIG-126] [DT-01]") {
    Rng rng(3);
    PublishedDataTracks tracks;
    livekit::PublishDataTrackRequest request;
    const auto reason = [&] { return tracks.publish(request, 32, rng)->reason; };
    CHECK(reason() == livekit::RequestResponse::INVALID_HANDLE);
    request.set_pub_handle(65'536);
    CHECK(reason() == livekit::RequestResponse::INVALID_HANDLE);
    request.set_pub_handle(9);
    CHECK(reason() == livekit::RequestResponse::INVALID_NAME);
    request.set_name("pose");
    request.mutable_frame_encoding()->set_custom(std::string(33, 'x'));
    CHECK(reason() == livekit::RequestResponse::INVALID_REQUEST);
    request.clear_frame_encoding();
    CHECK_FALSE(tracks.publish(request, 32, rng));
    CHECK(reason() == livekit::RequestResponse::DUPLICATE_HANDLE);
    request.set_pub_handle(10);
    CHECK(reason() == livekit::RequestResponse::DUPLICATE_NAME);
    const std::string sid = tracks.find(9)->sid();
    CHECK(sid.starts_with("DTR_"));

    DataSubscriptions subscriptions(255);
    CHECK(subscriptions.want(sid));
    CHECK(subscriptions.attach(sid, "alice", "PA_a"));
    CHECK_FALSE(subscriptions.attach(sid, "alice", "PA_a"));
    CHECK(subscriptions.handle(sid) == 255);
    CHECK(subscriptions.message().sub_handles().at(255).publisher_identity() == "alice");
    CHECK(subscriptions.detach(sid));
    CHECK(subscriptions.message().sub_handles().empty());
}

TEST_CASE("Trickle: order, JSON both ways, hostile input [SIG-03] [ICE-13]") {
    WorkerAddresses addresses;
    addresses.udp = {*SocketAddress::parse("[fd00::2]:7882"),
                     *SocketAddress::parse("10.0.0.1:7882")};
    addresses.tcp = {*SocketAddress::parse("10.0.0.1:7881")};
    const auto lines = candidate_lines(addresses, "abc", false);
    REQUIRE(lines.size() == 3);
    CHECK(lines[0].ends_with(" 1 udp 2130706431 10.0.0.1 7882 typ host ufrag abc"));
    CHECK(lines[2].ends_with(" typ host tcptype passive ufrag abc"));
    CHECK(candidate_lines(addresses, "abc", true).size() == 1);
    const auto text = parse_candidate_init(candidate_init(lines[0]));
    REQUIRE(text);
    const auto candidate = parse_candidate(*text);
    REQUIRE(candidate);
    CHECK(candidate->address.to_string() == "10.0.0.1:7882");
    CHECK(candidate->priority == 2'130'706'431);
    CHECK(parse_candidate_init(R"({"candidate":""})").value().empty());
    CHECK_FALSE(parse_candidate_init(""));
    CHECK_FALSE(parse_candidate_init("{"));
    CHECK_FALSE(parse_candidate_init("null"));
    CHECK_FALSE(parse_candidate_init(std::string(100'000, '[')));
    CHECK_FALSE(parse_candidate("candidate:1 1 udp 1 x.local 5 typ host"));
    CHECK_FALSE(parse_candidate("candidate:1 1 tcp 1 10.0.0.1 9 typ host tcptype active"));
    for (std::size_t size = 0; size < lines[0].size(); ++size)
        (void)parse_candidate(std::string_view(lines[0]).substr(0, size));
    CHECK(remote_ice_of("a=ice-ufrag:u1\r\na=ice-pwd:p1\r\n") == RemoteIce{"u1", "p1"});
}

}  // namespace confab::room

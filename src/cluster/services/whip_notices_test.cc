// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/services/whip_notices.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "cluster/services/methods.h"
#include "cluster/services/services_testing.h"

namespace confab::cluster::services {
namespace {

using Notice = ::rpc::WHIPRTCConnectionNotifyRequest;
using Texts = std::vector<std::string>;

livekit::TrackInfo track(livekit::TrackType type, const std::string& mime) {
    livekit::TrackInfo info;
    info.set_type(type);
    info.set_mime_type(mime);
    return info;
}

// A node with sessions, and the service that passed on that of PA_1.
struct Sessions {
    Sessions() {
        world.drive(notices);
        served = world.worker()
                     ->serve(kNotifyWhip, {"PA_1"},
                             [this](const rpc::Request& request, rpc::Reply reply) {
                                 Notice notice;
                                 REQUIRE(notice.ParseFromString(request.payload));
                                 heard.push_back(notice);
                                 reply(std::string());
                             },
                             {})
                     .value();
        world.pass(Duration::millis(10));
    }
    void open(const std::string& sid = "PA_1") {
        notices.opened(world.now(), {"r", "encoder", sid});
        world.pass(Duration::millis(10));
    }
    // Each notice: "", "closed", or what is sent.
    Texts take() {
        Texts result;
        for (const Notice& notice : std::exchange(heard, {})) {
            CHECK(notice.participant_id() == "PA_1");
            result.push_back(notice.closed() ? "closed" : notice.video().mime_type());
        }
        return result;
    }

    testing::World world;
    std::vector<IngressTrack> tracks;
    std::vector<std::string> looked;
    WhipNotices notices{world.node().bus(), [this](const IngressSession& session,
                                                   Callback<std::vector<IngressTrack>> answer) {
                            looked.push_back(session.room + " " + session.identity);
                            answer(tracks);
                        }};
    std::vector<Notice> heard;
    rpc::Registration served;
};

}  // namespace

TEST_CASE("notice_of: what an ingress shows of the first track of each kind [RPC-19] [ING-35]") {
    livekit::TrackInfo microphone = track(livekit::AUDIO, "audio/opus");
    microphone.add_audio_features(livekit::TF_STEREO);
    livekit::TrackInfo camera = track(livekit::VIDEO, "video/h264");
    camera.set_width(1280);
    camera.set_height(720);
    const Notice notice = notice_of("PA_1", {{microphone, 23'949.6},
                                             {camera, 1e12},
                                             {track(livekit::VIDEO, "video/vp8"), 5},
                                             {track(livekit::AUDIO, "audio/pcmu"), 5}});
    CHECK(notice.audio().mime_type() == "audio/opus");
    CHECK(notice.audio().channels() == 2);
    CHECK(notice.audio().sample_rate() == 48'000);
    CHECK(notice.audio().average_bitrate() == 23'949);
    CHECK(notice.video().average_bitrate() == 4'294'967'295U);
    CHECK(notice.video().mime_type() == "video/h264");
    CHECK(notice.video().width() == 1280);
    CHECK(notice.video().height() == 720);
    CHECK_FALSE(notice.closed());
    const Notice other = notice_of("PA_1", {{track(livekit::AUDIO, "audio/pcmu")}});
    CHECK(other.audio().channels() == 1);
    CHECK(other.audio().sample_rate() == 0);
    CHECK_FALSE(other.has_video());
}

TEST_CASE("WhipNotices: at once, every ten seconds with what is sent, and at the end [RPC-19]") {
    Sessions s;
    s.open();
    CHECK(s.take() == Texts{""});
    CHECK(s.looked.empty());
    s.tracks = {{track(livekit::VIDEO, "video/vp8"), 90'000}};
    s.world.pass(WhipNotices::kEvery - Duration::millis(20));
    CHECK(s.take().empty());
    s.world.pass(Duration::millis(20));
    CHECK(s.heard.at(0).video().average_bitrate() == 90'000);
    CHECK(s.take() == Texts{"video/vp8"});
    CHECK(s.looked == Texts{"r encoder"});
    s.world.pass(WhipNotices::kEvery * 2);
    CHECK(s.take() == Texts{"video/vp8", "video/vp8"});
    s.notices.closed(s.world.now(), "PA_1");
    s.world.pass(Duration::seconds(60));
    CHECK(s.take() == Texts{"closed"});
    CHECK(s.notices.snapshot().sessions == 0);
    CHECK(s.notices.snapshot().told == 5);
    CHECK(s.notices.snapshot().unheard == 0);
    CHECK(s.notices.next_deadline().is_never());
}

TEST_CASE("WhipNotices: a service that is gone is told all the same, and counted [RPC-19]") {
    Sessions s;
    s.open("PA_2");
    s.open("PA_2");  // known
    s.notices.closed(s.world.now(), "PA_none");
    s.world.pass(WhipNotices::kTimeout);
    CHECK(s.notices.snapshot().told == 1);
    CHECK(s.notices.snapshot().unheard == 1);
    CHECK(s.notices.snapshot().sessions == 1);
}

TEST_CASE(
    "WhipNotices: of so many sessions, and of one that ended while it was looked at nothing "
    "[RPC-19]") {
    testing::World world;
    Callback<std::vector<IngressTrack>> waiting;
    WhipNotices notices(world.node().bus(),
                        [&](const IngressSession&, Callback<std::vector<IngressTrack>> answer) {
                            waiting = std::move(answer);
                        });
    notices.opened(world.now(), {"r", "encoder", "PA_1"});
    notices.handle_timeout(notices.next_deadline());
    notices.closed(world.now(), "PA_1");
    CHECK(notices.snapshot().told == 2);
    waiting({});
    CHECK(notices.snapshot().told == 2);
    for (std::size_t i = 0; i <= WhipNotices::kMaxSessions; ++i)
        notices.opened(world.now(), {"r", "encoder", "PA_" + std::to_string(i)});
    CHECK(notices.snapshot().sessions == WhipNotices::kMaxSessions);
}

}  // namespace confab::cluster::services

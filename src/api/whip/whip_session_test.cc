// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "api/whip/whip_session.h"

#include <doctest/doctest.h>

#include "api/whip/whip_testing.h"
#include "json/json.h"

namespace confab::api {
namespace {

constexpr std::string_view kCandidate = "1 1 udp 1 192.0.2.1 7882 typ host";
constexpr std::string_view kRestart = "a=ice-ufrag:efgh\r\na=ice-pwd:a-new-password-of-22-c\r\n";

std::string answer_sdp(std::string_view ufrag) {
    std::string text = testing::offer();
    for (std::size_t at = text.find("abcd"); at != text.npos; at = text.find("abcd"))
        text.replace(at, 4, ufrag);
    return text;
}

// A session, and the room as it answers.
struct World {
    WhipSession session{*sdp::parse(testing::offer())};

    void join() {
        livekit::JoinResponse join;
        join.mutable_participant()->set_sid("PA_1");
        livekit::ICEServer& stun = *join.add_ice_servers();
        stun.add_urls("stun:1.2.3.4:3478");
        livekit::ICEServer& turn = *join.add_ice_servers();
        turn.add_urls("turn:1.2.3.4:3478?transport=udp");
        turn.set_username("us\"er");
        turn.set_credential("pass");
        session.handle_join(join);
    }
    void answer(std::uint32_t id = 1, std::string_view ufrag = "ours") {
        livekit::SignalResponse response;
        response.mutable_answer()->set_sdp(answer_sdp(ufrag));
        response.mutable_answer()->set_id(id);
        session.handle_signal(response);
    }
    void trickle(bool last) {
        json::Writer init;
        init.begin_object();
        init.string("candidate", "candidate:" + std::string(kCandidate));
        init.end_object();
        livekit::SignalResponse response;
        response.mutable_trickle()->set_candidateinit(init.take());
        response.mutable_trickle()->set_final(last);
        session.handle_signal(response);
    }
    HttpResponse created() {
        join();
        answer();
        trickle(true);
        auto response = poll();
        REQUIRE(response.has_value());
        return *std::move(response);
    }
    std::optional<HttpResponse> poll() {
        const auto answer = session.poll_answer();
        return answer ? std::optional(whip_response(*answer)) : std::nullopt;
    }
    int patch_error(std::optional<std::string_view> if_match, std::string_view body) {
        const auto patch = session.patch(if_match, body);
        return patch ? 0 : patch.error().status;
    }
};

std::vector<std::string> links_of(const HttpResponse& response) {
    std::vector<std::string> result;
    for (const HttpHeader& header : response.headers)
        if (header.name == "Link") result.push_back(header.value);
    return result;
}

}  // namespace

TEST_CASE("WhipSession: 201 with all candidates once the last one is there [CON-60]") {
    World w;
    w.join();
    CHECK_FALSE(w.poll().has_value());
    w.answer();
    CHECK_FALSE(w.poll().has_value());
    w.trickle(false);
    CHECK_FALSE(w.poll().has_value());
    w.trickle(true);
    const auto response = w.poll();
    REQUIRE(response.has_value());
    CHECK(response->status == 201);
    CHECK(find_header(*response, "Content-Type") == "application/sdp");
    CHECK(find_header(*response, "Location") == "/whip/v1/PA_1");
    CHECK(find_header(*response, "ETag") == "ours");
    const auto sdp = sdp::parse(response->body);
    REQUIRE(sdp.has_value());
    CHECK(sdp->sections[0].candidates ==
          std::vector<std::string>{std::string(kCandidate), std::string(kCandidate)});
    CHECK(sdp->sections[0].end_of_candidates);
    CHECK(sdp->sections[1].candidates.empty());
    CHECK_FALSE(w.poll().has_value());
}

TEST_CASE(
    "WhipSession: candidates stand where the transport is, not in what is rejected [CON-60]") {
    World w;
    w.join();
    livekit::SignalResponse response;
    std::string sdp = answer_sdp("ours");
    sdp.replace(sdp.find("m=audio 9"), 9, "m=audio 0");
    response.mutable_answer()->set_sdp(sdp);
    response.mutable_answer()->set_id(1);
    w.session.handle_signal(response);
    w.trickle(true);
    const auto created = w.poll();
    REQUIRE(created.has_value());
    const auto answer = sdp::parse(created->body);
    REQUIRE(answer.has_value());
    CHECK(answer->sections[0].candidates.empty());
    CHECK(answer->sections[1].candidates.size() == 1);
    CHECK(answer->sections[1].end_of_candidates);
}

TEST_CASE("WhipSession: a restart with credentials that are none changes nothing [CON-61]") {
    World w;
    w.created();
    CHECK(w.patch_error("*", "a=ice-ufrag:efgh\r\na=ice-pwd:short\r\n") == 400);
    CHECK(w.patch_error("*", "a=ice-ufrag:" + std::string(257, 'u') +
                                 "\r\na=ice-pwd:a-new-password-of-22-c\r\n") == 400);
    CHECK_FALSE(w.session.waiting());
}

TEST_CASE("WhipSession: ICE servers are links, quotes in them escaped [CON-60]") {
    World w;
    CHECK(links_of(w.created()) ==
          std::vector<std::string>{
              "<stun:1.2.3.4:3478>; rel=\"ice-server\"",
              "<turn:1.2.3.4:3478?transport=udp>; rel=\"ice-server\"; username=\"us\\\"er\"; "
              "credential=\"pass\"; credential-type=\"password\""});
}

TEST_CASE("WhipSession: candidates of the client are trickled [CON-61]") {
    World w;
    w.created();
    const auto patch =
        w.session.patch("ours", "a=mid:0\r\na=candidate:9 1 udp 1 192.0.2.9 9 typ host\r\n");
    REQUIRE(patch.has_value());
    CHECK_FALSE(patch->restarts);
    REQUIRE(patch->requests.size() == 1);
    CHECK(patch->requests[0].trickle().target() == livekit::PUBLISHER);
    const auto init = json::parse(patch->requests[0].trickle().candidateinit());
    REQUIRE(init.has_value());
    CHECK(init->find("candidate")->string == "candidate:9 1 udp 1 192.0.2.9 9 typ host");
}

TEST_CASE("WhipSession: refusals of a PATCH are as upstream's [CON-61]") {
    World w;
    w.created();
    CHECK(w.patch_error(std::nullopt, kRestart) == 428);
    CHECK(w.patch_error("", kRestart) == 428);
    CHECK(w.patch_error("ours", "hello") == 400);
    CHECK(w.patch_error("*", "a=candidate:1 1 udp 1 1.2.3.4 5 typ host") == 400);  // no credentials
    CHECK(w.patch_error("\"ours\"", kRestart) == 500);
    const auto other = w.session.patch("theirs", kRestart);
    REQUIRE_FALSE(other.has_value());
    CHECK(other.error().text == "ice session mismatch, expected: ours, got: theirs");
}

TEST_CASE("WhipSession: a restart is a new offer, and its answer a fragment [CON-61]") {
    World w;
    w.created();
    const auto patch = w.session.patch("*", kRestart);
    REQUIRE(patch.has_value());
    CHECK(patch->restarts);
    REQUIRE(patch->requests.size() == 1);
    CHECK(patch->requests[0].offer().id() == 2);
    CHECK(sdp::parse(patch->requests[0].offer().sdp())->sections[1].ufrag == "efgh");
    CHECK(w.patch_error("*", kRestart) == 409);  // one at a time
    w.answer(1, "late");                         // of the offer before
    w.trickle(true);
    CHECK_FALSE(w.poll().has_value());
    w.answer(2, "next");
    const auto response = w.poll();
    REQUIRE(response.has_value());
    CHECK(response->status == 200);
    CHECK(find_header(*response, "Content-Type") == "application/trickle-ice-sdpfrag");
    CHECK(find_header(*response, "ETag") == "next");
    const auto fragment = parse_fragment(response->body);
    REQUIRE(fragment.has_value());
    CHECK(fragment->ufrag == "next");
    CHECK(fragment->candidates.size() == 1);
    CHECK(w.patch_error("ours", kRestart) == 500);
    CHECK(w.patch_error("next", "a=end-of-candidates") == 0);
}

TEST_CASE("WhipSession: what was given up takes requests again [CON-61]") {
    World w;
    w.created();
    REQUIRE(w.session.patch("*", kRestart).has_value());
    w.session.give_up();
    CHECK_FALSE(w.session.waiting());
    w.answer(2, "late");
    CHECK_FALSE(w.poll().has_value());
    CHECK(w.patch_error("ours", "a=end-of-candidates") == 0);
}

TEST_CASE("WHIP: what has no answer of the room has a status [CON-61]") {
    WhipAnswer answer;
    CHECK(whip_response(answer).status == 204);
    answer.kind = WhipAnswer::Kind::kEnded;
    CHECK(whip_response(answer).status == 200);
    CHECK(whip_response(answer).headers.empty());
}

TEST_CASE("WHIP errors are JSON under the type of the request [CON-60]") {
    const HttpResponse response = whip_error({401, "no \"room\""}, "application/sdp");
    CHECK(response.status == 401);
    CHECK(find_header(response, "Content-Type") == "application/sdp");
    CHECK(response.body == "{\"error\":\"no \\\"room\\\"\"}\n");
}

}  // namespace confab::api

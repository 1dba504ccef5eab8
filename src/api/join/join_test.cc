// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Replays the recorded validate requests; then the details that only a join shows.
#include "api/join/join.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include "api/golden_testing.h"
#include "api/http/http_routes.h"
#include "api/join/join_request.h"
#include "base/rng.h"

namespace confab::api {
namespace {

using testing::Exchange;

// What the listener does with a validate request: authenticate, then check.
HttpResponse validate(const Exchange& exchange) {
    const std::string token = testing::golden_token(exchange, false);
    std::string query_text = exchange.query();
    if (const std::size_t mark = query_text.find("<token>"); mark != query_text.npos)
        query_text.replace(mark, 7, token);
    const QueryParams query = QueryParams::parse(query_text);
    std::optional<std::string> authorization;
    if (exchange.has_header("requestHeaders", "Authorization"))
        authorization = exchange.header("requestHeaders", "Authorization");
    else if (!token.empty() && query_text.find(token) == query_text.npos)
        authorization = "Bearer " + token;
    const auto grants =
        authenticate(authorization, query, {}, testing::golden_keys(), testing::kGoldenNow);
    if (!grants) return to_response(grants.error());
    const auto params = validate_join(
        {parse_join_path(exchange.path()), &query, *grants ? &**grants : nullptr, {}, {}}, {});
    return params ? text_response(200, "success") : to_response(params.error());
}

// The text a release after 1.13.5 gives for a recorded one (CON-21, CON-47).
std::string newer_text(std::string text) {
    if (text.starts_with("invalid API key:")) return "invalid API key";
    constexpr std::string_view kOld = "invalid token: <token>, error: ";
    if (!text.starts_with(kOld)) return text;
    text = "invalid authorization token: " + text.substr(kOld.size());
    constexpr std::string_view kDecode = "could not JSON decode claim";
    const std::size_t decode = text.find(kDecode);
    return decode == text.npos ? text : text.substr(0, decode + kDecode.size());
}

token::Grants joiner() {
    token::Grants grants;
    grants.identity = "ann";
    grants.metadata = "old";
    grants.attributes = {{"a", "1"}, {"b", "2"}};
    grants.video.emplace().room_join = true;
    grants.video->room = "r";
    return grants;
}

Result<JoinParams, HttpError> join(const std::string& query, const token::Grants& grants,
                                   JoinPath path = JoinPath::kRtc,
                                   const JoinOptions& options = {}) {
    const QueryParams params = QueryParams::parse(query);
    return validate_join({path, &params, &grants, "", "192.0.2.1"}, options);
}

std::string gzip(const std::string& data) {
    z_stream stream{};
    REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    Bytes in = to_vector(as_bytes(data));
    Bytes out(deflateBound(&stream, in.size()) + 64);
    stream.next_in = in.data();
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = out.data();
    stream.avail_out = static_cast<uInt>(out.size());
    REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(out.size() - stream.avail_out);
    deflateEnd(&stream);
    return std::string(as_text(out));
}

std::string wrap(const std::string& inner, bool compressed) {
    livekit::WrappedJoinRequest wrapped;
    wrapped.set_compression(compressed ? livekit::WrappedJoinRequest::GZIP
                                       : livekit::WrappedJoinRequest::NONE);
    wrapped.set_join_request(compressed ? gzip(inner) : inner);
    return base64_encode(as_bytes(wrapped.SerializeAsString()), Base64::kUrl);
}
std::string wrap(const livekit::JoinRequest& request, bool compressed = true) {
    return wrap(request.SerializeAsString(), compressed);
}

}  // namespace

TEST_CASE(
    "validate: answers as recorded "
    "[CON-20] [CON-21] [CON-22] [CON-30] [CON-32] [CON-35] [CON-37] [CON-38] [CON-39] [CON-40] "
    "[TOK-01] [TOK-02] [TOK-04] [IMM-13]") {
    int count = 0;
    for (const Exchange& exchange : testing::load_golden("tokens-and-validate.jsonl")) {
        INFO(exchange.text("name"));
        if (exchange.text("name").starts_with("no exp")) continue;  // refused by newer servers
        const HttpResponse response = validate(exchange);
        INFO(response.body);
        CHECK(response.status == exchange.status());
        const std::string expected = newer_text(exchange.text("response"));
        CHECK(response.body.substr(0, expected.size()) == expected);
        CHECK(find_header(response, "Content-Type") ==
              exchange.header("responseHeaders", "content-type"));
        ++count;
    }
    CHECK(count == 67);
}

TEST_CASE("parse_join_path: four exact paths [CON-30]") {
    CHECK(parse_join_path("/rtc") == JoinPath::kRtc);
    CHECK(parse_join_path("/rtc/v1") == JoinPath::kRtcV1);
    CHECK(parse_join_path("/rtc/validate") == JoinPath::kRtcValidate);
    CHECK(parse_join_path("/rtc/v1/validate") == JoinPath::kRtcV1Validate);
    for (const char* path : {"/rtc/", "/rtc/v2", "/RTC", "rtc", "/", "", "/rtc/validate/"})
        CHECK(parse_join_path(path) == JoinPath::kNone);
}

TEST_CASE("validate_join: without a token nothing else is looked at [CON-32] [CON-40]") {
    token::Grants nobody = joiner();
    nobody.video.reset();
    const HttpError refused{401, "no permissions to access the room"};
    for (const JoinPath path : {JoinPath::kRtcV1, JoinPath::kRtcV1Validate}) {
        for (const char* query : {"", "join_request=!"}) {
            const QueryParams params = QueryParams::parse(query);
            CHECK(validate_join({path, &params, nullptr, "", ""}, {}).error() == refused);
            CHECK(join(query, nobody, path).error() == refused);
            CHECK(join(query, joiner(), path).error().status == 400);
        }
        CHECK(join("", joiner(), path).error() == HttpError{400, "join_request is required"});
    }
}

TEST_CASE("validate_join: who may not create a room needs one that is there [CON-32] [ROOM-01]") {
    JoinOptions options;
    token::Grants grants = joiner();
    CHECK_FALSE(join("", grants, JoinPath::kRtc, options)->room_must_exist);
    options.auto_create = false;
    CHECK(join("", grants, JoinPath::kRtc, options)->room_must_exist);
    CHECK(join("", grants, JoinPath::kRtcValidate, options)->room_must_exist);
    grants.video->room_create = true;
    CHECK_FALSE(join("", grants, JoinPath::kRtc, options)->room_must_exist);
}

TEST_CASE("validate_join: limits of 0 are none [CON-32] [ROOM-07]") {
    JoinOptions options;
    options.limits.identity = 0;
    options.limits.room_name = 0;
    token::Grants grants = joiner();
    grants.identity.assign(5000, 'i');
    grants.video->room.assign(5000, 'r');
    CHECK(join("", grants, JoinPath::kRtc, options));
    options.limits.identity = 2;
    CHECK_FALSE(join("", grants, JoinPath::kRtc, options));
}

TEST_CASE("validate_join: v0 query and its defaults [CON-35]") {
    auto params = join("", joiner());
    REQUIRE(params);
    CHECK_FALSE(params->single_peer_connection);
    CHECK(params->auto_subscribe);
    CHECK_FALSE(params->auto_subscribe_data_track);
    CHECK_FALSE(params->adaptive_stream);
    CHECK_FALSE(params->subscriber_allow_pause);
    CHECK_FALSE(params->reconnect);
    params = join(
        "auto_subscribe=0&auto_subscribe_data_track=1&adaptive_stream=true&disable_ice_lite=1"
        "&subscriber_allow_pause=0&reconnect=1&sid=PA_x&reconnect_reason=2",
        joiner());
    REQUIRE(params);
    CHECK_FALSE(params->auto_subscribe);
    CHECK(params->auto_subscribe_data_track);
    CHECK(params->adaptive_stream);
    CHECK(params->disable_ice_lite);
    CHECK(params->subscriber_allow_pause == false);
    CHECK(params->reconnect);
    CHECK(params->participant_sid == "PA_x");
    CHECK(params->reconnect_reason == livekit::RR_PUBLISHER_FAILED);
    params = join("adaptive_stream=TRUE&reconnect=yes&reconnect_reason=99", joiner());
    CHECK_FALSE(params->adaptive_stream);
    CHECK_FALSE(params->reconnect);
    CHECK(params->reconnect_reason == livekit::RR_UNKNOWN);
}

TEST_CASE("validate_join: publish= makes a second, publishing connection [CON-38]") {
    const auto params = join("publish=screen", joiner());
    REQUIRE(params);
    CHECK(params->grants.identity == "ann#screen");
    CHECK_FALSE(params->grants.video->subscribes());
    CHECK(params->publish_only);
}

TEST_CASE("validate_join: attributes merge, empty values can not delete [CON-37]") {
    token::Grants grants = joiner();
    grants.video->can_update_own_metadata = true;
    const std::string text = base64_encode(as_bytes(R"({"a":"9","b":"","c":"3"})"), Base64::kUrl);
    auto params = join("attributes=" + text, grants);
    REQUIRE(params);
    CHECK(params->grants.attributes ==
          std::map<std::string, std::string>{{"a", "9"}, {"b", "2"}, {"c", "3"}});
    // A null is nothing, and to change nothing needs no right.
    grants.video->can_update_own_metadata = false;
    const auto given = [&](std::string_view json, JoinPath path) {
        return join("attributes=" + base64_encode(as_bytes(json), Base64::kUrl), grants, path);
    };
    for (const JoinPath path : {JoinPath::kRtc, JoinPath::kRtcValidate}) {
        for (const char* nothing : {"{}", "null"}) {
            params = given(nothing, path);
            REQUIRE(params);
            CHECK(params->grants.attributes == joiner().attributes);
        }
        CHECK_FALSE(given(R"({"a":"9"})", path));
    }
    grants.video->can_update_own_metadata = true;
    params = given(R"({"a":null,"c":"3"})", JoinPath::kRtcValidate);
    REQUIRE(params);
    CHECK(params->grants.attributes.at("c") == "3");
    CHECK(params->grants.attributes.at("a") == "1");
    // Not decodable: an error on validate only.
    CHECK(join("attributes=***", grants));
    CHECK_FALSE(join("attributes=***", grants, JoinPath::kRtcValidate));
}

TEST_CASE("validate_join: join_request has its own defaults and hides the query [CON-40]") {
    livekit::JoinRequest request;
    request.mutable_client_info()->set_sdk(livekit::ClientInfo::RUST);
    request.mutable_publisher_offer()->set_sdp("v=0");
    request.set_reconnect(true);
    request.set_participant_sid("PA_y");
    request.set_reconnect_reason(livekit::RR_SIGNAL_DISCONNECTED);
    request.add_add_track_requests()->set_cid("cid");
    for (const bool compressed : {false, true}) {
        const auto params = join("publish=x&sdk=js&auto_subscribe=1&attributes=***&join_request=" +
                                     wrap(request, compressed),
                                 joiner(), JoinPath::kRtcV1);
        REQUIRE(params);
        CHECK(params->single_peer_connection);
        CHECK(params->grants.identity == "ann");
        CHECK_FALSE(params->auto_subscribe);
        CHECK(params->subscriber_allow_pause == false);
        CHECK(params->client.sdk() == livekit::ClientInfo::RUST);
        CHECK(params->client.address() == "192.0.2.1");
        CHECK(params->publisher_offer->sdp() == "v=0");
        CHECK(params->reconnect);
        CHECK(params->participant_sid == "PA_y");
        CHECK(params->reconnect_reason == livekit::RR_SIGNAL_DISCONNECTED);
        CHECK(params->add_track_requests.size() == 1);
    }
    // Accepted on /rtc too, and then single peer connection as well (CON-39).
    CHECK(join("join_request=" + wrap(request), joiner())->single_peer_connection);
}

TEST_CASE("validate_join: metadata of a join_request replaces, with the grant [CON-40]") {
    livekit::JoinRequest request;
    request.set_metadata("new");
    (*request.mutable_participant_attributes())["b"] = "3";
    token::Grants grants = joiner();
    CHECK(join("join_request=" + wrap(request), grants).error() ==
          HttpError{401, "no permissions to access the room"});
    grants.video->can_update_own_metadata = true;
    const auto params = join("join_request=" + wrap(request), grants);
    REQUIRE(params);
    CHECK(params->grants.metadata == "new");
    CHECK(params->grants.attributes.at("a") == "1");
    CHECK(params->grants.attributes.at("b") == "3");
}

TEST_CASE("decode_join_request: decompression bombs end at 1 MiB [CON-39] [IMM-13]") {
    const auto error = [](const std::string& parameter) {
        const auto result = decode_join_request(parameter);
        return result ? std::string("accepted") : result.error().text;
    };
    CHECK(error(wrap(std::string(200 * 1024 * 1024, '\0'), true)) == "join request too large");
    CHECK(error(wrap(std::string(kMaxJoinRequestSize + 1, '\0'), true)) ==
          "join request too large");
    CHECK(error(wrap(std::string(kMaxJoinRequestSize + 1, '\0'), false)) ==
          "join request too large");
    CHECK(error(wrap(std::string(kMaxJoinRequestSize, '\0'), true)) ==
          "cannot unmarshal join request");
    // Nested: the content of the file is a file again; it is not unpacked twice.
    CHECK(error(wrap(gzip(std::string(1000, '\0')), true)) == "cannot unmarshal join request");
}

TEST_CASE("gunzip: members are joined, truncation and damage are found [CON-39]") {
    const std::string text = "some text, some text, some text";
    const std::string file = gzip(text);
    const std::string two = file + gzip("!");
    CHECK(as_text(*gunzip(as_bytes(two), 100)) == text + "!");
    CHECK(gunzip(as_bytes(two), text.size() + 1));
    CHECK(gunzip(as_bytes(two), text.size()).error() == InflateError::kTooLarge);
    for (std::size_t size = 0; size < file.size(); ++size)
        CHECK(gunzip(as_bytes(file).first(size), 100).error() == InflateError::kBroken);
    std::string damaged = file;
    damaged[damaged.size() - 6] = static_cast<char>(damaged[damaged.size() - 6] ^ 1);  // CRC-32
    CHECK_FALSE(gunzip(as_bytes(damaged), 100));
    CHECK_FALSE(gunzip(as_bytes(file + "x"), 100));
}

TEST_CASE("decode_join_request: any octets give a value or an error [IMM-13]") {
    Rng rng(5);
    livekit::JoinRequest request;
    request.mutable_publisher_offer()->set_sdp(std::string(300, 's'));
    const std::string good = wrap(request);
    for (int i = 0; i < 2000; ++i) {
        auto raw = *base64_decode(good, Base64::kUrl);
        raw[rng.below(raw.size())] = static_cast<std::uint8_t>(rng.below(256));
        raw.resize(raw.size() - rng.below(3));
        (void)decode_join_request(base64_encode(raw, Base64::kUrl));
    }
    CHECK(decode_join_request(good)->publisher_offer().sdp().size() == 300);
}

TEST_CASE("validate_join: revoked is the identity of the token, whatever is made of it [TOK-14]") {
    token::Revocations revocations;
    const UnixTime now = UnixTime::seconds(1'700'000'000);
    revocations.revoke("r", "ann", now, now);
    token::Grants grants = joiner();
    grants.video->can_publish = true;
    const auto status = [&](const std::string& text) {
        const QueryParams query = QueryParams::parse(text);
        const auto params =
            validate_join({JoinPath::kRtc, &query, &grants, "", "", &revocations}, {});
        return params ? 200 : params.error().status;
    };
    CHECK(status("") == 401);  // nobody knows when it was issued
    grants.issued_at = now - Duration::seconds(1);
    CHECK(status("publish=x") == 401);
    grants.issued_at = now;
    CHECK(status("publish=x") == 200);
    revocations.revoke("r", "ann#x", now + Duration::seconds(1), now);
    CHECK(status("") == 200);
    CHECK(status("publish=y") == 200);
    CHECK(status("publish=x") == 401);  // as who it would join
    // As it comes back with its refresh token.
    grants.identity = "ann#y";
    grants.publishes_for = "ann";
    CHECK(status("") == 200);
    CHECK(status("publish=y") == 200);
    CHECK(status("publish=x") == 401);
    grants.issued_at = now - Duration::seconds(1);
    CHECK(status("") == 401);
    CHECK(status("publish=y") == 401);
    grants.identity = "";
    CHECK(status("") == 400);
}

}  // namespace confab::api

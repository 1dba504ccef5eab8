// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "api/limits/request_limits.h"

#include <doctest/doctest.h>

#include <set>
#include <string>

namespace confab::api {
namespace {

constexpr Timestamp kStart = Timestamp::micros(1'000'000);
constexpr SipKey kKey{3, 4};
const IpAddress kAnn = *IpAddress::parse("203.0.113.1");
const IpAddress kBob = *IpAddress::parse("203.0.113.2");
const IpAddress kTrusted = *IpAddress::parse("10.1.2.3");

RequestLimitOptions options() {
    RequestLimitOptions result;
    result.connections = {2, 6};
    result.requests = {2, 5};
    result.web_sockets = 3;
    result.bad_tokens = {1, 4};
    result.joins_of_identity = {1, 2};
    result.joins_of_room = {1, 4};
    result.joins_of_key = {1, 8};
    result.calls_of_key = {1, 6};
    result.calls_of_method = {1, 4};
    result.signals = {50, 500};
    result.trusted = {*Cidr::parse("10.0.0.0/8")};
    return result;
}

// How many of 100 are let through, and which limit the first one met that was not: "6 connection".
template <typename Ask>
std::string ask_often(Ask ask) {
    int passed = 0;
    std::string refused_by;
    for (int i = 0; i < 100; ++i) {
        const RequestLimits::Verdict excess = ask(i);
        if (!excess) {
            ++passed;
            continue;
        }
        if (refused_by.empty()) refused_by = " " + std::string(info_of(excess->layer).label);
        CHECK(excess->wait > Duration::zero());
    }
    return std::to_string(passed) + refused_by;
}

}  // namespace

TEST_CASE("RequestLimits: connections and requests of an address, each by its own [OPS-05]") {
    RequestLimits limits(kKey, options());
    const auto connect = [&](const IpAddress& from, Timestamp now = kStart) {
        return ask_often([&](int) { return limits.connection(now, from); });
    };
    CHECK(connect(kAnn) == "6 connection");
    CHECK(connect(kBob) == "6 connection");
    CHECK(ask_often([&](int) { return limits.request(kStart, kAnn); }) == "5 request");
    CHECK(connect(kAnn, kStart + Duration::seconds(1)) == "2 connection");
    CHECK(connect(kTrusted) == "100");
    CHECK(ask_often([&](int) { return limits.request(kStart, kTrusted); }) == "100");
}

TEST_CASE("RequestLimits: all addresses of an IPv6 network are one [OPS-05]") {
    RequestLimits limits(kKey, options());
    const auto from = [&](int i) {
        return limits.connection(kStart, *IpAddress::parse("2001:db8::" + std::to_string(i + 1)));
    };
    CHECK(ask_often(from) == "6 connection");
}

TEST_CASE("RequestLimits: bad tokens make the wait longer, up to a minute [OPS-05]") {
    RequestLimits limits(kKey, options());
    const auto fail = [&] { return limits.bad_token(kStart, kAnn); };
    for (int i = 0; i < 4; ++i)
        CHECK_FALSE(fail());
    CHECK(fail()->wait == Duration::seconds(1));
    CHECK(fail()->wait == Duration::seconds(2));
    for (int i = 0; i < 1000; ++i)
        CHECK(fail()->wait <= RequestLimits::kLongestWait);
    CHECK(fail()->wait == RequestLimits::kLongestWait);
    // Once the debt is paid it is as before.
    CHECK_FALSE(limits.bad_token(kStart + Duration::seconds(61), kAnn));
    CHECK_FALSE(limits.bad_token(kStart, kBob));
    CHECK(ask_often([&](int) { return limits.bad_token(kStart, kTrusted); }) == "100");
}

TEST_CASE("RequestLimits: joins of an identity, a room and a key [OPS-05]") {
    RequestLimits limits(kKey, options());
    const auto join = [&](const std::string& key, const std::string& room,
                          const std::string& identity) {
        return limits.join(kStart, kAnn, {key, room, identity, false});
    };
    // One in a loop takes from the others what it was let in, no more.
    CHECK(ask_often([&](int) { return join("k", "r", "ann"); }) == "2 join_identity");
    const auto others = [&](int i) { return join("k", "r", "bob" + std::to_string(i)); };
    CHECK(ask_often(others) == "2 join_room");
    const auto rooms = [&](int i) { return join("k", "r" + std::to_string(i), "ann"); };
    CHECK(ask_often(rooms) == "4 join_key");
    // Of another key nothing is taken, in another room of the same name is somebody else.
    CHECK_FALSE(join("other", "r9", "ann"));
    CHECK_FALSE(join("other", "\x1Ft\x1Fr", "ann"));
}

TEST_CASE("RequestLimits: who resumes is held to the limit of an identity alone [OPS-05]") {
    RequestLimits limits(kKey, options());
    const auto resume = [&](int i) {
        return limits.join(kStart, kAnn, {"k", "r", std::to_string(i), true});
    };
    CHECK(ask_often(resume) == "100");
    const auto again = [&](int) { return limits.join(kStart, kAnn, {"k", "r", "ann", true}); };
    CHECK(ask_often(again) == "2 join_identity");
    CHECK_FALSE(limits.join(kStart, kAnn, {"k", "r", "new", false}));
}

TEST_CASE(
    "RequestLimits: a busy node takes no new participants, those who resume it does [OPS-05]") {
    RequestLimitOptions busy;
    busy.join_load = 0.85;
    busy.trusted = options().trusted;
    RequestLimits limits(kKey, busy);
    const auto join = [&](const IpAddress& from, bool resumes) {
        const auto excess = limits.join(kStart, from, {"k", "r", "ann", resumes});
        return excess ? std::string(info_of(excess->layer).label) : "";
    };
    CHECK(join(kAnn, false).empty());
    limits.set_load(0.84);
    CHECK(join(kAnn, false).empty());
    limits.set_load(0.85);
    CHECK(join(kAnn, false) == "join_load");
    CHECK(limits.would_join(kStart, kAnn, {"k", "r", "ann", false})->wait == Duration::seconds(5));
    CHECK(join(kAnn, true).empty());
    CHECK(join(kTrusted, false).empty());
    limits.set_load(0.5);
    CHECK(join(kAnn, false).empty());
    limits.reconfigure({});
    limits.set_load(1);
    CHECK(join(kAnn, false).empty());
}

TEST_CASE("RequestLimits: whether a join would be let in can be asked for nothing [CON-22]") {
    RequestLimits limits(kKey, options());
    const Join ann{"k", "r", "ann", false};
    CHECK(ask_often([&](int) { return limits.would_join(kStart, kAnn, ann); }) == "100");
    CHECK_FALSE(limits.join(kStart, kAnn, ann));
    CHECK_FALSE(limits.join(kStart, kAnn, ann));
    const auto refused = limits.would_join(kStart, kAnn, ann);
    REQUIRE(refused);
    CHECK(info_of(refused->layer).label == "join_identity");
    CHECK(refused->wait == Duration::seconds(1));
    CHECK_FALSE(limits.would_join(kStart, kTrusted, ann));
    CHECK_FALSE(limits.join(kStart, kTrusted, ann));
}

TEST_CASE("RequestLimits: WebSockets of an address that are open at once [OPS-05]") {
    RequestLimits limits(kKey, options());
    CHECK(ask_often([&](int) { return limits.open_web_socket(kAnn); }) == "3 websocket");
    CHECK(limits.web_sockets_of(kAnn) == 3);
    CHECK_FALSE(limits.open_web_socket(kBob));
    limits.close_web_socket(kAnn);
    CHECK_FALSE(limits.open_web_socket(kAnn));
    CHECK(limits.open_web_socket(kAnn));
    CHECK(ask_often([&](int) { return limits.open_web_socket(kTrusted); }) == "100");
    for (int i = 0; i < 3; ++i)
        limits.close_web_socket(kAnn);
    CHECK(limits.web_sockets_of(kAnn) == 0);
    limits.close_web_socket(kAnn);  // nothing is open any more
    CHECK(limits.web_sockets_of(kAnn) == 0);
}

TEST_CASE("RequestLimits: calls of a key, and of each of its methods [OPS-05]") {
    RequestLimits limits(kKey, options());
    const auto call = [&](const char* key, const char* method, Timestamp now = kStart) {
        return ask_often([&](int) { return limits.call(now, kAnn, key, method); });
    };
    CHECK(call("k", "ListRooms") == "4 api_method");
    CHECK(call("k", "SendData") == "2 api_key");
    CHECK(call("other", "ListRooms") == "4 api_method");
    CHECK(call("k", "SendData", kStart + Duration::seconds(1)) == "1 api_method");
    CHECK(ask_often([&](int) { return limits.call(kStart, kTrusted, "k", "m"); }) == "100");
}

TEST_CASE("RequestLimits: what is not set is not limited; a reload holds at once [OPS-05]") {
    RequestLimits limits(kKey, {});
    const Join ann{"k", "r", "ann", false};
    CHECK(ask_often([&](int) { return limits.connection(kStart, kAnn); }) == "100");
    CHECK(ask_often([&](int) { return limits.request(kStart, kAnn); }) == "100");
    CHECK(ask_often([&](int) { return limits.bad_token(kStart, kAnn); }) == "100");
    CHECK(ask_often([&](int) { return limits.join(kStart, kAnn, ann); }) == "100");
    CHECK(ask_often([&](int) { return limits.call(kStart, kAnn, "k", "m"); }) == "100");
    CHECK(ask_often([&](int) { return limits.open_web_socket(kAnn); }) == "100");
    CHECK(limits.signals(kAnn).is_off());
    limits.reconfigure(options());
    CHECK(ask_often([&](int) { return limits.connection(kStart, kAnn); }) == "6 connection");
    CHECK(limits.open_web_socket(kAnn));  // 100 are open
    CHECK(limits.signals(kAnn) == Rate{50, 500});
    CHECK(limits.signals(kTrusted).is_off());
}

TEST_CASE("RequestLimits: each limit has its words and its setting [OPS-05]") {
    std::set<std::string_view> labels;
    std::set<std::string_view> settings;
    std::size_t place = 0;
    for (const LimitInfo& limit : limit_infos()) {
        CHECK(static_cast<std::size_t>(limit.layer) == place++);
        CHECK(&info_of(limit.layer) == &limit);
        CHECK_FALSE(limit.text.empty());
        CHECK_FALSE(limit.remedy.empty());
        labels.insert(limit.label);
        settings.insert(limit.setting);
    }
    CHECK(place == static_cast<std::size_t>(LimitLayer::kApiMethod) + 1);
    CHECK(labels.size() == place);
    CHECK(settings.size() == place);
    CHECK(info_of(LimitLayer::kApiMethod).label == "api_method");
    CHECK(info_of(LimitLayer::kConnection).label == "connection");
}

}  // namespace confab::api

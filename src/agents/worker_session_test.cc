// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "agents/worker_session.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <string>

#include "proto/proto_json.h"

namespace confab::agents {
namespace {

constexpr UnixTime kWall = UnixTime::millis(1'795'161'767'997);

WorkerSession make(Timestamp now = Timestamp()) {
    livekit::ServerInfo server;
    server.set_version("1.13.5");
    server.set_protocol(17);
    server.set_agent_protocol(1);
    return {now, "AW_one", server};
}

bool say(WorkerSession& session, const char* json) {
    livekit::WorkerMessage message;
    REQUIRE(proto::parse_json(json, message));
    return session.handle_message(kWall, false, message.SerializeAsString());
}

livekit::ServerMessage heard(WorkerSession& session) {
    const auto frame = session.poll_transmit();
    REQUIRE(frame);
    CHECK_FALSE(frame->text);
    livekit::ServerMessage message;
    REQUIRE(message.ParseFromString(frame->payload));
    return message;
}

template <typename T>
T told(WorkerSession& session) {
    auto event = session.poll_event();
    REQUIRE(event);
    REQUIRE(std::holds_alternative<T>(*event));
    return std::get<T>(*event);
}

}  // namespace

TEST_CASE("WorkerSession: registers and is told who answers [CON-50] [CON-51] [WRK-01] [WRK-04]") {
    WorkerSession session = make();
    CHECK_FALSE(session.registered());
    REQUIRE(say(session, R"({"register":{"type":"JT_PUBLISHER","version":"1.8.9","agentName":"bot",
                             "namespace":"n","deployment":"blue","pingInterval":3}})"));
    const livekit::ServerMessage answer = heard(session);
    CHECK(answer.register_().worker_id() == "AW_one");
    CHECK(answer.register_().server_info().agent_protocol() == 1);
    CHECK(answer.register_().server_info().protocol() == 17);
    const auto event = told<Registered>(session);
    CHECK(event.key == WorkerKey{livekit::JT_PUBLISHER, "bot", "n", "blue"});
    CHECK(event.version == "1.8.9");
    CHECK(session.registered());
    CHECK(session.next_deadline().is_never());
    CHECK(session.handle_timeout(Timestamp() + Duration::seconds(3600)));
}

TEST_CASE("WorkerSession: permissions that are not said are those of an agent [WRK-03]") {
    WorkerSession silent = make();
    REQUIRE(say(silent, R"({"register":{}})"));
    const auto all = told<Registered>(silent).permissions;
    CHECK(all.can_subscribe());
    CHECK(all.can_publish());
    CHECK(all.can_publish_data());
    CHECK(all.can_update_metadata());
    CHECK_FALSE(all.hidden());
    WorkerSession empty = make();
    REQUIRE(say(empty, R"({"register":{"allowedPermissions":{}}})"));
    const auto none = told<Registered>(empty).permissions;
    CHECK_FALSE(none.can_subscribe());
    CHECK_FALSE(none.can_publish());
    CHECK_FALSE(none.can_publish_data());
    CHECK_FALSE(none.can_update_metadata());
}

TEST_CASE("WorkerSession: has ten seconds to register, pings do not count [CON-51] [WRK-02]") {
    const Timestamp begin = Timestamp() + Duration::seconds(5);
    WorkerSession session = make(begin);
    CHECK(session.next_deadline() == begin + Duration::seconds(10));
    CHECK(say(session, R"({"ping":{"timestamp":7}})"));
    CHECK(session.handle_timeout(begin + Duration::seconds(10) - Duration::micros(1)));
    CHECK_FALSE(session.handle_timeout(begin + Duration::seconds(10)));
}

TEST_CASE("WorkerSession: before it registered only register and ping are heard [WRK-02]") {
    for (const char* json :
         {R"({"availability":{"jobId":"AJ_x"}})", R"({"updateWorker":{"load":0.5}})",
          R"({"updateJob":{"jobId":"AJ_x"}})", R"({"simulateJob":{}})", R"({"migrateJob":{}})",
          "{}"}) {
        CAPTURE(json);
        WorkerSession session = make();
        CHECK_FALSE(say(session, json));
        CHECK_FALSE(session.poll_event());
        CHECK_FALSE(session.poll_transmit());
    }
}

TEST_CASE("WorkerSession: what is no message cuts the connection, at any time [WRK-02]") {
    const auto cut = [](bool registers, bool text, std::string_view payload) {
        WorkerSession session = make();
        if (registers) REQUIRE(say(session, R"({"register":{}})"));
        return !session.handle_message(kWall, text, payload);
    };
    for (const bool registers : {false, true}) {
        CHECK(cut(registers, false, ""));              // no oneof
        CHECK(cut(registers, false, "\xFF\xFF"));      // does not parse
        CHECK(cut(registers, false, "\x9A\x06\x00"));  // an unknown member of the oneof
        CHECK(cut(registers, true, ""));
        CHECK(cut(registers, true, "hello"));
        CHECK(cut(registers, true, "{}"));
    }
    WorkerSession twice = make();
    REQUIRE(say(twice, R"({"register":{}})"));
    CHECK_FALSE(say(twice, R"({"register":{}})"));
}

TEST_CASE("WorkerSession: a registration that makes no sense cuts the connection [WRK-02]") {
    const auto registers = [](const std::function<void(livekit::RegisterWorkerRequest&)>& with) {
        WorkerSession session = make();
        livekit::WorkerMessage message;
        with(*message.mutable_register_());
        return session.handle_message(kWall, false, message.SerializeAsString());
    };
    CHECK(registers([](auto& r) { r.set_type(livekit::JT_PARTICIPANT); }));
    CHECK_FALSE(registers([](auto& r) { r.set_type(static_cast<livekit::JobType>(3)); }));
    CHECK_FALSE(registers([](auto& r) { r.set_type(static_cast<livekit::JobType>(-1)); }));
    CHECK(registers([](auto& r) { r.set_deployment(std::string(64, 'd')); }));
    CHECK_FALSE(registers([](auto& r) { r.set_deployment(std::string(65, 'd')); }));
    CHECK_FALSE(registers([](auto& r) { r.set_deployment("a_b"); }));
    CHECK_FALSE(registers([](auto& r) { r.set_deployment("a b"); }));
    const std::size_t limit = WorkerSession::kMaxNameLength;
    CHECK(registers([&](auto& r) { r.set_agent_name(std::string(limit - 1, 'n')); }));
    CHECK(registers([&](auto& r) { r.set_agent_name(std::string(limit, 'n')); }));
    CHECK_FALSE(registers([&](auto& r) { r.set_agent_name(std::string(limit + 1, 'n')); }));
    CHECK(registers([&](auto& r) { r.set_namespace_(std::string(limit, 'n')); }));
    CHECK_FALSE(registers([&](auto& r) { r.set_namespace_(std::string(limit + 1, 'n')); }));
}

TEST_CASE("WorkerSession: a ping is answered with its own time and ours [WRK-05]") {
    WorkerSession session = make();
    for (const std::int64_t time : {7, 8}) {
        livekit::WorkerMessage message;
        message.mutable_ping()->set_timestamp(time);
        REQUIRE(session.handle_message(kWall, false, message.SerializeAsString()));
        const livekit::ServerMessage answer = heard(session);
        CHECK(answer.pong().last_timestamp() == time);
        CHECK(answer.pong().timestamp() == kWall.ms());
        if (!session.registered()) {
            REQUIRE(say(session, R"({"register":{}})"));
            (void)heard(session);
        }
    }
}

TEST_CASE("WorkerSession: text frames are JSON and are answered with JSON [WRK-17]") {
    WorkerSession session = make();
    REQUIRE(session.handle_message(kWall, true, R"({"register":{"agent_name":"bot"}})"));
    const auto answer = session.poll_transmit();
    REQUIRE(answer);
    CHECK(answer->text);
    CHECK(answer->payload.find(R"("workerId":"AW_one")") != std::string::npos);
    CHECK(told<Registered>(session).key.agent_name == "bot");
    REQUIRE(say(session, R"({"ping":{"timestamp":1}})"));  // binary again
    CHECK(heard(session).has_pong());
}

TEST_CASE("WorkerSession: what a registered worker says becomes events [CON-52] [WRK-06]") {
    WorkerSession session = make();
    REQUIRE(say(session, R"({"register":{}})"));
    (void)told<Registered>(session);
    REQUIRE(say(session, R"({"availability":{"jobId":"AJ_x","available":true}})"));
    CHECK(told<livekit::AvailabilityResponse>(session).available());
    REQUIRE(say(session, R"({"updateWorker":{"load":0.5}})"));
    const auto status = told<livekit::UpdateWorkerStatus>(session);
    CHECK(status.load() == 0.5F);
    CHECK_FALSE(status.has_status());
    REQUIRE(say(session, R"({"updateJob":{"jobId":"AJ_x","status":"JS_FAILED","error":"e"}})"));
    CHECK(told<livekit::UpdateJobStatus>(session).status() == livekit::JS_FAILED);
    REQUIRE(say(session, R"({"simulateJob":{"room":{"name":"r"}}})"));
    CHECK(told<livekit::SimulateJobRequest>(session).room().name() == "r");
    REQUIRE(say(session, R"({"migrateJob":{"jobIds":["AJ_x","AJ_y"]}})"));
    CHECK(told<livekit::MigrateJobRequest>(session).job_ids_size() == 2);
    CHECK_FALSE(session.poll_event());
}

TEST_CASE("WorkerSession: of the jobs it brings along, the first so many count [WRK-10]") {
    for (const int extra : {-1, 0, 1}) {
        WorkerSession session = make();
        REQUIRE(say(session, R"({"register":{}})"));
        (void)told<Registered>(session);
        livekit::WorkerMessage message;
        for (int i = 0; i < WorkerSession::kMaxMigrated + extra; ++i)
            message.mutable_migrate_job()->add_job_ids("AJ_" + std::to_string(i));
        REQUIRE(session.handle_message(kWall, false, message.SerializeAsString()));
        CHECK(told<livekit::MigrateJobRequest>(session).job_ids_size() ==
              WorkerSession::kMaxMigrated + std::min(extra, 0));
    }
}

}  // namespace confab::agents

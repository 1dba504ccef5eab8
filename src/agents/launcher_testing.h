// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Of tests: the launcher of a node with rooms, over a bus, against a hub with workers of the same
// node; and the clock of all three.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agents/job_launcher.h"
#include "agents/worker_hub.h"
#include "rpc/local_bus.h"

namespace confab::agents::testing {

struct World final : LauncherHost {
    World() { launcher->start(now); }
    void kinds_known(const std::set<WorkerKey>& all) override { kinds = all; }
    void job_changed(const livekit::Job& job, JobChange change) override {
        changes.push_back(job);
        how.push_back(change);
    }

    Clock clock() const { return {now, UnixTime::seconds(100) + (now - Timestamp())}; }
    // All that is due now.
    void settle() {
        for (int i = 0; i < 10'000; ++i) {
            take_outputs();
            const Timestamp next =
                earlier(bus_hub.next_deadline(),
                        earlier(launcher->next_deadline(), workers.next_deadline()));
            if (next > now) return;
            if (bus_hub.next_deadline() <= now) bus_hub.handle_timeout(now);
            if (workers.next_deadline() <= now) workers.handle_timeout(clock());
            if (launcher->next_deadline() <= now) launcher->handle_timeout(now);
        }
        FAIL("it never rests");
    }
    void advance(Duration by) {
        settle();
        const Timestamp until = now + by;
        for (;;) {
            const Timestamp next =
                earlier(bus_hub.next_deadline(),
                        earlier(launcher->next_deadline(), workers.next_deadline()));
            if (next > until) break;
            now = next;
            settle();
        }
        now = until;
        settle();
    }
    void take_outputs() {
        while (auto output = workers.poll_output()) {
            if (const auto* end = std::get_if<WorkerEnd>(&*output)) {
                ended.push_back(end->worker);
                cut = end->cut;
                continue;
            }
            const auto& frame = std::get<WorkerFrame>(*output);
            livekit::ServerMessage message;
            REQUIRE(message.ParseFromString(frame.frame.payload));
            told[frame.worker].push_back(message);
            const std::string job = message.availability().job().id();
            if (message.has_availability() && accepts && !unanswered.contains(job))
                answer(frame.worker, job, *accepts && !unwelcome.contains(job));
        }
    }
    void answer(const std::string& worker, const std::string& job, bool available) {
        livekit::WorkerMessage message;
        message.mutable_availability()->set_job_id(job);
        message.mutable_availability()->set_available(available);
        say(worker, message);
    }
    void say(const std::string& worker, const livekit::WorkerMessage& message) {
        workers.handle_message(clock(), worker, false, message.SerializeAsString());
    }
    std::string worker(const std::string& name, const std::string& ns = "",
                       livekit::JobType type = livekit::JT_ROOM,
                       const std::string& api_key = "key") {
        const std::string id = workers.connect(clock(), api_key);
        livekit::WorkerMessage message;
        message.mutable_register_()->set_agent_name(name);
        message.mutable_register_()->set_namespace_(ns);
        message.mutable_register_()->set_type(type);
        say(id, message);
        settle();
        return id;
    }
    void remove_old_key() {
        std::map<std::string, std::string, std::less<>> left{{"key", kSecret}};
        keys = token::KeyMap(std::move(left));
    }
    void load(const std::string& worker, float load, bool full) {
        livekit::WorkerMessage message;
        message.mutable_update_worker()->set_load(load);
        message.mutable_update_worker()->set_status(full ? livekit::WS_FULL
                                                         : livekit::WS_AVAILABLE);
        say(worker, message);
        settle();
    }
    void migrate(const std::string& worker, const std::string& id) {
        livekit::WorkerMessage message;
        message.mutable_migrate_job()->add_job_ids(id);
        say(worker, message);
        settle();
    }
    void job_over(const std::string& worker, const std::string& id,
                  livekit::JobStatus status = livekit::JS_SUCCESS) {
        livekit::WorkerMessage message;
        message.mutable_update_job()->set_job_id(id);
        message.mutable_update_job()->set_status(status);
        say(worker, message);
        settle();
    }
    // A report of each worker that is named, every 2.5 s as the SDKs do.
    void advance_reporting(Duration by, const std::vector<std::string>& workers_that_report) {
        for (const Timestamp until = now + by; now < until;) {
            advance(earlier(now + Duration::millis(2500), until) - now);
            for (const std::string& worker : workers_that_report)
                load(worker, 0.1F, false);
        }
    }
    livekit::Job job(const std::string& id, const std::string& name = "bot") {
        livekit::Job result;
        result.set_id(id);
        result.set_agent_name(name);
        result.mutable_room()->set_name("r");
        return result;
    }
    void launch(const std::string& id, const std::string& name = "bot") {
        launcher->launch(now, job(id, name));
        settle();
    }
    void end(const std::string& id) {
        launcher->end(now, id, ::rpc::TERMINATION_REQUESTED);
        settle();
    }
    std::size_t count(const std::string& worker, livekit::ServerMessage::MessageCase kind) {
        std::size_t result = 0;
        for (const livekit::ServerMessage& message : told[worker])
            if (message.message_case() == kind) ++result;
        return result;
    }
    std::size_t offers(const std::string& worker) {
        return count(worker, livekit::ServerMessage::kAvailability);
    }
    // "AJ_1 1" for a job that runs.
    std::vector<std::string> seen() const {
        std::vector<std::string> result;
        result.reserve(changes.size());
        for (const livekit::Job& job : changes)
            result.push_back(job.id() + " " + std::to_string(job.state().status()));
        return result;
    }

    using Texts = std::vector<std::string>;
    Timestamp now = Timestamp::micros(1'000'000);
    rpc::LocalHub bus_hub;
    rpc::LocalBus bus{bus_hub, "ND_one"};
    static constexpr const char* kSecret = "a-secret-of-thirty-two-characters";
    token::KeyMap keys{{{"key", kSecret}, {"old", kSecret}}};
    WorkerHub workers{bus, keys, {}, 5};
    std::shared_ptr<JobLauncher> launcher =
        std::make_shared<JobLauncher>(bus, static_cast<LauncherHost&>(*this));
    std::optional<bool> accepts = true;  // what workers say to an offer; nothing: they are silent
    std::set<std::string> unwelcome;     // jobs that they refuse
    std::set<std::string> unanswered;
    std::set<WorkerKey> kinds;
    std::map<std::string, std::vector<livekit::ServerMessage>> told;
    std::vector<std::string> ended;
    bool cut = false;
    std::vector<livekit::Job> changes;
    std::vector<JobChange> how;
};

}  // namespace confab::agents::testing

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Agent workers that say anything, while jobs are launched and ended. The input is a list of steps
//   operation 8 | worker 8 | length 16 | body
// Checked: hub, launcher and bus come to rest, timers move forward, what a worker may make the node
// keep is bounded, a job that all refuse is offered ever more seldom whatever they report, and once
// everybody is gone nothing is left but jobs that wait.
// fuzz: modules agents
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agents/job_launcher.h"
#include "agents/worker_hub.h"
#include "base/bytes.h"
#include "base/check.h"
#include "rpc/local_bus.h"

namespace {

using namespace confab;
using namespace confab::agents;

class Driver final : public LauncherHost {
  public:
    Driver() { launcher_->start(now_); }

    void step(std::uint8_t operation, std::uint8_t which, std::string_view body) {
        switch (operation % 8) {
            case 0:
                if (workers_.size() < kMaxWorkers) workers_.push_back(hub_.connect(clock(), "key"));
                break;
            case 1:
                if (!workers_.empty()) leave(which % workers_.size());
                break;
            case 2:
                launch(body);
                break;
            case 3:
                launcher_->end(now_, job_name(which), ::rpc::TERMINATION_REQUESTED);
                break;
            case 4:
                advance(Duration::millis(static_cast<std::int64_t>(body.size()) * 500));
                break;
            default:
                say(operation % 8 == 7, which, body);
                break;
        }
        settle();
    }
    void finish() {
        refuse_all();
        while (!workers_.empty())
            leave(0);
        advance(JobDispatcher::kKeptWithoutWorker * 2);
        CONFAB_CHECK(hub_.snapshot().connected == 0 && hub_.snapshot().registered == 0);
        CONFAB_CHECK(hub_.snapshot().offers == 0 && hub_.snapshot().jobs == 0);
        CONFAB_CHECK(launcher_->snapshot().running == 0);
    }

  private:
    static constexpr std::size_t kMaxWorkers = 8;
    // After 0, 1, 3, 7, 15, 31, 61 and 91 s; twice more for room that the first reports tell of.
    static constexpr std::size_t kMaxOffersEach = 10;

    void kinds_known(const std::set<WorkerKey>& kinds) override {
        CONFAB_CHECK(kinds.size() <= kMaxWorkers * 64);
    }
    void job_changed(const livekit::Job& job, JobChange) override {
        CONFAB_CHECK(!job.id().empty());
    }

    static std::string job_name(std::size_t number) { return "AJ_" + std::to_string(number); }
    void launch(std::string_view body) {
        livekit::Job job;
        if (!job.ParseFromArray(body.data(), static_cast<int>(body.size()))) return;
        job.set_id(job_name(jobs_++));
        launcher_->launch(now_, job);
    }
    void say(bool text, std::uint8_t which, std::string_view body) {
        if (workers_.empty()) return;
        const std::string worker = workers_[which % workers_.size()];
        hub_.handle_message(clock(), worker, text, body);
        // A worker whose last offer is known may answer it whatever the input says.
        if (!offered_.empty() && body.size() % 3 == 0) {
            livekit::WorkerMessage answer;
            answer.mutable_availability()->set_job_id(offered_);
            answer.mutable_availability()->set_available(body.size() % 2 == 0);
            hub_.handle_message(clock(), worker, false, answer.SerializeAsString());
        }
    }
    void leave(std::size_t index) {
        const std::string worker = workers_[index];
        workers_.erase(workers_.begin() + static_cast<std::ptrdiff_t>(index));
        hub_.disconnected(clock(), worker);
        settle();
    }
    // Two minutes in which all refuse what they are offered, and report as SDKs do.
    void refuse_all() {
        settle();
        refuses_ = true;
        refused_.clear();
        livekit::WorkerMessage report;
        report.mutable_update_worker()->set_status(livekit::WS_AVAILABLE);
        report.mutable_update_worker()->set_load(0.1F);
        for (int i = 0; i < 48; ++i) {
            for (const std::string& worker : workers_)
                hub_.handle_message(clock(), worker, false, report.SerializeAsString());
            advance(Duration::millis(2500));
        }
        for (const auto& [to, count] : refused_)
            CONFAB_CHECK(count <= kMaxOffersEach);
        refuses_ = false;
    }
    void refuse(const std::string& worker, const std::string& job) {
        ++refused_[{worker, job}];
        livekit::WorkerMessage answer;
        answer.mutable_availability()->set_job_id(job);
        hub_.handle_message(clock(), worker, false, answer.SerializeAsString());
    }
    Timestamp next() const {
        return earlier(bus_hub_.next_deadline(),
                       earlier(hub_.next_deadline(), launcher_->next_deadline()));
    }
    void take_outputs() {
        while (auto output = hub_.poll_output()) {
            const auto* frame = std::get_if<WorkerFrame>(&*output);
            if (frame == nullptr || frame->frame.text) continue;
            livekit::ServerMessage message;
            CONFAB_CHECK(message.ParseFromString(frame->frame.payload));
            if (!message.has_availability()) continue;
            offered_ = message.availability().job().id();
            if (refuses_) refuse(frame->worker, offered_);
        }
    }
    void settle() {
        int turns = 0;
        for (take_outputs(); next() <= now_; take_outputs()) {
            CONFAB_CHECK(++turns < 100'000);
            bus_hub_.handle_timeout(now_);
            hub_.handle_timeout(clock());
            launcher_->handle_timeout(now_);
        }
    }
    void advance(Duration by) {
        settle();
        for (const Timestamp until = now_ + by; now_ < until; settle())
            now_ = earlier(until, next());
    }
    Clock clock() const { return {now_, UnixTime::seconds(1) + (now_ - Timestamp())}; }

    Timestamp now_ = Timestamp::micros(1'000'000);
    confab::rpc::LocalHub bus_hub_;
    confab::rpc::LocalBus bus_{bus_hub_, "ND_fuzz"};
    token::KeyMap keys_{{{"key", "a-secret-of-thirty-two-characters"}}};
    WorkerHub hub_{bus_, keys_, {}, 1};
    std::shared_ptr<JobLauncher> launcher_ =
        std::make_shared<JobLauncher>(bus_, static_cast<LauncherHost&>(*this));
    std::vector<std::string> workers_;
    std::string offered_;
    bool refuses_ = false;
    std::map<std::pair<std::string, std::string>, std::size_t> refused_;  // worker and job
    std::size_t jobs_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 64 * 1024) return 0;
    Driver driver;
    ByteReader in(BytesView(data, size));
    while (in.remaining() >= 4) {
        const std::uint8_t operation = in.u8();
        const std::uint8_t which = in.u8();
        const std::size_t length = in.u16();
        const BytesView body = in.bytes(std::min(length, in.remaining()));
        driver.step(operation, which, as_text(body));
    }
    driver.finish();
    return 0;
}

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/whip/whip_sessions.h"

#include <algorithm>
#include <memory>

#include "runtime/control/whip/awaited_tracks.h"

namespace confab::control {
namespace {

api::WhipOutcome refused(int status, std::string text) {
    return tl::make_unexpected(api::HttpError{status, std::move(text)});
}
api::WhipOutcome not_found() {
    return refused(404, "participant does not exist");
}
api::WhipOutcome done(api::WhipAnswer::Kind kind) {
    return api::WhipAnswer{kind, {}, {}, {}, {}};
}

livekit::SignalRequest subscription_to(std::vector<std::string> sids) {
    livekit::SignalRequest request;
    livekit::UpdateSubscription& subscription = *request.mutable_subscription();
    subscription.set_subscribe(true);
    for (std::string& sid : sids)
        subscription.add_track_sids(std::move(sid));
    return request;
}

}  // namespace

class WhipSessions::Session final : public SignalSink {
  public:
    Session(WhipSessions& all, Name name, sdp::Description offer)
        : all_(all), name_(std::move(name)), machine_(std::move(offer)), timer_(all.loop_) {}
    ~Session() override {
        let_go();
        fail("the session has ended");
        if (const auto mine = all_.requested_.find({name_, request_});
            mine != all_.requested_.end() && mine->second == this)
            all_.requested_.erase(mine);
        all_.drop_name(name_, this);
        tell_ingress(false);
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    void set_id(room::SessionId id) { id_ = id; }
    room::SessionId id() const { return id_; }
    // Of the caller.
    void set_request(std::uint64_t number) { request_ = number; }
    void set_from_ingress(bool from_ingress) { from_ingress_ = from_ingress; }
    api::WhipSession& machine() { return machine_; }

    // Unless it was moved: it stays where it is now. This may be gone then.
    void leave() {
        if (!elsewhere()) all_.leave(id_);
    }
    // The answer comes by the signals of the room.
    void wait(Reply reply, Timestamp answer_by) {
        reply_ = std::move(reply);
        answer_by_ = answer_by;
        timer_.set(in_time(), [this] { time_out(); });
    }
    // The room gets the offer when the tracks are there.
    void hold(WhipJoin& join) {
        held_offer_ = *std::exchange(join.params.publisher_offer, std::nullopt);
        join.params.auto_subscribe = false;
        spare_sections_ =
            join.offer.receiving - std::min(join.offer.receiving, join.awaited.size());
        awaited_ = AwaitedTracks(std::move(join.awaited));
        ++all_.held_;
        const Timestamp now = net::EventLoop::now();
        until_ = in_time();
        timer_.set(now, [this] { look(); });
    }

    // Who is refused does not take an older session's place.
    // Of the others in the room it needs nothing.
    void handle_join(const room::SendJoin& join) override {
        all_.take_name(name_, this);
        machine_.handle_join(join.response.join());
        first_sid_ = machine_.participant_sid();
        tell_ingress(true);
    }
    void handle_signal(const livekit::SignalResponse& response) override {
        machine_.handle_signal(response);
        answer();
    }
    void handle_refusal(const room::RefuseSession& refusal) override { fail(refusal.text); }

  private:
    void tell_ingress(bool there) {
        if (!from_ingress_ || first_sid_.empty() || !all_.ingress_) return;
        all_.ingress_({name_.first, name_.second, first_sid_, there});
    }
    Timestamp in_time() const {
        return earlier(net::EventLoop::now() + all_.limits_.patience, answer_by_);
    }
    AwaitedTracks::Find find_tracks() const {
        return [this](const api::WhipTrackName& name) {
            return named_tracks(all_.rooms_, name_.first, name_.second, name.identity, name.track);
        };
    }
    // It was moved, or another session has its name, whose tracks are not this one's.
    bool elsewhere() const {
        const std::string& sid = machine_.participant_sid();
        return !sid.empty() && participant_sid(all_.rooms_, name_.first, name_.second) != sid;
    }
    // What it asks for may end this session, so that it comes last.
    void look() {
        if (elsewhere()) {
            let_go();
            return fail("the participant is no longer in the room");
        }
        const Timestamp now = net::EventLoop::now();
        if (!machine_.participant_sid().empty()) {
            std::vector<std::string> wanted = awaited_.look(find_tracks());
            if (awaited_.subscribed()) return pass_offer();
            if (now < until_ && !wanted.empty()) {
                timer_.set(now + kLookEvery, [this] { look(); });
                return all_.ask(id_, {subscription_to(std::move(wanted))});
            }
        }
        if (now >= until_)
            return refuse("tracks to subscribe to are not published: " + awaited_.missing());
        timer_.set(now + kLookEvery, [this] { look(); });
    }
    void pass_offer() {
        std::vector<livekit::SignalRequest> requests;
        // Those that are named have their sections first.
        std::vector<std::string> others =
            other_tracks(all_.rooms_, name_.first, name_.second, spare_sections_);
        if (!others.empty()) requests.push_back(subscription_to(std::move(others)));
        *requests.emplace_back().mutable_offer() = *std::move(held_offer_);
        let_go();
        timer_.set(in_time(), [this] { time_out(); });
        all_.ask(id_, requests);
    }
    void let_go() {
        if (!held_offer_) return;
        held_offer_.reset();
        --all_.held_;
    }
    void answer() {
        if (!reply_) return;
        auto answer = machine_.poll_answer();
        if (!answer) return;
        if (answer->kind == api::WhipAnswer::Kind::kCreated && !awaited_.bound(find_tracks())) {
            fail("the offer has no section for: " + awaited_.missing());
            timer_.set(net::EventLoop::now(), [this] { leave(); });
            return;
        }
        finish(*std::move(answer));
    }
    void fail(const std::string& text) {
        if (!reply_) return;
        machine_.give_up();
        finish(refused(503, text));
    }
    void finish(api::WhipOutcome outcome) {
        timer_.cancel();
        reply_(std::move(outcome));
    }
    // Whoever was told that there is no session has none.
    void time_out() {
        const bool joining = machine_.etag().empty();
        fail("the room gave no answer in time");
        if (joining) leave();
    }
    void refuse(const std::string& text) {
        fail(text);
        leave();
    }

    WhipSessions& all_;
    Name name_;
    std::uint64_t request_ = 0;
    bool from_ingress_ = false;
    std::string first_sid_;           // empty before it has joined
    std::size_t spare_sections_ = 0;  // of whatever kind
    api::WhipSession machine_;
    AwaitedTracks awaited_{{}};
    std::optional<livekit::SessionDescription> held_offer_;
    Timestamp until_;  // for what it is held for
    room::SessionId id_;
    Reply reply_;
    Timestamp answer_by_ = Timestamp::never();
    net::EventLoop::Timer timer_;
};

void WhipSessions::create(WhipJoin join, Reply reply) {
    const bool holds = !join.awaited.empty();
    if (holds && held_ >= limits_.held)
        return reply(refused(503, "too many sessions wait for tracks"));
    auto owned =
        std::make_unique<Session>(*this, Name(join.params.room, join.params.grants.identity),
                                  std::move(join.offer.description));
    Session& session = *owned;
    session.set_request(join.request);
    session.set_from_ingress(join.from_ingress);
    if (holds)
        requested_[{Name(join.params.room, join.params.grants.identity), join.request}] = &session;
    session.wait(std::move(reply), join.answer_by);
    if (holds) session.hold(join);
    session.set_id(signal_.start(join.params, std::move(owned)));
}

void WhipSessions::abandon(const std::string& room, const std::string& identity,
                           std::uint64_t request) {
    const auto found = requested_.find({Name(room, identity), request});
    if (found != requested_.end()) found->second->leave();
}

WhipSessions::Session* WhipSessions::find(const Name& name) {
    const auto found = sessions_.find(name);
    return found == sessions_.end() ? nullptr : found->second;
}

void WhipSessions::ask(room::SessionId session,
                       const std::vector<livekit::SignalRequest>& requests) {
    for (const livekit::SignalRequest& one : requests)
        signal_.request(session, one);
}

void WhipSessions::take_name(const Name& name, Session* session) {
    const auto [entry, is_new] = sessions_.insert_or_assign(name, session);
    if (is_new && named_) named_(name.first, name.second, true);
}

void WhipSessions::drop_name(const Name& name, const Session* session) {
    const auto found = sessions_.find(name);
    if (found == sessions_.end() || found->second != session) return;
    sessions_.erase(found);
    if (named_) named_(name.first, name.second, false);
}

void WhipSessions::patch(const WhipRequest& request, Reply reply) {
    Session* session = find(request);
    if (session == nullptr) return reply(not_found());
    auto patch = session->machine().patch(request.if_match, request.body);
    if (!patch) return reply(tl::make_unexpected(patch.error()));
    if (patch->restarts) {
        session->wait(std::move(reply), request.answer_by);
    } else {
        reply(done(api::WhipAnswer::Kind::kTaken));
    }
    ask(session->id(), patch->requests);
}

void WhipSessions::remove(const WhipRequest& request, Reply reply) {
    Session* const session = find(request);
    if (session == nullptr) return reply(not_found());
    leave(session->id());
    reply(done(api::WhipAnswer::Kind::kEnded));
}

void WhipSessions::leave(room::SessionId session) {
    livekit::SignalRequest request;
    request.mutable_leave()->set_reason(livekit::CLIENT_INITIATED);
    signal_.request(session, request);
}

}  // namespace confab::control

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/control/whip/whip_sessions.h"

#include <memory>

namespace confab::control {
namespace {

api::HttpResponse not_found(const WhipRequest& request) {
    return api::whip_error({404, "participant does not exist"}, request.content_type);
}

}  // namespace

class WhipSessions::Session final : public SignalSink {
  public:
    Session(WhipSessions& all, Name name, sdp::Description offer)
        : all_(all), name_(std::move(name)), machine_(std::move(offer)), timer_(all.loop_) {}
    ~Session() override {
        fail("the session has ended");
        if (const auto found = all_.sessions_.find(name_);
            found != all_.sessions_.end() && found->second == this)
            all_.sessions_.erase(found);
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    void set_id(room::SessionId id) { id_ = id; }
    room::SessionId id() const { return id_; }
    api::WhipSession& machine() { return machine_; }

    // The answer comes by the signals of the room.
    void wait(Reply reply, std::string content_type) {
        reply_ = std::move(reply);
        content_type_ = std::move(content_type);
        timer_.set(net::EventLoop::now() + all_.patience_, [this] { time_out(); });
    }

    // Who is refused does not take an older session's place.
    void handle_join(const livekit::JoinResponse& join) override {
        all_.sessions_[name_] = this;
        machine_.handle_join(join);
    }
    void handle_signal(const livekit::SignalResponse& response) override {
        machine_.handle_signal(response);
        answer();
    }
    void handle_refusal(const room::RefuseSession& refusal) override { fail(refusal.text); }

  private:
    void answer() {
        if (!reply_) return;
        if (auto response = machine_.poll_response()) finish(*std::move(response));
    }
    void fail(const std::string& text) {
        if (!reply_) return;
        machine_.give_up();
        finish(api::whip_error({503, text}, content_type_));
    }
    void finish(api::HttpResponse response) {
        timer_.cancel();
        reply_(std::move(response));
    }
    // Whoever was told that there is no session has none.
    void time_out() {
        const bool joining = machine_.etag().empty();
        fail("the room gave no answer in time");
        if (joining) all_.leave(id_);
    }

    WhipSessions& all_;
    Name name_;
    api::WhipSession machine_;
    room::SessionId id_;
    Reply reply_;
    std::string content_type_;
    net::EventLoop::Timer timer_;
};

void WhipSessions::create(const room::JoinParams& params, const api::WhipOffer& offer,
                          Reply reply) {
    auto owned = std::make_unique<Session>(*this, Name{params.room, params.grants.identity},
                                           offer.description);
    Session& session = *owned;
    session.wait(std::move(reply), std::string(api::kApplicationSdp));
    session.set_id(signal_.start(params, std::move(owned)));
}

WhipSessions::Session* WhipSessions::find(const WhipRequest& request) {
    const auto found = sessions_.find({request.room, request.identity});
    return found == sessions_.end() ? nullptr : found->second;
}

void WhipSessions::patch(const WhipRequest& request, Reply reply) {
    Session* session = find(request);
    if (session == nullptr) return reply(not_found(request));
    auto patch = session->machine().patch(request.if_match, request.body);
    if (!patch) return reply(api::whip_error(patch.error(), request.content_type));
    if (patch->restarts) {
        session->wait(std::move(reply), request.content_type);
    } else {
        reply({204, {}, {}});
    }
    // What the room makes of a request may end the session.
    for (const livekit::SignalRequest& one : patch->requests)
        if ((session = find(request)) != nullptr) signal_.request(session->id(), one);
}

void WhipSessions::remove(const WhipRequest& request, Reply reply) {
    Session* const session = find(request);
    if (session == nullptr) return reply(not_found(request));
    leave(session->id());
    reply({200, {}, {}});
}

void WhipSessions::leave(room::SessionId session) {
    livekit::SignalRequest request;
    request.mutable_leave()->set_reason(livekit::CLIENT_INITIATED);
    signal_.request(session, request);
}

}  // namespace confab::control

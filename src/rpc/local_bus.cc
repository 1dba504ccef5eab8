// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "rpc/local_bus.h"

#include <algorithm>
#include <utility>

#include "rpc/local_state.h"

namespace confab::rpc {
namespace {

Error full() {
    return {Code::kResourceExhausted, "too many calls are waiting", {}};
}

// Answers when it is called or, for want of that, destroyed.
class AnswerGuard {
  public:
    AnswerGuard(std::weak_ptr<LocalHub::State> state, CallId id)
        : state_(std::move(state)), id_(id) {}
    AnswerGuard(AnswerGuard&& other) noexcept
        : state_(std::exchange(other.state_, {})), id_(other.id_) {}
    AnswerGuard& operator=(AnswerGuard&&) = delete;
    ~AnswerGuard();
    void operator()(Outcome outcome);

  private:
    std::weak_ptr<LocalHub::State> state_;
    CallId id_;
};

}  // namespace

// ---------------------------------------------------------------- state

Result<Registration, Error> LocalHub::State::add_server(Key key, Server server) {
    const auto known = services.try_emplace(std::move(key)).first;
    const auto is_of = [](const std::string& node) {
        return [&node](const Server& other) { return other.node == node; };
    };
    Service& service = known->second;
    if (std::any_of(service.servers.begin(), service.servers.end(), is_of(server.node)))
        return tl::make_unexpected(Error{Code::kAlreadyExists, "handler already exists", {}});
    const std::string& node = server.node;
    const Key* const where = &known->first;  // stays there while it has servers
    Registration registration([weak = weak_from_this(), where, node, is_of] {
        const auto state = weak.lock();
        if (!state) return;
        const auto found = state->services.find(*where);
        if (found == state->services.end()) return;
        state->counters.servers -= std::erase_if(found->second.servers, is_of(node));
        if (found->second.servers.empty()) state->services.erase(found);
    });
    service.servers.push_back(std::move(server));
    ++counters.servers;
    return registration;
}

// Of the claims above 0 the highest (PSR-11); a claim of 0 was heard but is never chosen.
const LocalHub::State::Server* LocalHub::State::best(const Service& service, const Request& request,
                                                     const CallOptions& options,
                                                     Error& error) const {
    const Server* chosen = nullptr;
    double highest = 0;
    std::size_t heard = 0;
    for (const Server& server : service.servers) {
        const double claim = server.affinity ? server.affinity(request) : 1.0;
        if (claim < 0) continue;
        ++heard;
        if (claim < options.minimum_affinity || claim <= highest) continue;
        highest = claim;
        chosen = &server;
        if (options.maximum_affinity > 0 && claim >= options.maximum_affinity) break;
    }
    if (chosen == nullptr && heard > 0)
        error.text = "no servers available (received " + std::to_string(heard) + " responses)";
    return chosen;
}

const LocalHub::State::Server* LocalHub::State::select(const Key& key, const Method& method,
                                                       const Request& request,
                                                       const CallOptions& options, Error& error) {
    error = no_response();
    const auto found = services.find(key);
    if (found == services.end()) return nullptr;
    Service& service = found->second;
    if (method.flow == Flow::kAffinity) return best(service, request, options, error);
    // In turn, but for those who keep still.
    for (std::size_t i = 0; i < service.servers.size(); ++i) {
        const Server& server = service.servers[service.next++ % service.servers.size()];
        if (!server.affinity || server.affinity(request) >= 0) return &server;
    }
    return nullptr;
}

CallId LocalHub::State::add_call(Call call) {
    const CallId id(++last_id);
    ++counters.calls;
    deadlines.insert({call.request.deadline, id});
    calls.emplace(id, std::move(call));
    return id;
}

void LocalHub::State::start(CallId id, const Key& key, const Method& method,
                            const CallOptions& options) {
    const auto found = calls.find(id);
    if (found == calls.end()) return;  // cancelled
    const Request request = found->second.request;
    Error error;
    const Server* server = select(key, method, request, options, error);
    if (server == nullptr || !server->handler) {
        ++counters.unanswered;
        return answer(id, tl::make_unexpected(std::move(error)));
    }
    const std::shared_ptr<Handler> handler = server->handler;  // it may withdraw itself
    (*handler)(request, reply_for(id));
}

void LocalHub::State::start_all(CallId id, const Key& key) {
    const auto found = calls.find(id);
    const auto service = services.find(key);
    if (found == calls.end() || service == services.end()) return;
    const Request request = found->second.request;
    std::vector<std::shared_ptr<Handler>> handlers;
    for (const Server& server : service->second.servers)
        if (server.handler) handlers.push_back(server.handler);
    for (const auto& handler : handlers)
        (*handler)(request, reply_for(id));
}

Reply LocalHub::State::reply_for(CallId id) {
    return Reply(AnswerGuard(weak_from_this(), id));
}

void LocalHub::State::answer(CallId id, Outcome outcome) {
    const auto found = calls.find(id);
    if (found == calls.end()) return;  // too late
    if (found->second.each) {
        queue([each = found->second.each, outcome = std::move(outcome)](Timestamp) {
            each(outcome);
        });
        return;
    }
    deadlines.erase({found->second.request.deadline, id});
    const auto call = std::make_shared<Call>(std::move(found->second));
    calls.erase(found);
    queue([call, outcome = std::move(outcome)](Timestamp) mutable {
        call->done(std::move(outcome));
    });
}

void LocalHub::State::expire(Timestamp now) {
    while (!deadlines.empty() && deadlines.begin()->first <= now) {
        const CallId id = deadlines.begin()->second;
        if (calls.at(id).each) {
            deadlines.erase(deadlines.begin());
            const auto call = std::make_shared<Call>(std::move(calls.at(id)));
            calls.erase(id);
            queue([call](Timestamp) { call->finished(); });
        } else {
            ++counters.unanswered;
            answer(id, tl::make_unexpected(timed_out()));
        }
    }
    while (!timer_order.empty() && timer_order.begin()->first <= now) {
        const auto timer = timers.extract(timer_order.begin()->second);
        timer_order.erase(timer_order.begin());
        if (!timer.empty()) queue(std::move(timer.mapped()));
    }
}

namespace {

AnswerGuard::~AnswerGuard() {
    if (!state_.expired())
        (*this)(tl::make_unexpected(Error{Code::kInternal, "the handler gave no answer", {}}));
}

void AnswerGuard::operator()(Outcome outcome) {
    if (const auto state = std::exchange(state_, {}).lock()) state->answer(id_, std::move(outcome));
}

}  // namespace

// ---------------------------------------------------------------- hub

LocalHub::LocalHub() : state_(std::make_shared<State>()) {}
LocalHub::~LocalHub() = default;

void LocalHub::handle_timeout(Timestamp now) {
    State& state = *state_;
    state.expire(now);
    for (std::size_t i = 0; i < kMaxStepsPerTurn && !state.steps.empty(); ++i) {
        const State::Step step = std::move(state.steps.front());
        state.steps.pop_front();
        step(now);
    }
}

Timestamp LocalHub::next_deadline() const {
    const State& state = *state_;
    if (!state.steps.empty()) return Timestamp::micros(0);
    Timestamp next = Timestamp::never();
    if (!state.deadlines.empty()) next = state.deadlines.begin()->first;
    if (!state.timer_order.empty()) next = earlier(next, state.timer_order.begin()->first);
    return next;
}

LocalHub::Snapshot LocalHub::snapshot() const {
    Snapshot result = state_->counters;
    result.pending = state_->calls.size();
    return result;
}

// ---------------------------------------------------------------- bus

Result<Registration, Error> LocalBus::serve(const Method& method, Topic topic, Handler handler,
                                            Affinity affinity) {
    return state_->add_server(
        key_of(method, std::move(topic)),
        {node_, std::make_shared<Handler>(std::move(handler)), nullptr, std::move(affinity)});
}

Result<Registration, Error> LocalBus::serve_stream(const Method& method, Topic topic,
                                                   StreamHandler handler) {
    return state_->add_server(
        key_of(method, std::move(topic)),
        {node_, nullptr, std::make_shared<StreamHandler>(std::move(handler)), {}});
}

Registration LocalBus::subscribe(const Method& method, Topic topic, Listener listener) {
    const Key key = key_of(method, topic);
    const std::uint64_t id = ++state_->last_id;
    state_->listeners[key].emplace(id, std::make_shared<Listener>(std::move(listener)));
    return Registration([weak = std::weak_ptr(state_), key, id] {
        const auto state = weak.lock();
        if (!state) return;
        const auto found = state->listeners.find(key);
        if (found == state->listeners.end()) return;
        found->second.erase(id);
        if (found->second.empty()) state->listeners.erase(found);
    });
}

CallId LocalBus::call(Timestamp now, const Method& method, Topic topic, std::string request,
                      CallOptions options, Reply done) {
    const Key key = key_of(method, topic);
    const bool refuse = state_->is_full();
    const CallId id = state_->add_call(
        {{std::move(request), std::move(topic), options.metadata, now, now + options.timeout},
         std::move(done),
         {},
         {}});
    if (refuse) {
        ++state_->counters.refused;
        state_->answer(id, tl::make_unexpected(full()));
        return id;
    }
    state_->queue([state = state_.get(), id, key, method, options = std::move(options)](Timestamp) {
        state->start(id, key, method, options);
    });
    return id;
}

CallId LocalBus::gather(Timestamp now, const Method& method, Topic topic, std::string request,
                        CallOptions options, std::function<void(Outcome)> each,
                        Callback<> finished) {
    const Key key = key_of(method, topic);
    if (state_->is_full()) {
        ++state_->counters.refused;
        options.timeout = Duration::zero();
    }
    const CallId id = state_->add_call(
        {{std::move(request), std::move(topic), options.metadata, now, now + options.timeout},
         {},
         std::move(each),
         std::move(finished)});
    if (options.timeout > Duration::zero())
        state_->queue([state = state_.get(), id, key](Timestamp) { state->start_all(id, key); });
    return id;
}

void LocalBus::cancel(CallId id) {
    const auto found = state_->calls.find(id);
    if (found == state_->calls.end()) return;
    state_->deadlines.erase({found->second.request.deadline, id});
    state_->calls.erase(found);
}

void LocalBus::publish(const Method& method, Topic topic, std::string message) {
    if (state_->is_full()) {
        ++state_->counters.refused;
        return;
    }
    state_->queue([state = state_.get(), key = key_of(method, topic),
                   message = std::move(message)](Timestamp) {
        const auto found = state->listeners.find(key);
        if (found == state->listeners.end()) return;
        std::vector<std::shared_ptr<Listener>> listeners;
        for (const auto& [id, listener] : found->second)
            listeners.push_back(listener);
        for (const auto& listener : listeners)
            (*listener)(message);
    });
}

void LocalBus::open(Timestamp now, const Method& method, Topic topic, std::string request,
                    CallOptions options, Opened opened) {
    const Key key = key_of(method, topic);
    const auto done = std::make_shared<Opened>(std::move(opened));
    if (state_->is_full()) {
        ++state_->counters.refused;
        return state_->queue([done](Timestamp) { (*done)(tl::make_unexpected(full())); });
    }
    Request wish{std::move(request), std::move(topic), options.metadata, now,
                 now + options.timeout};
    state_->queue([state = state_.get(), key, method, options = std::move(options),
                   wish = std::move(wish), done](Timestamp) {
        Error error;
        const auto* server = state->select(key, method, wish, options, error);
        if (server == nullptr || !server->stream_handler) {
            ++state->counters.unanswered;
            return (*done)(tl::make_unexpected(std::move(error)));
        }
        const auto handler = server->stream_handler;
        auto [client_end, server_end] = make_stream(state->shared_from_this(), options.timeout);
        (*handler)(wish, std::move(server_end));
        (*done)(std::move(client_end));
    });
}

}  // namespace confab::rpc

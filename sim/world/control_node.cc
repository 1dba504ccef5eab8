// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "sim/world/control_node.h"

namespace confab::sim {

ControlNode::ControlNode(room::Config config, std::uint64_t seed, EventQueue& events,
                         UnixTime wall_at_zero, ControlHost& host)
    : rooms_(std::move(config), seed, room::seeded_secrets(seed)),
      events_(events),
      wall_at_zero_(wall_at_zero),
      host_(host) {}

room::SessionId ControlNode::start(const room::JoinParams& params) {
    return rooms_.start_session(clock(), params);
}

void ControlNode::request(room::SessionId session, const livekit::SignalRequest& request) {
    rooms_.handle_request(clock(), session, request);
    turn();
}

void ControlNode::closed(room::SessionId session) {
    rooms_.signal_closed(clock(), session);
    turn();
}

void ControlNode::media_event(sfu::WorkerIndex worker, const sfu::Event& event) {
    rooms_.handle_media_event(clock(), worker, event);
    turn();
}

void ControlNode::carry_out(room::Effect effect) {
    if (auto* command = std::get_if<room::MediaCommand>(&effect))
        host_.command(command->worker, std::move(command->command));
    else if (const auto* send = std::get_if<room::SendSignal>(&effect))
        host_.send(send->session, send->response);
    else if (const auto* many = std::get_if<room::Broadcast>(&effect))
        for (const room::SessionId session : many->sessions)
            host_.send(session, many->response);
    else if (const auto* join = std::get_if<room::SendJoin>(&effect))
        host_.send(join->session, room::whole(*join));
    else if (const auto* close = std::get_if<room::CloseSession>(&effect))
        host_.close(close->session);
    else if (const auto* refuse = std::get_if<room::RefuseSession>(&effect))
        host_.refuse(refuse->session, refuse->status, refuse->text);
}

void ControlNode::turn() {
    while (auto effect = rooms_.poll_effect())
        carry_out(std::move(*effect));
    const Timestamp deadline = rooms_.next_deadline();
    if (deadline >= planned_) return;
    planned_ = deadline;
    events_.plan(deadline, [this, deadline] {
        if (planned_ != deadline) return;  // an earlier one took its place
        planned_ = Timestamp::never();
        ++timeouts_;
        rooms_.handle_timeout(clock());
        turn();
    });
}

}  // namespace confab::sim

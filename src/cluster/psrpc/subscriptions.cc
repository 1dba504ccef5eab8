// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/psrpc/subscriptions.h"

#include <memory>
#include <utility>

#include "cluster/psrpc/channel.h"

namespace confab::cluster::psrpc {

rpc::Registration Subscriptions::subscribe(const rpc::Method& method, const rpc::Topic& topic,
                                           rpc::Listener listener) {
    const auto shared = std::make_shared<const rpc::Listener>(std::move(listener));
    // The listener itself is held by the handler alone, so that it goes with the Registration.
    return listeners_.add(
        request_channel(method, topic),
        [this, shared, method](Timestamp, const Envelope& envelope, std::string_view) {
            if (envelope.type != method.message) {
                ++core_.faults.wrong_type;
                return;
            }
            core_.of(Role::kServer, method).bytes_rx += envelope.value.size();
            core_.queue([weak = std::weak_ptr(shared), value = envelope.value](Timestamp) {
                if (const auto still = weak.lock()) (*still)(value);
            });
        });
}

void Subscriptions::publish(const rpc::Method& method, const rpc::Topic& topic,
                            const std::string& message) {
    if (core_.is_full()) {
        ++core_.faults.publications_lost;
        return;
    }
    core_.of(Role::kClient, method).bytes_tx += message.size();
    core_.queue([this, channel = request_channel(method, topic),
                 payload = seal(method.message, message)](Timestamp now) {
        auto counted = [this](Timestamp, const Core::Reached& reached) {
            if (!reached) ++core_.faults.publications_lost;
        };
        if (!core_.publish(now, channel, payload, std::move(counted)))
            ++core_.faults.publications_lost;
    });
}

}  // namespace confab::cluster::psrpc

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/relay/relay_exchange.h"

#include <algorithm>
#include <utility>

#include "runtime/worker/relay/route_source.h"

namespace confab::worker {

RelayExchange::RelayExchange(const RelayPlace& place, const std::vector<IpAddress>& media,
                             std::size_t workers)
    : table_(place.first_port, place.last_port), shared_udp_(place.shared_udp) {
    for (std::size_t i = 0; i < workers; ++i)
        lanes_.push_back(std::make_unique<Lane>());
    sources_.reserve(media.size());
    for (const IpAddress& ip : media) {
        const IpAddress source = route_source(ip.is_v4() ? place.bind_v4 : place.bind_v6, ip);
        const IpAddress& told = ip.is_v4() ? place.told_v4 : place.told_v6;
        sources_.push_back(source);
        told_.push_back(source.is_none() || told.is_none() ? source : told);
    }
}

void RelayExchange::connect(std::size_t worker, Wakeup& bell, std::vector<SocketAddress> sockets) {
    lanes_[worker]->bell = &bell;
    lanes_[worker]->sockets = std::move(sockets);
}

bool push(SpscRing<RelayedDatagram>& ring, const RelayedHead& head, BytesView bytes) {
    RelayedDatagram* const slot =
        bytes.size() > RelayedDatagram::kCapacity ? nullptr : ring.claim();
    if (slot == nullptr) return false;
    slot->head = head;
    slot->size = static_cast<std::uint16_t>(bytes.size());
    std::copy(bytes.begin(), bytes.end(), slot->bytes.begin());
    ring.publish();
    return true;
}

}  // namespace confab::worker

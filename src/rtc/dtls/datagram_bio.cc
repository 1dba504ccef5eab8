// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// The BIO method; see BIO_meth_new(3) and the BIO_CTRL_DGRAM_ numbers that libssl asks of a
// datagram BIO.
#include "rtc/dtls/datagram_bio.h"

#include <openssl/bio.h>
#include <sys/time.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "rtc/dtls/dtls_types.h"

namespace confab::dtls {
namespace {

DatagramPort& port_of(BIO* bio) {
    return *static_cast<DatagramPort*>(BIO_get_data(bio));
}

int read_datagram(BIO* bio, char* out, int size) {
    DatagramPort& port = port_of(bio);
    BIO_clear_retry_flags(bio);
    if (port.incoming.empty() || size <= 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    const std::size_t n = std::min(port.incoming.size(), static_cast<std::size_t>(size));
    std::memcpy(out, port.incoming.data(), n);
    port.incoming = {};  // what does not fit is lost, as with recvfrom(2)
    return static_cast<int>(n);
}

int write_datagram(BIO* bio, const char* data, int size) {
    DatagramPort& port = port_of(bio);
    BIO_clear_retry_flags(bio);
    if (size <= 0) return 0;
    const BytesView datagram = as_bytes({data, static_cast<std::size_t>(size)});
    port.sent.note(datagram);
    if (port.timer_running && port.flight.size() < kMaxFlight)
        port.flight.push_back(to_vector(datagram));
    // A full queue loses the datagram like the network would; DTLS copes.
    if (!port.outgoing.push(to_vector(datagram))) ++port.dropped;
    return size;
}

void timer_changed(DatagramPort& port, timeval* expiry) {
    ++port.timer_changes;
    port.timer_running = expiry != nullptr && (expiry->tv_sec != 0 || expiry->tv_usec != 0);
    port.library_expiry = expiry;
    if (!port.timer_running) port.flight = {};
}

long control(BIO* bio, int command, long, void* pointer) {
    switch (command) {
        case BIO_CTRL_FLUSH:
            return 1;
        case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT:
            timer_changed(port_of(bio), static_cast<timeval*>(pointer));
            return 1;
        case BIO_CTRL_DGRAM_QUERY_MTU:
        case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
            return static_cast<long>(kMtu);
        default:
            return 0;
    }
}

int create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
}

// Made once and kept for the life of the process.
const BIO_METHOD* method() {
    static const BIO_METHOD* const kMethod = [] {
        BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams");
        CONFAB_CHECK(made != nullptr && BIO_meth_set_read(made, &read_datagram) == 1 &&
                     BIO_meth_set_write(made, &write_datagram) == 1 &&
                     BIO_meth_set_ctrl(made, &control) == 1 &&
                     BIO_meth_set_create(made, &create) == 1);
        return made;
    }();
    return kMethod;
}

}  // namespace

bio_st* make_datagram_bio(DatagramPort& port) {
    BIO* bio = BIO_new(method());
    if (bio != nullptr) BIO_set_data(bio, &port);
    return bio;
}

}  // namespace confab::dtls

// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0
// fuzz: modules acme crypto json

// Any answers of an authority: the machine asks on, waits or gives up, shows no challenge for a
// name that is not its own, and never asks but over https.
#include <cstdlib>
#include <string>

#include "acme/issuer.h"

using namespace confab;
using namespace confab::acme;

namespace {

const crypto::EcKey& key() {
    static const crypto::EcKey made = *crypto::EcKey::generate();
    return made;
}

// Up to a zero, which is taken away.
std::string take(BytesView& bytes) {
    std::size_t size = 0;
    while (size < bytes.size() && bytes[size] != 0)
        ++size;
    const std::string text(as_text(bytes.first(size)));
    bytes = bytes.subspan(size < bytes.size() ? size + 1 : size);
    return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    BytesView bytes(data, size);
    Issuer issuer({"https://ca.test/directory",
                   "",
                   {"meet.test"},
                   {ChallengeKind::kTlsAlpn01, ChallengeKind::kHttp01},
                   [] { return key(); }},
                  key(), Rng(1));
    Moment at{Timestamp::micros(1), UnixTime::seconds(1'700'000'000)};
    issuer.handle_timeout(at);
    for (int turn = 0; turn < 40 && !bytes.empty(); ++turn) {
        while (const auto event = issuer.poll_event())
            if (const auto* const challenge = std::get_if<Challenge>(&*event))
                if (challenge->domain != "meet.test" || !is_base64url(challenge->token, kMaxToken))
                    std::abort();
        if (const auto request = issuer.poll_transmit()) {
            if (!is_url(request->url)) std::abort();
            const int status = bytes.front() < 4 ? 400 + bytes.front() : 200;
            bytes = bytes.subspan(1);
            Response response{status, take(bytes), take(bytes), take(bytes), take(bytes)};
            issuer.handle_response(at, response);
            continue;
        }
        const Timestamp wake = issuer.next_deadline();
        if (wake.is_never()) std::abort();  // nothing to ask, and nothing to wait for
        const Duration pause = std::max(wake - at.now, Duration::zero());
        at = {at.now + pause, at.wall + pause};
        issuer.handle_timeout(at);
    }
    return 0;
}

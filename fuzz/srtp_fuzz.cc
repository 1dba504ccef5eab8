// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

// Arbitrary octets to unprotect, and what was protected must open again after any path.
// fuzz: modules rtc/srtp crypto base wire
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "rtc/srtp/batch.h"
#include "rtc/srtp/receive_context.h"
#include "rtc/srtp/send_context.h"

using namespace confab;
using srtp::Profile;

namespace {

srtp::MasterKey master(Profile profile) {
    const Bytes key(srtp::key_size(profile), 0x5a), salt(srtp::salt_size(profile), 0xa5);
    return *srtp::MasterKey::from(profile, key, salt);
}

void garbage(srtp::Engine& engine, Profile profile, BytesView input) {
    srtp::ReceiveContext receiver(engine, master(profile));
    Bytes copy = to_vector(input);
    CONFAB_CHECK(!receiver.unprotect_rtp(copy).has_value());
    copy = to_vector(input);
    CONFAB_CHECK(!receiver.unprotect_rtcp(copy).has_value());
}

void round_trip(srtp::Engine& engine, Profile profile, BytesView input) {
    const std::size_t header = srtp::rtp_header_size(input);
    srtp::SendContext sender(engine, master(profile));
    srtp::ReceiveContext receiver(engine, master(profile));
    if (header != 0) {
        const BytesView payload = input.subspan(header);
        Bytes out = to_vector(input.first(header));
        out.resize(input.size() + srtp::kMaxRtpOverhead);
        srtp::BatchEncryptor batch(engine);
        const std::size_t size = batch.submit(sender, out, header, payload, load_be16(&input[2]));
        batch.complete_all();
        CONFAB_CHECK(size == input.size() + sender.rtp_overhead());
        const auto back = receiver.unprotect_rtp(BytesSpan(out).first(size));
        CONFAB_CHECK(back && *back == input.size() &&
                     std::equal(input.begin(), input.end(), out.begin()));
    }
    if (input.size() >= srtp::kRtcpPlainHeader && input[0] >> 6 == 2) {
        Bytes out = to_vector(input);
        out.resize(input.size() + srtp::kMaxRtcpOverhead);
        const std::size_t size = sender.protect_rtcp(out, input.size());
        const auto back = receiver.unprotect_rtcp(BytesSpan(out).first(size));
        CONFAB_CHECK(back && std::equal(input.begin(), input.end(), out.begin()));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static srtp::Engine fast(srtp::Backend::kIpsecMb), portable(srtp::Backend::kOpenssl);
    if (size < 1 || size > 4096) return 0;
    srtp::Engine& engine = (data[0] & 4) != 0 ? fast : portable;
    constexpr Profile kProfiles[] = {Profile::kAes128CmSha1_80, Profile::kAeadAes128Gcm,
                                     Profile::kAeadAes256Gcm};
    const Profile profile = kProfiles[data[0] % 3];
    const BytesView input(data + 1, size - 1);
    garbage(engine, profile, input);
    round_trip(engine, profile, input);
    return 0;
}

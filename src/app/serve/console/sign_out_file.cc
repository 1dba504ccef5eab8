// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "app/serve/console/sign_out_file.h"

#include "runtime/store/private_file.h"
#include "runtime/telemetry/log.h"

namespace confab::app {

console::SignedOut SignOutFile::read(UnixTime now) const {
    if (folder_.empty()) return {};
    return console::SignedOut::parse(
        store::read_private_file(folder_ + "/" + kFileName, console::SignedOut::kMaxText), now);
}

// Calls must not wait for a disk: after a power cut the last ones may be good again until they end.
void SignOutFile::write(const std::string& text) const {
    if (folder_.empty()) return;
    auto written = store::make_private_folder(folder_);
    if (written) written = store::write_private_file(folder_, kFileName, text, store::Sync::kNo);
    if (!written)
        telemetry::log_error("who signed out of the console is forgotten by a restart",
                             {{"reason", written.error()}});
}

}  // namespace confab::app

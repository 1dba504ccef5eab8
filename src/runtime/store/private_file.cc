// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/store/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "runtime/worker/socket/file_descriptor.h"

namespace confab::store {
namespace {

std::string trouble(const std::string& file) {
    return file + ": " + std::strerror(errno) +
           "; let the user of this server write to confab.data_dir";
}

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t size = ::write(fd, text.data(), text.size());
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(size));
    }
    return true;
}

}  // namespace

Result<void, std::string> make_private_folder(const std::string& folder) {
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return fail(trouble(folder));
    return {};
}

Result<void, std::string> write_private_file(const std::string& folder, const std::string& name,
                                             std::string_view text, Sync sync) {
    const std::string file = folder + "/" + name;
    const std::string beside = file + ".new";
    (void)::unlink(beside.c_str());
    const worker::FileDescriptor fd(
        ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd || !write_all(fd.get(), text) || (sync == Sync::kYes && ::fsync(fd.get()) != 0) ||
        std::rename(beside.c_str(), file.c_str()) != 0)
        return fail(trouble(file));
    if (sync == Sync::kNo) return {};
    const worker::FileDescriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (opened) (void)::fsync(opened.get());
    return {};
}

std::string read_private_file(const std::string& path, std::size_t limit) {
    std::ifstream file(path, std::ios::binary);
    std::string text(limit, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    return text;
}

}  // namespace confab::store

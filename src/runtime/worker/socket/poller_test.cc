// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "runtime/worker/socket/poller.h"

#include <doctest/doctest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>
#include <vector>

namespace confab::worker {
namespace {

struct Pair {
    Pair() {
        std::array<int, 2> fds{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds.data()) == 0);
        ours = FileDescriptor(fds[0]);
        theirs = FileDescriptor(fds[1]);
    }
    void say() const { REQUIRE(::write(theirs.get(), "x", 1) == 1); }
    void hear() const {
        char byte = 0;
        REQUIRE(::read(ours.get(), &byte, 1) == 1);
    }

    FileDescriptor ours;
    FileDescriptor theirs;
};

}  // namespace

TEST_CASE("Poller: tells by tag what is readable, until it was read [DES-04]") {
    Poller poller;
    Pair a;
    Pair b;
    REQUIRE(poller.add(a.ours.get(), 7));
    REQUIRE(poller.add(b.ours.get(), std::uint64_t{1} << 63));
    CHECK(poller.wait(Duration::millis(0)).empty());
    b.say();
    for (int again = 0; again < 2; ++again) {  // level-triggered
        const auto ready = poller.wait(Duration::millis(0));
        REQUIRE(ready.size() == 1);
        CHECK(ready[0].tag == std::uint64_t{1} << 63);
        CHECK(ready[0].readable);
        CHECK_FALSE(ready[0].writable);
    }
    b.hear();
    CHECK(poller.wait(Duration::millis(0)).empty());
}

TEST_CASE("Poller: writable only where that is asked for, nothing where nothing is") {
    Poller poller;
    Pair pair;
    REQUIRE(poller.add(pair.ours.get(), 1));
    pair.say();
    poller.modify(pair.ours.get(), 2, {.readable = true, .writable = true});
    auto ready = poller.wait(Duration::millis(0));
    REQUIRE(ready.size() == 1);
    CHECK(ready[0].tag == 2);
    CHECK(ready[0].readable);
    CHECK(ready[0].writable);
    poller.modify(pair.ours.get(), 3, {.readable = false});
    CHECK(poller.wait(Duration::millis(0)).empty());
    poller.modify(pair.ours.get(), 4, {});
    CHECK(poller.wait(Duration::millis(0)).size() == 1);
    poller.remove(pair.ours.get());
    CHECK(poller.wait(Duration::millis(0)).empty());
}

TEST_CASE("Poller: the end of a stream is for reading to tell; what is closed is forgotten") {
    Poller poller;
    Pair pair;
    REQUIRE(poller.add(pair.ours.get(), 1, {.readable = false}));
    pair.theirs = FileDescriptor();
    const auto ready = poller.wait(Duration::millis(0));
    REQUIRE(ready.size() == 1);
    CHECK(ready[0].readable);
    pair.ours = FileDescriptor();
    CHECK(poller.wait(Duration::millis(0)).empty());
}

TEST_CASE("Poller: says when the kernel does not take a descriptor") {
    Poller poller;
    const FileDescriptor file(::eventfd(0, EFD_CLOEXEC));
    CHECK(poller.add(file.get(), 1));
    CHECK_FALSE(poller.add(file.get(), 2));  // is there
    CHECK_FALSE(poller.add(-1, 3));
}

TEST_CASE("Poller: more than one wait() holds are all told in turn") {
    Poller poller;
    std::vector<FileDescriptor> files;
    for (std::uint64_t tag = 0; tag <= Poller::kMaxReady; ++tag) {
        files.emplace_back(::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC));
        REQUIRE(poller.add(files.back().get(), tag));
    }
    std::set<std::uint64_t> seen;
    for (int turn = 0; turn < 2; ++turn) {
        const auto ready = poller.wait(Duration::millis(0));
        CHECK(ready.size() == Poller::kMaxReady);
        for (const Poller::Ready& one : ready)
            seen.insert(one.tag);
    }
    CHECK(seen.size() == Poller::kMaxReady + 1);
}

}  // namespace confab::worker

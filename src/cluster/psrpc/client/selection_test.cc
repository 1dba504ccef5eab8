// SPDX-FileCopyrightText: confab contributors
// SPDX-License-Identifier: Apache-2.0

#include "cluster/psrpc/client/selection.h"

#include <doctest/doctest.h>

#include <limits>

using namespace confab;
using namespace confab::cluster::psrpc;
using rpc::Flow;

namespace {

constexpr Timestamp kStart = Timestamp::micros(5'000'000);

Timestamp at(std::int64_t ms) {
    return kStart + Duration::millis(ms);
}
Selection of(Flow flow, const rpc::CallOptions& options = {}) {
    return {flow, options, kStart, kStart + options.timeout};
}
std::string text_of(const Selection& selection) {
    const auto result = selection.result();
    return result ? *result : result.error().text;
}

}  // namespace

TEST_CASE("Selection: constants of the wait [PSR-12]") {
    Selection selection = of(Flow::kAffinity);
    CHECK(selection.deadline() == at(1000));
    CHECK_FALSE(selection.is_over(at(999)));
    CHECK(selection.is_over(at(1000)));
    selection.add_claim(at(300), "a", 0.5);
    CHECK(selection.deadline() == at(500));
    selection.add_claim(at(400), "b", 0.6);
    CHECK(selection.deadline() == at(500));  // from the first one on
    CHECK(text_of(selection) == "b");

    Selection late = of(Flow::kAffinity);
    late.add_claim(at(900), "a", 0.5);
    CHECK(late.deadline() == at(1000));

    rpc::CallOptions options;
    options.selection_timeout = Duration::zero();
    CHECK(of(Flow::kQueue, options).deadline() == at(3000));
    options.selection_timeout = Duration::seconds(9);
    CHECK(of(Flow::kQueue, options).deadline() == at(3000));
    options.short_circuit = Duration::zero();
    Selection patient = of(Flow::kAffinity, options);
    patient.add_claim(at(1), "a", 0.5);
    CHECK(patient.deadline() == at(3000));
}

TEST_CASE("Selection: the strictly highest above 0 [PSR-11]") {
    Selection selection = of(Flow::kAffinity);
    selection.add_claim(at(1), "zero", 0);
    CHECK(selection.deadline() == at(201));  // it counts for the short circuit
    CHECK(text_of(selection) == "no servers available (received 1 responses)");
    selection.add_claim(at(2), "first", 0.5);
    selection.add_claim(at(3), "equal", 0.5);
    CHECK(text_of(selection) == "first");
    selection.add_claim(at(4), "lower", 0.4);
    CHECK(text_of(selection) == "first");
    CHECK_FALSE(selection.is_over(at(5)));
}

TEST_CASE("Selection: a queue takes the first, and so does accept_first [PSR-11]") {
    for (const Flow flow : {Flow::kQueue, Flow::kStream, Flow::kAffinity}) {
        rpc::CallOptions options;
        options.accept_first = flow == Flow::kAffinity;
        Selection selection = of(flow, options);
        selection.add_claim(at(1), "a", 0.1);
        CHECK(selection.is_over(at(1)));
        selection.add_claim(at(1), "b", 0.9);
        CHECK(text_of(selection) == "a");
    }
}

TEST_CASE("Selection: enough is enough, too little does not count [PSR-11]") {
    rpc::CallOptions options;
    options.minimum_affinity = 0.5;
    options.maximum_affinity = 1;
    Selection selection = of(Flow::kAffinity, options);
    selection.add_claim(at(1), "low", 0.49);
    CHECK(selection.deadline() == at(1000));
    CHECK(text_of(selection) == "no servers available (received 1 responses)");
    selection.add_claim(at(2), "fair", 0.5);
    CHECK_FALSE(selection.is_over(at(2)));
    selection.add_claim(at(3), "best", 1);
    CHECK(selection.is_over(at(3)));
    CHECK(text_of(selection) == "best");
}

TEST_CASE("Selection: without a server an error that was answered says more than none [PSR-11]") {
    Selection selection = of(Flow::kQueue);
    CHECK(text_of(selection) == "no response from servers");
    selection.add_error({rpc::Code::kMalformedRequest, "request cannot be read", {}});
    CHECK(text_of(selection) == "request cannot be read");
    CHECK(selection.result().error().code == rpc::Code::kMalformedRequest);
    selection.add_claim(at(1), "a", 1);
    CHECK(text_of(selection) == "a");
}

TEST_CASE("Selection: numbers that are no affinity are not heard [PSR-11]") {
    Selection selection = of(Flow::kAffinity);
    for (const double odd :
         {-1.0, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()})
        selection.add_claim(at(1), "odd", odd);
    CHECK(selection.claims() == 0);
    CHECK(text_of(selection) == "no response from servers");
}

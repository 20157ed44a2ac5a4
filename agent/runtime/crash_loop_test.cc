// Copyright 2026 The edgetwin authors
// SPDX-License-Identifier: Apache-2.0

// A value that ends the whole agent in its driver: the third start goes on without it, and says so.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "agent/runtime/agent.h"
#include "twin/base/event_loop.h"
#include "twin/store/twin_store.h"

namespace edgetwin::runtime {
namespace {

using model::DesiredState;
using model::Side;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::StartsWith;

constexpr double kPoison = 666;
constexpr std::uint64_t kCloudInc = 0x77;

model::PropertyDef Target() {
  model::PropertyDef def;
  def.path = *model::Path::Parse("poison/target");
  def.type = model::ValueType::kDouble;
  def.writable = true;
  def.instance = "poison";
  return def;
}

// Ends the process when it is to write kPoison: at once, or after the call has returned.
class PoisonDriver final : public driver::Driver {
 public:
  static inline bool later = false;

  bool Init(ConfigReader&) override { return true; }
  Status Start(Loop& loop, driver::SampleSink& sink) override {
    loop_ = &loop;
    auto id = sink.Define(Target());
    if (!id) return id.error();
    sink.Report(*id, model::Value(1.0));
    return {};
  }
  void Stop() override { loop_ = nullptr; }
  Status Write(model::PropertyId, const model::Value& value, driver::WriteDone done) override {
    const bool poison = value == model::Value(kPoison);
    if (poison && !later) std::abort();
    loop_->After(milliseconds(1), [poison, value, done = std::move(done)] {
      if (poison) std::abort();
      done(value);
    });
    return {};
  }

 private:
  Loop* loop_ = nullptr;
};

driver::DriverKind PoisonKind() {
  return {"poison", "ends the process",
          []() -> std::unique_ptr<driver::Driver> { return std::make_unique<PoisonDriver>(); }};
}

class CrashLoopTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (!sync::CrashMarks::InMemory("/dev/shm")) GTEST_SKIP() << "/dev/shm is not in memory";
    std::string name = "/dev/shm/edgetwin-test-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    PoisonDriver::later = GetParam();
  }
  void TearDown() override {
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  // As if the cloud had wanted it and it had been committed.
  void Want(std::uint64_t seq, double value) {
    store::TwinStoreOptions options;
    options.path = folder_ + "/twin.db";
    options.inc = seq;
    options.device = "gw";
    auto store = store::TwinStore::Open(options);
    ASSERT_TRUE(store) << store.error().text;
    model::Stored stored = (*store)->TakeStored();
    model::Batch batch;
    if (stored.properties.empty()) {
      batch.properties.push_back({model::PropertyId{0}, Target(), 0});
      batch.peer_lineage = model::Lineage{{kCloudInc, 1, 1'000'000, 0}};
    }
    model::Row row;
    row.value = model::Value(value);
    row.dot = {kCloudInc, seq};
    batch.rows.push_back({model::PropertyId{0}, Side::kDesired, row});
    batch.peer_watermark[static_cast<std::size_t>(model::Stream::kControl)] = seq;
    const Status committed = (*store)->Commit(batch);
    ASSERT_TRUE(committed) << committed.error().text;
  }

  // Runs an agent in a process of its own until `done` holds of it: 0; 3 when it doesn't in time.
  // Returns the process's status as of waitpid.
  int Run(const std::function<bool(Agent&)>& done) {
    const pid_t child = fork();
    if (child == 0) _exit(RunHere(done));
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return status;
  }

  static const model::Row* StatusRow(const Agent& agent) {
    return agent.twin().row(agent.twin().Find("poison/target"), Side::kStatus);
  }

  std::string folder_;

 private:
  int RunHere(const std::function<bool(Agent&)>& done) {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    SystemClock clock;
    EventLoop loop(clock);
    config::AgentConfig config;
    config.device.id = "gw";
    config.store.directory = folder_;
    config.api.socket = folder_ + "/sock";
    config::DriverInstanceConfig instance;
    instance.name = instance.kind = "poison";
    instance.node.value = ConfigNode::Table();
    config.drivers.push_back(instance);
    auto agent = Agent::Open(loop, config, DriverKinds({PoisonKind()}));
    if (!agent) return 2;
    bool seen = false;
    (*agent)->SetObserver([&] {
      seen = seen || done(**agent);
      if (seen) loop.Stop();
    });
    loop.After(seconds(10), [&loop] { loop.Stop(); });
    (*agent)->Start();
    loop.Run();
    int code = seen ? 0 : 3;
    (*agent)->Stop([&code](const Status& status) {
      if (!status) code = 4;
    });
    return code;
  }
};

bool Aborted(int status) {
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

TEST_P(CrashLoopTest, ADesiredValueThatEndsTheAgentTwiceIsRejectedAndEverythingElseGoesOn) {
  ASSERT_NO_FATAL_FAILURE(Want(1, kPoison));
  const auto never = [](Agent&) { return false; };
  ASSERT_TRUE(Aborted(Run(never)));
  ASSERT_TRUE(Aborted(Run(never)));
  const int third = Run([](Agent& agent) {
    const model::Row* row = StatusRow(agent);
    if (row == nullptr || row->info().state != DesiredState::kRejected) return false;
    EXPECT_THAT(row->info().note, StartsWith("quarantined: "));
    EXPECT_EQ(row->info().refers_to, (model::Dot{kCloudInc, 1}));
    EXPECT_TRUE(agent.crashes_watched());
    EXPECT_THAT(agent.crashed_in(), testing::ElementsAre("writing a desired value"));
    EXPECT_THAT(agent.crashers(), testing::ElementsAre(HasSubstr("poison/target")));
    const auto& events = agent.engine().events().all();
    EXPECT_TRUE(std::ranges::any_of(
        events, [](const model::Event& event) { return event.kind == "quarantined"; }));
    const model::Row* reported =
        agent.twin().row(agent.twin().Find("poison/target"), Side::kReported);
    return !HasFailure() && reported != nullptr;
  });
  EXPECT_EQ(third, 0);
  // Nobody asks the driver again, and a newer value lifts it.
  EXPECT_EQ(
      Run([](Agent& agent) { return StatusRow(agent)->info().state == DesiredState::kRejected; }),
      0);
  ASSERT_NO_FATAL_FAILURE(Want(2, 5));
  EXPECT_EQ(Run([](Agent& agent) {
              return StatusRow(agent)->info().state == DesiredState::kApplied &&
                     agent.crashers().empty();
            }),
            0);
}

TEST_P(CrashLoopTest, AnOverrideThatEndsTheAgentTwiceIsEnded) {
  const auto hold = [](Agent& agent) {
    const model::PropertyId id = agent.twin().Find("poison/target");
    static bool asked = false;
    if (!std::exchange(asked, true)) {
      EXPECT_TRUE(agent.Override(id, model::Value(kPoison), "anna", seconds(3'600), nullptr));
    }
    return false;
  };
  const auto never = [](Agent&) { return false; };
  ASSERT_TRUE(Aborted(Run(hold)));
  ASSERT_TRUE(Aborted(Run(never)));
  EXPECT_EQ(Run([](Agent& agent) {
              return agent.engine().control().override_row(agent.twin().Find("poison/target")) ==
                         nullptr &&
                     agent.crashers().size() == 1;
            }),
            0);
}

INSTANTIATE_TEST_SUITE_P(AtOnceOrLater, CrashLoopTest, testing::Bool(), [](const auto& suite) {
  return suite.param ? "AfterTheCallReturned" : "InTheCall";
});

}  // namespace
}  // namespace edgetwin::runtime

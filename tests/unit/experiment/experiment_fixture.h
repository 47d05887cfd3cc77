// Experiments in a folder of their own, with a program that plays the stages (fake_ppr.cc).
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/durable_file.h"
#include "base/errors.h"
#include "base/stop_request.h"
#include "experiment/experiment.h"
#include "sample_experiment.h"
#include "support/temporary_folder.h"
#include "unit/experiment/sample_flags.h"

namespace ppr::experiment {

// Whether `count` command lines with `text` are started before the deadline.
inline bool SawCalls(const std::string& calls, const std::string& text, int64_t count) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (std::chrono::steady_clock::now() < give_up) {
    const std::string lines = FileExists(calls) ? ReadWholeFile(calls) : "";
    int64_t seen = 0;
    for (size_t at = lines.find(text); at != std::string::npos; at = lines.find(text, at + 1)) ++seen;
    if (seen >= count) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

class ExperimentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    test::WriteBytes(scratch_ / "shop.h5", "a dataset");
    ::setenv("FAKE_CALLS", (scratch_ / "calls").c_str(), 1);
    for (const char* const name :
         {"FAKE_FAIL", "FAKE_HANG", "FAKE_STOP", "FAKE_BLIND", "FAKE_SPANS", "FAKE_MEET"})
      ::unsetenv(name);
    SetStopRequested(0);
  }
  void TearDown() override { SetUp(); }

  ExperimentConfig Config(const std::vector<std::string>& tables, const std::string& output = "out") const {
    ExperimentConfig config = SampleConfig(tables, scratch_ / "shop.h5");
    config.program = PPR_FAKE_PROGRAM;
    config.flags_of = SampleFlags;
    config.output = scratch_ / output;
    config.learning_rates = {{"1e-4", "1e-4"}, {"1e-3", "1e-3"}};
    return config;
  }

  std::string Run(const ExperimentConfig& config) {
    lines_.clear();
    return RunExperiment(config, [this](const std::string& line) { lines_.push_back(line); });
  }

  // Command lines that were started since the last call.
  std::vector<std::string> Calls() {
    std::vector<std::string> calls;
    if (!FileExists(scratch_ / "calls")) return calls;
    std::istringstream text(ReadWholeFile(scratch_ / "calls"));
    for (std::string line; std::getline(text, line);) calls.push_back(line);
    std::filesystem::remove(scratch_ / "calls");
    return calls;
  }

  // results.csv, report.md and report.html.
  static std::vector<std::string> Products(const std::string& output) {
    std::vector<std::string> products;
    for (const char* const name : {"/results.csv", "/report.md", "/report.html"})
      products.push_back(ReadWholeFile(output + name));
    return products;
  }

  // The error that running the experiment ends with.
  std::pair<int, std::string> Failure(const ExperimentConfig& config) {
    try {
      Run(config);
    } catch (const Error& error) {
      return {static_cast<int>(error.code()), error.what()};
    }
    return {0, ""};
  }

  test::TemporaryFolder scratch_;
  std::vector<std::string> lines_;
};

}  // namespace ppr::experiment

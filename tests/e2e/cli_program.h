// Runs the ppr binary, or a script, as a person would, and keeps what it says.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

namespace ppr::e2e {

struct ProgramResult {
  int exit_code = -1;  // 128 + signal when a signal ended it
  std::string out, err;
};

// A program that was started and not yet waited for.
class Program {
 public:
  // `words[0]` is the path; runs in `folder`, with the variables of `environment` ("NAME=value") added.
  Program(const std::vector<std::string>& words, const std::filesystem::path& folder,
          const std::vector<std::string>& environment = {});
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void Signal(int signal_number) const;
  ProgramResult Wait();

 private:
  std::filesystem::path out_path_, err_path_;
  int process_ = -1;
};

// The ppr binary with `arguments`, run to its end in `folder`.
ProgramResult RunPpr(const std::vector<std::string>& arguments, const std::filesystem::path& folder);
std::string PprPath();

// A scratch folder per test.
class CliTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;
  std::string Write(const std::string& name, const std::string& contents) const;
  // data.h5 in the scratch folder, made of the shipped data (examples/completejourney) with `ppr prepare`.
  void PrepareShippedData() const;
  // Names in the scratch folder, sorted.
  std::vector<std::string> Listing() const;

  std::filesystem::path folder_;
};

}  // namespace ppr::e2e

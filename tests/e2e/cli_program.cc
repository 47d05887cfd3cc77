#include "cli_program.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/durable_file.h"

namespace ppr::e2e {
namespace {

// Only async-signal-safe calls between fork and exec.
[[noreturn]] void BecomeProgram(char* const* words, const char* folder, const char* out, const char* err) {
  const int out_file = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  const int err_file = open(err, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  const int no_input = open("/dev/null", O_RDONLY);
  if (chdir(folder) == 0 && dup2(out_file, 1) == 1 && dup2(err_file, 2) == 2 && dup2(no_input, 0) == 0)
    execv(words[0], words);
  _exit(127);
}

}  // namespace

Program::Program(const std::vector<std::string>& words, const std::filesystem::path& folder,
                 const std::vector<std::string>& environment) {
  static int number = 0;
  const std::filesystem::path base =
      std::filesystem::temp_directory_path() /
      ("ppr_program_" + std::to_string(getpid()) + "_" + std::to_string(number++));
  out_path_ = base.string() + ".out";
  err_path_ = base.string() + ".err";
  // env(1) adds the variables, so that no memory is allocated after the fork.
  std::vector<std::string> all = {"/usr/bin/env"};
  all.insert(all.end(), environment.begin(), environment.end());
  all.insert(all.end(), words.begin(), words.end());
  std::vector<char*> pointers;
  for (std::string& word : all) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  process_ = fork();
  if (process_ == 0) BecomeProgram(pointers.data(), folder.c_str(), out_path_.c_str(), err_path_.c_str());
}

Program::~Program() {
  if (process_ > 0) {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  std::filesystem::remove(out_path_);
  std::filesystem::remove(err_path_);
}

void Program::Signal(int signal_number) const { kill(process_, signal_number); }

ProgramResult Program::Wait() {
  int status = 0;
  waitpid(process_, &status, 0);
  process_ = -1;
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), ReadWholeFile(out_path_.string()),
          ReadWholeFile(err_path_.string())};
}

std::string PprPath() { return PPR_BINARY_DIR "/ppr"; }

ProgramResult RunPpr(const std::vector<std::string>& arguments, const std::filesystem::path& folder) {
  std::vector<std::string> words = {PprPath()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return Program(words, folder).Wait();
}

void CliTest::SetUp() {
  const ::testing::TestInfo* test = ::testing::UnitTest::GetInstance()->current_test_info();
  std::string name = test->name();
  std::replace(name.begin(), name.end(), '/', '_');
  folder_ = std::filesystem::temp_directory_path() / ("ppr_cli_" + name + "_" + std::to_string(getpid()));
  std::filesystem::remove_all(folder_);
  std::filesystem::create_directories(folder_);
}

void CliTest::TearDown() { std::filesystem::remove_all(folder_); }

std::string CliTest::Write(const std::string& name, const std::string& contents) const {
  WriteFileDurably((folder_ / name).string(), contents);
  return name;
}

void CliTest::PrepareShippedData() const {
  const std::string examples = PPR_SOURCE_DIR "/examples/completejourney/completejourney";
  const ProgramResult result = RunPpr({"prepare", "--interactions=" + examples + ".inter",
                                       "--users=" + examples + ".user", "--output=data.h5"},
                                      folder_);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  ASSERT_NE(result.out.find("75,000"), std::string::npos) << result.out;
}

std::vector<std::string> CliTest::Listing() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder_))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace ppr::e2e

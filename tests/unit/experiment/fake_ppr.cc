// Takes the command lines of ppr's stages and writes files of the right form at once: their numbers are a
// hash of the flags and of what the stage reads, never of a path. The environment steers it:
//
//   FAKE_CALLS   file that gets a line per start
//   FAKE_SPANS   file that gets "+" at each start and "-" at each good end
//   FAKE_MEET    "N TEXT", N a digit: with TEXT in the command line, go on once N such have started
//   FAKE_FAIL    "CODE TEXT": exit with CODE when the command line contains TEXT
//   FAKE_HANG    TEXT: wait for a signal when the command line contains it; SIGUSR1 ends it with code 85
//   FAKE_STOP    CODE: or with this one
//   FAKE_BLIND   TEXT: nothing is validated when the command line contains it
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>

#include "base/digest.h"
#include "base/durable_file.h"
#include "base/text_format.h"

namespace ppr::experiment {
namespace {

using Flags = std::map<std::string, std::string>;

// Not synced: a test has hundreds of stages, and what it kills it does not read.
void WriteAtOnce(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

std::string Environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// A file's bytes, or those of the summary in a run folder.
std::string DigestOfInput(const std::string& path) {
  const std::string summary = path + "/summary.json";
  return DigestOfFile(FileExists(summary) ? summary : path);
}

// Everything that decides about the numbers.
std::string DigestOfWork(const std::string& command, const Flags& flags) {
  std::string text = command;
  for (const auto& [name, value] : flags) {
    if (name == "output" || name == "resume") continue;
    const bool is_input = name == "dataset" || name == "source_dataset" || name == "checkpoint" ||
                          name == "interactions" || name == "users" || name == "shared_with";
    const bool is_path = is_input && value.find('/') != std::string::npos;
    text += " " + name + "=" + (is_path ? DigestOfInput(value) : value);
  }
  return DigestOfBytes(text.data(), text.size());
}

// In [0, 1), from eight of the digest's digits.
double Number(const std::string& digest, size_t from) {
  return static_cast<double>(std::stoul(digest.substr(from, 8), nullptr, 16)) / 4294967296.0;
}

void WriteSummary(const std::string& folder, const std::string& digest, const Flags& flags, bool blind) {
  const std::string best = blind ? "null" : Format("%.6f", Number(digest, 0));
  const bool light = flags.contains("method") && flags.at("method") == "ppr_light";
  const int generator = flags.contains("method") && flags.at("method") != "fine_tune" ? 300 : 0;
  WriteAtOnce(
      folder + "/summary.json",
      Format(
          "{\"stage\": \"x\", \"metric\": \"ndcg@10\", \"best_value\": %s, \"best_step\": 1, \"steps\": 1, "
          "\"trained_parameters\": %d, \"pretrained_parameters\": 100000, \"new_parameters\": %d, "
          "\"generator_parameters\": %d}\n",
          best.c_str(), (light ? 0 : 100000) + 700 + generator, 700 + generator, generator));
}

void WriteProfileMetrics(const std::string& folder, const std::string& digest) {
  WriteAtOnce(
      folder + "/metrics.json",
      Format("{\"task\": \"profile\", \"profile\": {\"cases\": 40, \"acc\": %.6f, \"precision\": %.6f, "
             "\"recall\": %.6f, \"f1\": %.6f}}\n",
             Number(digest, 0), Number(digest, 4), Number(digest, 8), Number(digest, 12)));
  std::string text = "user\tlabel\tpredicted\n";
  for (int user = 0; user < 40; ++user) {
    const double chance = Number(DigestOfBytes(digest.data(), static_cast<size_t>(user % 30 + 1)), 0);
    text += Format("u%d\t1\t%d\n", user, chance < 0.7 ? 1 : 0);
  }
  WriteAtOnce(folder + "/predictions.tsv", text);
}

void WriteRankingMetrics(const std::string& folder, const std::string& digest, const std::string& task) {
  std::string metrics = "{\"stored_candidates\": {\"cases\": 80";
  size_t from = 0;
  for (const char* const name :
       {"auc", "hit@5", "ndcg@5", "hit@10", "ndcg@10", "hit@20", "ndcg@20", "hit@50", "ndcg@50", "mrr"}) {
    metrics += Format(", \"%s\": %.6f", name, 0.4 + 0.2 * Number(digest, from++));
  }
  WriteAtOnce(folder + "/metrics.json", metrics + "}}\n");
  std::string cases = "# ppr cases 1\n# dataset d\n# checkpoint -\n# task " + task +
                      "\n# rows 80\nuser\tposition\tgreater\tequal\tothers\n";
  for (int row = 0; row < 80; ++row) {
    const std::string place = digest + std::to_string(row);
    const std::string of_case = DigestOfBytes(place.data(), place.size());
    cases += Format("u%d\t%d\t%d\t0\t99\n", row / 2, row % 2 + 1, static_cast<int>(99 * Number(of_case, 0)));
  }
  WriteAtOnce(folder + "/cases.tsv", cases);
}

void AppendTo(const std::string& path, const std::string& text) {
  std::FILE* const file = std::fopen(path.c_str(), "a");
  if (file == nullptr || std::fputs(text.c_str(), file) < 0 || std::fclose(file) != 0) ::_exit(74);
}

int64_t LinesWith(const std::string& path, const std::string& text) {
  std::ifstream file(path);
  int64_t count = 0;
  for (std::string line; std::getline(file, line);) count += line.find(text) != std::string::npos ? 1 : 0;
  return count;
}

// Whether `count` stages whose command lines contain `text` start before a deadline.
bool Meets(const std::string& calls, int64_t count, const std::string& text) {
  for (int tries = 0; tries < 2000; ++tries) {
    if (LinesWith(calls, text) >= count) return true;
    ::usleep(10'000);
  }
  return false;
}

int stop_code = 85;
void StopAsAsked(int) { ::_exit(stop_code); }

int RunStage(const std::string& command, const Flags& flags, bool blind) {
  const std::string digest = DigestOfWork(command, flags), output = flags.at("output");
  std::printf("%s writes %s\n", command.c_str(), output.c_str());
  if (command == "prepare") {
    WriteAtOnce(output, digest);
    return 0;
  }
  CreateFolder(output);
  if (command != "evaluate") {
    WriteSummary(output, digest, flags, blind);
  } else if (flags.contains("task")) {
    WriteRankingMetrics(output, digest, flags.at("task"));
  } else {
    WriteProfileMetrics(output, digest);
  }
  return 0;
}

int Main(int count, char** words) {
  std::string line;
  Flags flags;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    line += (i > 1 ? " " : "") + word;
    if (word.starts_with("--")) flags[word.substr(2, word.find('=') - 2)] = word.substr(word.find('=') + 1);
  }
  const std::string calls = Environment("FAKE_CALLS"), fail = Environment("FAKE_FAIL");
  const std::string hang = Environment("FAKE_HANG"), stop = Environment("FAKE_STOP");
  if (!stop.empty()) stop_code = std::atoi(stop.c_str());
  if (!hang.empty() && line.find(hang) != std::string::npos) ::signal(SIGUSR1, StopAsAsked);
  const std::string spans = Environment("FAKE_SPANS"), meet = Environment("FAKE_MEET");
  if (!spans.empty()) AppendTo(spans, "+");
  if (!calls.empty()) AppendTo(calls, line + "\n");
  if (!meet.empty() && line.find(meet.substr(2)) != std::string::npos &&
      !Meets(calls, std::atoi(meet.c_str()), meet.substr(2)))
    return 70;
  if (!fail.empty() && line.find(fail.substr(3)) != std::string::npos) {
    std::fputs("first words\nlast words\n", stderr);
    return std::atoi(fail.c_str());
  }
  if (!hang.empty() && line.find(hang) != std::string::npos) {
    for (;;) ::pause();
  }
  const std::string blind = Environment("FAKE_BLIND");
  const int code = RunStage(words[1], flags, !blind.empty() && line.find(blind) != std::string::npos);
  if (!spans.empty()) AppendTo(spans, "-");
  return code;
}

}  // namespace
}  // namespace ppr::experiment

int main(int count, char** words) { return ppr::experiment::Main(count, words); }

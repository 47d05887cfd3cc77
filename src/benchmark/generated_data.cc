#include "benchmark/generated_data.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>

#include "base/errors.h"
#include "base/random.h"
#include "data/prepare/candidates.h"

namespace ppr::benchmark {
namespace {

constexpr int32_t kCandidates = 99;

RandomKey KeyOf(uint64_t seed) { return MakeRandomKey(seed, RandomSite::kTest); }

// One test case for each of the first users: the click after those that training sees.
void AddCases(int64_t cases, uint64_t seed, data::Dataset* dataset) {
  data::EvaluationCases& to = dataset->cases;
  to.num_candidates = kCandidates;
  to.seed = seed;
  data::CandidateDrawer drawer(seed, static_cast<int32_t>(dataset->num_items()));
  for (int64_t user = 0; user < std::min(cases, dataset->num_users()); ++user) {
    const int32_t position = dataset->train_length[static_cast<size_t>(user)];
    to.part.push_back(data::CasePart::kTest);
    to.user.push_back(static_cast<int32_t>(user));
    to.position.push_back(position);
    to.candidates.resize(to.candidates.size() + kCandidates);
    drawer.StartUser(dataset->history(user));
    drawer.Draw(dataset->user_ids[static_cast<size_t>(user)], position,
                std::span(to.candidates).last(kCandidates));
  }
}

}  // namespace

data::Dataset MakeGeneratedDataset(const GeneratedData& generated, int64_t max_history, int64_t sequences,
                                   int64_t cases, uint64_t seed) {
  const int64_t mean = generated.targets_per_sequence;
  const int64_t most = std::min(max_history, 2 * mean - 1), least = 2 * mean - most;
  const int64_t users = std::max({sequences, cases, generated.items / mean + 1});
  data::Dataset dataset;
  dataset.path = "generated";
  dataset.digest = "generated";
  dataset.protocol = data::Protocol::kLeaveOneOut;
  dataset.item_ids.resize(static_cast<size_t>(generated.items) + 1);
  dataset.offsets.push_back(0);
  dataset.items.reserve(static_cast<size_t>(users * (mean + 2)));
  const RandomKey key = KeyOf(seed);
  for (int64_t user = 0; user < users; ++user) {
    const RandomKey of_user = key.With(static_cast<uint64_t>(user));
    const int64_t targets =
        least + static_cast<int64_t>(of_user.Below(static_cast<uint64_t>(most - least) + 1));
    // The first click is no target, the last one is the test.
    for (int64_t click = 0; click < targets + 2; ++click) {
      const uint64_t item =
          of_user.Below(static_cast<uint64_t>(generated.items), static_cast<uint64_t>(click) + 1);
      dataset.items.push_back(static_cast<int32_t>(item) + 1);
    }
    dataset.offsets.push_back(static_cast<int64_t>(dataset.items.size()));
    dataset.train_length.push_back(static_cast<int32_t>(targets) + 1);
    dataset.user_ids.push_back(std::to_string(user));
  }
  dataset.times.resize(dataset.items.size());
  dataset.user_part.assign(static_cast<size_t>(users), data::UserPart::kWarm);
  if (cases > 0) AddCases(cases, seed, &dataset);
  return dataset;
}

void WriteGeneratedClicks(const std::string& path, int64_t rows, uint64_t seed) {
  const auto close = [](std::FILE* file) { std::fclose(file); };
  const std::unique_ptr<std::FILE, decltype(close)> file(std::fopen(path.c_str(), "w"), close);
  if (file == nullptr) throw StorageErrorFromErrno("cannot create", path);
  const auto users = static_cast<uint64_t>(std::max<int64_t>(1, rows / 100));
  const double items = static_cast<double>(std::max<int64_t>(1000, rows / 20));
  const RandomKey key = KeyOf(seed);
  bool written = std::fputs("user_id,item_id,timestamp\n", file.get()) >= 0;
  for (int64_t row = 0; row < rows && written; ++row) {
    const RandomKey of_row = key.With(static_cast<uint64_t>(row));
    // The density of item k falls as k^-0.7.
    const auto item = static_cast<long long>(items * std::pow(of_row.Uniform(1), 1 / 0.3));
    written = std::fprintf(file.get(), "u%llu,i%lld,%llu\n",
                           static_cast<unsigned long long>(of_row.Below(users, 0)), item,
                           static_cast<unsigned long long>(1'600'000'000 + of_row.Below(30'000'000, 2))) > 0;
  }
  if (!written || std::fflush(file.get()) != 0) throw StorageErrorFromErrno("cannot write", path);
}

}  // namespace ppr::benchmark

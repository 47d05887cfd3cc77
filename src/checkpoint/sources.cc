#include "checkpoint/sources.h"

#include <algorithm>
#include <set>

#include "base/errors.h"
#include "base/nearest_name.h"
#include "base/text_format.h"
#include "checkpoint/format_1.h"
#include "checkpoint/shard.h"

namespace ppr::checkpoint {
namespace {

// shared.h5 or, standing for all shards, the first of them.
const std::vector<TensorRecord>& TensorsOf(const Manifest& manifest, Cut cut) {
  return manifest.files[cut == Cut::kWhole ? 0 : 1].tensors;
}

const TensorRecord* Find(const std::vector<TensorRecord>& records, const std::string& name) {
  const auto found =
      std::find_if(records.begin(), records.end(), [&](const auto& record) { return record.name == name; });
  return found == records.end() ? nullptr : &*found;
}

// The state's and the checkpoint's shape are one, but for how many rows a rank keeps.
bool SameForm(const TensorRecord& stored, const TensorRecord& expected, Cut cut) {
  if (stored.dtype != expected.dtype || stored.shape.size() != expected.shape.size()) return false;
  return std::equal(stored.shape.begin() + (cut == Cut::kByRows ? 1 : 0), stored.shape.end(),
                    expected.shape.begin() + (cut == Cut::kByRows ? 1 : 0));
}

// As the whole checkpoint has it: shards together have a row an item.
std::string FormOf(TensorRecord record, Cut cut, int64_t num_items) {
  if (cut == Cut::kByRows && !record.shape.empty()) record.shape[0] = num_items;
  return FormText(record.dtype, record.shape);
}

// Walks the state and then what the checkpoint holds beyond it; collects all that does not fit.
class Matching {
 public:
  Matching(const StoredCheckpoint& checkpoint, Reading reading)
      : manifest_(checkpoint.manifest), folder_(checkpoint.folder), reading_(reading) {
    for (const Cut cut : {Cut::kWhole, Cut::kByRows}) {
      for (const TensorRecord& record : TensorsOf(manifest_, cut)) known_.push_back(record.name);
    }
  }

  Source SourceOf(const StateTensor& entry) {
    const std::vector<TensorRecord>& records = TensorsOf(manifest_, entry.cut);
    TensorRecord expected = RecordOf(entry);
    const TensorRecord* as_trained = Find(records, AtLastStep(entry.name));
    const TensorRecord* stored = Find(records, entry.name);
    used_.insert(entry.name);
    if (as_trained != nullptr) used_.insert(as_trained->name);
    if (reading_ == Reading::kResume && as_trained != nullptr) stored = as_trained;
    const std::string form = FormOf(expected, entry.cut, manifest_.num_items);
    if (stored == nullptr) {
      problems_.push_back("tensor \"" + entry.name + "\": expected " + form + ", found no such tensor" +
                          DidYouMean(entry.name, known_));
      return {};
    }
    if (!SameForm(*stored, expected, entry.cut)) {
      problems_.push_back("tensor \"" + stored->name + "\": expected " + form + ", found " +
                          FormOf(*stored, entry.cut, manifest_.num_items));
    }
    return {*stored};
  }

  void RefuseUnknown() {
    for (const Cut cut : {Cut::kWhole, Cut::kByRows}) {
      for (const TensorRecord& record : TensorsOf(manifest_, cut)) {
        const bool passed_over = reading_ == Reading::kModel && record.name.starts_with(kResumeOnly);
        if (used_.contains(record.name) || passed_over) continue;
        problems_.push_back("tensor \"" + record.name + "\": expected no such tensor, found " +
                            FormOf(record, cut, manifest_.num_items));
      }
    }
  }

  void ThrowIfAny() const {
    constexpr size_t kMostLines = 12;
    if (problems_.empty()) return;
    std::string text = folder_ + ": does not fit the model:";
    for (size_t i = 0; i < std::min(problems_.size(), kMostLines); ++i) text += "\n  " + problems_[i];
    if (problems_.size() > kMostLines) {
      text += Format("\n  and %lld more", static_cast<long long>(problems_.size() - kMostLines));
    }
    throw DataError(text + "\nIt is of a model with other settings, or of another version of ppr");
  }

 private:
  const Manifest& manifest_;
  const std::string& folder_;
  Reading reading_;
  std::vector<std::string> known_;
  std::set<std::string> used_;
  std::vector<std::string> problems_;
};

}  // namespace

std::string FormText(const std::string& dtype, const std::vector<int64_t>& shape) {
  std::string text;
  for (const int64_t extent : shape) text += (text.empty() ? "" : " x ") + std::to_string(extent);
  return dtype + " [" + text + "]";
}

std::vector<Source> FindSources(const StoredCheckpoint& checkpoint, const TrainingState& state,
                                Reading reading) {
  if (checkpoint.manifest.version == 1) return FindSourcesOfFormat1(checkpoint, state, reading);
  Matching matching(checkpoint, reading);
  std::vector<Source> sources;
  for (const StateTensor& entry : state) sources.push_back(matching.SourceOf(entry));
  matching.RefuseUnknown();
  matching.ThrowIfAny();
  return sources;
}

}  // namespace ppr::checkpoint

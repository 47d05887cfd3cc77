#include "checkpoint/format_1.h"

#include <algorithm>
#include <map>

#include "base/errors.h"
#include "checkpoint/shard.h"

namespace ppr::checkpoint {
namespace {

constexpr char kDense[] = "dense/";

// What format 1 called a tensor of today's state: "dense/m" for "optimizer/m/dense/encoder.norm.weight",
// "items/m" for "optimizer/m/items/rows", "dense/values" for "dense/encoder.norm.weight".
std::string NameInFormat1(const std::string& name) {
  std::string target = name, moment = "values";
  if (name.starts_with(kResumeOnly)) {
    const size_t begin = std::string(kResumeOnly).size();
    const size_t end = name.find('/', begin);
    moment = name.substr(begin, end - begin);
    target = name.substr(end + 1);
    if (target == kItemRows) return "items/" + moment;
  }
  return target.starts_with(kDense) ? kDense + moment : target;
}

bool IsMoment(const std::string& name) {
  for (const char* moment : {"dense/m", "dense/v", "items/m", "items/v", "items/last_step"}) {
    if (name == moment) return true;
  }
  return false;
}

// What the state needs of each tensor of format 1.
struct Need {
  TensorRecord expected;
  bool flat = false;
};

}  // namespace

std::vector<Source> FindSourcesOfFormat1(const StoredCheckpoint& checkpoint, const TrainingState& state,
                                         Reading reading) {
  const Manifest& manifest = checkpoint.manifest;
  std::map<std::string, Need> needs;
  std::vector<Source> sources;
  for (const StateTensor& entry : state) {
    const TensorRecord record = RecordOf(entry);
    const std::string name = NameInFormat1(entry.name);
    Need& need = needs[name];
    need.flat = name.starts_with(kDense);
    if (!need.flat) {
      need.expected = record;
      sources.push_back({{name, record.dtype, record.shape}});
      continue;
    }
    if (need.expected.shape.empty()) need.expected.shape = {0};
    need.expected.dtype = record.dtype;
    sources.push_back({{name, record.dtype, {}}, need.expected.shape[0]});
    need.expected.shape[0] += entry.tensor.numel();
  }
  std::map<std::string, TensorRecord> stored;
  for (const size_t file : {0, 1}) {
    for (const TensorRecord& record : manifest.files[file].tensors) stored[record.name] = record;
  }
  for (const auto& [name, need] : needs) {
    const auto found = stored.find(name);
    const bool by_rows = name.starts_with("items/");
    std::vector<int64_t> expected = need.expected.shape;
    if (found != stored.end() && by_rows) expected[0] = found->second.shape[0];  // its shards are its own
    if (found == stored.end() || found->second.shape != expected ||
        found->second.dtype != need.expected.dtype) {
      throw DataError(
          checkpoint.folder + ": tensor \"" + name + "\": expected " +
          FormText(need.expected.dtype, need.expected.shape) + ", found " +
          (found == stored.end() ? "no such tensor" : FormText(found->second.dtype, found->second.shape)) +
          "; the checkpoint is of a model with other settings");
    }
  }
  for (const auto& [name, record] : stored) {
    if (needs.contains(name) || (reading == Reading::kModel && IsMoment(name))) continue;
    throw DataError(checkpoint.folder + ": tensor \"" + name + "\": expected no such tensor, found " +
                    FormText(record.dtype, record.shape) +
                    "; the checkpoint is of a model with other settings");
  }
  for (Source& source : sources) source.record = stored[source.record.name];
  return sources;
}

}  // namespace ppr::checkpoint

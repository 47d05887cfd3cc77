#include "data/dataset.h"

#include "base/errors.h"
#include "data/dataset_check.h"
#include "data/dataset_layout.h"
#include "data/dataset_writer.h"
#include "data/hdf5_file.h"
#include "data/sealed_file.h"

namespace ppr::data {
namespace {

std::string ShapeText(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

// Reads arrays and attributes, each array with a check of its shape.
class CheckedFile {
 public:
  explicit CheckedFile(const std::string& path) : path_(path), file_(path) {}

  // `expected`: extents, -1 = any. `shape` (optional) receives the extents.
  template <typename T>
  std::vector<T> Array(const std::string& name, const std::vector<int64_t>& expected,
                       std::vector<int64_t>* shape = nullptr) {
    const std::vector<int64_t> found = file_.ArrayShape(name, ElementTypeOf<T>());
    bool same = found.size() == expected.size();
    size_t count = 1;
    for (size_t i = 0; same && i < found.size(); ++i) {
      same = expected[i] < 0 || expected[i] == found[i];
      count *= static_cast<size_t>(found[i]);
    }
    if (!same) {
      throw DataError(path_ + ": array " + name + ": expected shape " + ShapeText(expected) +
                      " (-1 = any), found " + ShapeText(found));
    }
    std::vector<T> values(count);
    if (count > 0) file_.ReadArray(name, ElementTypeOf<T>(), values.data());
    if (shape != nullptr) *shape = found;
    return values;
  }

  std::vector<std::string> Texts(const std::string& group) {
    const std::vector<char> bytes = Array<char>(group + "/bytes", {-1});
    const std::vector<int64_t> offsets = Array<int64_t>(group + "/offsets", {-1});
    CheckOffsets(path_, group + "/offsets", offsets, static_cast<int64_t>(bytes.size()));
    std::vector<std::string> texts(offsets.size() - 1);
    for (size_t i = 0; i < texts.size(); ++i) {
      texts[i].assign(bytes.data() + offsets[i], static_cast<size_t>(offsets[i + 1] - offsets[i]));
    }
    return texts;
  }

  std::string Text(const std::string& object, const std::string& attribute) {
    return file_.ReadText(object, attribute);
  }
  uint64_t Number(const std::string& object, const std::string& attribute) {
    return file_.ReadNumber(object, attribute);
  }

  void CheckFormat() {
    const std::string format = Text("/", "format");
    if (format != layout::kFormat) {
      throw DataError(path_ + ": attribute format: expected " + layout::kFormat + ", found " + format +
                      ". This is not a dataset file: make one with ppr prepare.");
    }
    const uint64_t version = Number("/", "format_version");
    if (version != layout::kFormatVersion) {
      throw DataError(path_ + ": attribute format_version: expected " +
                      std::to_string(layout::kFormatVersion) + ", found " + std::to_string(version) +
                      ". Make the file again with this version of ppr prepare.");
    }
  }

 private:
  std::string path_;
  Hdf5Reader file_;
};

Protocol ReadProtocol(CheckedFile& file, const std::string& path) {
  const std::string name = file.Text("/", "protocol");
  for (const Protocol protocol : {Protocol::kThreshold, Protocol::kHoldout, Protocol::kLeaveOneOut}) {
    if (name == layout::NameOf(protocol)) return protocol;
  }
  throw DataError(path + ": attribute protocol: expected threshold, holdout or leave_one_out, found " + name);
}

EvaluationCases ReadCases(CheckedFile& file, const std::string& path) {
  EvaluationCases cases;
  cases.part = file.Array<CasePart>(layout::kCasePart, {-1});
  const auto count = static_cast<int64_t>(cases.part.size());
  cases.user = file.Array<int32_t>(layout::kCaseUser, {count});
  cases.position = file.Array<int32_t>(layout::kCasePosition, {count});
  std::vector<int64_t> shape;
  cases.candidates = file.Array<int32_t>(layout::kCaseCandidates, {count, -1}, &shape);
  cases.num_candidates = static_cast<int32_t>(shape[1]);
  cases.seed = file.Number("/cases", "seed");
  cases.digest = file.Text("/cases", "digest");
  const std::string found = layout::DigestOfCases(cases);
  if (cases.digest != found) {
    throw DataError(path + ": the evaluation cases do not match their digest: expected " + cases.digest +
                    ", found " + found +
                    ". The file was altered or damaged: make it again with ppr prepare.");
  }
  return cases;
}

void ReadProfiles(CheckedFile& file, Dataset* dataset) {
  std::vector<int64_t> shape;
  dataset->profiles = file.Array<int32_t>(layout::kProfileCodes, {dataset->num_users(), -1}, &shape);
  for (int64_t field = 0; field < shape[1]; ++field) {
    const std::string group = layout::FieldGroup(field);
    dataset->fields.push_back({file.Text(group, "name"), file.Texts(group)});
  }
}

}  // namespace

const settings::NameTable<Protocol>& NamesOf(Protocol) {
  static const settings::NameTable<Protocol> names = {{"threshold", Protocol::kThreshold},
                                                      {"holdout", Protocol::kHoldout},
                                                      {"leave_one_out", Protocol::kLeaveOneOut}};
  return names;
}

const settings::NameTable<CasePart>& NamesOf(CasePart) {
  static const settings::NameTable<CasePart> names = {{"warm_dev", CasePart::kWarmDev},
                                                      {"cold_dev", CasePart::kColdDev},
                                                      {"cold_test", CasePart::kColdTest},
                                                      {"validation", CasePart::kValidation},
                                                      {"test", CasePart::kTest}};
  return names;
}

Dataset ReadDataset(const std::string& path) {
  Dataset dataset;
  dataset.path = path;
  dataset.digest = CheckSeal(path, layout::kFormat);
  CheckedFile file(path);
  file.CheckFormat();
  dataset.protocol = ReadProtocol(file, path);
  dataset.offsets = file.Array<int64_t>(layout::kOffsets, {-1});
  dataset.items = file.Array<int32_t>(layout::kItems, {-1});
  const auto num_clicks = static_cast<int64_t>(dataset.items.size());
  CheckOffsets(path, layout::kOffsets, dataset.offsets, num_clicks);
  dataset.times = file.Array<int64_t>(layout::kTimes, {num_clicks});
  dataset.train_length = file.Array<int32_t>(layout::kTrainLength, {dataset.num_users()});
  dataset.user_part = file.Array<UserPart>(layout::kUserPart, {dataset.num_users()});
  dataset.user_ids = file.Texts(layout::kUserIds);
  dataset.item_ids = file.Texts(layout::kItemIds);
  ReadProfiles(file, &dataset);
  dataset.cases = ReadCases(file, path);
  dataset.provenance_json = file.Text("/", "provenance");
  CheckDataset(dataset);
  return dataset;
}

std::vector<std::string> ReadUserIds(const std::string& path) {
  CheckSeal(path, layout::kFormat);
  CheckedFile file(path);
  file.CheckFormat();
  return file.Texts(layout::kUserIds);
}

void WriteDataset(const std::string& path, const Dataset& dataset) {
  DatasetWriter writer(path, static_cast<int64_t>(dataset.items.size()));
  writer.AppendClicks(dataset.items, dataset.times);
  writer.Commit(dataset);
}

}  // namespace ppr::data

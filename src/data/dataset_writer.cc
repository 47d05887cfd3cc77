#include "data/dataset_writer.h"

#include <cstdio>
#include <filesystem>

#include "base/digest.h"
#include "base/durable_file.h"
#include "base/errors.h"
#include "base/text_format.h"
#include "data/dataset_layout.h"
#include "data/hdf5_file.h"
#include "data/sealed_file.h"

#include "base/logging.h"

namespace ppr::data {

namespace layout {

std::string FieldGroup(int64_t field) {
  return Format("/profiles/field_%04lld", static_cast<long long>(field));
}

const char* NameOf(Protocol protocol) {
  switch (protocol) {
    case Protocol::kThreshold:
      return "threshold";
    case Protocol::kHoldout:
      return "holdout";
    case Protocol::kLeaveOneOut:
      return "leave_one_out";
  }
  return "?";
}

std::string DigestOfCases(const EvaluationCases& cases) {
  Digester digester;
  digester.Update(cases.part.data(), cases.part.size() * sizeof(CasePart));
  digester.Update(cases.user.data(), cases.user.size() * sizeof(int32_t));
  digester.Update(cases.position.data(), cases.position.size() * sizeof(int32_t));
  digester.Update(cases.candidates.data(), cases.candidates.size() * sizeof(int32_t));
  return digester.Hex();
}

}  // namespace layout

namespace {

// Bytes that the file needs beside its large arrays: headers, attributes.
constexpr int64_t kSmallPartsBytes = 1 << 16;

// HDF5 does not survive a full disk well (it may crash, or report success): refuse before it is tried.
void RequireSpace(const std::string& path, int64_t needed_bytes) {
  std::error_code error;
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const auto space = std::filesystem::space(folder.empty() ? "." : folder, error);
  if (error) throw StorageError("cannot ask for the free space beside " + path + ": " + error.message());
  if (space.available >= static_cast<uintmax_t>(needed_bytes)) return;
  throw StorageError("cannot write " + path + ": it needs " + WithThousands(needed_bytes) +
                     " more bytes, free are " + WithThousands(static_cast<long long>(space.available)) +
                     ". Make room or choose another folder.");
}

int64_t BytesBesideClicks(const Dataset& dataset) {
  int64_t bytes = kSmallPartsBytes;
  for (const auto* texts : {&dataset.user_ids, &dataset.item_ids}) {
    for (const std::string& text : *texts) bytes += static_cast<int64_t>(text.size() + sizeof(int64_t));
  }
  const EvaluationCases& cases = dataset.cases;
  const size_t per_case =
      sizeof(CasePart) + 2 * sizeof(int32_t) + sizeof(int32_t) * static_cast<size_t>(cases.num_candidates);
  const size_t per_user = sizeof(int64_t) + sizeof(UserPart) + sizeof(int32_t) * (1 + dataset.fields.size());
  return bytes + static_cast<int64_t>(cases.part.size() * per_case + dataset.user_ids.size() * per_user);
}

}  // namespace

struct DatasetWriter::State {
  explicit State(const std::string& final_path)
      : path(final_path), beside(final_path + ".tmp"), file(beside, kSealBytes) {}
  ~State() {
    if (!committed && std::remove(beside.c_str()) != 0) PLOG(WARNING) << "cannot remove " << beside;
  }

  template <typename T>
  void WriteArray(const std::string& name, const std::vector<int64_t>& shape, const std::vector<T>& values) {
    file.CreateArray(name, ElementTypeOf<T>(), shape);
    file.WriteRows(name, ElementTypeOf<T>(), 0, shape[0], values.data());
  }
  // Text as one run of bytes and where each piece starts: int64, no terminators, quick to read from any
  // language.
  void WriteTexts(const std::string& group, const std::vector<std::string>& texts) {
    std::vector<char> bytes;
    std::vector<int64_t> offsets{0};
    offsets.reserve(texts.size() + 1);
    for (const std::string& text : texts) {
      bytes.insert(bytes.end(), text.begin(), text.end());
      offsets.push_back(static_cast<int64_t>(bytes.size()));
    }
    file.CreateGroup(group);
    WriteArray(group + "/bytes", {static_cast<int64_t>(bytes.size())}, bytes);
    WriteArray(group + "/offsets", {static_cast<int64_t>(offsets.size())}, offsets);
  }
  void WriteUsersAndItems(const Dataset& dataset);
  void WriteCases(const EvaluationCases& cases);

  std::string path, beside;
  Hdf5Writer file;
  int64_t num_clicks = 0, clicks_written = 0;
  bool committed = false;
};

void DatasetWriter::State::WriteUsersAndItems(const Dataset& dataset) {
  const int64_t num_users = dataset.num_users(), num_fields = dataset.num_fields();
  WriteArray(layout::kOffsets, {num_users + 1}, dataset.offsets);
  WriteArray(layout::kUserPart, {num_users}, dataset.user_part);
  WriteArray(layout::kTrainLength, {num_users}, dataset.train_length);
  WriteTexts(layout::kUserIds, dataset.user_ids);
  WriteTexts(layout::kItemIds, dataset.item_ids);
  WriteArray(layout::kProfileCodes, {num_users, num_fields}, dataset.profiles);
  for (int64_t field = 0; field < num_fields; ++field) {
    const std::string group = layout::FieldGroup(field);
    WriteTexts(group, dataset.fields[field].values);
    file.WriteText(group, "name", dataset.fields[field].name);
  }
}

void DatasetWriter::State::WriteCases(const EvaluationCases& cases) {
  WriteArray(layout::kCasePart, {cases.size()}, cases.part);
  WriteArray(layout::kCaseUser, {cases.size()}, cases.user);
  WriteArray(layout::kCasePosition, {cases.size()}, cases.position);
  WriteArray(layout::kCaseCandidates, {cases.size(), cases.num_candidates}, cases.candidates);
  file.WriteNumber("/cases", "seed", cases.seed);
  file.WriteText("/cases", "digest", layout::DigestOfCases(cases));
}

DatasetWriter::DatasetWriter(const std::string& path, int64_t num_clicks) {
  RequireSpace(path, num_clicks * static_cast<int64_t>(sizeof(int32_t) + sizeof(int64_t)) + kSmallPartsBytes);
  state_ = std::make_unique<State>(path);
  state_->num_clicks = num_clicks;
  for (const char* group : {"/history", "/users", "/items", "/profiles", "/cases"})
    state_->file.CreateGroup(group);
  state_->file.CreateArray(layout::kItems, ElementType::kInt32, {num_clicks});
  state_->file.CreateArray(layout::kTimes, ElementType::kInt64, {num_clicks});
}

DatasetWriter::~DatasetWriter() = default;

void DatasetWriter::AppendClicks(std::span<const int32_t> items, std::span<const int64_t> times) {
  const auto count = static_cast<int64_t>(items.size());
  PPR_BUG_IF_NOT(items.size() == times.size() && state_->clicks_written + count <= state_->num_clicks,
                 "more clicks than announced for " + state_->path);
  state_->file.WriteRows(layout::kItems, ElementType::kInt32, state_->clicks_written, count, items.data());
  state_->file.WriteRows(layout::kTimes, ElementType::kInt64, state_->clicks_written, count, times.data());
  state_->clicks_written += count;
}

void DatasetWriter::Commit(const Dataset& dataset) {
  State& state = *state_;
  RequireSpace(state.path, BytesBesideClicks(dataset));
  PPR_BUG_IF_NOT(state.clicks_written == state.num_clicks && dataset.offsets.back() == state.num_clicks,
                 "clicks are missing from " + state.path);
  state.WriteUsersAndItems(dataset);
  state.WriteCases(dataset.cases);
  state.file.WriteText("/", "format", layout::kFormat);
  state.file.WriteNumber("/", "format_version", layout::kFormatVersion);
  state.file.WriteText("/", "protocol", layout::NameOf(dataset.protocol));
  state.file.WriteText("/", "provenance", dataset.provenance_json);
  state.file.Close();
  SealFile(state.beside, layout::kFormat);
  RenameDurably(state.beside, state.path);
  state.committed = true;
}

}  // namespace ppr::data

#include "data/dataset_writer.h"

#include <cstdio>

#include "base/digest.h"
#include "base/durable_file.h"
#include "base/errors.h"
#include "base/logging.h"
#include "base/text_format.h"
#include "data/content_digest.h"
#include "data/dataset_layout.h"
#include "data/hdf5_file.h"

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

struct DatasetWriter::State {
  explicit State(const std::string& final_path)
      : path(final_path), beside(final_path + ".tmp"), file(beside) {}

  template <typename T>
  void WriteArray(const std::string& name, const std::vector<int64_t>& shape, const std::vector<T>& values) {
    file.CreateArray(name, ElementTypeOf<T>(), shape);
    file.WriteRows(name, ElementTypeOf<T>(), 0, shape[0], values.data());
    content.AddArray(name, shape, DigestOfBytes(values.data(), values.size() * sizeof(T)));
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
  void WriteText(const std::string& object, const std::string& attribute, const std::string& text) {
    file.WriteText(object, attribute, text);
    content.AddAttribute(object, attribute, text);
  }
  void WriteNumber(const std::string& object, const std::string& attribute, uint64_t number) {
    file.WriteNumber(object, attribute, number);
    content.AddAttribute(object, attribute, std::to_string(number));
  }

  void WriteUsersAndItems(const Dataset& dataset);
  void WriteCases(const EvaluationCases& cases);

  std::string path, beside;
  Hdf5Writer file;
  ContentDigest content;
  Digester items_digest, times_digest;
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
    WriteText(group, "name", dataset.fields[field].name);
  }
}

void DatasetWriter::State::WriteCases(const EvaluationCases& cases) {
  WriteArray(layout::kCasePart, {cases.size()}, cases.part);
  WriteArray(layout::kCaseUser, {cases.size()}, cases.user);
  WriteArray(layout::kCasePosition, {cases.size()}, cases.position);
  WriteArray(layout::kCaseCandidates, {cases.size(), cases.num_candidates}, cases.candidates);
  WriteNumber("/cases", "seed", cases.seed);
  WriteText("/cases", "digest", layout::DigestOfCases(cases));
}

DatasetWriter::DatasetWriter(const std::string& path, int64_t num_clicks)
    : state_(std::make_unique<State>(path)) {
  state_->num_clicks = num_clicks;
  for (const char* group : {"/history", "/users", "/items", "/profiles", "/cases"})
    state_->file.CreateGroup(group);
  state_->file.CreateArray(layout::kItems, ElementType::kInt32, {num_clicks});
  state_->file.CreateArray(layout::kTimes, ElementType::kInt64, {num_clicks});
}

DatasetWriter::~DatasetWriter() {
  if (!state_->committed && std::remove(state_->beside.c_str()) != 0)
    PLOG(WARNING) << "cannot remove " << state_->beside;
}

void DatasetWriter::AppendClicks(std::span<const int32_t> items, std::span<const int64_t> times) {
  const auto count = static_cast<int64_t>(items.size());
  PPR_BUG_IF_NOT(items.size() == times.size() && state_->clicks_written + count <= state_->num_clicks,
                 "more clicks than announced for " + state_->path);
  state_->file.WriteRows(layout::kItems, ElementType::kInt32, state_->clicks_written, count, items.data());
  state_->file.WriteRows(layout::kTimes, ElementType::kInt64, state_->clicks_written, count, times.data());
  state_->items_digest.Update(items.data(), items.size_bytes());
  state_->times_digest.Update(times.data(), times.size_bytes());
  state_->clicks_written += count;
}

void DatasetWriter::Commit(const Dataset& dataset) {
  State& state = *state_;
  PPR_BUG_IF_NOT(state.clicks_written == state.num_clicks && dataset.offsets.back() == state.num_clicks,
                 "clicks are missing from " + state.path);
  state.content.AddArray(layout::kItems, {state.num_clicks}, state.items_digest.Hex());
  state.content.AddArray(layout::kTimes, {state.num_clicks}, state.times_digest.Hex());
  state.WriteUsersAndItems(dataset);
  state.WriteCases(dataset.cases);
  state.WriteText("/", "format", layout::kFormat);
  state.WriteNumber("/", "format_version", layout::kFormatVersion);
  state.WriteText("/", "protocol", layout::NameOf(dataset.protocol));
  state.WriteText("/", "provenance", dataset.provenance_json);
  state.file.WriteText("/", "content_digest", state.content.Hex());
  state.file.Close();
  SyncFile(state.beside);
  RenameDurably(state.beside, state.path);
  state.committed = true;
}

}  // namespace ppr::data

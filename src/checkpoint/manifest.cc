#include "checkpoint/manifest.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "base/digest.h"
#include "base/errors.h"
#include "base/nearest_name.h"
#include "base/text_format.h"
#include "dist/owner_map.h"

namespace ppr::checkpoint {

namespace {

using Json = nlohmann::json;

constexpr int64_t kOldestVersion = 1, kNewestVersion = 2;
constexpr char kFormat[] = "ppr.checkpoint";
constexpr int kDeepestNesting = 32;  // dumping is recursive
constexpr int64_t kMostRanks = 1 << 20;

std::string CanonicalText(const Json& json) { return json.dump(2) + "\n"; }

std::string Shortened(const std::string& text) {
  return text.size() <= 60 ? text : text.substr(0, 57) + "...";
}

int64_t ElementBytes(const std::string& dtype) { return dtype == "float32" ? 4 : 8; }

[[noreturn]] void Refuse(const std::string& where, const std::string& expected, const std::string& found) {
  throw DataError(where + ": expected " + expected + ", found " + Shortened(found) +
                  "; the checkpoint is damaged or not ours, take another one");
}

// Reads the fields of one JSON object and refuses those that are missing, of the wrong type or unknown.
class FieldReader {
 public:
  FieldReader(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
    if (!object.is_object()) Refuse(where_, "an object", object.dump());
  }

  std::string Text(const char* name) {
    const Json& value = Take(name);
    if (!value.is_string()) Refuse(Where(name), "a text", value.dump());
    return value.get<std::string>();
  }
  int64_t Integer(const char* name, int64_t least, int64_t most = std::numeric_limits<int64_t>::max()) {
    return IntegerOf(Take(name), Where(name), least, most);
  }
  std::string ObjectText(const char* name) {
    const Json& value = Take(name);
    if (!value.is_object()) Refuse(Where(name), "an object", value.dump());
    return value.dump();
  }
  const Json& Array(const char* name) {
    const Json& value = Take(name);
    if (!value.is_array()) Refuse(Where(name), "an array", value.dump());
    return value;
  }
  std::string Digest(const char* name, bool may_be_empty = false) {
    const std::string text = Text(name);
    const bool hex = text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (!hex && !(may_be_empty && text.empty()))
      Refuse(Where(name), "32 hexadecimal digits", "\"" + text + "\"");
    return text;
  }
  std::string OneOf(const char* name, const std::vector<std::string>& values) {
    const std::string text = Text(name);
    if (std::find(values.begin(), values.end(), text) == values.end()) {
      std::string expected;
      for (const std::string& value : values) expected += (expected.empty() ? "\"" : " or \"") + value + "\"";
      Refuse(Where(name), expected, "\"" + text + "\"");
    }
    return text;
  }
  void RefuseOthers() const {
    for (const auto& [name, value] : object_.items()) {
      if (std::find(taken_.begin(), taken_.end(), name) != taken_.end()) continue;
      throw DataError(where_ + ": unknown field \"" + Shortened(name) + "\"" + DidYouMean(name, taken_) +
                      "; was the checkpoint written by a newer ppr?");
    }
  }
  std::string Where(const char* name) const { return where_ + ": field \"" + name + "\""; }

  static int64_t IntegerOf(const Json& value, const std::string& where, int64_t least, int64_t most) {
    const std::string expected =
        most == std::numeric_limits<int64_t>::max()
            ? Format("an integer >= %lld", static_cast<long long>(least))
            : Format("an integer in %lld..%lld", static_cast<long long>(least), static_cast<long long>(most));
    const bool fits = value.is_number_integer() &&
                      !(value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(most));
    if (!fits || value.get<int64_t>() < least || value.get<int64_t>() > most)
      Refuse(where, expected, value.dump());
    return value.get<int64_t>();
  }

 private:
  const Json& Take(const char* name) {
    const auto found = object_.find(name);
    if (found == object_.end())
      throw DataError(where_ + ": field \"" + name + "\" is missing; the checkpoint is damaged or not ours");
    taken_.emplace_back(name);
    return *found;
  }

  const Json& object_;
  std::string where_;
  std::vector<std::string> taken_;
};

// Parses `text`; unlike the parser alone, refuses a key given twice and nesting that would exhaust the stack.
Json ParseStrictly(const std::string& text, const std::string& where) {
  std::vector<std::set<std::string>> keys;
  const auto check = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > kDeepestNesting)
      Refuse(where, Format("at most %d levels of nesting", kDeepestNesting), "more");
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second) {
      throw DataError(where + ": field " + Shortened(parsed.dump()) +
                      " is given twice; the checkpoint is damaged or not ours");
    }
    return true;
  };
  try {
    return Json::parse(text, check);
  } catch (const Json::exception& error) {
    throw DataError(where + ": not valid JSON: " + error.what() + "; the checkpoint is damaged or not ours");
  }
}

Json JsonOf(const TensorRecord& tensor) {
  return {{"name", tensor.name}, {"dtype", tensor.dtype}, {"shape", tensor.shape}};
}

Json JsonOf(const FileRecord& file) {
  Json tensors = Json::array();
  for (const TensorRecord& tensor : file.tensors) tensors.push_back(JsonOf(tensor));
  return {
      {"name", file.name}, {"size_bytes", file.size_bytes}, {"xxh3_128", file.digest}, {"tensors", tensors}};
}

Json ObjectOf(const std::string& json_text, const char* what) {
  const Json json = Json::parse(json_text, nullptr, /*allow_exceptions=*/false);
  PPR_BUG_IF_NOT(json.is_object(), std::string("checkpoint: ") + what + " must be a JSON object, found " +
                                       Shortened(json_text));
  return json;
}

// Fills `tensor` and adds its bytes to `total_bytes`, refusing a sum above `file_bytes`: no allocation
// follows from a number that the file's size does not bear out.
TensorRecord ParseTensor(const Json& json, const std::string& where, int64_t file_bytes,
                         int64_t* total_bytes) {
  FieldReader fields(json, where);
  TensorRecord tensor;
  tensor.name = fields.Text("name");
  if (!IsTensorName(tensor.name))
    Refuse(fields.Where("name"), "a name like items/rows", "\"" + tensor.name + "\"");
  tensor.dtype = fields.OneOf("dtype", {"float32", "float64", "int64"});
  int64_t size_bytes = ElementBytes(tensor.dtype);
  bool fits = true;
  for (const Json& extent : fields.Array("shape")) {
    tensor.shape.push_back(
        FieldReader::IntegerOf(extent, fields.Where("shape"), 0, std::numeric_limits<int64_t>::max()));
    fits = fits && !__builtin_mul_overflow(size_bytes, tensor.shape.back(), &size_bytes);
  }
  fields.RefuseOthers();
  fits = fits && !__builtin_add_overflow(*total_bytes, size_bytes, total_bytes) && *total_bytes <= file_bytes;
  if (!fits)
    Refuse(fields.Where("shape"),
           Format("tensors within the file's %lld bytes", static_cast<long long>(file_bytes)),
           json["shape"].dump());
  return tensor;
}

FileRecord ParseFile(const Json& json, const std::string& manifest_path, const std::string& expected_name) {
  const std::string where = manifest_path + ": file " + expected_name;
  FieldReader fields(json, where);
  FileRecord file;
  file.name = fields.OneOf("name", {expected_name});
  file.size_bytes = fields.Integer("size_bytes", 0);
  file.digest = fields.Digest("xxh3_128");
  int64_t total_bytes = 0;
  std::set<std::string> names;
  for (const Json& tensor : fields.Array("tensors")) {
    file.tensors.push_back(ParseTensor(tensor, where + ": tensor " + std::to_string(names.size()),
                                       file.size_bytes, &total_bytes));
    if (!names.insert(file.tensors.back().name).second) {
      throw DataError(where + ": tensor \"" + file.tensors.back().name + "\" is named twice");
    }
  }
  fields.RefuseOthers();
  return file;
}

// Every shard holds the same tensors, with as many rows as the owner function gives its rank.
void CheckShards(const Manifest& manifest, const std::string& where) {
  const dist::OwnerMap owners(manifest.num_items, manifest.world_size);
  const std::vector<TensorRecord>& model = manifest.files[1].tensors;
  for (int rank = 0; rank < manifest.world_size; ++rank) {
    const FileRecord& file = manifest.files[static_cast<size_t>(rank) + 1];
    const std::string place = where + ": file " + file.name;
    if (file.tensors.size() != model.size()) {
      Refuse(place, std::to_string(model.size()) + " tensors like " + manifest.files[1].name,
             std::to_string(file.tensors.size()));
    }
    for (size_t i = 0; i < model.size(); ++i) {
      const TensorRecord& tensor = file.tensors[i];
      if (tensor.name != model[i].name || tensor.dtype != model[i].dtype) {
        Refuse(place, "tensor " + model[i].name + " of " + model[i].dtype,
               tensor.name + " of " + tensor.dtype);
      }
      std::vector<int64_t> shape = model[i].shape;
      if (!shape.empty()) shape[0] = owners.num_rows(rank);
      if (shape.empty() || tensor.shape != shape) {
        Refuse(place + ": tensor " + tensor.name, "shape " + Json(shape).dump(), Json(tensor.shape).dump());
      }
    }
  }
}

void CheckDigest(Json json, const Manifest& manifest, const std::string& text, const std::string& where) {
  if (CanonicalText(json) != text) {
    throw DataError(where +
                    ": the text is not in the form that ppr writes (spaces, order or spelling of a value); "
                    "it was altered");
  }
  json.erase("digest");
  const std::string rest = CanonicalText(json);
  const std::string found = DigestOfBytes(rest.data(), rest.size());
  if (found != manifest.digest)
    Refuse(where + ": field \"digest\"", found + " for the rest of the text", manifest.digest);
}

}  // namespace

std::string ShardFile(int rank) { return Format("shard_%04d.h5", rank); }

int64_t TensorRecord::size_bytes() const {
  int64_t bytes = ElementBytes(dtype);
  for (const int64_t extent : shape) bytes *= extent;
  return bytes;
}

bool IsTensorName(const std::string& name) {
  constexpr char kLetters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  if (name.size() > 256) return false;
  for (size_t begin = 0;;) {
    const size_t end = std::min(name.find('/', begin), name.size());
    const std::string part = name.substr(begin, end - begin);
    if (part.empty() || part == "." || part == ".." || part.find_first_not_of(kLetters) != std::string::npos)
      return false;
    if (end == name.size()) return true;
    begin = end + 1;
  }
}

std::string SealManifest(Manifest& manifest) {
  Json files = Json::array();
  for (const FileRecord& file : manifest.files) files.push_back(JsonOf(file));
  Json json = {{"format", kFormat},
               {"version", manifest.version},
               {"kind", manifest.kind},
               {"run_id", manifest.run_id},
               {"step", manifest.step},
               {"world_size", manifest.world_size},
               {"owner_function", manifest.owner_function},
               {"num_items", manifest.num_items},
               {"config", ObjectOf(manifest.config_json, "config")},
               {"progress", ObjectOf(manifest.progress_json, "progress")},
               {"dataset_digest", manifest.dataset_digest},
               {"parent_digest", manifest.parent_digest},
               {"files", files}};
  const std::string rest = CanonicalText(json);
  manifest.digest = DigestOfBytes(rest.data(), rest.size());
  json["digest"] = manifest.digest;
  return CanonicalText(json);
}

Manifest ParseManifest(const std::string& text, const std::string& folder) {
  const std::string where = folder + "/" + kManifestFile;
  const Json json = ParseStrictly(text, where);
  FieldReader fields(json, where);
  fields.OneOf("format", {kFormat});
  Manifest manifest;
  manifest.version = static_cast<int>(fields.Integer("version", kOldestVersion, kNewestVersion));
  manifest.digest = fields.Digest("digest");
  CheckDigest(json, manifest, text, where);  // damage is told as damage, not as a strange field
  manifest.kind = fields.OneOf("kind", {"pretrain", "tune"});
  manifest.run_id = fields.Text("run_id");
  manifest.step = fields.Integer("step", 0);
  manifest.world_size = static_cast<int>(fields.Integer("world_size", 1, kMostRanks));
  manifest.owner_function = fields.OneOf("owner_function", {dist::OwnerMap::kName});
  manifest.num_items = fields.Integer("num_items", 1);
  manifest.config_json = fields.ObjectText("config");
  manifest.progress_json = fields.ObjectText("progress");
  manifest.dataset_digest = fields.Text("dataset_digest");
  manifest.parent_digest = fields.Digest("parent_digest", /*may_be_empty=*/true);
  const Json& files = fields.Array("files");
  fields.RefuseOthers();
  if (files.size() != static_cast<size_t>(manifest.world_size) + 1) {
    Refuse(where + ": field \"files\"", std::to_string(manifest.world_size + 1) + " files for the world size",
           std::to_string(files.size()));
  }
  for (int i = 0; i <= manifest.world_size; ++i) {
    const std::string name = i == 0 ? kSharedFile : ShardFile(i - 1);
    manifest.files.push_back(ParseFile(files[static_cast<size_t>(i)], where, name));
  }
  CheckShards(manifest, where);
  return manifest;
}

}  // namespace ppr::checkpoint

#include "train/run_progress.h"

#include <nlohmann/json.hpp>

#include "base/errors.h"

namespace ppr::train {
namespace {

using Json = nlohmann::json;

Json ParseObject(const std::string& text, const std::string& where) {
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) throw DataError(where + ": expected a JSON object, found something else");
  return json;
}

// Reads fields of one object; errors name the place and the field.
class FieldReader {
 public:
  FieldReader(const Json& parent, const std::string& name, std::string where)
      : where_(std::move(where) + ", " + name) {
    const auto at = parent.find(name);
    if (at == parent.end() || !at->is_object()) throw DataError(where_ + ": expected an object, found none");
    object_ = *at;
  }

  template <typename T>
  void Read(const char* name, T* value) const {
    const auto at = object_.find(name);
    if (at == object_.end()) throw DataError(where_ + "." + name + ": expected a value, found none");
    try {
      *value = at->get<T>();
    } catch (const Json::exception& error) {
      throw DataError(where_ + "." + name + ": " + error.what());
    }
  }

 private:
  std::string where_;
  Json object_;
};

}  // namespace

std::string ProgressJson(const RunProgress& progress) {
  const Json fields = {{"step", progress.step},
                       {"epoch", progress.epoch},
                       {"batch", progress.batch},
                       {"best_metric", progress.best_metric},
                       {"best_step", progress.best_step},
                       {"evaluated_step", progress.evaluated_step},
                       {"stopped_early", progress.stopped_early}};
  return Json{{"progress", fields}}.dump();
}

RunProgress ParseProgress(const std::string& json, const std::string& where) {
  const Json parsed = ParseObject(json, where);
  const FieldReader reader(parsed, "progress", where);
  RunProgress progress;
  reader.Read("step", &progress.step);
  reader.Read("epoch", &progress.epoch);
  reader.Read("batch", &progress.batch);
  reader.Read("best_metric", &progress.best_metric);
  reader.Read("best_step", &progress.best_step);
  reader.Read("evaluated_step", &progress.evaluated_step);
  reader.Read("stopped_early", &progress.stopped_early);
  return progress;
}

}  // namespace ppr::train

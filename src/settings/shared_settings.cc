#include "settings/shared_settings.h"

namespace ppr::settings {

void AddDataset(Settings& settings, std::string* path, bool required) {
  settings.Add(path, {.flag = "dataset",
                      .help = "dataset.h5 made by ppr prepare",
                      .stored = false,
                      .required = required ? "a path" : ""});
}

void AddOutput(Settings& settings, std::string* path, bool required) {
  settings.Add(
      path, {.flag = "output",
             .help = "Folder or file to write: a run folder (pretrain, tune), a folder for metrics.json and "
                     "cases.tsv (evaluate; none: print only), dataset.h5 (prepare)",
             .stored = false,
             .required = required ? "a path" : ""});
}

void AddSeed(Settings& settings, uint64_t* seed) {
  settings.Add(seed, {.flag = "seed", .help = "Seed of everything drawn at random"});
}

}  // namespace ppr::settings

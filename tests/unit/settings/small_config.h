// A config struct with a field of each type, described as those of the product are.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "settings/settings.h"

namespace ppr::settings {

enum class Colour { kRed, kGreen, kBlue };

inline const NameTable<Colour>& NamesOf(Colour) {
  static const NameTable<Colour> names = {
      {"red", Colour::kRed}, {"green", Colour::kGreen}, {"blue", Colour::kBlue}};
  return names;
}

struct SmallConfig {
  bool resume = false;
  int32_t ranks = 3;
  int64_t width = 64;
  uint64_t seed = 6;
  double rate = 0.2;
  std::string dataset = "d.h5";
  std::vector<std::string> fields = {"age", "city"};
  Colour colour = Colour::kGreen;
  std::vector<int64_t> sizes = {3, 4};  // a fact, without a flag
};

inline void Describe(Settings& settings, SmallConfig& config) {
  settings.Topic("Data").Section("");
  settings.Add(&config.dataset, {.flag = "dataset", .help = "File", .required = "a path"});
  settings.Add(&config.resume, {.flag = "resume", .help = "Go on"});
  settings.Topic("Model").Section("model");
  settings.Add(&config.ranks, {.flag = "ranks", .help = "Ranks", .limits = Between(0, 8)});
  settings.Add(&config.width, {.flag = "width", .help = "Width", .limits = Count(1)});
  settings.Add(&config.seed, {.flag = "seed", .help = "Seed"});
  settings.Add(&config.rate,
               {.flag = "rate", .help = "Rate", .alias = "old_rate", .limits = ShareBelowOne()});
  settings.Add(&config.fields, {.flag = "fields", .help = "Fields"});
  settings.AddChoice(&config.colour, {{"red", Colour::kRed}, {"green", Colour::kGreen}},
                     {.flag = "colour", .help = "Colour", .key = "hue", .newer = true});
  settings.AddFact(&config.sizes, "sizes");
}

}  // namespace ppr::settings

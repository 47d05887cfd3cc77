// Settings that several commands take: what each means, said once.
#pragma once

#include <cstdint>
#include <string>

#include "settings/settings.h"

namespace ppr::settings {

// `required`: an empty path is a problem.
void AddDataset(Settings& settings, std::string* path, bool required);
void AddOutput(Settings& settings, std::string* path, bool required);
// Stored where the section of the moment is stored.
void AddSeed(Settings& settings, uint64_t* seed);

}  // namespace ppr::settings

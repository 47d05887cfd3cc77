// Settings as JSON text: stored in checkpoints, compared on resume, read back by the next stage. Sections are
// nested objects, keys are sorted: equal settings are equal bytes.
#pragma once

#include <string>
#include <vector>

#include "settings/settings.h"

namespace ppr::settings {

// Every stored setting with its value. DataError for texts that are not UTF-8.
std::string StoredJson(const Settings& settings);

// True when `json` has that section ("prompt").
bool HasSection(const std::string& json, const std::string& section);

// Gives the stored values to the settings, in their order. A newer setting that is missing keeps its value.
// DataError naming `where`, section and field for any other that is missing, of another type, or of a name
// that is not known.
void ReadStored(const std::string& json, const std::string& where, const Settings& settings);

// "flag: expected X, as the checkpoint has it, found Y" for every difference between what is stored and what
// this run has; empty when equal. `defaults` describes a config with every default: what a newer setting that
// an older file lacks stands for. Fields without a flag are named by their place.
std::vector<std::string> StoredDifferences(const std::string& stored_json, const std::string& current_json,
                                           const Settings& defaults);

}  // namespace ppr::settings

// What the readers of raw files are told: which files, in which format, with which columns and filters. The
// protocol that makes a dataset of the clicks is not their business (data/prepare/prepare.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/input/raw_layout.h"
#include "settings/settings.h"

namespace ppr {
class Findings;
}

namespace ppr::data {

enum class InputFormat {
  // By file name: .inter -> atomic, .csv, .tsv, .parquet (each also .gz, .zst), .txt -> user lines.
  kAuto,
  // RecBole atomic files: tab-separated, header "name:type".
  kAtomic,
  // CSV or TSV with a header.
  kDelimited,
  kParquet,
  // SASRec / S3-Rec text: one user a line, "user item item ...".
  kUserLines,
  // ColdRec text: one user a line, "item,item,..." or "item,item,...,,target,...".
  kItemLines,
};

const settings::NameTable<InputFormat>& NamesOf(InputFormat);

struct InputConfig {
  // Path of the click log.
  std::string interactions;
  // Path of the profile table; empty: no profiles. With item_lines: files of labels, separated by commas.
  std::string users;
  InputFormat format = InputFormat::kAuto;
  // How the raw files differ from plain tables.
  RawLayout layout;
  // time_column "": the log has no times.
  std::string user_column = "user_id", item_column = "item_id", time_column = "timestamp";
  // Empty: all columns of the profile table but the user's.
  std::vector<std::string> profile_columns;
  // "" = no ratings; else rows below min_rating are dropped.
  std::string rating_column;
  double min_rating = 0;
  // Of every draw: which users are read (layout.user_share), and all that the protocol draws.
  uint64_t seed = 1;
};

// The settings of the input, in parts, between which prepare has topics of its own (describe_input.cc).
void DescribeTables(settings::Settings& settings, InputConfig& config);
void DescribeFormat(settings::Settings& settings, InputConfig& config);
void DescribeColumns(settings::Settings& settings, InputConfig& config);
void DescribeMinRating(settings::Settings& settings, InputConfig& config);
void Describe(settings::Settings& settings, RawLayout& layout);

// Finds what cannot work in `config.layout`, alone and with the other settings of the input.
void CheckLayout(const InputConfig& config, Findings* findings);

}  // namespace ppr::data

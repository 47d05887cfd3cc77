// The per-case file of an evaluation, for paired comparisons and for a person's own questions
// (docs/file-formats.md).
//
//     # ppr cases 1
//     # dataset <digest>
//     # checkpoint <digest>, or - when no checkpoint was used
//     # task <name>
//     # rows <number of cases>
//     user <TAB> position <TAB> greater <TAB> equal <TAB> others [<TAB> catalogue_greater ... _equal ...
//     _others]
//
// then one line a case in the order of the results. Tab, newline, carriage return and backslash inside a user
// id are written \t, \n, \r and \\. DO NOT CHANGE without a new number in the first line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "evaluation/case_evaluation.h"
#include "evaluation/metrics.h"

namespace ppr::evaluation {

// Whole or not there. StorageError.
void WriteCaseFile(const std::string& path, const data::Dataset& dataset, const CaseResults& results,
                   const std::string& checkpoint_digest, const std::string& task);

struct CaseFile {
  std::string dataset_digest, checkpoint_digest, task;  // checkpoint_digest is "" when no checkpoint was used
  std::vector<std::string> user_ids;
  std::vector<int32_t> positions;
  std::vector<RankCounts> candidates, catalogue;  // catalogue is empty when the file has none
};
// Strict: DataError names file, line, expected and found. StorageError when unreadable.
CaseFile ReadCaseFile(const std::string& path);

}  // namespace ppr::evaluation

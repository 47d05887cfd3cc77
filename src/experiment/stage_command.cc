#include "experiment/stage_command.h"

namespace ppr::experiment {

std::vector<std::string> CommandLineOf(const StagePlan& plan, const Stage& stage, const StageStore& store,
                                       const StageProgram& program) {
  std::vector<std::string> words;
  if (stage.kind != StageKind::kPrepare) words = program.launcher;
  words.push_back(program.program);
  words.push_back(CommandOf(stage.kind));
  for (const auto& [name, value] : stage.flags) words.push_back("--" + name + "=" + value);
  for (const StageInput& input : stage.inputs) {
    words.push_back("--" + input.flag + "=" +
                    (input.stage < 0 ? input.value : store.OutputOf(plan.stage(input.stage))));
  }
  words.push_back("--output=" + store.OutputOf(stage));
  if (stage.kind == StageKind::kPretrain || stage.kind == StageKind::kTune) words.push_back("--resume");
  return words;
}

std::string ShellText(const std::vector<std::string>& words) {
  static const std::string kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=.,:/@%";
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += ' ';
    if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) {
      text += word;
      continue;
    }
    text += '\'';
    for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    text += '\'';
  }
  return text;
}

}  // namespace ppr::experiment

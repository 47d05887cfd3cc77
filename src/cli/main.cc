// The ppr binary: finds the sub-command, lets its flags be parsed, and launches what they ask for.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <string>
#include <vector>

#include "base/errors.h"
#include "base/nearest_name.h"
#include "cli/command.h"
#include "cli/failure.h"
#include "cli/launch.h"
#include "cli/library_flags.h"
#include "cli/version.h"
#include "settings/flag_help.h"

namespace ppr::cli {
namespace {

int Usage() { return static_cast<int>(ExitCode::kUsage); }

void Print(const std::string& text) { std::fputs(text.c_str(), stdout); }

std::string Overview(const std::vector<Command>& commands) {
  std::string text =
      "ppr: cold-start recommendation with personalised prompts, on ranks\n\nusage: ppr <command> "
      "[flags]\n\n";
  for (const Command& command : commands) {
    std::string name = "  " + command.name;
    name.resize(12, ' ');
    text += name + command.summary + "\n";
  }
  return text +
         "  version   versions of ppr and of the libraries inside\n"
         "  help      this text; ppr help <command> or ppr <command> --help explains the flags of a "
         "command\n\n"
         "Exit codes: 0 done, 64 flags, 65 data or checkpoint, 70 our bug or a lost rank, 74 storage, 85 "
         "stopped on request\n"
         "(start again with --resume), 93 starting again would not help.\n";
}

const Command* Find(const std::vector<Command>& commands, const std::string& name) {
  for (const Command& command : commands) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

// Flags of the other commands, each with the commands that take it.
std::map<std::string, std::string> FlagsOfOthers(const std::vector<Command>& commands, const Command& self) {
  std::map<std::string, std::string> owners;
  for (const Command& command : commands) {
    if (command.name == self.name) continue;
    for (const settings::FlagTopic& topic : command.topics) {
      for (const settings::FlagDeclaration& flag : topic.flags) {
        std::string& names = owners[flag.name];
        names += (names.empty() ? "" : ", ") + command.name;
      }
    }
  }
  return owners;
}

std::string CommandHelp(const Command& command, const settings::FlagSet& flags) {
  return "ppr " + command.name + ": " + command.summary + "\n\nusage: ppr " + command.name + " " +
         command.usage + "\n" + settings::FlagHelp(flags);
}

int RunCommand(const std::vector<Command>& commands, const Command& command,
               const std::vector<std::string>& arguments) {
  settings::FlagSet flags(command.name, command.topics, FlagsOfOthers(commands, command));
  flags.Parse(arguments);
  if (flags.help() != settings::HelpRequest::kNone) {
    Print(CommandHelp(command, flags));
    if (flags.help() == settings::HelpRequest::kFull)
      Print("\nFlags of the libraries inside:\n" + HelpOfLibraryFlags());
    return static_cast<int>(ExitCode::kDone);
  }
  if (command.adjust) command.adjust(flags);
  if (!command.positional && !flags.positional().empty()) {
    flags.AddProblems({"argument \"" + flags.positional().front() +
                       "\" (command line): expected flags only, as --name=value"});
  }
  LaunchRequest request{.command = command.name,
                        .on_ranks = command.on_ranks,
                        .settings = LaunchSettingsFromFlags(flags),
                        .problems = {},
                        .resolved_flags = flags.ResolvedText(),
                        .job = command.plan(flags)};
  request.problems = flags.problems();
  for (const std::string& note : flags.notes()) PrintToStderr("ppr " + command.name + ": " + note + "\n");
  if (flags.print_config() && request.problems.empty()) {
    Print(flags.ListWithSources());
    return static_cast<int>(ExitCode::kDone);
  }
  return Launch(request);
}

int RunMain(const std::vector<std::string>& words) {
  const std::vector<Command> commands = {PrepareCommand(),  PretrainCommand(), TuneCommand(),
                                         EvaluateCommand(), CompareCommand(),  ExperimentCommand(),
                                         BenchCommand()};
  if (words.empty()) {
    PrintToStderr(Overview(commands));
    return Usage();
  }
  std::string name = words[0];
  std::vector<std::string> arguments(words.begin() + 1, words.end());
  if (name == "version" || name == "--version") {
    Print(VersionText());
    return static_cast<int>(ExitCode::kDone);
  }
  if (name == "help" || name == "--help" || name == "-h") {
    if (arguments.empty()) {
      Print(Overview(commands));
      return static_cast<int>(ExitCode::kDone);
    }
    name = arguments[0];
    arguments = {"--help"};
  }
  const Command* command = Find(commands, name);
  if (command != nullptr) return RunCommand(commands, *command, arguments);
  std::vector<std::string> names = {"help", "version"};
  for (const Command& known : commands) names.push_back(known.name);
  PrintToStderr("ppr: unknown command " + name + DidYouMean(name, names) + "\nppr help lists the commands\n");
  return Usage();
}

}  // namespace
}  // namespace ppr::cli

int main(int argc, char** argv) {
  // libtorch then asks for huge pages for large tensors: a random row of a table of 10 M rows costs a third
  // less. Read once by its allocator, so it has to be set first; a value of the user's wins.
  setenv("THP_MEM_ALLOC_ENABLE", "1", /*overwrite=*/0);
  try {
    return ppr::cli::RunMain(std::vector<std::string>(argv + 1, argv + argc));
  } catch (...) {
    const ppr::cli::Failure failure = ppr::cli::DescribeCurrentException();
    ppr::cli::PrintToStderr("ppr: " + failure.message + "\n");
    return static_cast<int>(failure.code);
  }
}

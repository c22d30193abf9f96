/** `completion`: a script that makes the shell complete commands, options and their values; made from the commands themselves. */
import { Argument, Command } from 'commander'
import { name } from '../version.ts'
import { toPlaces } from './completion/places.ts'
import { toBash, toFish, toZsh } from './completion/scripts.ts'
import { createTerminal, type ExitCode, type Terminal, toAction } from './terminal.ts'

const scripts = { bash: toBash, zsh: toZsh, fish: toFish } as const

/** @param load all the others */
export function createCompletionCommand(
  load: () => Promise<readonly Command[]>,
  terminal: Terminal = createTerminal(),
): Command {
  const command: Command = new Command('completion')
    .description('Print a script that makes your shell complete commands, options and their values.')
    .addArgument(new Argument('<shell>', 'which one').choices(Object.keys(scripts)))
    .addHelpText(
      'after',
      `
It completes the command "${name}", as npm install --global, npm link or an alias makes it.

Exit codes: 0 done, 2 wrong use.

Examples:
  source <(npx ${name} completion bash)     # in ~/.bashrc
  source <(npx ${name} completion zsh)      # in ~/.zshrc, after compinit
  npx ${name} completion fish > ~/.config/fish/completions/${name}.fish`,
    )
    .action(
      toAction(terminal, async (shell: keyof typeof scripts): Promise<ExitCode> => {
        terminal.out(scripts[shell](name, toPlaces([...(await load()), command])))
        return 0
      }),
    )
  return command
}

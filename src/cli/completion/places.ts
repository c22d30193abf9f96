/** What may stand where on the command line, read from the commands themselves. */
import { Command } from 'commander'
import { name } from '../../version.ts'

export type Word = { readonly word: string; readonly about: string }
/** What may stand after a path of commands, such as `dead-letters list`, or after one of its options. */
export type Place = {
  readonly path: string
  readonly words: readonly Word[]
  /** A file or a folder may stand there, too. */
  readonly hasFiles: boolean
}

/** Every place of the tree, the root first. */
export function toPlaces(commands: readonly Command[]): Place[] {
  const root = new Command(name).version('0')
  for (const one of commands) root.addCommand(one)
  return placesOf(root, '')
}

function placesOf(command: Command, path: string): Place[] {
  const help = command.createHelp()
  const subcommands = help.visibleCommands(command)
  const options = help.visibleOptions(command)
  const values = command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices)
  const below = (word: string) => (path === '' ? word : `${path} ${word}`)
  const here: Place = {
    path,
    words: [
      ...subcommands.map(one => ({ word: one.name(), about: one.description() })),
      ...values.map(word => ({ word, about: '' })),
      ...options.flatMap(({ long, description }) => (long ? [{ word: long, about: description }] : [])),
    ],
    hasFiles: command.registeredArguments.some(argument => /path|file/.test(argument.name())),
  }
  const after = options.flatMap(({ long, argChoices, required, optional, flags }): Place[] => {
    if (!long || !(required || optional)) return []
    const words = (argChoices ?? []).map(word => ({ word, about: '' }))
    return [{ path: below(long), words, hasFiles: /<(?:path|file|folder)/.test(flags) }]
  })
  const deeper = subcommands
    .filter(one => one.name() !== 'help')
    .flatMap(one => placesOf(one, below(one.name())))
  return [here, ...after, ...deeper]
}

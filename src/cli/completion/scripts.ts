/**
 * One table of places → a script for each shell. Each finds out where the cursor stands in the same way: the words that name
 * commands make the path, and the option just before the cursor, if it takes a value, is its end. Pure.
 */
import type { Place, Word } from './places.ts'

const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`
const toFunction = (name: string) => `_${name.replaceAll('-', '_')}`

const isOption = ({ path }: Place) => /(^| )--/.test(path)
/** The paths of commands, and those that end with an option that takes a value. */
const commandsOf = (places: readonly Place[]) =>
  places.filter(place => place.path !== '' && !isOption(place)).map(({ path }) => quote(path))
const optionsOf = (places: readonly Place[]) => places.filter(isOption).map(({ path }) => quote(path))

/** The same in both shells: `path` is where the cursor stands. */
function toWalk(places: readonly Place[], words: string, last: string): string {
  return `  local path='' word
  for word in ${words}; do
    case "\${path:+$path }$word" in
      ${commandsOf(places).join('|')}) path="\${path:+$path }$word" ;;
    esac
  done
  case "\${path:+$path }${last}" in
    ${optionsOf(places).join('|')}) path="\${path:+$path }${last}" ;;
  esac`
}

export function toBash(name: string, places: readonly Place[]): string {
  const cases = places.map(({ path, words, hasFiles }) => {
    const list = words.map(({ word }) => word).join(' ')
    return `    ${quote(path)}) words=${quote(list)}${hasFiles ? ' files=1' : ''} ;;`
  })
  return `# Completion of ${name} for bash: source it.
${toFunction(name)}() {
${toWalk(places, `"\${COMP_WORDS[@]:1:COMP_CWORD-1}"`, `\${COMP_WORDS[COMP_CWORD-1]}`)}
  local words='' files='' current="\${COMP_WORDS[COMP_CWORD]}"
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [ -n "$files" ]; then COMPREPLY+=($(compgen -f -- "$current")); fi
}
complete -o filenames -F ${toFunction(name)} ${name}`
}

export function toZsh(name: string, places: readonly Place[]): string {
  const entry = ({ word, about }: Word) =>
    quote(`${word.replaceAll(':', '\\:')}${about === '' ? '' : `:${about}`}`)
  const cases = places.map(({ path, words, hasFiles }) => {
    const list = words.map(entry).join(' ')
    return `    ${quote(path)}) entries=(${list})${hasFiles ? ' files=1' : ''} ;;`
  })
  return `#compdef ${name}
# Completion of ${name} for zsh: source it after compinit, or put it into a folder of fpath as _${name}.
${toFunction(name)}() {
${toWalk(places, `"\${(@)words[2,CURRENT-1]}"`, `\${words[CURRENT-1]}`)}
  local -a entries
  local files=''
  case "$path" in
${cases.join('\n')}
  esac
  _describe -o '${name}' entries
  if [[ -n "$files" ]]; then _files; fi
}
compdef ${toFunction(name)} ${name}`
}

export function toFish(name: string, places: readonly Place[]): string {
  const at = toFunction(`_${name}-at`)
  const lines = places.flatMap(({ path, words, hasFiles }) => {
    const head = `complete -c ${name} -n ${quote(`${at} "${path}"`)}`
    const files = hasFiles ? [`${head} -F`] : []
    return [
      ...words.map(({ word, about }) => `${head} -a ${quote(word)}${about ? ` -d ${quote(about)}` : ''}`),
      ...files,
    ]
  })
  return `# Completion of ${name} for fish: ~/.config/fish/completions/${name}.fish
function ${at}
  set -l path ''
  set -l given (commandline -opc)[2..-1]
  for word in $given
    switch (string trim -- "$path $word")
      case ${commandsOf(places).join(' ')}
        set path (string trim -- "$path $word")
    end
  end
  if set -q given[-1]
    switch (string trim -- "$path $given[-1]")
      case ${optionsOf(places).join(' ')}
        set path (string trim -- "$path $given[-1]")
    end
  end
  test "$path" = "$argv[1]"
end
complete -c ${name} -f
${lines.join('\n')}`
}

/** `completion`: each shell, where it is there, completes what the commands have. */
// @module-tag long
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { name } from '../../src/version.ts'
import { lacks } from '../deploy/tools.ts'

const main = join(import.meta.dirname, '../../src/cli/main.ts')
const work = mkdtempSync(join(tmpdir(), 'completion-'))
afterAll(() => rmSync(work, { recursive: true }))

const run = (...args: string[]) =>
  spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], { encoding: 'utf8' })

/** What may stand at the end of the line; only those of these. */
type Case = { readonly line: string; readonly has: readonly string[]; readonly lacks: readonly string[] }
const cases: readonly Case[] = [
  { line: '', has: ['status', 'tail', 'completion', 'dead-letters', '--help'], lacks: ['list', 'bash'] },
  { line: 'dead-letters ', has: ['list', 'retry', 'edit'], lacks: ['status', '--held'] },
  { line: 'dead-letters l', has: ['list'], lacks: ['retry'] },
  { line: 'dead-letters list --', has: ['--held', '--reason', '--state'], lacks: ['list'] },
  { line: 'dead-letters list --json --state ', has: ['rejected', 'refused'], lacks: ['--json', 'list'] },
  { line: 'dead-letters list --state rejected --j', has: ['--json'], lacks: ['rejected'] },
  { line: 'tail --state ', has: ['pending', 'skipped'], lacks: [] },
  { line: 'completion ', has: ['bash', 'zsh', 'fish'], lacks: ['status'] },
  { line: 'proxy sessions ', has: ['list'], lacks: ['sessions'] },
  { line: 'replay a-', has: ['a-file.ndjson'], lacks: [] },
]

type Complete = (script: string, line: string) => string
const shells: readonly (readonly [string, Complete])[] = [
  [
    'bash',
    (script, line) => {
      const words = ['twilio-segment-bridge', ...line.split(' ')]
      const list = words.map(word => `'${word}'`).join(' ')
      const code = `source ${script}; COMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _twilio_segment_bridge; printf '%s\\n' "\${COMPREPLY[@]}"`
      return execFileSync('bash', ['-c', code], { cwd: work, encoding: 'utf8' })
    },
  ],
  [
    'zsh',
    (script, line) => {
      const words = ['twilio-segment-bridge', ...line.split(' ')]
      const list = words.map(word => `'${word}'`).join(' ')
      // Its line editor needs a terminal: what the script hands to it is asked instead, and matched here as it does.
      const code = `compdef() { : }; _describe() { print -rl -- "\${(@)\${(@P)3}%%:*}" }; _files() { print -rl -- * }
source ${script}; words=(${list}); CURRENT=${words.length}; _twilio_segment_bridge`
      const all = execFileSync('zsh', ['-fc', code], { cwd: work, encoding: 'utf8' })
      return all
        .split('\n')
        .filter(word => word.startsWith(words.at(-1) ?? ''))
        .join('\n')
    },
  ],
  [
    'fish',
    (script, line) =>
      execFileSync('fish', ['-c', `source ${script}; complete -C 'twilio-segment-bridge ${line}'`], {
        cwd: work,
        env: { PATH: process.env.PATH, HOME: work },
        encoding: 'utf8',
      }).replaceAll(/\t.*$/gm, ''),
  ],
]

describe.each(shells)('%s', (shell, complete) => {
  const script = join(work, shell)
  writeFileSync(join(work, 'a-file.ndjson'), '')

  it.skipIf(lacks(shell, `apt-get install ${shell}`))(
    '[TA7] completes commands, options, their values and files',
    () => {
      const { status, stdout, stderr } = run('completion', shell)
      expect(status, stderr).toBe(0)
      writeFileSync(script, stdout)
      for (const { line, has, lacks } of cases) {
        // Options are offered where a word begins with a dash; fish and zsh wait for that.
        const given = complete(script, line).split('\n')
        for (const word of has.filter(
          word => shell === 'bash' || line.endsWith('-') || !word.startsWith('-'),
        ))
          expect(given, `${shell}: "${line}"`).toContain(word)
        for (const word of lacks) expect(given, `${shell}: "${line}"`).not.toContain(word)
      }
    },
  )
})

it('[TA7] another shell is wrong use; the script is data, and nothing else is printed', () => {
  expect(run('completion', 'tcsh').status).toBe(2)
  const { stdout, stderr } = run('completion', 'bash')
  expect(stderr).toBe('')
  expect(stdout.trimEnd().endsWith(name)).toBe(true)
})

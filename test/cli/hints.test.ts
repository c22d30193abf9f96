/** A hint is copied and run: it has to work as it stands, in a checkout and where the package is installed. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const src = join(import.meta.dirname, '../../src')
const groups = [
  'sink (?:create|status|test|delete)',
  'dead-letters (?:list|show|edit|retry|drop)',
  'destinations (?:list|pause|resume|deliver-now|confirm)',
  'proxy sessions (?:list|get|create|update|delete)',
]
/** A command of two words; or one of one word where it is quoted or run with an option. */
const named = `\\b(?:${groups.join('|')})\\b|["\`“](?:serve|status|tail|check|deliver-now)["\`”]|["\`“(](?:export|replay|send|resend) --`
const spelt = 'npx twilio-segment-bridge '
const hint = new RegExp(
  `(?<!${spelt})(?<!${spelt}["\`“])(?:${named})|(?<!npx )twilio-segment-bridge (?:${named})`,
  'g',
)

/** Lines of code: what a comment says is for the reader of the code. */
const linesOf = (file: string) =>
  readFileSync(join(src, file), 'utf8')
    .split('\n')
    .map(line => line.replace(/^\s*(?:\*|\/\*\*|\/\/).*/, '').replace(/\s\/\/ .*/, ''))

/** Names of commands, and not hints: what a setting is for, what a route prints, when something happens. */
const names = /Account SID, named|SID of an API key|What `status` prints|at the next "serve"/

it('[TA8] every hint spells a command as npx twilio-segment-bridge …', () => {
  expect('Run "sink create".').toMatch(hint)
  expect('“twilio-segment-bridge dead-letters edit”').toMatch(hint)
  expect('Run "npx twilio-segment-bridge sink create".').not.toMatch(hint)
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(file =>
    /\.(ts|js)$/.test(file),
  )
  const wrong = files.flatMap(file =>
    linesOf(file).flatMap((line, at) =>
      line.match(hint) && !names.test(line) ? [`${file}:${at + 1} ${line.trim()}`] : [],
    ),
  )
  expect(wrong).toEqual([])
})

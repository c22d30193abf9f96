/** One dead letter in $EDITOR, as often as it takes until it is good; then its copy goes the way of every event. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod'
import { isAttribute, isObject } from '../../event/event.ts'
import { validate } from '../../ingest/validate.ts'
import { deadLetterStates, reasons } from '../../reasons.ts'
import { check, type OutboxAccess } from '../outbox-access.ts'
import { CliError, type Terminal } from '../terminal.ts'
import { changeByKey } from './change.ts'
import { type Detail, findOne } from './find.ts'

/** An older bridge does not say why one is skipped. */
const Imported = z.object({ skippedReasons: z.record(z.string(), z.number()).default({}) })

export async function edit(access: OutboxAccess, key: string, terminal: Terminal): Promise<void> {
  const event = await findOne(access, key)
  if (!deadLetterStates.some(state => state === event.state) && event.reason !== 'held_back')
    throw new CliError(`${key} is ${event.state}, no dead letter`)
  if (event.unreadable !== undefined)
    throw new CliError(`The stored bytes of ${key} are damaged (${event.unreadable}): drop it`)
  if (event.received === null || event.received === undefined)
    throw new CliError(`The bytes of ${key} are pruned`)
  const corrected = await correct(event, terminal)
  const response = await access.request('/import', { method: 'POST', body: `[${corrected}]` })
  const { skippedReasons } = Imported.parse(await (await check(access, response)).json())
  const [reason] = Object.keys(skippedReasons)
  if (reason !== undefined)
    throw new CliError(
      `By the bridge's settings it would not be sent (${reason}), and ${key} stays as it is.`,
    )
  // Without an id it could not take the place of what it is a copy of.
  if (isKnown(event)) terminal.say(`${event.id} waits for delivery, corrected.`)
  else {
    await changeByKey(access, 'drop', [key])
    terminal.say(`The corrected event waits for delivery; ${key} is dropped.`)
  }
}

/** What is good now, as JSON text. Throws Stop when the person gives up. */
async function correct(event: Detail, terminal: Terminal): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'dead-letter-'))
  const file = join(folder, `${event.key}.json`)
  const before =
    typeof event.received === 'string' ? event.received : JSON.stringify(event.received, undefined, 2)
  writeFileSync(file, `${before}\n`, { mode: 0o600 })
  try {
    for (;;) {
      openEditor(file, terminal)
      const after = readFileSync(file, 'utf8').trim()
      if (after === before.trim()) throw new CliError('Nothing was changed, and nothing is done.')
      const faults = judge(after, event)
      // To the letter: writing it anew would round its numbers.
      if (faults.length === 0) return after
      for (const fault of faults) terminal.say(fault)
      const answer = terminal.isInteractive ? await terminal.ask('Edit it once more? [Y/n] ') : 'n'
      if (/^n/i.test(answer.trim())) throw new CliError('It is not good yet, and nothing is done.')
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function openEditor(file: string, terminal: Terminal): void {
  const { VISUAL, EDITOR } = terminal.environment()
  const editor = VISUAL || EDITOR || 'vi'
  const { status, error } = spawnSync('/bin/sh', ['-c', `${editor} "$1"`, 'sh', file], { stdio: 'inherit' })
  if (error || status !== 0)
    throw new CliError(`The editor (${editor}) ended with ${error?.message ?? status}, and nothing is done.`)
}

function judge(text: string, event: Detail): string[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return [`It is no JSON: ${error instanceof Error ? error.message : String(error)}`]
  }
  const { state, reason, faults } = validate(value)
  if (faults.length > 0)
    return faults.map(({ path, expected, received }) => `${path}: should be ${expected}, is ${received}`)
  // Whether it names a customer depends on the bridge's settings.
  const depends = reason === 'no_customer' || reason === 'customer_ambiguous'
  if (state !== 'pending' && !depends) return [reason ? reasons[reason].title : `It would be ${state}`]
  const isSame = isObject(value) && value.id === event.id && value.source === event.source
  if (isKnown(event) && !isSame) return [`id and source have to stay: "${event.id}" and "${event.source}"`]
  return []
}

function isKnown({ id, source }: Detail): boolean {
  return isAttribute(id) && isAttribute(source)
}
